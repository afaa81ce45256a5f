"""Migrating both databases: what is applied, what is refused, and what a failure, a kill or a race leaves behind."""

from __future__ import annotations

import signal
import sqlite3
import time
from pathlib import Path

import psycopg
import pytest

from aiconsql.engine import migrations
from aiconsql.engine.dialect.migrate_sqlite import migrate_connection, sqlite_status
from aiconsql.engine.dialect.statements import split_postgresql, split_sqlite
from aiconsql.engine.dialect.url import parse_url
from aiconsql.engine.migration_files import Tracked, read_migrations
from aiconsql.errors import (
    AiconsqlError,
    MigrationEdited,
    MigrationFailed,
    Misuse,
    NotMigrated,
    SchemaError,
    SchemaTooNew,
)
from tests.engine.migrating import SHIPPED, columns, finish, run, same, start, tables, write

BOOKS = ["_yoyo_log", "_yoyo_migration", "_yoyo_version", "aiconsql_migrations"]


@pytest.fixture
def place(request, backend):
    """The owner's URL of an empty database."""
    return request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "pg_empty_owner_url"}[backend])


@pytest.fixture
def target(place):
    """Where it is."""
    return parse_url(place)


@pytest.fixture
def folder(tmp_path):
    """Where a test puts its migrations."""
    return tmp_path / "migrations"


def test_failing_migration_leaves_nothing(target, folder):
    """B57: a migration that fails at its last statement leaves no trace, and its corrected file applies."""
    write(folder, same({"0001.a": "CREATE TABLE a (id bigint);\nINSERT INTO a (id) VALUES (1);\nDROP TABLE nowhere;"}))
    with pytest.raises(MigrationFailed, match=r"0001\.a: apply failed at `DROP TABLE nowhere`") as caught:
        migrations.migrate(target, folders=[folder])
    left = tables(target)
    write(folder, same({"0001.a": "CREATE TABLE a (id bigint);"}))

    assert left == []
    assert migrations.migrate(target, folders=[folder]) == ["0001.a"]
    assert isinstance(caught.value.__cause__, sqlite3.Error | psycopg.Error)


def test_migrations_before_a_failing_one_stay(target, folder):
    """B57: what was applied before a failing migration stays, and is not applied again."""
    write(
        folder, {"0001.a": "CREATE TABLE a (id bigint);", "0002.b": "CREATE TABLE b (id bigint);\nDROP TABLE nowhere;"}
    )
    with pytest.raises(MigrationFailed):
        migrations.migrate(target, folders=[folder])
    write(folder, {"0002.b": "CREATE TABLE b (id bigint);"})

    assert migrations.migrate(target, folders=[folder]) == ["0002.b"]
    assert migrations.migrate(target, folders=[folder]) == []


UNMARKABLE = {
    "sqlite": "CREATE TRIGGER no BEFORE INSERT ON aiconsql_migrations BEGIN SELECT raise(ABORT, 'no'); END;",
    "postgresql": "ALTER TABLE aiconsql_migrations ADD CHECK (migration_id <> '0002.b');",
}


def test_migration_that_cannot_be_marked_leaves_nothing(target, folder):
    """B57: steps and mark are one transaction: without the mark there are no steps."""
    write(folder, {"0001.a": "CREATE TABLE a (id bigint);"})
    write(folder, same({"0002.b": f"CREATE TABLE b (id bigint);\n{UNMARKABLE[target.dialect]}"}))
    with pytest.raises(AiconsqlError):
        migrations.migrate(target, folders=[folder])

    assert tables(target) == sorted([*BOOKS, "a"])


def test_transaction_control_is_refused(target, folder):
    """A COMMIT inside a file would keep its first half: it is refused before anything runs."""
    write(folder, same({"0001.a": "CREATE TABLE a (id bigint);\n-- now\nCOMMIT;\nDROP TABLE nowhere;"}))
    with pytest.raises(SchemaError, match="COMMIT has no place"):
        migrations.migrate(target, folders=[folder])

    assert tables(target) == []


MIGRATE = """
import sys
from pathlib import Path
from aiconsql.engine import migrations
from aiconsql.engine.dialect.url import parse_url
print(*migrations.migrate(parse_url(sys.argv[1]), folders=[Path(sys.argv[2])]))
"""


def test_three_migrators_apply_each_file_once(place, target, folder):
    """B58: of three that start together each file is applied exactly once, and none fails."""
    files = {
        f"{at:04}.t{at}": f"CREATE TABLE t{at} (id bigint);\nINSERT INTO t{at} (id) VALUES (1);" for at in range(1, 9)
    }
    write(folder, same(files))
    programs = [start(MIGRATE, place, folder) for _ in range(3)]
    applied = [name for program in programs for name in finish(program).split()]

    assert sorted(applied) == sorted(files)
    assert run(target, "SELECT count(*) FROM t8") == [(1,)]


# SQLite hears no signal inside a statement, PostgreSQL's server no death of its client: both are in the second one.
SLOW = {
    "sqlite": "INSERT INTO a WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 300000000) "
    "SELECT count(*) FROM c;",
    "postgresql": "SELECT pg_sleep(60);",
}
SLOWLY = MIGRATE.replace(
    "=[Path(sys.argv[2])]", "=[Path(sys.argv[2])], progress=lambda *at: print('begun', flush=True)"
)


def test_killed_migrator_leaves_nothing_and_blocks_nobody(place, target, folder):
    """A migrator that is killed inside a migration leaves no trace, and the next one need not wait for a timeout."""
    write(folder, {"0001.a": f"CREATE TABLE a (id bigint);\n{SLOW['postgresql']}"})
    write(folder, {"0001.a.sqlite": f"CREATE TABLE a (id TEXT);\n{SLOW['sqlite']}"})
    program = start(SLOWLY, place, folder)
    assert program.stdout.readline() == "begun\n"
    time.sleep(0.7)
    program.send_signal(signal.SIGKILL)
    program.communicate()
    left = tables(target)
    write(folder, {"0001.a": "CREATE TABLE a (id bigint);", "0001.a.sqlite": "CREATE TABLE a (id INTEGER) STRICT;"})
    begin = time.monotonic()
    applied = migrations.migrate(target, folders=[folder])

    assert program.returncode == -signal.SIGKILL
    assert left == []
    assert applied == ["0001.a"]
    assert time.monotonic() - begin < 10


OPEN = """
import sys
from concurrent.futures import ThreadPoolExecutor
from aiconsql.engine import migrations
from aiconsql.engine.dialect.migrate_sqlite import sqlite_status
from aiconsql.engine.dialect.sqlite import open_connection
from aiconsql.engine.dialect.url import parse_url
target = parse_url(sys.argv[1])
def first(at):
    applied = migrations.bring_up_to_date(target)
    connection = open_connection(target.path, timeout_s=60, synchronous="normal", reads=False)
    migrations.judge(sqlite_status(connection), migrations.known("sqlite"))
    connection.close()
    return applied
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(25) as pool:
    print(*[name for applied in pool.map(first, range(25)) for name in applied])
"""


@pytest.mark.slow
def test_first_connections_of_eight_processes(sqlite_url):
    """B105: 200 first connections to a new file from 8 processes all succeed, and each migration ran once."""
    programs = [start(OPEN, sqlite_url) for _ in range(8)]
    ready = [program.stdout.readline() for program in programs]
    for program in programs:
        program.stdin.write("go\n")
        program.stdin.flush()
    applied = [name for program in programs for name in finish(program).split()]

    assert ready == ["ready\n"] * 8
    assert sorted(applied) == [one.id for one in read_migrations([SHIPPED])]
    assert run(parse_url(sqlite_url), "PRAGMA journal_mode") == [("wal",)]


SPLIT_POSTGRESQL = [
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $body$\nBEGIN\n  NEW.t := ';'; RETURN NEW; END $body$",
    "DO $a$ BEGIN EXECUTE $b$ SELECT ';' $b$; END $a$",
    "/* a; /* b; */ c; */ SELECT 1",
    "SELECT E'it\\'s; a', 'it''s; a', 'a\\', \"select\" FROM (SELECT 1 AS \"select\") AS \"x;y\"",
    'CREATE TABLE t (id int, declare int, -- it\'s; here\n begin_at int, "end" int)',
    "CREATE FUNCTION g() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END",
    "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM t WHERE false; DELETE FROM t WHERE false)",
    "SELECT a$b$ FROM (SELECT 1 AS a$b$) AS s",
    "SELECT '100%; %s %(x)s'",
]
SPLIT_SQLITE = [
    "CREATE TABLE t (id TEXT, \"a;b\" TEXT DEFAULT 'x;y', begin_at TEXT); -- it's; here",
    """CREATE TRIGGER r AFTER INSERT ON t WHEN CASE NEW.id WHEN ';' THEN 1 ELSE 1 END
BEGIN
  UPDATE t SET id = CASE WHEN id > ';' THEN 'a' ELSE 'b' END; -- then; so
  SELECT 1;
END;""",
    "/* a; b */ INSERT INTO t (id) VALUES ('%s; it''s');",
]


def test_statements_are_split_as_the_databases_read_them(target, folder):
    """B59: ';' in literals, comments, triggers, bodies and dollar quotes ends no statement."""
    write(
        folder, {"0001.a": ";\n".join(SPLIT_POSTGRESQL) + ";\n-- the end;\n", "0001.a.sqlite": "\n".join(SPLIT_SQLITE)}
    )
    migrations.migrate(target, folders=[folder])

    assert [one.split()[0] for one in SPLIT_POSTGRESQL] == [
        one.split()[0] for one in split_postgresql(";\n".join(SPLIT_POSTGRESQL) + ";\n-- the end;\n")
    ]
    assert len(split_sqlite("\n".join(SPLIT_SQLITE))) == 3
    assert "t" in tables(target)


@pytest.mark.parametrize("text", ["SELECT 'a;", "SELECT 1; /* a /* b */", 'SELECT "a', "DO $x$ BEGIN"])
def test_open_quotes_are_refused(text):
    """B59: a quote or a comment that nothing closes is named with its line."""
    with pytest.raises(SchemaError, match=r"line 1: a (quote|comment) that nothing closes"):
        split_postgresql(text)


def test_edited_file_is_an_error(target, folder):
    """B60: a file that was changed after it had been applied is named, and nothing more is applied."""
    write(folder, {"0001.a": "CREATE TABLE a (id bigint);"})
    migrations.migrate(target, folders=[folder])
    write(folder, {"0001.a": "CREATE TABLE a (id bigint, more bigint);", "0002.b": "CREATE TABLE b (id bigint);"})
    with pytest.raises(MigrationEdited, match=r"0001\.a\.sql: was changed"):
        migrations.migrate(target, folders=[folder])
    states = [row.state for row in migrations.status(target, folders=[folder])]

    assert states == ["edited", "pending"]
    assert tables(target) == sorted([*BOOKS, "a"])


def test_other_line_ends_are_no_edit(target, folder):
    """B60: a checkout with other line ends is the same file."""
    write(folder, {"0001.a": "CREATE TABLE a (\n  id bigint\n);\n"})
    migrations.migrate(target, folders=[folder])
    (folder / "0001.a.sql").write_bytes(b"CREATE TABLE a (\r\n  id bigint\r\n);\r\n")

    assert migrations.migrate(target, folders=[folder]) == []


def test_both_schemas_are_the_same(sqlite_url, pg_empty_owner_url):
    """B61: after migrating, both databases have the same tables with the same columns."""
    both = [parse_url(sqlite_url), parse_url(pg_empty_owner_url)]
    applied = [migrations.migrate(target) for target in both]

    assert applied[0] == applied[1] == [one.id for one in read_migrations([SHIPPED])]
    assert columns(both[0]) == columns(both[1])


def test_memory_is_migrated_by_its_connection(sqlite_url):
    """A database in memory is migrated through the connection that holds it, whose foreign keys stay on."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    applied = migrate_connection(connection)
    migrations.judge(sqlite_status(connection), migrations.known("sqlite"))

    assert applied == [one.id for one in read_migrations([SHIPPED])]
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    with pytest.raises(Misuse):
        migrations.migrate(parse_url("sqlite://"))
    connection.close()


REBUILD = """
CREATE TABLE new_aicons (tenant_id TEXT NOT NULL DEFAULT 'default', id TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 0, self_version INTEGER NOT NULL DEFAULT 0,
  name TEXT NOT NULL, aicon_type TEXT NOT NULL,
  mood TEXT NOT NULL DEFAULT 'calm', content BLOB, PRIMARY KEY (tenant_id, id)) STRICT;
INSERT INTO new_aicons (tenant_id, id, version, self_version, name, aicon_type, content)
  SELECT tenant_id, id, version, self_version, name, aicon_type, content FROM aicons;
DROP TABLE aicons;
ALTER TABLE new_aicons RENAME TO aicons;
"""


@pytest.fixture
def own(folder):
    """A folder of migrations that begins as the shipped one."""
    folder.mkdir()
    for path in SHIPPED.glob("*.sql"):
        (folder / path.name).write_text(path.read_text())
    return folder


ORPHAN = """
INSERT INTO aicon_updates (aicon_id, iteration, time, source, success)
  SELECT 'nobody', 1, created_at, '', 1 FROM aicons;
"""


def one_aicon(target):
    """Add a whole with two parts, by hand."""
    run(
        target,
        "INSERT INTO aicons (id, name, aicon_type) VALUES ('a', 'one', 'test')",
        "INSERT INTO factors (aicon_id, name, factor_type) VALUES ('a', 'f', 'discrete')",
        "INSERT INTO factors (aicon_id, name, factor_type) VALUES ('a', 'g', 'discrete')",
    )


def following(folder):
    """The number of the next migration."""
    return f"{len(read_migrations([folder])) + 1:04}"


def test_rebuilt_parent_keeps_its_children(sqlite_url, own):
    """A table that is built anew on SQLite keeps the rows that refer to it, and its history goes on."""
    target = parse_url(sqlite_url)
    migrations.migrate(target, folders=[own])
    one_aicon(target)
    number = following(own)
    write(
        own,
        {f"{number}.mood": 'ALTER TABLE aicons ADD COLUMN mood text COLLATE "C";', f"{number}.mood.sqlite": REBUILD},
    )
    connection = sqlite3.connect(target.path, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")  # as every connection of ours has them
    migrate_connection(connection, folders=[own])
    connection.close()
    run(target, "UPDATE aicons SET mood = 'wild'")

    assert run(target, "SELECT name FROM factors ORDER BY name") == [("f",), ("g",)]
    last = "SELECT op, json_extract(after, '$.mood') FROM history WHERE tbl = 'aicons' ORDER BY seq DESC LIMIT 1"
    assert run(target, last) == [("U", "wild")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("DELETE FROM aicons;", "factors lost 2 rows and the file does not name it"),
        (
            ORPHAN,
            "1 rows without their parent, as in aicon_updates of aicons",
        ),
    ],
)
def test_lost_rows_are_noticed(sqlite_url, own, text, reason):
    """A migration on SQLite that loses rows of a table it does not name, or their parents, is undone."""
    target = parse_url(sqlite_url)
    migrations.migrate(target, folders=[own])
    one_aicon(target)
    number = following(own)
    write(own, {f"{number}.gone": "SELECT 1;", f"{number}.gone.sqlite": text})
    with pytest.raises(MigrationFailed, match=reason):
        migrations.migrate(target, folders=[own])

    assert run(target, "SELECT (SELECT count(*) FROM aicons), (SELECT count(*) FROM factors)") == [(1, 2)]


def test_rollback_undoes_in_reverse(target, own):
    """A rollback undoes what came after `to`, newest first, and migrating again brings it back."""
    everything = [one.id for one in read_migrations([own])]
    migrations.migrate(target, folders=[own])
    one_aicon(target)
    undone = migrations.rollback(target, to="0002", folders=[own])
    left = tables(target)
    again = migrations.migrate(target, folders=[own])
    one_aicon(target)

    assert undone == list(reversed(everything[2:]))
    assert left == sorted([*BOOKS, "aiconsql_context", "history", "parts"])
    assert again == everything[2:]
    assert run(target, "SELECT count(*) FROM history WHERE tbl = 'factors'") == [(4,)]


def test_rollback_of_everything_leaves_only_the_books(target, own):
    """`to` 0000 undoes all; functions and triggers go with their tables."""
    migrations.migrate(target, folders=[own])
    migrations.rollback(target, to="0000", folders=[own])
    rest = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    }

    assert tables(target) == BOOKS
    assert run(target, rest[target.dialect]) == []
    assert migrations.status(target, folders=[own])[0].state == "pending"


def test_rollback_without_a_file_is_refused(target, folder):
    """A migration without a rollback file cannot be undone, and says so."""
    write(folder, {"0001.a": "CREATE TABLE a (id bigint);"})
    migrations.migrate(target, folders=[folder])
    with pytest.raises(SchemaError, match=r"0001\.a: cannot be rolled back"):
        migrations.rollback(target, to="0", folders=[folder])

    assert "a" in tables(target)


def test_bring_up_to_date_waits_for_no_writer(sqlite_url, folder):
    """What every connect asks for only reads when nothing is pending: another's open transaction does not stop it."""
    target = parse_url(f"{sqlite_url}?timeout_s=1")
    write(folder, {"0001.a": "CREATE TABLE a (id bigint);"})
    applied = migrations.bring_up_to_date(target, folders=[folder])
    writer = sqlite3.connect(target.path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    again = migrations.bring_up_to_date(target, folders=[folder])
    writer.close()

    assert (applied, again) == (["0001.a"], [])


def test_dry_run_changes_nothing(target, folder):
    """A dry run tells what would be applied and makes no table, on SQLite not even the file."""
    write(folder, {"0001.a": "CREATE TABLE a (id bigint);", "0002.b": "CREATE TABLE b (id bigint);"})
    told = migrations.migrate(target, dry_run=True, to="1", folders=[folder])
    made = target.path is not None and Path(target.path).exists()

    assert told == ["0001.a"]
    assert not made
    assert tables(target) == []


def test_to_stops_there(target, folder):
    """`to` is the last migration that is applied, by number or by id."""
    write(folder, {f"{at:04}.t{at}": f"CREATE TABLE t{at} (id bigint);" for at in (1, 2, 3)})

    assert migrations.migrate(target, to="1", folders=[folder]) == ["0001.t1"]
    assert migrations.migrate(target, to="0002.t2", folders=[folder]) == ["0002.t2"]
    with pytest.raises(SchemaError, match="0009: no migration"):
        migrations.migrate(target, to="0009", folders=[folder])


def test_dependencies_come_first(target, folder):
    """`-- depends:` moves a migration behind those that it names."""
    write(
        folder,
        {
            "0001.a": "-- depends: 0002.b\nALTER TABLE b ADD COLUMN more bigint;",
            "0002.b": "CREATE TABLE b (id bigint);",
        },
    )

    assert migrations.migrate(target, folders=[folder]) == ["0002.b", "0001.a"]


def test_newer_schema_is_refused_only_when_it_says_so(target, folder):
    """An unknown migration is fine unless its `oldest code` is newer than everything this program knows."""
    write(folder, {"0001.a": "CREATE TABLE a (id bigint);"})
    newer = write(
        folder.parent / "newer",
        {"0001.a": "CREATE TABLE a (id bigint);", "0002.b": "-- oldest code: 0001\nCREATE TABLE b (id bigint);"},
    )
    migrations.migrate(target, folders=[newer])
    accepted = migrations.migrate(target, folders=[folder])
    states = [row.state for row in migrations.status(target, folders=[folder])]
    write(newer, {"0003.c": "-- oldest code: 0003\nCREATE TABLE c (id bigint);"})
    migrations.migrate(target, folders=[newer])
    with pytest.raises(
        SchemaTooNew, match=r"0003\.c, which needs a program that knows migration 0003; this one knows 0001"
    ):
        migrations.migrate(target, folders=[folder])

    assert accepted == []
    assert states == ["applied", "unknown"]


def test_post_migrations_do_not_stop_a_program(folder):
    """A program runs without its `-- post` migrations and not without the others."""
    write(folder, {"0001.a": "CREATE TABLE a (id bigint);", "0002.b": "-- post\nDROP TABLE a;"})
    known = migrations.known("sqlite", [folder])
    migrations.judge([("0001.a", known.sha256["0001.a"], 0)], known)
    with pytest.raises(NotMigrated, match=r"lacks 0001\.a$") as caught:
        migrations.judge(None, known)

    assert caught.value.hint == "run: aiconsql migrate"


def test_checking_imports_no_migrator(sqlite_url):
    """The check that every connection makes loads neither yoyo nor sqlparse nor sqlglot."""
    migrations.migrate(parse_url(sqlite_url))
    program = """
import sqlite3, sys
from aiconsql.engine import migrations
from aiconsql.engine.dialect.migrate_sqlite import sqlite_status
migrations.judge(sqlite_status(sqlite3.connect(sys.argv[1])), migrations.known("sqlite"))
print(sorted({"yoyo", "sqlparse", "sqlglot"} & sys.modules.keys()))
"""

    assert finish(start(program, parse_url(sqlite_url).path)) == "[]\n"


def test_stdout_and_adapters_stay_clean(target, folder, capfd):
    """Rows that a migration returns are not printed, and sqlite3's adapters are those of before."""
    before = dict(sqlite3.adapters), dict(sqlite3.converters)
    write(folder, {"0001.a": "SELECT 42;", "0001.a.sqlite": "SELECT 42;\nPRAGMA user_version;"})
    migrations.migrate(target, folders=[folder])

    assert capfd.readouterr() == ("", "")
    assert (dict(sqlite3.adapters), dict(sqlite3.converters)) == before


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"0001.a": "", "0001.b": ""}, r"0001\.b\.sql: its number is that of 0001\.a\.sql"),
        ({"0001.a": "", "0003.c": ""}, r"0003\.c\.sql: there is a gap before it, 0002 is missing"),
        ({"0001.a.sqlite": ""}, r"0001\.a\.sqlite\.sql: stands alone, 0001\.a\.sql is missing"),
        ({"first": ""}, r"first\.sql: a migration is named NNNN\.words\.sql"),
        ({"0001.a": "-- A table.\n-- history: a owner=id"}, r"0001\.a\.sql:2: history is: table owner="),
        ({"0001.a": "-- history: a owner=id key=id keys=x"}, r"0001\.a\.sql:1: history is"),
        ({"0001.a": "-- history: a owner=id key=i;d"}, r"0001\.a\.sql:1: history is"),
        (
            {"0001.a": "-- histroy: a owner=id key=id"},
            r"0001\.a\.sql:1: unknown header line 'histroy', did you mean 'history'",
        ),
        ({"0001.a": "SELECT 1;\n-- history: a owner=id key=id"}, r"0001\.a\.sql:2: header lines stand above"),
        (
            {"0001.a": "", "0001.a.sqlite": "-- transactional: false"},
            r"0001\.a\.sqlite\.sql:1: header lines stand in 0001\.a\.sql",
        ),
        ({"0001.a": "-- application: a select, drop"}, r"0001\.a\.sql:1: application is"),
        ({"0001.a": "-- pre\n-- post"}, r"0001\.a\.sql:2: a second line for phase"),
        ({"0001.a": "-- oldest code: 1"}, r"0001\.a\.sql:1: oldest code is NNNN, not '1'"),
        ({"0001.a": "-- oldest code: 0002"}, r"0001\.a\.sql: oldest code 0002 is newer than the migration itself"),
        ({"0001.a": "-- depends: 0009.x"}, r"0001\.a\.sql: depends on 0009\.x, which no folder holds"),
    ],
)
def test_bad_files_are_named(folder, files, reason):
    """A bad name or header line is refused with its file and line."""
    write(folder, files)
    with pytest.raises(SchemaError, match=reason):
        read_migrations([folder])


def test_headers_are_read(folder):
    """Every header line says what it means."""
    header = """-- Words: these are none.
-- history: a owner=o key=k content=c self=s
-- history: b owner=o key=k part-of=a
-- application: a select, insert
-- oldest code: 0001
-- post
-- transactional: false
SELECT 1;
"""
    write(
        folder,
        {"0001.a": header},
    )
    found = read_migrations([folder])[0].header

    assert found.history == (Tracked("a", "o", "k", "c", "s"), Tracked("b", "o", "k", part_of="a"))
    assert dict(found.privileges) == {"a": ("select", "insert")}
    assert (found.oldest_code, found.phase, found.transactional) == (1, "post", False)


def test_hostile_schema_name(pg_empty_owner_url):
    """A schema's name is a name, whatever it holds: everything is made in it and nothing beside it."""
    name = "Agent-1\"; DROP TABLE x; --'"
    target = parse_url(pg_empty_owner_url)
    object.__setattr__(target, "schema", name)
    migrations.migrate(target)
    inside = run(target, "SELECT count(*) FROM pg_tables WHERE schemaname = 'Agent-1\"; DROP TABLE x; --'''")
    pinned = run(target, "SELECT DISTINCT proconfig[1] FROM pg_proc WHERE prosecdef AND proname LIKE '%history'")

    assert tables(target) == []
    assert inside[0][0] > 5
    assert pinned == [('search_path="Agent-1""; DROP TABLE x; --\'", pg_temp',)]
    assert [row.state for row in migrations.status(target)] == ["applied"] * len(read_migrations([SHIPPED]))


def test_index_concurrently(pg_empty_owner_url, folder):
    """`-- transactional: false` lets PostgreSQL build an index beside its writers, while others wait to migrate."""
    target = parse_url(pg_empty_owner_url)
    write(
        folder,
        {
            "0001.a": "CREATE TABLE a (id bigint);",
            "0002.i": "-- transactional: false\nCREATE INDEX CONCURRENTLY a_id ON a (id);",
        },
    )
    programs = [start(MIGRATE, pg_empty_owner_url, folder) for _ in range(3)]
    applied = [name for program in programs for name in finish(program).split()]

    assert sorted(applied) == ["0001.a", "0002.i"]
    assert run(target, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'a_id'::regclass") == [(True,)]


PRIVILEGES = """
SELECT string_agg(p, ' ')
  FROM unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) AS p
 WHERE has_table_privilege('%s', '%s', p)
"""


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("aicons", "SELECT INSERT UPDATE DELETE"),
        ("parts", "SELECT INSERT"),
        ("history", "SELECT"),
        ("aiconsql_migrations", "SELECT"),
        ("aiconsql_context", None),
        ("_yoyo_log", None),
    ],
)
def test_application_role_may_do_what_the_headers_say(postgres_server, pg_empty_owner_url, table, expected):
    """The application role gets each table's privileges, and on the books only what its check needs."""
    target = parse_url(pg_empty_owner_url)
    migrations.migrate(target)

    assert run(target, PRIVILEGES % (postgres_server.users["app"], table)) == [(expected,)]


def test_tables_of_others_are_left_alone(pg_empty_owner_url):
    """A table with a tenant_id that no migration names keeps its own rules."""
    target = parse_url(pg_empty_owner_url)
    run(target, "CREATE TABLE theirs (tenant_id text)")
    migrations.migrate(target)

    secured = run(
        target, "SELECT relname::text, relrowsecurity FROM pg_class WHERE relname IN ('theirs', 'aicons') ORDER BY 1"
    )
    assert secured == [("aicons", True), ("theirs", False)]


def test_unknown_application_role_is_refused(pg_empty_owner_url):
    """A role that is not there is named, and nothing is migrated."""
    target = parse_url(pg_empty_owner_url)
    with pytest.raises(SchemaError, match="role nobody_here: there is no such role"):
        migrations.migrate(target, app_role="nobody_here")

    assert tables(target) == []


def test_missing_triggers_are_written_again(target):
    """Migrating repairs what stands beside the tables, although no file is pending."""
    migrations.migrate(target)
    run(target, "DROP TRIGGER factors_history_update" + (" ON factors" if target.dialect == "postgresql" else ""))
    applied = migrations.migrate(target)
    one_aicon(target)
    run(target, "UPDATE factors SET parameters = '[1]' WHERE name = 'f'")

    assert applied == []
    assert run(target, "SELECT op FROM history WHERE tbl = 'factors' AND key = 'f' ORDER BY seq") == [("I",), ("U",)]
