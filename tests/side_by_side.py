"""
A pytest plugin: every test that takes `db` runs twice at once, for two tenants of one database with the same ids.

    python -m pytest -p tests.side_by_side --side-by-side=postgresql tests

On the blocking face, each tenant in a thread of its own. `new_id` gives both the same ids in the same order. All tests
share one database: each has two tenants of its own.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any

import pytest

import aiconsql
from aiconsql.engine import ids
from aiconsql.testing import Server

TENANTS = ("acme", "beta")
OURS = {"db", "backend", "face", "url", "connect"}  # fixtures that this plugin gives
_mine = threading.local()
_original = ids.new_id
_stack = ExitStack()
_ran = 0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --side-by-side."""
    parser.addoption("--side-by-side", metavar="BACKEND", choices=["sqlite", "postgresql"], required=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of `db` on the blocking face of the chosen database."""
    backend = config.getoption("--side-by-side")
    kept = [item for item in items if isinstance(item, pytest.Function) and _is_fit(item, backend)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _is_fit(item: pytest.Function, backend: str) -> bool:
    parameters = getattr(item, "callspec", None)
    chosen = parameters.params if parameters else {}
    takes = set(item._fixtureinfo.argnames)
    return (
        "db" in takes
        and takes <= OURS | chosen.keys()
        and (chosen.get("backend"), chosen.get("face")) == (backend, "blocking")
    )


class Tenant:
    """What a test of one tenant is given; the tenants that the test names itself are of its own, too."""

    def __init__(self, url: str, name: str) -> None:
        self.url = f"{url}?tenant={name}"
        self.name = name
        self.opened = ExitStack()

    def connect(self, where: str | None = None, *, tenant: str | None = None, **options: Any) -> Any:
        """Open a database of this tenant."""
        named = f"{tenant}.{self.name}" if tenant else self.name
        return Own(self.opened.enter_context(aiconsql.connect(where or self.url, tenant=named, **options)), self.name)


class Own:
    """A database whose other tenants are of its own, too."""

    def __init__(self, db: Any, name: str) -> None:
        self._db, self._name = db, name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def for_tenant(self, tenant: str) -> Any:
        """The database for what this tenant calls `tenant`."""
        return self._db.for_tenant(f"{tenant}.{self._name}")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Make the one database."""
    if session.config.getoption("--side-by-side") == "sqlite":
        directory = _stack.enter_context(tempfile.TemporaryDirectory())
        session.config.stash[_URL] = f"sqlite:///{directory}/aicon.db"
        return
    server = _stack.enter_context(Server())
    name = server.create_database()
    aiconsql.initialize_database(server.url(name, role="owner"))
    session.config.stash[_URL] = server.url(name)


_URL = pytest.StashKey[str]()


def pytest_sessionfinish() -> None:
    """Close everything."""
    _stack.close()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Function) -> None:
    """Stand in for the fixtures."""
    item.funcargs.update(dict.fromkeys(OURS, None))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool:
    """Run the test for both tenants at once."""
    global _ran  # noqa: PLW0603 - one run of pytest
    _ran += 1
    start = threading.Barrier(len(TENANTS))
    failures: list[BaseException] = []

    def run(tenant: Tenant) -> None:
        _mine.count = count(1)
        try:
            with tenant.opened:
                arguments = _arguments(pyfuncitem, tenant)
                start.wait()
                pyfuncitem.obj(**arguments)
        except BaseException as error:  # noqa: BLE001 - raised below, in pytest's thread
            failures.append(error)
            start.abort()

    url = pyfuncitem.config.stash[_URL]
    threads = [threading.Thread(target=run, args=[Tenant(url, f"{name}{_ran}")]) for name in TENANTS]
    with _same_ids():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]
    return True


def _arguments(item: pytest.Function, tenant: Tenant) -> dict[str, Any]:
    backend = item.config.getoption("--side-by-side")
    ours = {
        "backend": backend,
        "face": "blocking",
        "url": tenant.url,
        "connect": tenant.connect,
        "db": tenant.connect(),
    }
    return {name: (ours if name in ours else item.funcargs)[name] for name in item._fixtureinfo.argnames}


def _next_id() -> str:
    numbers = getattr(_mine, "count", None)
    return f"00000000-0000-7000-8000-{next(numbers):012}" if numbers else _original()


@contextmanager
def _same_ids() -> Iterator[None]:
    loaded = [module for name, module in sys.modules.items() if name.startswith("aiconsql")]
    importers = [module for module in loaded if "new_id" in vars(module)]
    with pytest.MonkeyPatch.context() as patch:
        for module in importers:
            patch.setattr(module, "new_id", _next_id)
        yield


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many tests ran."""
    terminalreporter.write_line(f"side by side: {_ran} tests, each for {' and '.join(TENANTS)}")
