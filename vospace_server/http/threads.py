"""The one hop from the event loop into synchronous code, and synchronous streams made async.

Services, repositories and stores block; nothing in the event loop may. Every endpoint crosses
over through `in_thread`, once per phase of its request, but for short reads of SQLite, which
are made `AtOnce`.
"""

import functools
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from typing import Final, ParamSpec, Protocol, TypeVar

import anyio.lowlevel

from vospace_server.http.request_threads import RequestThreads

P = ParamSpec("P")
T = TypeVar("T")

_threads = RequestThreads()

# A thread that computes keeps the loop waiting as long (sys.getswitchinterval).
_PATIENCE_SECONDS: Final = 0.005
# The first children of nearly all containers are shown in less.
_LONGEST_SECONDS: Final = 0.05
_SHARE_LEFT: Final = 20

# A batch goes to the client when it has grown to this, so that a long listing costs few hops...
_BATCH_BYTES = 128 * 1024
# ...and the first one when it has grown to this, which is less than the first page of rows, so
# that the client sees it start at once; what most containers hold needs no second.
_FIRST_BATCH_BYTES = 32 * 1024


async def in_thread(func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call func in a worker thread and wait for it.

    When the request is cancelled meanwhile, the thread runs to its end before the cancellation
    goes on, so a transaction or a descriptor is never left to a thread that nobody awaits.
    """
    result: T = await _threads.run(functools.partial(func, *args, **kwargs))
    return result


class Hop(Protocol):
    """How an endpoint calls what blocks: `in_thread`, or an `AtOnce`."""

    async def __call__(self, func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What func returns or raises."""


class AtOnce:
    """Makes short calls in the event loop itself, as long as they do not wait (decision 0014).

    For what reads SQLite, which is in memory as a rule: a hop into a thread costs more than
    such a call, for the interpreter is handed to and fro at each step of a statement. `is_free`
    tells without waiting that nobody has locked the database. A call that had to wait for the
    disk all the same, or that has computed for long, sends those after it into threads, for so
    much longer than it took that the loop is lost to them for a twentieth of its time at most.
    """

    def __init__(self, is_free: Callable[[], bool]) -> None:
        self._is_free = is_free
        self._in_threads_until = 0.0

    async def __call__(self, func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What func returns or raises; in a scope that is cancelled, it is not called."""
        if time.monotonic() < self._in_threads_until or not self._is_free():
            return await in_thread(func, *args, **kwargs)
        await anyio.lowlevel.checkpoint_if_cancelled()
        began, worked = time.monotonic(), time.thread_time()
        try:
            return func(*args, **kwargs)
        finally:
            ended = time.monotonic()
            took = ended - began
            waited = took - (time.thread_time() - worked)
            if waited > _PATIENCE_SECONDS or took > _LONGEST_SECONDS:
                self._in_threads_until = ended + took * _SHARE_LEFT


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Several chunks in one; `is_last` if no more come after it."""

    content: bytes
    is_last: bool


def first_batch(chunks: Iterator[bytes]) -> Batch:
    """What a synchronous iterator begins with: small, so that the client sees it start."""
    return _next_batch(chunks, _FIRST_BATCH_BYTES)


async def in_batches(
    chunks: Iterator[bytes], first: Batch | None = None
) -> AsyncGenerator[bytes, None]:
    """The chunks of a synchronous iterator, joined to batches, each made in a worker thread.

    One batch is held at a time; `first` is the one that was made already, if one was. What the
    iterator raises is raised here.
    """
    batch = await in_thread(first_batch, chunks) if first is None else first
    while True:
        if batch.content:
            yield batch.content
        if batch.is_last:
            return
        batch = await in_thread(_next_batch, chunks, _BATCH_BYTES)


def _next_batch(chunks: Iterator[bytes], limit: int) -> Batch:
    batch: list[bytes] = []
    size = 0
    for chunk in chunks:
        batch.append(chunk)
        size += len(chunk)
        if size >= limit:
            return Batch(content=b"".join(batch), is_last=False)
    return Batch(content=b"".join(batch), is_last=True)
