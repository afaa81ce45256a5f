"""`aiconsql roles`: the SQL that makes the two roles of a PostgreSQL database."""

from __future__ import annotations

from typing import Annotated

import typer

from aiconsql.engine.dialect.identifiers import quoted
from aiconsql.engine.dialect.session import filled, shipped

from .common import Usage, common
from .output import say_json

_DATABASE, _SCHEMA = "aiconsql", "public"


def roles(
    ctx: typer.Context,
    *,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL; nothing is run.")] = False,
    owner: Annotated[str, typer.Option(metavar="NAME", help="The role that migrates.")] = "aiconsql_owner",
    app: Annotated[str, typer.Option(metavar="NAME", help="The role of the application.")] = "aiconsql_app",
    database: Annotated[
        str | None, typer.Option(metavar="NAME", help="The database; else that of the URL, else aiconsql.")
    ] = None,
) -> None:
    """Print what an administrator of PostgreSQL must run once; it holds no secret.

    --schema names another schema than public.
    """
    if not sql:
        raise Usage("roles needs --sql", hint="aiconsql roles --sql prints what an administrator runs; nothing is run")
    shared = common(ctx)
    target = shared.target()
    script = role_script(
        owner=owner,
        app=app,
        database=database or target.conninfo.get("dbname") or _DATABASE,
        schema=target.schema or _SCHEMA,
    )
    if shared.as_json:
        say_json({"sql": script})
    else:
        typer.echo(script, nl=False)


def role_script(*, owner: str, app: str, database: str, schema: str) -> str:
    """The SQL for these names.

    Raises:
        Usage: a name with a line break, which would leave the comment it stands in.
    """
    names = {"owner": owner, "app": app, "database": database, "schema": schema}
    for option, name in names.items():
        if not name or not name.isprintable():
            raise Usage(f"--{option}: {name!r} cannot be a name here")
    markers = {name: quoted(value) for name, value in names.items()}
    return filled(shipped("roles/create", ""), markers | {"database_text": database, "app_text": app})
