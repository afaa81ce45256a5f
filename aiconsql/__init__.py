"""aiconsql remembers for AI agents, in SQLite or PostgreSQL: identity, beliefs, brain and more, through named SQL."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import (
    AiconsqlError,
    Conflict,
    Corrupt,
    InvalidValue,
    MigrationEdited,
    MigrationFailed,
    Misuse,
    NotFound,
    NotMigrated,
    OutcomeUnknown,
    Refused,
    SchemaError,
    SchemaTooNew,
    SettingsError,
    Unavailable,
    Untranslatable,
)

if TYPE_CHECKING:
    from .aicon.aicon import AIcon
    from .aicon.parts import Factor, RunStats, Sensor, Update
    from .aicon.store import AIconSummary
    from .database import AsyncDatabase, Database, aconnect, connect, initialize_database

__version__ = "0.1.0"

__all__ = [
    "AIcon",
    "AIconSummary",
    "AiconsqlError",
    "AsyncDatabase",
    "Conflict",
    "Corrupt",
    "Database",
    "Factor",
    "InvalidValue",
    "MigrationEdited",
    "MigrationFailed",
    "Misuse",
    "NotFound",
    "NotMigrated",
    "OutcomeUnknown",
    "Refused",
    "RunStats",
    "SchemaError",
    "SchemaTooNew",
    "Sensor",
    "SettingsError",
    "Unavailable",
    "Untranslatable",
    "Update",
    "__version__",
    "aconnect",
    "connect",
    "initialize_database",
]

# Importing aiconsql stays under 60 ms: drivers and numpy load when one of these is first used.
_LAZY = {
    "AIcon": ".aicon.aicon",
    "AIconSummary": ".aicon.store",
    "AsyncDatabase": ".database",
    "Database": ".database",
    "Factor": ".aicon.parts",
    "RunStats": ".aicon.parts",
    "Sensor": ".aicon.parts",
    "Update": ".aicon.parts",
    "aconnect": ".database",
    "connect": ".database",
    "initialize_database": ".database",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(globals().keys() | set(__all__))
