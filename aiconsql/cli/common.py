"""What every command is given: the shared options, and the database they lead to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import typer

from aiconsql.database import Database, connect
from aiconsql.engine.dialect.url import Target, parse_url
from aiconsql.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

# typer brings its own click or uses the installed one, by its version.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]
ClickError: type[Exception] = typer.BadParameter.__mro__[2]


class Usage(typer.BadParameter):
    """The command was not used as it can be: exit code 2."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Common:
    """The shared options."""

    url: str | None = field(repr=False)
    tenant: str | None
    schema: str | None
    as_json: bool
    verbose: bool

    def target(self) -> Target:
        """Where the database is."""
        settings = read_settings()
        target = parse_url(self.url if self.url is not None else settings.url)
        return replace(target, schema=self.schema or target.schema or settings.schema)

    def connect(self, *, migrate: bool | None = None, reason: str | None = None) -> Database:
        """Open the database; see `aiconsql.connect`."""
        return connect(self.url, tenant=self.tenant, schema=self.schema, migrate=migrate, reason=reason)

    def source(self, environ: Mapping[str, str]) -> str:
        """Where the URL came from."""
        if self.url is not None:
            return "--url"
        return next((name for name in ("AICONSQL_URL", "CIRIS_DB_URL") if environ.get(name)), "the default")

    def environment(self) -> dict[str, str]:
        """The variables that lead a child process to the same database; arguments are for everybody to see."""
        given = {"AICONSQL_URL": self.url, "AICONSQL_TENANT": self.tenant, "AICONSQL_SCHEMA": self.schema}
        return {name: value for name, value in given.items() if value is not None}


def common(ctx: typer.Context) -> Common:
    """The shared options of a running command."""
    return cast("Common", ctx.find_root().obj)
