"""What went wrong, on stderr: one message, one hint, no traceback, no secret; and the exit code."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import typer

from aiconsql.errors import AiconsqlError

from .common import ClickError

REFUSED, WRONG_USAGE, INTERRUPTED = 1, 2, 130
# A user and a password, up to the last @ of the word, as a password may hold any character.
_PASSWORD = re.compile(r"(\w://[^:/?#\s]*):\S*@")
_DIRECT_URL = re.compile(r"(direct_url=)[^&\s]+")


@dataclass(slots=True)
class Outcome:
    """How the command ended."""

    code: int = 0


@contextmanager
def told(arguments: Sequence[str] | None) -> Iterator[Outcome]:
    """Tell what the block raises and set the exit code. An error of aiconsql's own code keeps its traceback."""
    words = sys.argv[1:] if arguments is None else arguments
    outcome = Outcome()
    try:
        yield outcome
        sys.stdout.flush()
    except AiconsqlError as error:
        _tell(error, error.hint, words)
        outcome.code = REFUSED
    except ClickError as error:
        _tell(error, getattr(error, "hint", None) or _help_of(error), words)
        outcome.code = WRONG_USAGE
    except (KeyboardInterrupt, EOFError, typer.Abort):
        outcome.code = INTERRUPTED
    except (BrokenPipeError, SystemExit):  # typer makes a SystemExit of some broken pipes
        # Who read our output has enough. What is still buffered must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def masked(text: str) -> str:
    """`text` without the passwords of URLs in it."""
    return _DIRECT_URL.sub(r"\1…", _PASSWORD.sub(r"\1:…@", text))


def _tell(error: Exception, hint: str | None, words: Sequence[str]) -> None:
    message, hint = masked(_message(error)), masked(hint) if hint else None
    if _asked(words, "AICONSQL_JSON", "--json"):
        kind = type(error).__name__ if isinstance(error, AiconsqlError) else "Usage"
        sys.stderr.write(json.dumps({"error": kind, "message": message, "hint": hint}) + "\n")
        return
    sys.stderr.write(f"aiconsql: {message}\n" + (f"hint: {hint}\n" if hint else ""))
    if _asked(words, "AICONSQL_VERBOSE", "--verbose", "-v"):
        sys.stderr.writelines(f"  because: {masked(line)}\n" for line in _causes(error))


def _asked(words: Sequence[str], variable: str, *flags: str) -> bool:
    # Not from the parsed options: what is told may be that they cannot be parsed.
    before = words[: list(words).index("--")] if "--" in words else words
    by_variable = os.environ.get(variable, "").lower() in {"1", "true", "yes", "on", "t", "y"}
    return by_variable or any(flag in before for flag in flags)


def _message(error: Exception) -> str:
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    if isinstance(error, AiconsqlError):
        return text
    text = text.removeprefix("Invalid value: ").removesuffix(".")
    return text[:1].lower() + text[1:]


def _help_of(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context else 'aiconsql'} --help"


def _causes(error: BaseException) -> Iterator[str]:
    cause = error.__cause__
    while cause is not None:
        yield f"{type(cause).__name__}: {str(cause).strip()}"
        cause = cause.__cause__
