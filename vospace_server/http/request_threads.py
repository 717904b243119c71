"""The threads that requests hop into.

A hop of anyio's own costs 45 microseconds of processor time beside what is called, one of
these 23; a request makes one or two of them, and a small one takes 600 in all.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final

import anyio
import anyio.lowlevel

# More would only wait for the interpreter and the database.
_MOST: Final = 40
# A lead thread that takes longer for one call than nearly all take is relieved.
_RELIEF_SECONDS: Final = 0.002


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
            self.loop.call_soon_threadsafe(_give, self.future, result, error)


async def _hop(call: Callable[[], Any], send: Callable[[_Hop], None]) -> Any:
    """What the call returns or raises; a cancellation waits until it has.

    In a scope that is cancelled already, nothing is called.
    """
    await anyio.lowlevel.checkpoint_if_cancelled()
    loop = asyncio.get_running_loop()
    hop = _Hop(loop, loop.create_future(), call)
    send(hop)
    with anyio.CancelScope(shield=True):
        return await hop.future


class RequestThreads:
    """Runs calls of any event loop of this process in at most 40 threads, made when needed."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[_Hop] = SimpleQueue()
        # Guards the two below: hops that have not come back, and threads.
        self._lock = threading.Lock()
        self._under_way = 0
        self._threads = 0

    async def run(self, call: Callable[[], Any]) -> Any:
        """What the call returns or raises; see _hop."""
        return await _hop(call, self._send)

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


class LeadThread:
    """Runs calls one after the other in one thread, for calls that hardly ever wait.

    Of several threads that compute, the interpreter lets one go on at a time, and handing it
    from core to core costs more than a small call. So the calls that wait are all made by the
    thread that has the lead. When it has taken none for 2 ms, because the one it makes waits
    for a disk or is long, another thread gets the lead, and the former one ends its call
    beside it: nobody is held up by somebody else's call for longer.
    """

    def __init__(self) -> None:
        # Guards everything below.
        self._lock = threading.Lock()
        self._waiting: deque[_Hop] = deque()
        # Whoever works on the turn that has the lead takes the next call; None if nobody does.
        self._lead: int | None = None
        self._turns = 0
        self._taken = 0
        self._threads = 0
        self._idle = 0
        self._offered: SimpleQueue[int] = SimpleQueue()
        self._watcher: asyncio.AbstractEventLoop | None = None

    async def run(self, call: Callable[[], Any]) -> Any:
        """What the call returns or raises; see _hop."""
        return await _hop(call, self._send)

    def _send(self, hop: _Hop) -> None:
        with self._lock:
            self._waiting.append(hop)
            if self._lead is None:
                self._appoint()
            if self._watcher is hop.loop:
                return
            self._watcher, taken = hop.loop, self._taken
        hop.loop.call_later(_RELIEF_SECONDS, self._watch, hop.loop, taken)

    def _watch(self, loop: asyncio.AbstractEventLoop, taken: int) -> None:
        """Looks again and again, as long as calls wait, whether the lead takes them."""
        with self._lock:
            if self._watcher is not loop:
                return
            if not self._waiting:
                self._watcher = None
                return
            if self._taken == taken:
                self._appoint()
            taken = self._taken
        loop.call_later(_RELIEF_SECONDS, self._watch, loop, taken)

    def _appoint(self) -> None:
        """Give the lead to a thread that has nothing to do, if there may be one; locked."""
        if self._idle:
            self._idle -= 1
        elif self._threads < _MOST:
            self._threads += 1
            threading.Thread(target=self._work, name="reading", daemon=True).start()
        else:
            return
        self._turns += 1
        self._lead = self._turns
        self._offered.put(self._turns)

    def _work(self) -> None:
        while True:
            turn = self._offered.get()
            while (hop := self._next(turn)) is not None:
                hop.make()
                # As above.
                del hop

    def _next(self, turn: int) -> _Hop | None:
        """The next call for whoever has the lead; None for everybody else."""
        with self._lock:
            if self._lead == turn and self._waiting:
                self._taken += 1
                return self._waiting.popleft()
            if self._lead == turn:
                self._lead = None
            self._idle += 1
            return None


def _give(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if future.cancelled():
        return
    if error is None:
        future.set_result(result)
    elif isinstance(error, StopIteration):
        future.set_exception(RuntimeError("a call in a thread raised StopIteration"))
    else:
        future.set_exception(error)
