"""The threads that requests hop into.

A hop of anyio's own costs 45 microseconds of processor time beside what is called, one of
these 23; a request makes one or two of them, and a small one takes 600 in all.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final

import anyio
import anyio.lowlevel

# More would only wait for the interpreter and the database.
_MOST: Final = 40


@dataclass(slots=True, eq=False)
class _Hop:
    """A call, and who waits for it."""

    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    call: Callable[[], Any]

    def make(self) -> None:
        """Call, and wake whoever waits."""
        result, error = None, None
        try:
            result = self.call()
        except BaseException as raised:  # noqa: BLE001 - raised again where it is awaited
            error = raised
        # When the loop is closed, nobody awaits this any more.
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(give, self.future, result, error)


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
        hop = _Hop(loop, loop.create_future(), call)
        self._send(hop)
        with anyio.CancelScope(shield=True):
            return await hop.future

    def _send(self, hop: _Hop) -> None:
        with self._lock:
            self._under_way += 1
            needs_thread = self._threads < min(self._under_way, _MOST)
            self._threads += needs_thread
        if needs_thread:
            threading.Thread(target=self._work, name="request", daemon=True).start()
        self._waiting.put(hop)

    def _work(self) -> None:
        while True:
            hop = self._waiting.get()
            hop.make()
            with self._lock:
                self._under_way -= 1
            # Nothing of a request outlives it in a thread that waits for the next.
            del hop


def give(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    """Let a future be what was returned or raised, unless it was cancelled."""
    if future.cancelled():
        return
    if error is None:
        future.set_result(result)
    elif isinstance(error, StopIteration):
        future.set_exception(RuntimeError("a call in a thread raised StopIteration"))
    else:
        future.set_exception(error)
