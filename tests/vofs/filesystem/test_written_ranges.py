"""A set of ranges, against a set of positions."""

from hypothesis import given
from hypothesis import strategies as st

from vofs.filesystem.written_ranges import WrittenRanges

POSITIONS = st.integers(0, 60)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("add"), POSITIONS, POSITIONS),
        st.tuples(st.just("cut"), POSITIONS, st.just(0)),
    ),
    max_size=30,
)


def changed(changes: list[tuple[str, int, int]]) -> tuple[WrittenRanges, set[int]]:
    ranges, model = WrittenRanges(), set[int]()
    for kind, first, second in changes:
        if kind == "add":
            ranges.add(first, second)
            model.update(range(first, second))
        else:
            ranges.cut(first)
            model = {position for position in model if position < first}
    return ranges, model


@given(CHANGES)
def test_the_ranges_hold_what_was_added_and_not_cut(
    changes: list[tuple[str, int, int]],
) -> None:
    ranges, model = changed(changes)
    assert {position for start, stop in ranges for position in range(start, stop)} == model


@given(CHANGES)
def test_the_ranges_are_in_order_and_never_touch(changes: list[tuple[str, int, int]]) -> None:
    flat = [edge for start, stop in changed(changes)[0] for edge in (start, stop)]
    assert flat == sorted(set(flat))


@given(CHANGES, POSITIONS, POSITIONS)
def test_pieces_divide_a_range_into_written_and_not(
    changes: list[tuple[str, int, int]], start: int, stop: int
) -> None:
    ranges, model = changed(changes)
    found = [
        (position, is_written)
        for first, end, is_written in ranges.pieces(start, stop)
        for position in range(first, end)
    ]
    assert found == [(position, position in model) for position in range(start, stop)]
