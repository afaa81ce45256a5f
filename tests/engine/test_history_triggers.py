"""
The history that triggers write, for edits by hand and for writers that set versions themselves, on both databases.

A hand is psql, and the sqlite3 shell where there is one: nothing prepares their connections.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import subprocess
from contextlib import closing

import psycopg
import pytest

from aiconsql.engine import migrations
from aiconsql.engine.dialect.url import parse_url
from aiconsql.engine.migration_files import read_migrations
from aiconsql.errors import SchemaError
from tests.engine.migrating import SHIPPED, run, write

PARTS = {
    "factors": ("factor_type", "'discrete'"),
    "sensors": ("sensor_type", "'thermometer'"),
    "binary_data": ("format, manifest", "'npy', '{}'"),
}
CONTENT = {"aicons": "content", "factors": "samples", "sensors": "content", "binary_data": "data"}
HASH = hashlib.sha256(b"part").hexdigest()


@pytest.fixture
def place(request, backend):
    """The owner's URL of an empty database."""
    return request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "pg_empty_owner_url"}[backend])


@pytest.fixture
def target(place):
    """A migrated database."""
    found = parse_url(place)
    migrations.migrate(found)
    return found


@pytest.fixture
def hand(request, target):
    """Runs a script as a person would, and gives back what was complained about, or ""."""
    if target.dialect == "postgresql":
        psql = request.getfixturevalue("postgres_server").installation.bin / "psql"
        return lambda script: _complaint(
            [psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", request.getfixturevalue("place")], script
        )
    if shutil.which("sqlite3"):
        return lambda script: _complaint(["sqlite3", "-bail", target.path], script)
    return lambda script: _bare(target.path, script)


def _complaint(command, script):
    done = subprocess.run([*map(str, command)], input=script, capture_output=True, text=True, timeout=60, check=False)
    assert bool(done.returncode) == bool(done.stderr), done
    return done.stderr


def _bare(path, script):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        try:
            connection.executescript(script)
        except sqlite3.Error as error:
            return str(error)
    return ""


def add_aicon(key="a"):
    """The statement that adds a whole."""
    return f"INSERT INTO aicons (id, name, aicon_type) VALUES ('{key}', 'one', 'test');"


def add_part(table, key="p"):
    """The statement that adds a part of a."""
    names, values = PARTS[table]
    return f"INSERT INTO {table} (aicon_id, name, {names}) VALUES ('a', '{key}', {values});"


def blob(target, text=HASH):
    """Bytes as a constant."""
    return f"x'{text}'" if target.dialect == "sqlite" else f"'\\x{text}'"


def add_content(target):
    """The statement that adds the part with address HASH."""
    return f"INSERT INTO parts (hash, codec, bytes) VALUES ({blob(target)}, 0, {blob(target, '00')});"


def history(target):
    """Table, key, operation and version of each entry, in order."""
    return run(target, "SELECT tbl, key, op, version FROM history ORDER BY seq")


def last(target, column="after"):
    """A column of the newest entry."""
    found = run(target, f"SELECT {column} FROM history ORDER BY seq DESC LIMIT 1")[0][0]
    return json.loads(found) if isinstance(found, str) and column == "after" else found


def versions(target):
    """Of the only whole: its version, and that of its own columns."""
    return run(target, "SELECT version, self_version FROM aicons")[0]


def test_hand_edits_of_the_whole(target, hand):
    """An insert, an update and a delete by hand each move the version and leave one entry."""
    complaints = hand(f"{add_aicon()} UPDATE aicons SET name = 'two'; DELETE FROM aicons;")

    assert complaints == ""
    assert history(target) == [("aicons", "a", "I", 1), ("aicons", "a", "U", 2), ("aicons", "a", "D", 3)]


def test_hand_inserted_again(target, hand):
    """A row that is inserted again after its removal goes on with the next version."""
    hand(f"{add_aicon()} DELETE FROM aicons; {add_aicon()}")

    assert history(target)[-1] == ("aicons", "a", "I", 3)
    assert versions(target) == (3, 3)


@pytest.mark.parametrize("table", PARTS)
def test_hand_edits_of_a_part(target, hand, table):
    """An insert, an update and a delete of a part move the version of the whole, which the part takes."""
    complaints = hand(
        f"{add_aicon()} {add_part(table)} UPDATE {table} SET created_at = created_at; DELETE FROM {table};"
    )

    assert complaints == ""
    assert history(target)[1:] == [(table, "p", "I", 2), (table, "p", "U", 3), (table, "p", "D", 4)]
    assert versions(target) == (4, 1)


def test_hand_is_named(target, hand):
    """An entry says who wrote: the role of the session, or that nobody said."""
    hand(add_aicon())

    assert last(target, "actor") == ("by hand" if target.dialect == "sqlite" else target.conninfo["user"])


@pytest.mark.parametrize("table", PARTS)
@pytest.mark.parametrize("column", ["name", "aicon_id", "tenant_id"])
def test_key_change_of_a_part_is_refused(target, hand, table, column):
    """A key does not change: history would lose its thread."""
    hand(f"{add_aicon()} {add_aicon('b')} {add_part(table)}")
    complaint = hand(f"UPDATE {table} SET {column} = 'b';")

    assert f"{table}: a key does not change" in complaint
    assert len(history(target)) == 3


@pytest.mark.parametrize("column", ["id", "tenant_id"])
def test_key_change_of_the_whole_is_refused(target, hand, column):
    """A key does not change, of a whole neither."""
    hand(add_aicon())

    assert "aicons: a key does not change" in hand(f"UPDATE aicons SET {column} = 'b';")


@pytest.mark.parametrize("table", CONTENT)
@pytest.mark.parametrize("reference", [HASH, HASH[2:], HASH + HASH, "00"])
def test_missing_content_is_refused(target, hand, table, reference):
    """A reference to a part that is not there, or to no part at all, is refused; one that is there is kept."""
    hand(f"{add_aicon()} {'' if table == 'aicons' else add_part(table)}")
    complaint = hand(f"UPDATE {table} SET {CONTENT[table]} = {blob(target, reference)};")
    hand(add_content(target))
    accepted = hand(f"UPDATE {table} SET {CONTENT[table]} = {blob(target, HASH)};")

    assert f"{table}: a part of the content is missing" in complaint
    assert accepted == ""
    assert bytes(last(target, "content")).hex() == HASH


def test_removal_of_a_whole_takes_its_parts(target, hand):
    """Deleting a whole removes its parts and all else, also where foreign keys are off, at one version for all."""
    update = "INSERT INTO aicon_updates (aicon_id, iteration, time, source, success) SELECT id, 1, created_at, 'x', "
    everything = " ".join([add_aicon(), *map(add_part, PARTS), update, "1 = 1 FROM aicons;"])
    made = hand(everything)
    removed = hand("DELETE FROM aicons;")
    left = [run(target, f"SELECT count(*) FROM {table}")[0][0] for table in (*PARTS, "aicon_updates", "aicons")]

    assert (made, removed) == ("", "")
    assert left == [0, 0, 0, 0, 0]
    assert set(history(target)[4:]) == {(table, "p", "D", 5) for table in PARTS} | {("aicons", "a", "D", 5)}
    assert len(history(target)) == 8


def test_removal_after_a_touch_is_past_it(target, hand):
    """The entries of a removed whole are past its last version, although that version left no entry."""
    hand(f"{add_aicon()} {add_part('factors')} UPDATE aicons SET version = 9; DELETE FROM aicons;")

    assert set(history(target)[2:]) == {("factors", "p", "D", 10), ("aicons", "a", "D", 10)}


def test_orphan_is_refused(target, hand):
    """A part without its whole cannot be made, foreign keys or not."""
    assert hand(add_part("factors")) != ""
    assert history(target) == []


VALUES = {
    "text": ("'continuous'", "continuous"),
    "bigint": ("9007199254740993", 9007199254740993),
    "json": ("""'{"x": [0.1, 1e300, "é"], "y": null}'""", {"x": [0.1, 1e300, "é"], "y": None}),
    "jsonb": ("""'{"value": 0.1}'""", {"value": 0.1}),
    "timestamptz": ("'2020-01-02T03:04:05.678900+00:00'", "2020-01-02T03:04:05.678900+00:00"),
}
KEPT = [
    (one.table, column, kind)
    for migration in read_migrations([SHIPPED])
    for one in migration.header.history
    for column, kind in json.loads((SHIPPED.parent / "aiconsql/engine/dialect/map.json").read_text())["tables"][
        one.table
    ].items()
    if column not in {"tenant_id", "version", one.owner, one.key, one.content, one.self_version}
]


@pytest.mark.parametrize(("table", "column", "kind"), KEPT, ids=str)
def test_every_column_is_in_the_history(target, hand, table, column, kind):
    """A change of any column of any tracked table is found in the history, with its value."""
    written, expected = VALUES[kind]
    hand(f"{add_aicon()} {'' if table == 'aicons' else add_part(table)}")
    complaint = hand(f"UPDATE {table} SET {column} = {written};")

    assert complaint == ""
    assert (last(target, "tbl"), last(target, "op")) == (table, "U")
    assert last(target)[column] == expected


def test_entries_are_the_same_on_both(sqlite_url, pg_empty_owner_url):
    """For the same row both databases write the same JSON, whatever the settings of the session that writes."""
    at = "'2020-01-02T03:04:05.678900+00:00'"
    row = (
        "INSERT INTO aicons (id, name, aicon_type, capabilities, state, iterations, "
        "start_time, created_at, last_updated)"
        f""" VALUES ('a', 'é "x"', 't', '[1.5, true]', '{{"a": -0.5}}', 7, {at}, {at}, {at})"""
    )
    both = [parse_url(sqlite_url), parse_url(pg_empty_owner_url)]
    for one in both:
        migrations.migrate(one)
    run(both[0], row)
    run(both[1], "SET TimeZone = 'Asia/Kathmandu'", "SET DateStyle = 'German'", row)

    assert last(both[0]) == last(both[1])


def write_as_engine(target, *statements):
    """A unit of work of a writer that says who it is."""
    if target.dialect == "sqlite":
        begin = [
            "BEGIN IMMEDIATE",
            "INSERT INTO aiconsql_context (one, actor, reason, write_id) VALUES (1, 'me', 'why', 'w1')",
        ]
        end = ["DELETE FROM aiconsql_context", "COMMIT"]
    else:
        said = {"actor": "me", "reason": "why", "write_id": "w1"}
        begin = ["BEGIN", *(f"SELECT set_config('aiconsql.{name}', '{value}', true)" for name, value in said.items())]
        end = ["COMMIT"]
    run(target, *begin, *statements, *end)


BUMP = "UPDATE aicons SET version = version + 1"
TAKE = "version = (SELECT a.version FROM aicons AS a WHERE a.id = aicon_id)"
CREATE = (
    "INSERT INTO aicons (id, name, aicon_type, version, self_version) VALUES ('a', 'one', 'test', 1, 1)",
    """INSERT INTO factors (aicon_id, name, factor_type, version)
       VALUES ('a', 'f', 'discrete', 1), ('a', 'g', 'discrete', 1)""",
)


def test_writer_leaves_one_entry_per_changed_part(target):
    """A writer that sets versions leaves exactly one entry for each part that it changed, at the new version."""
    write_as_engine(target, *CREATE)
    write_as_engine(target, BUMP, f"UPDATE factors SET parameters = '[1]', {TAKE} WHERE name = 'f'")
    write_as_engine(target, f"{BUMP}, self_version = version + 1, name = 'two'")

    assert sorted(history(target)[:3]) == [("aicons", "a", "I", 1), ("factors", "f", "I", 1), ("factors", "g", "I", 1)]
    assert history(target)[3:] == [("factors", "f", "U", 2), ("aicons", "a", "U", 3)]
    assert run(target, "SELECT DISTINCT actor, reason, write_id FROM history") == [("me", "why", "w1")]


def test_touch_leaves_no_entry(target):
    """A version that moves for a part's sake is no change of the whole."""
    write_as_engine(target, *CREATE)
    write_as_engine(target, BUMP)

    assert len(history(target)) == 3
    assert versions(target) == (2, 1)


def test_marked_part_leaves_one_entry(target):
    """A part that its writer marks with the negative version and then deletes leaves one entry, at that version."""
    write_as_engine(target, *CREATE)
    mark = f"UPDATE factors SET {TAKE.replace('SELECT a', 'SELECT -a')} WHERE name = 'g'"
    write_as_engine(target, BUMP, mark, "DELETE FROM factors WHERE version < 0")

    assert history(target)[3:] == [("factors", "g", "D", 2)]
    assert versions(target) == (2, 1)


def test_marked_whole_leaves_one_entry_each(target):
    """A whole that its writer marks and deletes takes its parts with it, all at the version of the mark."""
    write_as_engine(target, *CREATE)
    write_as_engine(target, "UPDATE aicons SET version = -(version + 1)", "DELETE FROM aicons WHERE version < 0")

    assert sorted(history(target)[3:]) == [("aicons", "a", "D", 2), ("factors", "f", "D", 2), ("factors", "g", "D", 2)]


def test_removals_carry_no_row(target, hand):
    """The entry of a removal has neither row nor content: what was there is in the entry before."""
    hand(f"{add_aicon()} {add_content(target)} UPDATE aicons SET content = {blob(target)}; DELETE FROM aicons;")

    assert run(target, "SELECT after IS NULL, content IS NULL FROM history ORDER BY seq DESC LIMIT 1") == [(True, True)]


@pytest.fixture
def own(tmp_path):
    """A folder of migrations that begins as the shipped one."""
    folder = tmp_path / "own"
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("before", "after", "*.md"))
    return folder


def next_number(folder):
    """The number of the next migration."""
    return f"{len(read_migrations([folder])) + 1:04}"


@pytest.mark.parametrize(
    ("kind", "written", "expected"),
    [('text COLLATE "C"', "'wild'", "wild"), ("double precision", "0.1", 0.1), ("bigint", "42", 42)],
)
def test_added_column_is_in_the_history(place, own, kind, written, expected):
    """A column that a later migration adds is in the history, without anybody thinking of it."""
    target = parse_url(place)
    migrations.migrate(target, folders=[own])
    write(own, {f"{next_number(own)}.mood": f"ALTER TABLE factors ADD COLUMN mood {kind};"})
    migrations.migrate(target, folders=[own])
    run(target, add_aicon(), add_part("factors"), f"UPDATE factors SET mood = {written}")

    assert last(target)["mood"] == expected


FLOATS = [0.1 + 0.2, 1e16, 5e-324, 1.7976931348623157e308, -2.5e-7, 123456789.12345679]


def test_floats_survive(place, own):
    """A float in an entry is the float of the row, to the last bit, whatever the session's settings."""
    target = parse_url(place)
    write(own, {f"{next_number(own)}.mood": "ALTER TABLE factors ADD COLUMN mood double precision;"})
    migrations.migrate(target, folders=[own])
    careless = ["SET extra_float_digits = -15"] if target.dialect == "postgresql" else []
    run(
        target,
        *careless,
        add_aicon(),
        add_part("factors"),
        *(f"UPDATE factors SET mood = {value!r}" for value in FLOATS),
    )
    entries = run(target, "SELECT after FROM history WHERE op = 'U' ORDER BY seq")
    found = [json.loads(after) if isinstance(after, str) else after for (after,) in entries]

    assert [float(after["mood"]).hex() for after in found] == [value.hex() for value in FLOATS]


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        ("photo bytea", "column photo holds bytes and is not the declared content"),
        (", ".join(f"c{at} bigint" for at in range(51)), "51 columns, at most 50 can be kept"),
    ],
)
def test_what_cannot_be_kept_is_refused(place, own, definition, reason):
    """A tracked table whose rows cannot be written down is refused, and its migration leaves nothing."""
    target = parse_url(place)
    common = "tenant_id {0} NOT NULL, id {0} NOT NULL, version bigint NOT NULL DEFAULT 0"
    number = next_number(own)
    header = "-- history: things owner=id key=id\n"
    blobs = definition.replace("bytea", "BLOB")
    write(own, {f"{number}.things": f"{header}CREATE TABLE things ({common.format('text')}, {definition});"})
    write(
        own,
        {f"{number}.things.sqlite": f"CREATE TABLE things ({common.format('TEXT')}, {blobs});"},
    )
    with pytest.raises(SchemaError, match=f"history of things: {reason}"):
        migrations.migrate(target, folders=[own])

    assert [row.state for row in migrations.status(target, folders=[own])][-1] == "pending"


def test_application_cannot_write_history(postgres_server, pg_empty_owner_url):
    """The application role reads history and leaves entries by its changes, and can do nothing else to it."""
    target = parse_url(pg_empty_owner_url)
    migrations.migrate(target)
    application = parse_url(postgres_server.url(target.conninfo["dbname"]))
    run(application, add_aicon(), "UPDATE aicons SET name = 'two'")
    for attempt in (
        "DELETE FROM history",
        "UPDATE history SET actor = 'x'",
        "TRUNCATE history",
        "ALTER TABLE aicons DISABLE TRIGGER ALL",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(application, attempt)

    assert [op for _, _, op, _ in history(application)] == ["I", "U"]
    assert last(application, "actor") == postgres_server.users["app"]


def test_temporary_tables_do_not_stand_before_ours(postgres_server, pg_empty_owner_url):
    """A temporary table named history or parts changes nothing: the trigger functions look in our schema first."""
    target = parse_url(pg_empty_owner_url)
    migrations.migrate(target)
    application = parse_url(postgres_server.url(target.conninfo["dbname"]))
    shadows = ["CREATE TEMP TABLE history (LIKE public.history)", "CREATE TEMP TABLE parts (LIKE public.parts)"]
    run(application, *shadows, "SET search_path = pg_temp, public", add_aicon().replace("aicons", "public.aicons"))

    assert history(target) == [("aicons", "a", "I", 1)]


def test_tenants_do_not_see_each_other(postgres_server, pg_empty_owner_url):
    """B121: the application role sees and writes the rows of its own tenant, and history too is its own."""
    target = parse_url(pg_empty_owner_url)
    migrations.migrate(target)
    application = parse_url(postgres_server.url(target.conninfo["dbname"]))
    run(application, add_aicon())
    acme = "SELECT set_config('aiconsql.tenant', 'acme', false)"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(application, acme, "INSERT INTO aicons (tenant_id, id, name, aicon_type) VALUES ('default', 'b', '', '')")

    assert run(application, acme, "SELECT (SELECT count(*) FROM aicons) + (SELECT count(*) FROM history)") == [(0,)]
    assert run(application, "SELECT count(*) FROM aicons") == [(1,)]
