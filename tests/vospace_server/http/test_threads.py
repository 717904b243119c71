"""The hop from the event loop into a thread and back."""

import asyncio
import threading

import anyio
import pytest

from vospace_server.http.threads import in_thread


def test_what_is_returned_or_raised_arrives() -> None:
    def fails() -> None:
        raise KeyError("missing")

    async def main() -> int:
        with pytest.raises(KeyError, match="missing"):
            await in_thread(fails)
        return await in_thread(int, "11", base=2)

    assert asyncio.run(main()) == 3


def test_a_stop_of_iteration_does_not_hang_who_waits() -> None:
    async def main() -> None:
        await in_thread(next, iter(()))

    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(main())


def test_calls_run_beside_each_other_and_the_loop_goes_on() -> None:
    together = threading.Barrier(8)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(in_thread, together.wait, 10)

    asyncio.run(main())


def test_more_calls_than_threads_all_come_to_an_end() -> None:
    done: list[int] = []

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for number in range(200):
                group.start_soon(in_thread, done.append, number)

    asyncio.run(main())

    assert sorted(done) == list(range(200))


def test_a_cancellation_waits_until_the_thread_has_ended() -> None:
    started, release = threading.Event(), threading.Event()
    events: list[str] = []

    def work() -> None:
        started.set()
        release.wait(10)
        events.append("ended")

    async def cancelled_while_working() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(in_thread, work)
            await in_thread(started.wait, 10)
            group.cancel_scope.cancel()
            release.set()
        events.append("cancelled")

    asyncio.run(cancelled_while_working())

    assert events == ["ended", "cancelled"]


def test_nothing_is_called_when_it_was_cancelled_before() -> None:
    called: list[int] = []

    async def main() -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await in_thread(called.append, 1)

    asyncio.run(main())

    assert called == []
