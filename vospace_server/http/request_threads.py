"""The threads that requests hop into.

A hop of anyio's own costs 45 microseconds of processor time beside what is called, one of
these 23; a request makes two or three of them, and a small one takes 900 in all.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final

import anyio
import anyio.lowlevel

# More would only wait for the interpreter and the database.
_MOST: Final = 40

_Hop = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any]]


class RequestThreads:
    """Runs calls of any event loop of this process in at most 40 threads, made when needed."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[_Hop] = SimpleQueue()
        # Guards the two below: hops that have not come back, and threads.
        self._lock = threading.Lock()
        self._under_way = 0
        self._threads = 0

    async def run(self, call: Callable[[], Any]) -> Any:
        """What the call returns or raises; a cancellation waits until it has.

        In a scope that is cancelled already, nothing is called.
        """
        await anyio.lowlevel.checkpoint_if_cancelled()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._note_start()
        self._waiting.put((loop, future, call))
        with anyio.CancelScope(shield=True):
            return await future

    def _note_start(self) -> None:
        with self._lock:
            self._under_way += 1
            if self._under_way <= self._threads or self._threads == _MOST:
                return
            self._threads += 1
        threading.Thread(target=self._work, name="request", daemon=True).start()

    def _work(self) -> None:
        while True:
            loop, future, call = self._waiting.get()
            result, error = None, None
            try:
                result = call()
            except BaseException as raised:  # noqa: BLE001 - raised again where it is awaited
                error = raised
            with self._lock:
                self._under_way -= 1
            # When the loop is closed, nobody awaits this any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_give, future, result, error)
            # Nothing of a request outlives it in a thread that waits for the next.
            del loop, future, call, result, error


def _give(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if future.cancelled():
        return
    if error is None:
        future.set_result(result)
    elif isinstance(error, StopIteration):
        future.set_exception(RuntimeError("a call in a thread raised StopIteration"))
    else:
        future.set_exception(error)
