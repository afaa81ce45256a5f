"""An AIcon edited by hand, in psql and in the sqlite3 shell without any preparation: what a client of it sees."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing

import pytest

from aiconsql import AIcon, Conflict, Corrupt, InvalidValue, NotFound
from aiconsql.engine.dialect.url import parse_url
from tests.aicon.sameness import assert_same_aicon

pytestmark = pytest.mark.parametrize("face", ["blocking"], indirect=True)

ACTOR = {"postgresql": "aiconsql_owner", "sqlite": "by hand"}


@pytest.fixture
def hand(request, backend, url):
    """Runs a script as a person would, in the real tool."""
    if backend == "postgresql":
        psql = shutil.which("psql", path=request.getfixturevalue("postgres_server").installation.bin) or shutil.which(
            "psql"
        )
        owner = request.getfixturevalue("pg_owner_url")
        return lambda script: _tool([psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", owner], script)
    path = str(parse_url(url).path)
    if shutil.which("sqlite3"):
        return lambda script: _tool(["sqlite3", "-bail", path], script)
    print("no sqlite3 shell on this machine: python's bare sqlite3 stands in")
    return lambda script: _bare(path, script)


def _tool(command, script):
    done = subprocess.run(command, input=script, capture_output=True, text=True, timeout=60, check=False)
    assert (0, "") == (done.returncode, done.stderr)


def _bare(path, script):
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


@pytest.fixture
def last(look, backend):
    """The newest entry of the history: table, key, version, operation; that it names the hand is asserted."""

    def newest():
        ((*entry, actor),) = look("SELECT tbl, key, version, op, actor FROM history ORDER BY seq DESC LIMIT 1")
        assert ACTOR[backend] == actor
        return tuple(entry)

    return newest


def conflict(db, aicon):
    """What a client that holds an old version is told."""
    with pytest.raises(Conflict) as told:
        db.aicons.save(aicon)
    return told.value.kind, told.value.key, told.value.have, told.value.expected


def test_a_factor_edited_by_hand(db, ada, hand, last):
    """It is in the history with who did it; the client with the old version gets Conflict, who loads sees it."""
    beside = db.aicons.load("ada")
    hand("""UPDATE factors SET current_belief = '{"value": 0.125}' WHERE aicon_id = 'ada' AND name = 'rate';""")
    assert ("factors", "rate", 2, "U") == last()

    ada.factors["rate"].value = 0.25
    assert ("factor", "rate", 2, 1) == conflict(db, ada)
    beside.factors["mood"].value = "tense"
    assert 3 == db.aicons.save(beside)
    assert 0.125 == db.aicons.load("ada").factors["rate"].value


def test_own_columns_edited_by_hand(db, ada, hand, last):
    """The AIcon's name and state."""
    hand("""UPDATE aicons SET name = 'Eve', state = '{"turn": 7}' WHERE id = 'ada';""")
    assert ("aicons", "ada", 2, "U") == last()

    ada.state["turn"] = 2
    assert ("aicon", "ada", 2, 1) == conflict(db, ada)
    loaded = db.aicons.load("ada")
    assert ("Eve", {"turn": 7}, 2) == (loaded.name, loaded.state, loaded.version)
    loaded.state["turn"] = 8
    assert 3 == db.aicons.save(loaded)


def test_a_factor_inserted_by_hand(db, ada, hand, last):
    """A client that adds a factor of the same name gets Conflict; the row has what the schema gives by itself."""
    hand("INSERT INTO factors (aicon_id, name, factor_type) VALUES ('ada', 'new', 'categorical');")
    assert ("factors", "new", 2, "I") == last()

    ada.add_factor_discrete("new", 1)
    assert ("factor", "new", 2, 0) == conflict(db, ada)
    loaded = db.aicons.load("ada")
    assert (2, None, {}) == (loaded.version, loaded.factors["new"].value, loaded.factors["new"].parameters)
    assert 2 == db.aicons.save(loaded)


def test_a_factor_deleted_by_hand(db, ada, hand, last):
    """A client that changed the factor gets Conflict; one that did not goes on without it."""
    hand("DELETE FROM factors WHERE aicon_id = 'ada' AND name = 'rate';")
    assert ("factors", "rate", 2, "D") == last()

    ada.factors["rate"].value = 0.25
    assert ("factor", "rate", None, 1) == conflict(db, ada)
    assert ["mood"] == list(db.aicons.load("ada").factors)


def test_an_aicon_inserted_by_hand(db, hand, last):
    """Loads, is saved, and is a conflict for who makes one with its id."""
    hand("INSERT INTO aicons (id, name, aicon_type) VALUES ('eve', 'Eve', 'base');")
    assert ("aicons", "eve", 1, "I") == last()

    assert ("aicon", "eve", 1, 0) == conflict(db, AIcon("Eve", id="eve"))
    loaded = db.aicons.load("eve")
    expected = AIcon("Eve", id="eve")
    expected.created_at = loaded.created_at
    assert_same_aicon(expected, loaded)
    loaded.state["turn"] = 1
    assert 2 == db.aicons.save(loaded)


def test_an_aicon_deleted_by_hand(db, ada, hand, look, last):
    """Its parts go with it into the history; holders get Conflict; its id goes on counting."""
    hand("DELETE FROM aicons WHERE id = 'ada';")
    last()

    assert [[]] * 4 == [look(f"SELECT * FROM {table}") for table in ("aicons", "factors", "sensors", "binary_data")]
    assert {
        ("aicons", "ada"),
        ("binary_data", "brain"),
        ("factors", "mood"),
        ("factors", "rate"),
        ("sensors", "cpu"),
    } == set(look("SELECT tbl, key FROM history WHERE op = 'D' AND version = 2"))
    with pytest.raises(NotFound):
        db.aicons.load("ada")
    ada.factors["rate"].value = 0.25
    assert ("aicon", "ada", None, 1) == conflict(db, ada)
    assert 3 == db.aicons.save(AIcon("Ada the second", id="ada"))


def test_a_belief_that_only_a_hand_writes(db, ada, hand):
    """Loading does not fail over a value that we would refuse; what cannot be read is told by its factor."""
    for version, (written, read) in enumerate({"1e300": 10**300, "-0.0": 0, "1E-5": 1e-05, "7": 7}.items(), 2):
        belief = f"""'{{"value": {written}}}'"""
        hand(f"UPDATE factors SET current_belief = {belief}, parameters = '{{}}' WHERE name = 'rate';")
        loaded = db.aicons.load("ada")
        assert (read, version) == (loaded.factors["rate"].value, loaded.version)
        assert version == db.aicons.save(loaded)
    hand("""UPDATE factors SET parameters = '{"upper_bound": 1}' WHERE name = 'rate';""")
    with pytest.raises(InvalidValue, match=r"^\$\.factors\.rate\.value: 7 is above 1$"):
        db.aicons.save(db.aicons.load("ada"))

    hand("UPDATE factors SET current_belief = '5' WHERE name = 'rate';")
    with pytest.raises(Corrupt, match=r"^factor rate: its belief is a int"):
        db.aicons.load("ada")


def test_other_binary_data_is_left_alone(db, ada, hand, look):
    """A row beside the brain that another program keeps there is neither loaded nor removed."""
    hand("INSERT INTO binary_data (aicon_id, name, format, manifest) VALUES ('ada', 'model', 'of another', '{}');")
    loaded = db.aicons.load("ada")
    loaded.brain = {}
    loaded.state["turn"] = 2
    db.aicons.save(loaded)

    assert [("model",)] == look("SELECT name FROM binary_data")


def test_bytes_changed_by_hand_are_corrupt(db, ada, hand):
    """A part whose bytes are not what was written is told, not taken for the brain."""
    ada.brain["weights"] = bytes(range(256)) * 40
    db.aicons.save(ada)
    hand("UPDATE parts SET bytes = (SELECT p.hash FROM parts AS p LIMIT 1), codec = 0;")

    with pytest.raises(Corrupt, match=r"^part "):
        db.aicons.load("ada")
