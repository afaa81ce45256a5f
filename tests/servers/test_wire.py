"""The wire counts what happened, however it was packed, and cuts where it is told."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from aiconsql.testing import Server
from tests.servers.wire import Wire

Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def database(postgres_server: Server) -> Iterator[str]:
    """A database with one empty table, which the application may write."""
    name = postgres_server.create_database()
    with postgres_server.connect(name, role="owner") as owner:
        owner.execute("CREATE TABLE word (word text)")
        owner.execute(f"GRANT SELECT, INSERT, DELETE ON word TO {postgres_server.users['app']}")
    yield name
    postgres_server.drop_database(name)


@pytest.fixture
def direct(postgres_server: Server, database: str) -> Iterator[Connection]:
    """A connection beside the wire; the table is empty again."""
    with postgres_server.connect(database, role="app") as connection:
        connection.execute("DELETE FROM word")
        yield connection


@pytest.fixture
def url(wire: Wire, postgres_server: Server, database: str) -> str:
    """Through the wire, as the application."""
    return wire.url(postgres_server.url(database))


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    """A connection through the wire."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None, connect_timeout=5) as connection:
        yield connection


def _words(direct: Connection) -> list[str]:
    return [word for (word,) in direct.execute("SELECT word FROM word")]


def test_one_statement_is_one_round_trip(wire: Wire, connection: Connection) -> None:
    """With parameters (Parse, Bind, …) and without (simple Query)."""
    for parameters in ([1], None):
        with wire.count() as n:
            connection.execute("SELECT %s::int" if parameters else "SELECT 1", parameters, prepare=False)

        assert 1 == n.round_trips, n


def test_two_statements_are_two_round_trips(wire: Wire, connection: Connection) -> None:
    """One after the other."""
    with wire.count() as n:
        connection.execute("SELECT 1")
        connection.execute("SELECT 2")

    assert 2 == n.round_trips, n


def test_a_pipeline_is_one_round_trip(wire: Wire, connection: Connection) -> None:
    """Three statements, one Sync."""
    with wire.count() as n, connection.pipeline():
        for value in range(3):
            connection.execute("SELECT %s::int", [value])

    assert 1 == n.round_trips, n
    assert 1 == n.messages.count("Sync"), n
    assert 3 == n.messages.count("Execute"), n


def test_fetching_inside_a_pipeline_is_a_second_round_trip(wire: Wire, connection: Connection) -> None:
    """The trap that the wire is there to find."""
    with wire.count() as n, connection.pipeline():
        connection.execute("SELECT 1").fetchone()
        connection.execute("SELECT 2")

    assert 2 == n.round_trips, n


def test_an_answer_in_many_packets_is_one_round_trip(wire: Wire, connection: Connection) -> None:
    """Ten megabytes come in hundreds of pieces."""
    with wire.count() as n:
        connection.execute("SELECT repeat('x', 1000) FROM generate_series(1, 10000)").fetchall()

    assert 1 == n.round_trips, n
    assert 10_000_000 < n.bytes_down < 10_200_000


def test_a_long_flight_that_is_answered_on_its_way_is_one_round_trip(wire: Wire, connection: Connection) -> None:
    """The server's answers to the first statements of a long pipeline arrive before its Sync is sent."""
    with wire.count() as n, connection.pipeline():
        for _ in range(200):
            connection.execute("SELECT %s::text", ["x" * 20_000])

    assert 1 == n.round_trips, str(n)
    assert 4_000_000 < n.bytes_up < 4_100_000
    assert 4_000_000 < n.bytes_down < 4_100_000


def test_copy_is_counted_by_its_flights(wire: Wire, connection: Connection, direct: Connection) -> None:
    """The statement, then the rows; and what follows is counted as ever."""
    with wire.count() as n, connection.cursor() as cursor, cursor.copy("COPY word FROM STDIN") as copy:
        for _ in range(1000):
            copy.write_row(["x" * 1000])
    with wire.count() as after:
        connection.execute("SELECT 1")

    assert 1000 == len(_words(direct))
    assert 2 == n.round_trips, str(n)
    assert 1 == after.round_trips, after


def test_a_statement_that_fails_is_one_round_trip(wire: Wire, connection: Connection) -> None:
    """And so is the next one."""
    with wire.count() as n, pytest.raises(psycopg.errors.DivisionByZero):
        connection.execute("SELECT 1 / 0")
    with wire.count() as after:
        connection.execute("SELECT 1")

    assert 1 == n.round_trips, n
    assert 1 == after.round_trips, after


def test_bytes_are_those_of_the_messages(wire: Wire, connection: Connection) -> None:
    """A simple query is a letter, a length, the text and a zero."""
    with wire.count() as n:
        connection.execute("SELECT 1")

    assert ["Query"] == n.messages
    assert 1 + 4 + len("SELECT 1") + 1 == n.bytes_up


def test_what_was_begun_before_is_not_counted(wire: Wire, connection: Connection, url: str) -> None:
    """A late answer belongs to the operation that asked for it, a connection that closes to none."""
    leaving = psycopg.connect(url)
    late = threading.Thread(target=connection.execute, args=["SELECT pg_sleep(0.2)"])
    late.start()
    time.sleep(0.1)
    with psycopg.connect(url, autocommit=True) as other, wire.count() as n:
        late.join()
        leaving.close()
        time.sleep(0.05)
        assert 0 == n.round_trips + n.bytes_up + n.bytes_down, n
        other.execute("SELECT 1")

    assert 1 == n.round_trips, n


def test_connections_are_counted(wire: Wire, url: str) -> None:
    """How many were opened, and how many are open."""
    with wire.count() as n, psycopg.connect(url), psycopg.connect(url):
        assert 2 == wire.connections

    assert 2 == n.connections
    assert n.messages.count("Startup") == 2


def test_a_delay_is_added_to_each_direction(wire: Wire, connection: Connection) -> None:
    """A round trip takes twice the delay, a pipeline no more than one statement."""
    wire.delay_s = 0.05
    begun = time.monotonic()
    with connection.pipeline():
        for _ in range(3):
            connection.execute("SELECT 1")

    assert 0.1 <= time.monotonic() - begun < 0.19


def test_a_delay_shows_which_flights_were_waited_for(wire: Wire, connection: Connection) -> None:
    """Two Syncs sent without waiting are one round trip."""
    wire.delay_s = 0.02
    libpq = connection.pgconn
    with wire.count() as n:
        libpq.enter_pipeline_mode()
        for _ in range(2):
            libpq.send_query_params(b"SELECT 1", None)
            libpq.pipeline_sync()
        answers = [_answer(libpq) for _ in range(6)]  # for each Sync a row, no more rows, the end
        libpq.exit_pipeline_mode()

    assert psycopg.pq.ExecStatus.PIPELINE_SYNC == (answers[-1] and answers[-1].status)
    assert 2 == n.messages.count("Sync"), n
    assert 1 == n.round_trips, n


def _answer(libpq: psycopg.pq.abc.PGconn) -> psycopg.pq.abc.PGresult | None:
    while libpq.is_busy():  # waiting inside libpq would stop the wire's thread
        select.select([libpq.socket], [], [], 5)
        libpq.consume_input()
    return libpq.get_result()


def test_a_cut_before_the_reply_leaves_the_write_done(wire: Wire, connection: Connection, direct: Connection) -> None:
    """The client cannot know: the connection dies, and the row is there when it does."""
    wire.cut_before_reply()

    with pytest.raises(psycopg.OperationalError):
        connection.execute("INSERT INTO word VALUES (%s)", ["done"])
    assert ["done"] == _words(direct)


def test_nothing_of_a_cut_reply_arrives(wire: Wire, connection: Connection) -> None:
    """Not even the first row of a long answer."""
    wire.cut_before_reply()
    rows: list[object] = []

    with pytest.raises(psycopg.OperationalError):
        rows.extend(connection.cursor().stream("SELECT repeat('x', 1000) FROM generate_series(1, 10000)"))
    assert [] == rows


def test_a_cut_before_the_sync_leaves_nothing_done(wire: Wire, connection: Connection, direct: Connection) -> None:
    """The client sees the same, and the row is not there."""
    wire.cut_before_reply(executed=False)

    with pytest.raises(psycopg.OperationalError):
        connection.execute("INSERT INTO word VALUES (%s)", ["done"])
    assert [] == _words(direct)


def test_a_cut_can_wait_for_a_later_sync(wire: Wire, connection: Connection, direct: Connection) -> None:
    """The first two statements are let through; a new connection is not cut."""
    wire.cut_before_reply(executed=False, after=2)
    connection.execute("INSERT INTO word VALUES ('one')")
    connection.execute("INSERT INTO word VALUES ('two')")

    with pytest.raises(psycopg.OperationalError):
        connection.execute("INSERT INTO word VALUES ('three')")
    assert ["one", "two"] == _words(direct)


def test_a_cut_after_bytes_is_in_the_middle_of_a_message(
    wire: Wire, connection: Connection, direct: Connection
) -> None:
    """The server gets so many bytes and does nothing with half a message."""
    wire.cut_after_bytes(500)

    with wire.count() as n, pytest.raises(psycopg.OperationalError):
        connection.execute("INSERT INTO word VALUES (%s)", ["x" * 1000])
    assert 0 == n.round_trips
    assert [] == _words(direct)


def test_a_cut_now_ends_idle_connections(wire: Wire, connection: Connection, url: str) -> None:
    """As a server's restart or a network's timeout does; new connections are welcome."""
    wire.cut()

    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    with psycopg.connect(url) as other:
        assert (1,) == other.execute("SELECT 1").fetchone()


def test_new_connections_are_refused(wire: Wire, connection: Connection, url: str) -> None:
    """Refused at once, while open ones live on, until the wire is healed."""
    wire.refuse()

    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(url, connect_timeout=5)
    assert (1,) == connection.execute("SELECT 1").fetchone()
    wire.heal()
    with psycopg.connect(url, connect_timeout=5) as other:
        assert (1,) == other.execute("SELECT 1").fetchone()


def test_a_blackhole_never_answers(wire: Wire, connection: Connection, url: str) -> None:
    """New connections wait, and open ones too; healing cuts what was swallowed."""
    wire.blackhole()
    waiting = threading.Thread(target=_fails, args=[connection])
    waiting.start()

    with pytest.raises(psycopg.OperationalError, match="timeout"):
        psycopg.connect(url, connect_timeout=2)
    assert waiting.is_alive()
    wire.heal()
    waiting.join(5)
    assert not waiting.is_alive()
    with psycopg.connect(url, connect_timeout=5) as other:
        assert (1,) == other.execute("SELECT 1").fetchone()


def _fails(connection: Connection) -> None:
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")


def test_a_server_that_is_away_ends_the_connection(url: str, postgres_server: Server) -> None:
    """The wire does not hide that nobody listens behind it."""
    with Wire(postgres_server.host, 1) as nowhere, pytest.raises(psycopg.OperationalError):
        psycopg.connect(nowhere.url(url), connect_timeout=5)


def test_a_url_keeps_all_but_the_place(wire: Wire) -> None:
    """Role, password, database and parameters are the same."""
    assert f"postgresql://a:b%40c@127.0.0.1:{wire.port}/d?sslmode=disable" == wire.url(
        "postgresql://a:b%40c@example.org/d?sslmode=disable"
    )
