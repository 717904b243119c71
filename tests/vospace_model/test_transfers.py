"""Transfers."""

import pytest

from vospace_model import Direction, ExternalTransfer, InvalidArgument, VosUri

A = VosUri.parse("vos://a~s/a")
B = VosUri.parse("vos://a~s/b")


@pytest.mark.parametrize(
    ("word", "client_initiated", "writes"),
    [
        ("pushToVoSpace", True, True),
        ("pullToVoSpace", False, True),
        ("pullFromVoSpace", True, False),
        ("pushFromVoSpace", False, False),
    ],
)
def test_direction_says_who_moves_the_bytes_and_where(
    word: str, client_initiated: bool, writes: bool
) -> None:
    direction = Direction(word)

    assert direction.is_client_initiated is client_initiated
    assert direction.writes is writes


def test_transfer_of_one_node_has_one_target() -> None:
    single = ExternalTransfer(targets=(A,), direction=Direction.PULL_FROM_VOSPACE)
    several = ExternalTransfer(targets=(A, B), direction=Direction.PULL_FROM_VOSPACE)

    assert single.target == A
    with pytest.raises(InvalidArgument, match="exactly one target"):
        _ = several.target
