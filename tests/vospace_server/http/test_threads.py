"""The hop from the event loop into a thread and back."""

import asyncio
import threading

import anyio
import pytest

from vospace_server.http.threads import Hop, in_thread, in_turn

both = pytest.mark.parametrize("hop", [in_thread, in_turn])


@both
def test_what_is_returned_or_raised_arrives(hop: Hop) -> None:
    def fails() -> None:
        raise KeyError("missing")

    async def main() -> int:
        with pytest.raises(KeyError, match="missing"):
            await hop(fails)
        return await hop(int, "11", base=2)

    assert asyncio.run(main()) == 3


@both
def test_a_stop_of_iteration_does_not_hang_who_waits(hop: Hop) -> None:
    async def main() -> None:
        await hop(next, iter(()))

    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(main())


@both
def test_calls_run_beside_each_other_and_the_loop_goes_on(hop: Hop) -> None:
    together = threading.Barrier(8)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(hop, together.wait, 10)

    asyncio.run(main())


@both
def test_more_calls_than_threads_all_come_to_an_end(hop: Hop) -> None:
    done: list[int] = []

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for number in range(200):
                group.start_soon(hop, done.append, number)

    asyncio.run(main())

    assert sorted(done) == list(range(200))


@both
def test_a_cancellation_waits_until_the_thread_has_ended(hop: Hop) -> None:
    started, release = threading.Event(), threading.Event()
    events: list[str] = []

    def work() -> None:
        started.set()
        release.wait(10)
        events.append("ended")

    async def cancelled_while_working() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(hop, work)
            await hop(started.wait, 10)
            group.cancel_scope.cancel()
            release.set()
        events.append("cancelled")

    asyncio.run(cancelled_while_working())

    assert events == ["ended", "cancelled"]


@both
def test_nothing_is_called_when_it_was_cancelled_before(hop: Hop) -> None:
    called: list[int] = []

    async def main() -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await hop(called.append, 1)

    asyncio.run(main())

    assert called == []


def test_a_call_that_waits_holds_nobody_up() -> None:
    released = threading.Event()
    done: list[int] = []

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(in_turn, released.wait, 10)
            for number in range(100):
                await in_turn(done.append, number)
            released.set()

    asyncio.run(main())

    assert done == list(range(100))


def test_a_loop_that_was_closed_keeps_nobody_else_from_being_relieved() -> None:
    async def once() -> None:
        await in_turn(int)

    for _ in range(3):
        asyncio.run(once())

    test_a_call_that_waits_holds_nobody_up()


def test_calls_of_several_loops_come_to_an_end() -> None:
    done: list[int] = []

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for number in range(200):
                group.start_soon(in_turn, done.append, number)

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(done) == sorted([*range(200)] * 4)
