"""The hop from the event loop into a thread and back."""

import asyncio
import threading
import time

import anyio
import pytest

from vospace_server.http.threads import AtOnce, Hop, in_thread

both = pytest.mark.parametrize(
    "hop", [in_thread, AtOnce(is_free=lambda: True)], ids=["in a thread", "at once"]
)


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


def test_calls_run_beside_each_other_and_the_loop_goes_on() -> None:
    together = threading.Barrier(8)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(in_thread, together.wait, 10)

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


@both
def test_nothing_is_called_when_it_was_cancelled_before(hop: Hop) -> None:
    called: list[int] = []

    async def main() -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await hop(called.append, 1)

    asyncio.run(main())

    assert called == []


def test_a_call_is_made_in_the_loop_itself_until_one_has_waited() -> None:
    at_once = AtOnce(is_free=lambda: True)

    async def main() -> None:
        here = threading.get_ident()
        assert await at_once(threading.get_ident) == here
        await at_once(time.sleep, 0.05)
        assert await at_once(threading.get_ident) != here

    asyncio.run(main())


def test_a_call_that_computes_for_long_has_not_waited() -> None:
    at_once = AtOnce(is_free=lambda: True)

    def compute() -> None:
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass

    async def main() -> None:
        # Where others compete for the processor, one of some attempts is left alone.
        for _ in range(50):
            await at_once(compute)
            if await at_once(threading.get_ident) == threading.get_ident():
                return
        pytest.fail("every call seemed to have waited")

    asyncio.run(main())


def test_after_a_call_that_has_computed_for_long_others_go_into_threads() -> None:
    at_once = AtOnce(is_free=lambda: True)

    def compute() -> None:
        until = time.monotonic() + 0.1
        while time.monotonic() < until:
            pass

    async def main() -> None:
        await at_once(compute)
        assert await at_once(threading.get_ident) != threading.get_ident()

    asyncio.run(main())


def test_a_call_that_waited_is_forgotten_after_a_while() -> None:
    at_once = AtOnce(is_free=lambda: True)

    async def main() -> None:
        await at_once(time.sleep, 0.01)
        deadline = time.monotonic() + 30
        while await at_once(threading.get_ident) != threading.get_ident():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)

    asyncio.run(main())


def test_what_is_locked_is_waited_for_in_a_thread() -> None:
    at_once = AtOnce(is_free=lambda: False)

    async def main() -> None:
        assert await at_once(threading.get_ident) != threading.get_ident()

    asyncio.run(main())
