"""Gathering: what is asked for while the same is being done is done together afterwards."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import anyio
import anyio.lowlevel

from vospace_server.http.request_threads import give
from vospace_server.http.threads import in_thread

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
R = TypeVar("R")

# More would keep those who ask for something else waiting for the same locks.
_MOST: Final = 64


@dataclass(slots=True, eq=False)
class _Asked(Generic[T, R]):
    """What somebody asked for, and waits for."""

    item: T
    outcome: "asyncio.Future[R]"


class Gathering(Generic[K, T, R]):
    """Does together what is asked for at the same time, in one hop and one transaction.

    Who asks while nothing is being done is served at once; who asks meanwhile is served after
    it, with all others who have. So nobody waits for more to come, and the more there is to
    do, the less each of it costs.

    `together` is called with a key and what was asked for under it, and gives an outcome for
    each, in that order; one that is an exception is raised where it was asked for.
    """

    def __init__(self, together: Callable[[K, Sequence[T]], Sequence[R | Exception]]) -> None:
        self._together = together
        # Who waits, of each key that is being served. Each loop has its own: nothing guards it.
        self._waiting: dict[tuple[asyncio.AbstractEventLoop, K], list[_Asked[T, R]]] = {}
        # The loop itself holds its tasks weakly.
        self._serving: set[asyncio.Task[None]] = set()

    async def ask(self, key: K, item: T) -> R:
        """The outcome; a cancellation waits until it is there, or asks for nothing."""
        await anyio.lowlevel.checkpoint_if_cancelled()
        loop = asyncio.get_running_loop()
        asked: _Asked[T, R] = _Asked(item, loop.create_future())
        if (loop, key) not in self._waiting:
            self._waiting[loop, key] = []
            task = loop.create_task(self._serve(loop, key))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        self._waiting[loop, key].append(asked)
        with anyio.CancelScope(shield=True):
            await asyncio.wait([asked.outcome])
        return asked.outcome.result()

    async def _serve(self, loop: asyncio.AbstractEventLoop, key: K) -> None:
        batch: list[_Asked[T, R]] = []
        try:
            while waiting := self._waiting[loop, key]:
                batch, self._waiting[loop, key] = waiting[:_MOST], waiting[_MOST:]
                for asked, outcome in await self._outcomes(key, batch):
                    error = outcome if isinstance(outcome, Exception) else None
                    give(asked.outcome, outcome, error)
        finally:
            # At the end of the loop, somebody may still be waiting.
            for asked in (*batch, *self._waiting.pop((loop, key))):
                asked.outcome.cancel()

    async def _outcomes(
        self, key: K, batch: Sequence[_Asked[T, R]]
    ) -> list[tuple[_Asked[T, R], R | Exception]]:
        try:
            outcomes = await in_thread(self._together, key, [asked.item for asked in batch])
            return list(zip(batch, outcomes, strict=True))
        except Exception as error:  # noqa: BLE001 - raised where it was asked for
            return [(asked, error) for asked in batch]
