"""Names that were read from a catalogue, and constants beside them, quoted into statements. Nothing else builds SQL."""

from __future__ import annotations

from aiconsql.errors import SchemaError


def quoted(name: str) -> str:
    """A name as an identifier, whatever characters it holds.

    Raises: SchemaError for an empty name and for one with a NUL character.
    """
    if not name or "\0" in name:
        raise SchemaError(f"{name!r} cannot be a name in a database")
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a string constant. On PostgreSQL standard_conforming_strings is on, as it is by default."""
    return "'" + text.replace("'", "''") + "'"
