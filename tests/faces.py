"""The asynchronous face with blocking calls, so that one test body runs on both faces."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, Self

_END = object()
_Inbox = asyncio.Queue[tuple[Callable[[], Any], Future[Any]] | None]


class Loop:
    """A private event loop in a thread; each thread of a test is one task in it.

    So a unit of work that belongs to one task works as it does in one thread of the blocking face, and threads of
    a test are concurrent tasks.
    """

    def __init__(self) -> None:
        self._mine = threading.local()
        self._tasks: set[asyncio.Task[None]] = set()  # the loop holds them weakly
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="the asynchronous face", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join()

    def call(self, function: Callable[[], Any]) -> Any:
        """What the function returns, awaited if it can be, in the task of the calling thread."""
        if not hasattr(self._mine, "inbox"):
            self._mine.inbox = asyncio.run_coroutine_threadsafe(self._new_task(), self._loop).result()
        answer: Future[Any] = Future()
        self._loop.call_soon_threadsafe(self._mine.inbox.put_nowait, (function, answer))
        return answer.result()

    def hosted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The blocking function as one that can be awaited; what it calls runs in the task that awaits it."""

        async def host(*args: Any) -> Any:
            inbox: _Inbox = asyncio.Queue()

            def work() -> Any:
                self._mine.inbox = inbox
                try:
                    return function(*(self.face(arg) for arg in args))
                finally:
                    del self._mine.inbox

            working = self._loop.run_in_executor(None, work)
            working.add_done_callback(lambda _: inbox.put_nowait(None))
            await _serve(inbox)
            return await working

        return host

    def face(self, value: Any) -> Any:
        """The value for the test: with blocking calls where it has asynchronous ones, else as it is."""
        if hasattr(value, "__aenter__") or hasattr(value, "__aiter__"):
            return Face(self, value)
        ours = type(value).__module__.partition(".")[0] == "aiconsql"
        return Face(self, value) if ours and not dataclasses.is_dataclass(value) else value

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            runner.run(self._live())

    async def _live(self) -> None:
        self._done = asyncio.Event()
        self._ready.set()
        await self._done.wait()

    async def _new_task(self) -> _Inbox:
        inbox: _Inbox = asyncio.Queue()
        self._tasks.add(asyncio.create_task(_serve(inbox)))
        return inbox


async def _serve(inbox: _Inbox) -> None:
    while (item := await inbox.get()) is not None:
        function, answer = item
        try:
            value = function()
            lasting = hasattr(value, "__aenter__") or hasattr(value, "__aiter__")
            answer.set_result(await value if inspect.isawaitable(value) and not lasting else value)
        except BaseException as error:
            answer.set_exception(error)
            if (task := asyncio.current_task()) and task.cancelling():
                raise  # the loop ends


class Face:
    """Blocking calls, `with` and `for` on an object of the asynchronous face."""

    def __init__(self, loop: Loop, target: Any) -> None:
        self._loop, self._target = loop, target

    def __getattr__(self, name: str) -> Any:
        value = self._loop.call(lambda: getattr(self._target, name))
        if not callable(value):
            return self._loop.face(value)

        def blocking(*args: Any, **kwargs: Any) -> Any:
            return self._call(value, name, args, kwargs)

        return blocking

    def __repr__(self) -> str:
        return f"blocking {self._target!r}"

    def __enter__(self) -> Any:
        return self._loop.face(self._loop.call(self._target.__aenter__))

    def __exit__(self, *exception: object) -> Any:
        return self._loop.call(lambda: self._target.__aexit__(*exception))

    def __iter__(self) -> Iterator[Any]:
        iterator = self._loop.call(lambda: aiter(self._target))
        try:
            while (value := self._loop.call(lambda: anext(iterator, _END))) is not _END:
                yield self._loop.face(value)
        finally:
            if hasattr(iterator, "aclose"):
                self._loop.call(iterator.aclose)

    def _call(self, function: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = [arg._target if isinstance(arg, Face) else arg for arg in args]
        if name == "attempts":
            given[0] = self._loop.hosted(given[0])
        result = self._loop.call(lambda: function(*given, **kwargs))
        lasting = hasattr(result, "__aenter__") or hasattr(result, "__aiter__")
        return self._loop.face(result) if lasting else result
