"""The tool that says which promise is proved, on a tree of three files."""

from __future__ import annotations

import textwrap

import pytest

from tests.behaviours import breaks as breaks_module
from tests.behaviours.__main__ import main
from tests.behaviours.breaks import read_breaks
from tests.behaviours.promises import find_citations, read_promises

TREE = {
    "aiconsql/__init__.py": '''
        def double(number):
            """Twice the number."""
            return number * 2
    ''',
    "tests/test_double.py": '''
        import pytest
        from aiconsql import double

        @pytest.fixture
        def one():
            return double(1) // 2

        def test_doubles():
            """B1: a number is doubled."""
            assert double(2) == 4

        class TestZero:
            def test_stays(self):
                """B1, B2: zero stays zero."""
                assert double(0) == 0

        def test_fixture(one):
            """B3: what a fixture made is one."""
            assert one == 1

        def test_nothing():
            """Speaks of B4: but does not begin with it."""
    ''',
    "tests/behaviours/promises.md": """
        # Promises
        - B1 Numbers are doubled.
        - B2 Zero stays.
        - B3 One is one.
        - B4 Nothing.
    """,
}
PATCH = """
    # {what}
    --- a/aiconsql/__init__.py
    +++ b/aiconsql/__init__.py
    @@ -1,3 +1,3 @@
     def double(number):
         {context}
    -    return number * 2
    +    {line}
"""


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A repository of three files, whose tests need no plugin."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name, text in TREE.items():
        _write(tmp_path / name, text)
    return tmp_path


@pytest.fixture
def keep(tree):
    """Keep a break of the one function under a name."""

    def keep(name, line, *, what="something else is returned", context='"""Twice the number."""'):
        _write(tree / f"tests/behaviours/breaks/{name}.patch", PATCH.format(what=what, line=line, context=context))

    return keep


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip())


def test_promises_are_read(tree):
    """Each line that begins with a number is a promise."""
    promises = read_promises(tree / "tests/behaviours/promises.md")

    assert {"B1": "Numbers are doubled.", "B2": "Zero stays.", "B3": "One is one.", "B4": "Nothing."} == promises


def test_citations_are_found(tree):
    """A docstring that begins with numbers cites each of them, in functions and in classes."""
    cited = find_citations(tree)

    assert {
        "B1": ["tests/test_double.py::test_doubles", "tests/test_double.py::TestZero::test_stays"],
        "B2": ["tests/test_double.py::TestZero::test_stays"],
        "B3": ["tests/test_double.py::test_fixture"],
    } == cited


def test_table_names_tests_and_gaps(tree, capsys):
    """The table gives each promise its tests and counts what has none."""
    status = main([], root=tree)
    printed = capsys.readouterr().out

    assert 0 == status
    assert "tests/test_double.py::TestZero::test_stays" in printed
    assert "none yet" in printed
    assert "4 promises, 3 with a test, 0 with a break" in printed


def test_unknown_number_is_refused(tree, capsys):
    """A test that cites what nobody promised is named."""
    _write(tree / "tests/test_more.py", 'def test_more():\n    """B9: more."""\n')

    assert 1 == main([], root=tree)
    assert "B9, which nobody promised: tests/test_more.py::test_more" in capsys.readouterr().out


def test_noticed_break_passes(tree, keep, capsys):
    """A break is proved when a test of its number fails on the copy, and the tree stays as it is."""
    keep("B1-2", "return number * 3")

    assert 0 == main(["--break"], root=tree)
    assert "tests.test_double::test_doubles" in (printed := capsys.readouterr().out)
    assert "1 breaks, 1 noticed" in printed
    assert "number * 2" in (tree / "aiconsql/__init__.py").read_text()


@pytest.mark.parametrize(
    ("name", "line", "context", "reason"),
    [
        ("B2", "return number * 3", '"""Twice the number."""', "none of 1 tests notices"),
        ("B1", "return number * 3", '"""Another docstring."""', "does not apply"),
        ("B1", "return number *", '"""Twice the number."""', "the tests do not run"),
        ("B3", "raise ValueError", '"""Twice the number."""', "a fixture fails, not a test"),
        ("B4", "return number * 3", '"""Twice the number."""', "no test names B4"),
    ],
)
def test_unproved_break_fails(tree, keep, capsys, name, line, context, reason):
    """A break that no test notices, or that proves nothing, is told with the reason."""
    keep(name, line, context=context)

    assert 1 == main(["--break"], root=tree)
    assert reason in " ".join(capsys.readouterr().out.split())


def test_only_the_product_is_broken(tree, capsys):
    """A patch of anything but aiconsql/, sql/ and migrations/ is refused."""
    patch = "--- a/tests/test_double.py\n+++ b/tests/test_double.py\n@@ -1 +1 @@\n-import pytest\n+import sys\n"
    _write(tree / "tests/behaviours/breaks/B1.patch", patch)

    assert 1 == main(["--break"], root=tree)
    assert "it patches tests/test_double.py" in capsys.readouterr().out


def test_failing_tree_is_not_broken_further(tree, keep, capsys):
    """Tests that fail before anything is broken would notice anything."""
    keep("B1", "return number * 3")
    _write(tree / "aiconsql/__init__.py", "def double(number):\n    return 7\n")

    assert 1 == main(["--break"], root=tree)
    assert "before anything is broken, tests.test_double.TestZero::test_stays fails" in capsys.readouterr().out


def test_asked_break_must_be_kept(tree, capsys):
    """Asking for a number without a break is refused."""
    assert 1 == main(["--break", "B2"], root=tree)
    assert "none is kept for B2" in capsys.readouterr().out


def test_break_tells_what_it_does(tree, keep):
    """The number comes from the name, what it does from the first comment."""
    keep("B1-2", "return 0", what="generate\n# everything is nothing")

    (each,) = read_breaks(tree / "tests/behaviours/breaks")

    assert ("B1", "everything is nothing", True) == (each.number, each.what, each.generates)


def test_hanging_break_ends(tree, keep, capsys, monkeypatch):
    """A break whose tests hang is stopped and told."""
    monkeypatch.setattr(breaks_module, "TIMEOUT_S", 3)
    keep("B1", "import time; time.sleep(60)")

    assert 1 == main(["--break"], root=tree)
    assert "the tests hang" in capsys.readouterr().out
