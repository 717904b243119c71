"""A server that dies with -9 at any moment: what it acknowledged is there, the rest is not."""

import random
import time

import pytest

from tests.server_faults.aftermath import check_nothing_is_left
from tests.server_faults.writers import FILES_OF_A_WRITER, FileHistory, check_all, writing
from tests.support.space import Space

WRITERS = 4


def histories_in(folder: str) -> list[list[FileHistory]]:
    """Files for each writer."""
    return [
        [FileHistory(path=f"{folder}/w{w}-f{f}") for f in range(FILES_OF_A_WRITER)]
        for w in range(WRITERS)
    ]


def crash_again_and_again(space: Space, *, rounds: int, seed: int) -> None:
    """Write, kill, start, compare; at the end, count what is left over."""
    moments = random.Random(seed)
    histories = histories_in("durand")
    acknowledged = total = 0
    for number in range(rounds):
        with writing(space, histories, seed + 100 * number) as writers:
            time.sleep(moments.uniform(0.02, 0.7))
            space.server.kill()
        space.server.start()
        acknowledged += sum(writer.acknowledged for writer in writers)
        total = check_all(space, histories)

    assert acknowledged > rounds, "the writers hardly wrote; the test shows nothing"
    files = sum(each.acknowledged > 0 for group in histories for each in group)
    check_nothing_is_left(space, "durand", total, files)
    assert "Traceback" not in space.server.log


@pytest.mark.timeout(400)
def test_nothing_acknowledged_is_lost_when_the_server_is_killed(fresh_space: Space) -> None:
    """Contract 5 row 104: fsck finds nothing after kills at any moment."""
    crash_again_and_again(fresh_space, rounds=20, seed=20)


@pytest.mark.stress
@pytest.mark.timeout(3600)
def test_nothing_acknowledged_is_lost_in_a_long_run_of_kills(fresh_space: Space) -> None:
    seed = int(time.time())
    print(f"seed {seed}")  # noqa: T201 - what a failure is repeated with
    crash_again_and_again(fresh_space, rounds=200, seed=seed)
