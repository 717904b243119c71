"""Gathering: nobody waits for company, and those who wait are served together."""

import asyncio
import threading
from collections.abc import Callable, Sequence

import anyio
import pytest

from vospace_server.http.gathering import Gathering


class Doubling:
    """Doubles numbers, the first batch only when it is let; refuses negative ones."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[int]]] = []
        self.began = threading.Event()
        self.let = threading.Event()

    def __call__(self, key: str, numbers: Sequence[int]) -> list[int | Exception]:
        self.batches.append((key, list(numbers)))
        self.began.set()
        if 13 in numbers:
            raise KeyError("unforeseen")
        self.let.wait(10)
        return [ValueError(f"{n} is negative") if n < 0 else 2 * n for n in numbers]


async def begun(doubling: Doubling) -> None:
    """Until the first batch is being served."""
    assert await anyio.to_thread.run_sync(doubling.began.wait, 10)


def asked_while_one_is_served(
    later: Sequence[tuple[str, int]],
) -> tuple[Doubling, dict[int, object]]:
    """What becomes of questions that come while a first one is being answered."""
    doubling = Doubling()
    gathering: Gathering[str, int, int] = Gathering(doubling)
    found: dict[int, object] = {}

    async def ask(key: str, number: int) -> None:
        try:
            found[number] = await gathering.ask(key, number)
        except (ValueError, KeyError) as error:
            found[number] = error

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(ask, "a", 1)
            await begun(doubling)
            for key, number in later:
                group.start_soon(ask, key, number)
            await anyio.sleep(0.01)
            doubling.let.set()

    asyncio.run(main())
    return doubling, found


def test_who_comes_first_is_served_at_once_and_the_others_together_afterwards() -> None:
    doubling, found = asked_while_one_is_served([("a", 2), ("a", 3), ("a", 4)])

    assert doubling.batches == [("a", [1]), ("a", [2, 3, 4])]
    assert found == {1: 2, 2: 4, 3: 6, 4: 8}


def test_what_has_another_key_does_not_wait() -> None:
    doubling, found = asked_while_one_is_served([("b", 5), ("a", 2)])

    assert doubling.batches == [("a", [1]), ("b", [5]), ("a", [2])]
    assert found == {1: 2, 5: 10, 2: 4}


def test_each_hears_what_concerns_it() -> None:
    _, found = asked_while_one_is_served([("a", 2), ("a", -3)])

    assert found[2] == 4
    assert isinstance(found[-3], ValueError)


def test_a_failure_of_all_is_told_to_all_and_the_next_are_served() -> None:
    doubling, found = asked_while_one_is_served(
        [("a", 13), *[("a", 100 + n) for n in range(63)], ("a", 7)]
    )

    assert isinstance(found[13], KeyError)
    assert found[100] is found[13]
    assert doubling.batches[-1] == ("a", [7])
    assert found[7] == 14


def no_outcome(_key: str, numbers: Sequence[int]) -> list[int | Exception]:
    return [*numbers[1:]]


def stopped(_key: str, numbers: Sequence[int]) -> list[int | Exception]:
    return [StopIteration(n) for n in numbers]


@pytest.mark.parametrize(
    ("together", "error", "words"),
    [(no_outcome, ValueError, "shorter"), (stopped, RuntimeError, "StopIteration")],
)
def test_what_is_no_outcome_is_a_failure_and_hangs_nobody(
    together: Callable[[str, Sequence[int]], list[int | Exception]],
    error: type[Exception],
    words: str,
) -> None:
    gathering: Gathering[str, int, int] = Gathering(together)

    async def main() -> None:
        with anyio.fail_after(10):
            for _ in range(2):
                with pytest.raises(error, match=words):
                    await gathering.ask("a", 1)

    asyncio.run(main())


def test_nobody_waits_for_who_was_stopped_with_the_loop() -> None:
    doubling = Doubling()
    gathering: Gathering[str, int, int] = Gathering(doubling)

    async def main() -> None:
        with anyio.fail_after(10):
            asking = [asyncio.ensure_future(gathering.ask("a", n)) for n in (1, 2)]
            await begun(doubling)
            asking.append(asyncio.ensure_future(gathering.ask("a", 3)))
            await asyncio.sleep(0)
            doubling.let.set()
            for task in asyncio.all_tasks() - {asyncio.current_task(), *asking}:
                task.cancel()
            ends = await asyncio.gather(*asking, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends)

    asyncio.run(main())


def test_who_is_cancelled_waits_for_the_end_and_disturbs_nobody() -> None:
    doubling = Doubling()
    gathering: Gathering[str, int, int] = Gathering(doubling)
    found: list[int] = []

    async def ask(number: int) -> None:
        found.append(await gathering.ask("a", number))

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(ask, 1)
            await begun(doubling)
            group.start_soon(ask, 2)
            with anyio.move_on_after(0.01) as scope:
                async with anyio.create_task_group() as hurried:
                    hurried.start_soon(ask, 3)
                    hurried.start_soon(anyio.to_thread.run_sync, doubling.let.set)
                    await anyio.sleep(10)
            assert scope.cancelled_caught

    asyncio.run(main())

    assert doubling.batches == [("a", [1]), ("a", [2, 3])]
    assert found[:2] == [2, 4]


def test_who_was_cancelled_before_asks_for_nothing() -> None:
    doubling = Doubling()
    gathering: Gathering[str, int, int] = Gathering(doubling)

    async def main() -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await gathering.ask("a", 1)

    asyncio.run(main())

    assert doubling.batches == []


@pytest.mark.parametrize("callers", [1, 200])
def test_everybody_is_answered(callers: int) -> None:
    doubling = Doubling()
    doubling.let.set()
    gathering: Gathering[str, int, int] = Gathering(doubling)
    found: list[int] = []

    async def ask(number: int) -> None:
        found.append(await gathering.ask("a", number))

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for number in range(1000, 1000 + callers):
                group.start_soon(ask, number)

    asyncio.run(main())

    assert sorted(found) == [2 * n for n in range(1000, 1000 + callers)]
    assert max(len(batch) for _, batch in doubling.batches) <= 64
