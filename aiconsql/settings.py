"""What the environment says: read once, checked as a whole, frozen."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_URL = "sqlite:///~/.aicon/aicon.db"


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of a process; every field has an environment twin, named in `read_settings`."""

    url: str = field(default=DEFAULT_URL, repr=False)
    tenant: str = "default"
    schema: str | None = None
    actor: str = "aiconsql"
    app_role: str | None = None
    synchronous: str = "normal"


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from AICONSQL_URL (else CIRIS_DB_URL), AICONSQL_TENANT, _SCHEMA, _ACTOR, _APP_ROLE and _SYNCHRONOUS.

    AICONSQL_SYNCHRONOUS is SQLite's durability against power loss: normal or full.

    Raises:
        SettingsError: one message that names every variable that is wrong, without its value.
    """
    env = os.environ if environ is None else environ
    settings = Settings(
        url=env.get("AICONSQL_URL") or env.get("CIRIS_DB_URL") or DEFAULT_URL,
        tenant=env.get("AICONSQL_TENANT", "default"),
        schema=env.get("AICONSQL_SCHEMA") or None,
        actor=env.get("AICONSQL_ACTOR") or "aiconsql",
        app_role=env.get("AICONSQL_APP_ROLE") or None,
        synchronous=env.get("AICONSQL_SYNCHRONOUS", "normal").lower(),
    )
    problems = []
    if not settings.tenant:
        problems.append("AICONSQL_TENANT is empty")
    if settings.synchronous not in ("normal", "full"):
        problems.append("AICONSQL_SYNCHRONOUS must be normal or full")
    if problems:
        raise SettingsError("; ".join(problems))
    return settings
