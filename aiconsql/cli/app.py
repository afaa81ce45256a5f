"""The commands put together, and the options that all of them share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer
import typer.core

from . import aicons, doctor, failures, migrate, output, query, roles
from .common import Common, Usage
from .demo.command import demo

_WITH_VALUE = ("--url", "--tenant", "--schema")
_FLAGS = ("--json", "--verbose", "-v")


class _Root(typer.core.TyperGroup):
    """Takes the shared options before and after the command."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        return super().parse_args(ctx, _shared_first(args))


def _shared_first(arguments: Iterable[str]) -> list[str]:
    """The same arguments with the shared options in front; what stands behind -- is left alone."""
    shared: list[str] = []
    others: list[str] = []
    rest = iter(arguments)
    for word in rest:
        if word == "--":
            others += [word, *rest]
        elif word in _WITH_VALUE:
            shared += [word, *[value for value in [next(rest, None)] if value is not None]]
        elif word in _FLAGS or word.startswith(tuple(f"{name}=" for name in _WITH_VALUE)):
            shared.append(word)
        else:
            others.append(word)
    return shared + others


app = typer.Typer(
    cls=_Root,
    help="Remembers for AI agents: their state in SQL, on SQLite and PostgreSQL.",
    epilog="The options above may stand before or after the command. Each option of a command can also be given as "
    "AICONSQL_<COMMAND>_<OPTION>. Exit code: 0 done, 1 refused, 2 wrong usage.",
    context_settings={"auto_envvar_prefix": "AICONSQL", "help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("migrate")(migrate.migrate)
app.command("roles")(roles.roles)
app.add_typer(aicons.app, name="aicon")
app.command("query")(query.query)
app.command("doctor")(doctor.doctor)
app.command("demo")(demo)


def _version(asked: bool) -> None:
    if asked:
        from aiconsql import __version__

        typer.echo(f"aiconsql {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    ctx: typer.Context,
    *,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The database: postgresql://user:password@host/name, sqlite:///path or a path. "
            "Else AICONSQL_URL, else CIRIS_DB_URL, else sqlite:///~/.aicon/aicon.db.",
            allow_from_autoenv=False,  # aiconsql.settings reads both names
        ),
    ] = None,
    tenant: Annotated[str | None, typer.Option(metavar="T", help="Whose rows.", envvar="AICONSQL_TENANT")] = None,
    schema: Annotated[
        str | None, typer.Option(metavar="S", help="The PostgreSQL schema.", envvar="AICONSQL_SCHEMA")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document instead of tables.", envvar="AICONSQL_JSON")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Errors with their causes.", envvar="AICONSQL_VERBOSE")
    ] = False,
    _show_version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_version, is_eager=True, allow_from_autoenv=False
        ),
    ] = False,
) -> None:
    ctx.obj = Common(url, tenant, schema, as_json, verbose)
    if url == "":
        raise Usage("--url is empty")
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
        raise typer.Exit(2)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    output.tolerate_any_encoding()
    with failures.told(arguments) as outcome:
        outcome.code = app(args=arguments, prog_name="aiconsql", standalone_mode=False) or 0
    return outcome.code
