"""SQLite for the tasks of an event loop: one hop to a thread per unit of work."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from aiconsql.engine import blocking

from .sqlite_files import READERS_MAX, LiteFile, inside, readers_busy, writers_busy
from .sqlite_waiting import Stop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aiconsql.engine.unit import Session, Step

    from .sqlite_units import LiteUnit

T = TypeVar("T")


class ThreadedFile:
    """A `LiteFile` for tasks. Writers queue in the event loop, so that waiting takes no thread and can be cancelled."""

    def __init__(self, file: LiteFile) -> None:
        self.file, self.system = file, file.system
        self._writing = asyncio.Lock()
        self._reading = asyncio.Semaphore(READERS_MAX)
        self._threads = ThreadPoolExecutor(READERS_MAX + 1, thread_name_prefix="aiconsql")
        self._owner: asyncio.Task[Any] | None = None  # the task whose explicit transaction is open

    async def drive(self, session: Session, run: Any, step: Step, *, reads: bool) -> Any:
        """Carry a whole unit out in one hop."""
        stop = Stop()

        def work() -> Any:
            with self.file.unit(session, reads=reads, stop=stop) as unit:
                return blocking.drive(unit, run, step, commit=True)

        async with self._turn(session, reads=reads):
            return await self.hop(work, stop)

    @asynccontextmanager
    async def transaction(self, session: Session) -> AsyncIterator[_ThreadedUnit]:
        """A unit that the calling task holds open; the database itself refuses it meanwhile."""
        async with self._turn(session, reads=False):
            context = self.file.unit(session, reads=False, stop=(stop := Stop()))
            unit = await self._entered(context, stop)
            self._owner = asyncio.current_task()
            try:
                yield _ThreadedUnit(self, unit, stop)
            finally:
                self._owner = None
                await self.hop(lambda: context.__exit__(None, None, None), Stop())

    async def _entered(self, context: AbstractContextManager[LiteUnit], stop: Stop) -> LiteUnit:
        found: list[LiteUnit] = []
        try:
            await self.hop(lambda: found.append(context.__enter__()), stop)
        except asyncio.CancelledError:
            if found:  # too late to stop it
                await self.hop(lambda: context.__exit__(None, None, None), Stop())
            raise
        return found[0]

    @asynccontextmanager
    async def _turn(self, session: Session, *, reads: bool) -> AsyncIterator[None]:
        if self._owner is not None and self._owner is asyncio.current_task():
            raise inside()
        self.file.check_usable()
        reads = reads and self.file.target.path is not None
        gate = self._reading if reads else self._writing
        try:
            async with asyncio.timeout(self.file.target.timeout_s if reads else session.lock_timeout_s):
                await gate.acquire()
        except TimeoutError as error:
            raise (readers_busy(self.file.target) if reads else writers_busy(self.file.target, session)) from error
        try:
            yield
        finally:
            gate.release()

    async def hop(self, work: Callable[[], T], stop: Stop) -> T:
        """Run `work` in a thread; a cancelled task tells it to stop and waits until it did."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            stop.raised = True
            while not future.done():
                try:
                    await asyncio.wait([future])
                except asyncio.CancelledError:
                    continue  # it is stopping already
            future.exception()  # seen: the cancellation is what the caller gets
            raise

    async def close(self) -> None:
        """Close the connections and end the threads."""
        self.file.close()
        self._threads.shutdown(wait=False)  # they end with what they are doing


class _ThreadedUnit:
    """A unit whose steps run in threads."""

    def __init__(self, file: ThreadedFile, unit: LiteUnit, stop: Stop) -> None:
        self.file, self._unit, self._stop = file, unit, stop
        self.fresh = True
        self.sound = True

    async def step(self, step: Step, *, last: bool) -> list[Any]:
        """Run the queries of a step and return their replies; with `last`, commit."""
        self._unit.fresh, self.fresh = self.fresh, False
        return await self.file.hop(lambda: self._unit.step(step, last=last), self._stop)

    async def rollback(self) -> None:
        """Undo what was not committed."""
        await self.file.hop(self._unit.rollback, Stop())
