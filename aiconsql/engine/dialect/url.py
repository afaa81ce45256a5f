"""Database URLs: from text to a `Target` that shows no secret."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from aiconsql.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

Dialect = Literal["sqlite", "postgresql"]

_SCHEMES: dict[str, Dialect] = {"sqlite": "sqlite", "postgres": "postgresql", "postgresql": "postgresql"}
_OURS = {"tenant", "schema", "pool_max", "prepare", "direct_url", "timeout_s"}
_LIBPQ = {"sslmode", "sslrootcert", "sslcert", "sslkey", "host", "port", "target_session_attrs"}
_CHOICES = {
    "sslmode": ("prefer", "disable", "allow", "require", "verify-ca", "verify-full"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
}
_PARAMETERS = re.compile(r"\?(?=([a-z_]+)=)")
# Two letters at least: `C:\agents.db` is a path.
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):(//)?")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a database is and how to reach it.

    `path` is the absolute path of a SQLite file, None in memory. `conninfo` holds psycopg's keywords,
    the password among them; neither repr nor str shows it.
    """

    dialect: Dialect
    path: str | None = None
    conninfo: dict[str, Any] = field(default_factory=dict, repr=False)
    tenant: str | None = None
    schema: str | None = None
    pool_max: int = 4
    prepare: bool = True
    timeout_s: float = 10.0
    direct_url: str | None = field(default=None, repr=False)

    @property
    def direct(self) -> Target:
        """The target for what cannot go through a pooler: migrations and LISTEN."""
        if self.direct_url is None:
            return self
        return replace(parse_url(self.direct_url), schema=self.schema, tenant=self.tenant)

    def __str__(self) -> str:
        if self.dialect == "sqlite":
            return f"sqlite:///{self.path or ':memory:'}"
        info = self.conninfo
        user = f"{info['user']}@" if "user" in info else ""
        hosts = str(info.get("host", "")).split(",")
        ports = str(info.get("port", "")).split(",")
        places = ",".join(
            f"{host}:{port}" if port else host for host, port in zip(hosts, ports * len(hosts), strict=False)
        )
        return f"postgresql://{user}{places}/{info.get('dbname', '')}"


def parse_url(url: str) -> Target:
    """Read a database URL; a plain path is a SQLite file.

    Raises:
        SettingsError: unknown scheme or parameter, or a value that is no number. No password is shown.
    """
    match = _SCHEME.match(url)
    if match is None:
        return Target("sqlite", path=_path(url))
    scheme = match[1].lower()
    if scheme not in _SCHEMES or match[2] is None:
        known = ", ".join(f"{name}://" for name in sorted(_SCHEMES))
        raise SettingsError(
            f"{scheme}: unknown kind of database URL", hint=f"known are {known} and a path to a SQLite file"
        )
    rest = url[match.end() :]
    if _SCHEMES[scheme] == "sqlite":
        path, _, query = rest.partition("?")
        return _with_options(Target("sqlite", path=_path(unquote(path.removeprefix("/")))), query)
    return _postgresql(rest)


def _path(text: str) -> str | None:
    """An absolute path, or None for a database in memory."""
    if text in ("", ":memory:"):
        return None
    if "\0" in text:
        raise SettingsError("a path cannot hold a NUL character")
    try:
        return str(Path(text).expanduser().absolute())
    except RuntimeError as error:
        raise SettingsError("~: nobody knows where home is", hint="set HOME, or write the path out") from error


def _postgresql(rest: str) -> Target:
    # The last @ before the parameters ends the password, whatever characters it holds.
    parameters = next(filter(_begins_parameters, _PARAMETERS.finditer(rest)), None)
    query = rest[parameters.end() :] if parameters else ""
    rest = rest[: parameters.start()] if parameters else rest
    at = rest.rfind("@")
    user, colon, password = rest[: max(at, 0)].partition(":")
    place = rest[at + 1 :].removesuffix("?")
    hosts, _, database = place.partition("/")
    info: dict[str, Any] = _hosts(hosts)
    info |= {"user": unquote(user)} if user else {}
    info |= {"password": unquote(password)} if colon else {}
    info |= {"dbname": unquote(database)} if database else {}
    return _with_options(Target("postgresql", conninfo=info), query)


def _begins_parameters(match: re.Match[str]) -> bool:
    """Whether this ``?name=`` is not a piece of a password, which ends with the @ before the host."""
    return match[1] in _OURS | _LIBPQ or "@" in match.string[: match.start()] or "@" not in match.string[match.end() :]


def _hosts(text: str) -> dict[str, str]:
    """libpq's host and port lists; IPv6 addresses stand in brackets, a socket directory is percent-encoded."""
    if not text:
        return {}
    hosts, ports = [], []
    for place in text.split(","):
        match = re.fullmatch(r"(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?", place)
        if match is None:
            raise SettingsError(
                "a host in the database URL cannot be read",
                hint="write host:port, [IPv6]:port or %2Fsocket%2Fdirectory",
            )
        hosts.append(unquote(match[1] or match[2] or ""))
        ports.append(match[3] or "")
    found = {"host": ",".join(hosts)} if any(hosts) else {}
    return found | ({"port": ",".join(ports)} if any(ports) else {})


def _with_options(target: Target, query: str) -> Target:
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    options = {name: unquote(value) for name, _, value in pairs}  # a + is a +, unlike in a form
    known = _OURS | (_LIBPQ if target.dialect == "postgresql" else set())
    if unknown := sorted(options.keys() - known):
        raise SettingsError(
            f"{unknown[0]}: unknown parameter in the database URL", hint=f"known are {', '.join(sorted(known))}"
        )
    info = target.conninfo | {name: options[name] for name in options.keys() & _LIBPQ}
    _check_libpq(info)
    return replace(
        target,
        conninfo=info,
        tenant=options.get("tenant"),
        schema=options.get("schema"),
        direct_url=options.get("direct_url"),
        prepare=_switch("prepare", options.get("prepare", "on")),
        pool_max=int(_positive("pool_max", options.get("pool_max", "4"), int)),
        timeout_s=_positive("timeout_s", options.get("timeout_s", "10"), float),
    )


def _check_libpq(info: Mapping[str, str]) -> None:
    for name, choices in _CHOICES.items():
        if info.get(name, choices[0]) not in choices:
            raise SettingsError(f"{name}: one of {', '.join(choices)} expected")
    for port in filter(None, info.get("port", "").split(",")):
        if not (port.isdecimal() and 0 < int(port) < 2**16):
            raise SettingsError("port: a number from 1 to 65535 expected")


def _switch(name: str, text: str) -> bool:
    if text not in ("on", "off"):
        raise SettingsError(f"{name}: on or off expected")
    return text == "on"


def _positive(name: str, text: str, kind: type[int | float]) -> float:
    try:
        value = kind(text)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise SettingsError(f"{name}: a positive number expected")
    return value
