"""The two faces of a database: `Database` waits, `AsyncDatabase` awaits. One property per wing."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from .aicon.store import AIcons
from .engine import awaiting, blocking, migrations
from .engine.awaiting import AwaitingRunner
from .engine.blocking import BlockingRunner
from .engine.dialect import backends
from .engine.dialect.url import Target, parse_url
from .engine.operation import Awaiting, Blocking, Query
from .engine.queries import catalogue
from .engine.unit import Session
from .errors import Misuse, NotMigrated
from .settings import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
    from typing import Self

    from .engine.operation import Op, Row, Stream

T = TypeVar("T")


class Database(Blocking):
    """A database whose operations wait. Made by `connect`; safe for threads; a context manager that closes it."""

    def __init__(self, target: Target, runner: Any, settings: Settings, place: str = "") -> None:
        self._target, self._runner, self._settings, self.place = target, runner, settings, place

    @property
    def aicons(self) -> AIcons[Blocking]:
        """AIcons: agents that are kept whole."""
        return AIcons(self)

    def run(self, make: Callable[[], Op[T]], *, reads: bool = False) -> T:
        """Run an operation; the stores' methods do this."""
        value: T = self._runner.run(make, reads=reads)
        return value

    def iterate(self, make: Callable[[], Stream[T]]) -> Iterator[T]:
        """Run a stream; the stores' methods do this."""
        values: Iterator[T] = self._runner.iterate(make)
        return values

    @contextmanager
    def transaction(self) -> Generator[Database, None, None]:
        """Run several operations as one transaction: ``with db.transaction() as tx: tx.aicons.save(…)``.

        Everything is undone by an exception. The block is never retried; see `attempts`. The transaction belongs
        to this thread; on SQLite the database itself cannot be used inside the block.
        """
        with self._outside("transaction").transaction() as runner:
            yield Database(self._target, runner, self._settings, self.place)

    def attempts(self, function: Callable[[Database], T]) -> T:
        """Call ``function(tx)`` in a transaction, again when others' writes undo it, a few times."""

        def once() -> T:
            with self.transaction() as tx:
                return function(tx)

        return blocking.attempts(once)

    def for_tenant(self, tenant: str) -> Database:
        """The same connections, for another tenant."""
        runner = self._outside("for_tenant").for_tenant(_tenant(tenant))
        return Database(self._target, runner, self._settings, runner.session.place)

    def query(self, name: str, /, **params: object) -> Any:
        """Run one named query, such as ``db.query("aicons.find_by_name", name="Ada", after_id="", limit_n=10)``."""
        return self.run(lambda: _query(name, params))

    def migrate(self) -> list[str]:
        """Apply pending migrations; the ids that were applied. On PostgreSQL the URL's role must own the schema."""
        return backends.migrate(self._target, self._outside("migrate").pool, app_role=self._settings.app_role)

    def close(self) -> None:
        """Close the connections, those of `for_tenant` databases too."""
        self._outside("close").close()

    def _outside(self, name: str) -> BlockingRunner:
        if not isinstance(self._runner, BlockingRunner):
            raise Misuse(f"{name}: not inside a transaction")
        return self._runner

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Database {self._target}>"


class AsyncDatabase(Awaiting):
    """A database whose operations are coroutines. Made by `aconnect`; belongs to the event loop that made it."""

    def __init__(self, target: Target, runner: Any, settings: Settings, place: str = "") -> None:
        self._target, self._runner, self._settings, self.place = target, runner, settings, place

    @property
    def aicons(self) -> AIcons[Awaiting]:
        """AIcons: agents that are kept whole."""
        return AIcons(self)

    async def run(self, make: Callable[[], Op[T]], *, reads: bool = False) -> T:
        """Run an operation; the stores' methods do this."""
        value: T = await self._runner.run(make, reads=reads)
        return value

    def iterate(self, make: Callable[[], Stream[T]]) -> AsyncIterator[T]:
        """Run a stream; the stores' methods do this."""
        values: AsyncIterator[T] = self._runner.iterate(make)
        return values

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncDatabase, None]:
        """Run several operations as one transaction: ``async with adb.transaction() as tx: await tx.aicons.save(…)``.

        As `Database.transaction`; it belongs to the task that opened it.
        """
        async with self._outside("transaction").transaction() as runner:
            yield AsyncDatabase(self._target, runner, self._settings, self.place)

    def for_tenant(self, tenant: str) -> AsyncDatabase:
        """The same connections, for another tenant."""
        runner = self._outside("for_tenant").for_tenant(_tenant(tenant))
        return AsyncDatabase(self._target, runner, self._settings, runner.session.place)

    async def query(self, name: str, /, **params: object) -> Any:
        """Run one named query; see `Database.query`."""
        return await self.run(lambda: _query(name, params))

    async def attempts(self, function: Callable[[AsyncDatabase], Awaitable[T]]) -> T:
        """Await ``function(tx)`` in a transaction, again when others' writes undo it, a few times."""

        async def once() -> T:
            async with self.transaction() as tx:
                return await function(tx)

        return await awaiting.attempts(once)

    async def migrate(self) -> list[str]:
        """Apply pending migrations, as `Database.migrate`; a thread ends what it began even when this is cancelled."""
        runner = self._outside("migrate")
        runner.check_home()
        return await backends.amigrate(self._target, runner.pool, app_role=self._settings.app_role)

    async def close(self) -> None:
        """Close the connections, those of `for_tenant` databases too."""
        await self._outside("close").close()

    def _outside(self, name: str) -> AwaitingRunner:
        if not isinstance(self._runner, AwaitingRunner):
            raise Misuse(f"{name}: not inside a transaction")
        return self._runner

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<AsyncDatabase {self._target}>"


def connect(
    url: str | None = None,
    *,
    tenant: str | None = None,
    schema: str | None = None,
    migrate: bool | None = None,
    actor: str | None = None,
    reason: str | None = None,
) -> Database:
    """Open a database. The URL comes from AICONSQL_URL, else CIRIS_DB_URL, else it is ``sqlite:///~/.aicon/aicon.db``.

    SQLite migrates unless ``migrate=False``, PostgreSQL only with ``migrate=True``. `actor` and `reason` are
    written into the history.

    Raises:
        SettingsError: the URL or an option is wrong. Unavailable: it cannot be reached.
        NotMigrated, SchemaTooNew, MigrationEdited: schema and program do not fit. Corrupt: no SQLite database.
    """
    target, settings = _resolved(url, schema)
    pool = backends.blocking_pool(target, settings)
    runner = BlockingRunner(pool, _session(target, settings, tenant, actor, reason))
    db = Database(target, runner, settings)
    try:
        if migrate if migrate is not None else backends.migrates_by_itself(target):
            try:
                db.run(lambda: _check(target), reads=True)
            except NotMigrated:
                db.migrate()
        runner.session = replace(runner.session, database=db.run(lambda: _check(target), reads=True))
    except BaseException:
        db.close()
        raise
    return Database(target, runner, settings, runner.session.place)


class aconnect:  # noqa: N801 - used as a function
    """Open an async database: ``adb = await aconnect(url)`` or ``async with aconnect(url) as adb``. As `connect`."""

    def __init__(
        self,
        url: str | None = None,
        *,
        tenant: str | None = None,
        schema: str | None = None,
        migrate: bool | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> None:
        self._url, self._schema, self._migrate = url, schema, migrate
        self._names = (tenant, actor, reason)
        self._db: AsyncDatabase | None = None

    def __await__(self) -> Generator[Any, None, AsyncDatabase]:
        return self._open().__await__()

    async def __aenter__(self) -> AsyncDatabase:
        self._db = await self._open()
        return self._db

    async def __aexit__(self, *_: object) -> None:
        if self._db is not None:
            await self._db.close()

    async def _open(self) -> AsyncDatabase:
        target, settings = _resolved(self._url, self._schema)
        pool = backends.awaiting_pool(target, settings)
        runner = AwaitingRunner(pool, _session(target, settings, *self._names))
        db = AsyncDatabase(target, runner, settings)
        try:
            if self._migrate if self._migrate is not None else backends.migrates_by_itself(target):
                try:
                    await db.run(lambda: _check(target), reads=True)
                except NotMigrated:
                    await db.migrate()
            runner.session = replace(runner.session, database=await db.run(lambda: _check(target), reads=True))
        except BaseException:
            await db.close()
            raise
        return AsyncDatabase(target, runner, settings, runner.session.place)


def initialize_database(url: str | None = None, *, schema: str | None = None, app_role: str | None = None) -> list[str]:
    """Migrate a database; the ids of the migrations that were applied. On PostgreSQL with the owner's URL.

    `app_role` is the application's role, which gets its privileges; else AICONSQL_APP_ROLE, else aiconsql_app where
    there is one.
    """
    target, settings = _resolved(url, schema)
    return migrations.migrate(target, app_role=app_role or settings.app_role)


def _resolved(url: str | None, schema: str | None) -> tuple[Target, Settings]:
    settings = read_settings()
    target = parse_url(url if url is not None else settings.url)
    return replace(target, schema=schema or target.schema or settings.schema), settings


def _session(target: Target, settings: Settings, tenant: str | None, actor: str | None, reason: str | None) -> Session:
    name = tenant if tenant is not None else target.tenant or settings.tenant
    return Session(_tenant(name), actor or settings.actor, reason, target.schema)


def _tenant(name: object) -> str:
    if not isinstance(name, str) or not name or "\0" in name:
        raise Misuse(f"tenant: a {type(name).__name__} or empty text is no name")
    return name


def _check(target: Target) -> Op[str]:
    """Pass when the schema serves this program. The moment of its first migration, which tells databases apart."""
    try:
        rows: list[Row] = yield Query("migrations.find_applied", {}, last=True)
    except NotMigrated:
        raise NotMigrated(f"{target}: not migrated yet", hint="run: aiconsql migrate") from None
    migrations.judge([tuple(row.values()) for row in rows], migrations.known(target.dialect))
    return str(rows[0]["applied_at"])


def _query(name: str, params: dict[str, object]) -> Op[Any]:
    takes = catalogue()[name].params.keys()
    if params.keys() != takes:
        raise Misuse(f"{name}: takes {', '.join(takes) or 'no parameters'}; got {', '.join(params) or 'none'}")
    return (yield Query(name, params, last=True))
