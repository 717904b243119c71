"""Threads that keep house: they go on, whatever happens, and end when told."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.vospace_server.services.tree_space import TreeSpace, at
from vospace_model.faults import ServiceBusy
from vospace_server.workers.housekeeping import Housekeeping
from vospace_server.workers.periodic import PeriodicWorker


class Counter:
    """Work that is counted, and may fail the first times."""

    def __init__(self, *failures: Exception, busy_rounds: int = 0) -> None:
        self._failures = list(failures)
        self._busy_rounds = busy_rounds
        self.done = threading.Event()
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self._failures:
            raise self._failures.pop(0)
        if self._busy_rounds > 0:
            self._busy_rounds -= 1
            return 1
        self.done.set()
        return 0


def run(work: Counter, *, interval_seconds: float) -> None:
    worker = PeriodicWorker("test", work, interval_seconds=interval_seconds)
    worker.start()
    assert work.done.wait(10)
    worker.stop()
    worker.stop()


def test_there_is_no_pause_while_there_is_work() -> None:
    work = Counter(busy_rounds=50)

    run(work, interval_seconds=60)

    assert work.calls == 51


@pytest.mark.logs("test failed; it goes on")
def test_a_failure_is_logged_and_does_not_end_it() -> None:
    work = Counter(RuntimeError("boom"), ServiceBusy("later"))

    run(work, interval_seconds=0.01)

    assert work.calls >= 3


def test_a_worker_that_was_never_started_can_be_stopped() -> None:
    PeriodicWorker("test", Counter(), interval_seconds=1).stop()


def test_sizes_are_current_and_deleted_trees_gone_within_a_second(tmp_path: Path) -> None:
    space = TreeSpace(f"sqlite:///{tmp_path / 'space.sqlite'}")
    housekeeping = Housekeeping(sizes=space.sizes, deletions=space.deletions, quota=space.quota)
    space.mkdir("/alice/d")
    space.put("/alice/d/f", 10)
    housekeeping.start()
    try:
        _eventually(lambda: space.get("/").record.length == 10)
        space.deletions.delete(space.alice, at("/alice/d"), recursive=True)
        _eventually(lambda: space.get("/").record.length == 0)
        _eventually(lambda: space.deletions.collect_once() == 0)
    finally:
        housekeeping.stop()
        space.close()


def _eventually(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(100):
        if holds():
            return
        pause.wait(0.05)
    raise AssertionError("it never came true")
