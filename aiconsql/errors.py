"""
Every error that aiconsql raises, and what to do next.

    AiconsqlError
    ├── Conflict          someone wrote first; load again, then decide
    ├── NotFound          no such thing for this tenant; check the id
    ├── InvalidValue      the value cannot be stored; `where` names its place
    ├── Corrupt           stored bytes are not what was written; restore them
    ├── Unavailable       the database cannot be reached or is busy; retry later
    ├── OutcomeUnknown    the write may have happened; load, then decide
    ├── SettingsError     a URL, an option or an environment variable is wrong
    ├── SchemaError       the schema and this program do not fit together
    │   ├── NotMigrated       run `aiconsql migrate`
    │   ├── SchemaTooNew      upgrade aiconsql
    │   ├── MigrationEdited   an applied migration file was changed; restore it
    │   └── MigrationFailed   nothing of it was kept; correct the file, run again
    ├── Refused           the database refused the statement; the cause says why
    ├── Untranslatable    SQL that no rule carries to the other database
    └── Misuse            aiconsql was used in a way that cannot work

Driver errors never leak: they are the `__cause__`. No message holds a secret.
"""

from __future__ import annotations


class AiconsqlError(Exception):
    """Base class: catch this to catch everything aiconsql raises.

    `hint` is a sentence on what to do, or None; the command line prints it below the message.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Conflict(AiconsqlError):
    """Someone wrote first: load again, then decide.

    `kind` and `key` name the row ("factor", "mood"); `have` is the version in the database (None when
    the row is gone), `expected` the one that was loaded (0 when the row was believed to be new).
    """

    def __init__(
        self, message: str, *, kind: str, key: str, have: int | None, expected: int | None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint or "load again, then decide")
        self.kind, self.key, self.have, self.expected = kind, key, have, expected


class NotFound(AiconsqlError):
    """There is no such thing for this tenant."""


class InvalidValue(AiconsqlError):
    """The value cannot be stored; `where` is its path, such as ``$.brain.utility.callback``."""

    def __init__(self, message: str, *, where: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.where = where


class Corrupt(AiconsqlError):
    """Stored bytes are not what was written."""


class Unavailable(AiconsqlError):
    """The database cannot be reached or is busy; nothing was written."""


class OutcomeUnknown(AiconsqlError):
    """The connection was lost after a write was sent: it may have happened. Load, then decide."""


class SettingsError(AiconsqlError):
    """A URL, an option or an environment variable is wrong."""


class SchemaError(AiconsqlError):
    """The schema in the database and this program do not fit together."""


class NotMigrated(SchemaError):
    """The schema lacks migrations that this program needs."""


class SchemaTooNew(SchemaError):
    """The schema needs a newer aiconsql than this one."""


class MigrationEdited(SchemaError):
    """A migration file was changed after it had been applied."""


class MigrationFailed(SchemaError):
    """A migration failed; nothing of it was kept."""


class Refused(AiconsqlError):
    """The database refused the statement: a constraint, a privilege, a value out of range."""


class Untranslatable(AiconsqlError):
    """SQL that no rule carries to the other database; names file, query, line and construct."""

    def __init__(
        self, message: str, *, file: str, query: str, line: int, construct: str, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.file, self.query, self.line, self.construct = file, query, line, construct


class Misuse(AiconsqlError):
    """aiconsql was used in a way that cannot work; the message says what to do instead."""
