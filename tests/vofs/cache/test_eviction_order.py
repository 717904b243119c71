"""What goes first, by tables."""

import random
from pathlib import Path

from vofs.cache.eviction_order import Victim, choose
from vofs.cache.times_of_use import Stamp, mark_use, read_use

NOW = 1_000_000.0


def victim(
    key: str, age: float, *, is_reused: bool = False, group: int | None = None
) -> Victim:
    return Victim(
        key=key,
        kind="pack",
        group=group,
        used_at=NOW - age,
        stored_bytes=100,
        is_reused=is_reused,
    )


def chosen(candidates: list[Victim], wanted: int) -> list[str]:
    order = choose(candidates, wanted, now=NOW, chance=random.Random(1))
    return [one.key for one in order]


def test_the_least_recently_used_goes_first() -> None:
    candidates = [victim("b", 200), victim("c", 100), victim("a", 300)]
    assert chosen(candidates, 300) == ["a", "b", "c"]


def test_no_more_goes_than_is_wanted() -> None:
    candidates = [victim(f"{age:04}", age) for age in range(10, 100)]
    assert len(chosen(candidates, 250)) == 3
    assert chosen(candidates, 0) == []
    assert chosen([], 100) == []


def test_what_was_used_again_outlives_what_was_read_once() -> None:
    candidates = [victim("hot", 3600, is_reused=True), victim("scan", 60)]
    assert chosen(candidates, 100) == ["scan"]


def test_what_was_not_used_for_days_goes_even_if_it_was_used_again() -> None:
    candidates = [victim("hot", 3 * 86400, is_reused=True), victim("scan", 60)]
    assert chosen(candidates, 100) == ["hot"]


def test_what_is_in_use_goes_last() -> None:
    candidates = [victim("now", 1), victim("hot", 60, is_reused=True), victim("old", 90)]
    assert chosen(candidates, 300) == ["old", "hot", "now"]


def test_of_large_contents_only_the_older_half_goes_and_not_in_order() -> None:
    candidates = [victim(f"{age:04}", age, group=age) for age in range(100, 200)]
    went = chosen(candidates, 2000)
    assert all(int(key) >= 149 for key in went)
    assert went != sorted(went, reverse=True)


def test_a_stamp_tells_a_second_use_from_a_first(tmp_path: Path) -> None:
    first = Stamp(used_at=NOW, is_reused=False)
    assert not first.used(NOW + 10).is_reused
    assert first.used(NOW + 100).is_reused
    assert first.used(NOW + 100).used(NOW + 101).is_reused
    assert not first.fetched(NOW + 100).is_reused
    for stamp in (first, first.used(NOW + 100)):
        assert Stamp.from_number(stamp.number()) == stamp
        with (tmp_path / "file").open("wb") as file:
            mark_use(file.fileno(), stamp)
            used_at, is_reused = read_use((tmp_path / "file").stat())
        assert (round(used_at), is_reused) == (stamp.used_at, stamp.is_reused)
