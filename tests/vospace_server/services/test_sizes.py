"""Recursive sizes: exact at every moment, whatever happens and whatever is cut short."""

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from typing_extensions import override

from tests.vospace_server.services.tree_space import TreeSpace, at
from vospace_model.faults import Fault
from vospace_server.database.engine import Database
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.size_delta import SizeDelta
from vospace_server.services import sizes as sizes_module
from vospace_server.services.sizes import SizeService
from vospace_server.services.uploads import UPLOAD_LIFE_NS


def container_ids(space: TreeSpace) -> dict[str, int]:
    """The number of every container, by its path."""
    found = {"/": 1}
    for line in space.listing.descendants(space.alice, at("/"), depth=None):
        if line.view.record.is_container:
            found[str(line.view.path)] = line.view.record.node_id
    return found


def test_sizes_arrive_at_the_root_in_one_fold(each_space: TreeSpace) -> None:
    each_space.mkdir("/alice/a")
    each_space.mkdir("/alice/a/b")
    each_space.put("/alice/a/b/f", 10)
    each_space.put("/alice/a/g", 5)

    assert each_space.sizes.fold_once() > 0

    records = [
        each_space.get(path).record for path in ("/", "/alice", "/alice/a", "/alice/a/b")
    ]
    assert [(each.length, each.files) for each in records] == [
        (15, 2),
        (15, 2),
        (15, 2),
        (10, 1),
    ]
    assert each_space.sizes.fold_once() == 0


def test_the_worker_pauses_when_it_has_folded_all_there_was(
    each_space: TreeSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    each_space.put("/alice/f", 10)

    assert each_space.sizes.fold_due() == 0
    assert each_space.get("/").record.length == 10
    monkeypatch.setattr(sizes_module, "FOLD_BATCH", 2)
    for number in range(3):
        each_space.put(f"/alice/f{number}", 1)
    assert each_space.sizes.fold_due() == 2
    assert each_space.sizes.fold_due() == 0
    assert each_space.get("/").record.length == 13


def test_an_exact_size_needs_no_fold(each_space: TreeSpace) -> None:
    each_space.mkdir("/alice/a")
    each_space.put("/alice/a/f", 10)
    each_space.sizes.fold_once()
    each_space.put("/alice/a/f", 7)
    each_space.put("/alice/g", 1)

    ids = container_ids(each_space)

    exact = {path: each_space.sizes.exact(number) for path, number in ids.items()}
    assert exact == {"/": (8, 2), "/alice": (8, 2), "/alice/a": (7, 1)}


def test_a_fold_of_a_few_deltas_or_levels_loses_nothing(each_space: TreeSpace) -> None:
    path = "/alice"
    for name in "abcdef":
        path += f"/{name}"
        each_space.mkdir(path)
        each_space.put(f"{path}/file", 1)
    one_level = SizeService(database=each_space.database, levels=1)

    for _ in range(3):
        one_level.fold_once(limit=2)
        assert each_space.sizes.exact(1) == (6, 6)
    one_level.fold_all()

    assert each_space.get("/").record.length == 6


def test_only_one_folds_at_a_time_and_every_delta_is_folded_once(each_space: TreeSpace) -> None:
    stop = threading.Event()

    def fold() -> None:
        service = SizeService(database=each_space.database)
        while not stop.is_set():
            service.fold_once(limit=3)

    folders = [threading.Thread(target=fold) for _ in range(3)]
    for folder in folders:
        folder.start()
    try:
        for number in range(40):
            each_space.put(f"/alice/f{number % 7}", number)
            if number % 5 == 0:
                each_space.deletions.delete(each_space.alice, at(f"/alice/f{number % 7}"))
    finally:
        stop.set()
        for folder in folders:
            folder.join()

    each_space.sizes.fold_all()
    assert each_space.get("/").record.length == each_space.used()[0]


def test_a_damaged_account_is_found_and_repaired(each_space: TreeSpace) -> None:
    each_space.mkdir("/alice/d")
    each_space.put("/alice/d/f", 10)
    number = each_space.get("/alice/d").record.node_id
    with each_space.database.write() as unit:
        unit.sizes.append(SizeDelta(container_id=number, size_bytes=90, files=3))
    each_space.sizes.fold_all()

    found = each_space.sizes.check(number, repair=True)

    assert found is not None
    assert (found.counted_bytes, found.expected_bytes) == (100, 10)
    assert each_space.sizes.check(number) is None
    each_space.sizes.fold_all()
    assert each_space.sizes.exact(1) == (10, 1)


def test_what_is_no_container_has_no_account(space: TreeSpace) -> None:
    assert space.sizes.check(999) is None
    assert space.sizes.exact(999) == (0, 0)


# ---------------------------------------------------------------- against brute force


class CrashError(Exception):
    """The process died."""


class CrashingDatabase(Database):
    """Can die once, at the end of a transaction, just before it would be durable."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.dying = False

    @override
    @contextmanager
    def _write(self, *, durable: bool = True) -> Iterator[UnitOfWork]:
        with super()._write(durable=durable) as unit:
            yield unit
            if self.dying:
                self.dying = False
                raise CrashError


NAMES = st.sampled_from(["a", "b", "c", "d"])
LENGTHS = st.integers(0, 1000)
# Which of the nodes that there are; taken modulo their number.
PICK = st.integers(0, 1000)


class SizesAgainstBruteForce(RuleBasedStateMachine):
    """Random operations, folds cut short, crashes; sizes are compared with a plain count."""

    @initialize()
    def begin(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        url = f"sqlite:///{Path(self._folder.name) / 'space.sqlite'}"
        self.database = CrashingDatabase(url)
        self.space = TreeSpace(url, database=self.database)
        self.one_level = SizeService(database=self.database, levels=1)
        for path in ("/alice/a", "/alice/a/b", "/alice/c"):
            self.space.mkdir(path)
        self.space.put("/alice/a/b/d", 10)

    @override
    def teardown(self) -> None:
        if hasattr(self, "space"):
            self.space.close()
            self._folder.cleanup()

    @rule(pick=PICK, name=NAMES)
    def mkdir(self, pick: int, name: str) -> None:
        path = f"{self._container(pick)}/{name}"
        self._try(lambda: self.space.mkdir(path))

    @rule(pick=PICK, name=NAMES, length=LENGTHS)
    def put(self, pick: int, name: str, length: int) -> None:
        path = f"{self._container(pick)}/{name}"
        self._try(lambda: self.space.put(path, length))

    @rule(pick=PICK, length=LENGTHS)
    def begin_to_put_and_die(self, pick: int, length: int) -> None:
        begin, path = self.space.uploads.begin_upload, at(self._node(pick))
        self._try(lambda: begin(self.space.alice, path, declared_length=length))

    @rule()
    def sweep(self) -> None:
        self._try(lambda: self.space.quota.sweep(self.space.clock() + 2 * UPLOAD_LIFE_NS))

    @rule(pick=PICK, recursive=st.booleans())
    def delete(self, pick: int, recursive: bool) -> None:
        delete, path = self.space.deletions.delete, at(self._node(pick))
        self._try(lambda: delete(self.space.alice, path, recursive=recursive))

    @rule(pick=PICK, goal=PICK, name=NAMES)
    def move(self, pick: int, goal: int, name: str) -> None:
        source, destination = at(self._node(pick)), at(f"{self._container(goal)}/{name}")
        move = self.space.moves.move
        self._try(
            lambda: move(self.space.alice, source, destination, exact=True, overwrite=True)
        )

    @rule(limit=st.integers(1, 5))
    def fold_one_level(self, limit: int) -> None:
        self._try(lambda: self.one_level.fold_once(limit))

    @rule(limit=st.integers(1, 50))
    def fold(self, limit: int) -> None:
        self._try(lambda: self.space.sizes.fold_once(limit))

    @rule(limit=st.integers(1, 30))
    def collect(self, limit: int) -> None:
        self._try(lambda: self.space.deletions.collect_once(limit))

    @rule()
    def die_next_time(self) -> None:
        self.database.dying = True

    @invariant()
    def sizes_and_charge_are_exact(self) -> None:
        if not hasattr(self, "space"):
            return
        records = self._all_records()
        for path, number in container_ids(self.space).items():
            expected = _counted(records, path)
            assert self.space.sizes.exact(number) == expected, path
            assert self.space.sizes.check(number) is None, path
        used_bytes, used_files = self.space.used()
        with self.database.read() as unit:
            held_bytes, held_files = unit.allocations.reserved(1)
        assert (used_bytes - held_bytes, used_files - held_files) == _counted(records, "/alice")

    def _try(self, operation: Callable[[], object]) -> None:
        # Refused, or dead before it was durable: nothing may have changed.
        with suppress(Fault, CrashError):
            operation()

    def _all_records(self) -> dict[str, NodeRecord]:
        lines = self.space.listing.descendants(self.space.alice, at("/"), depth=None)
        return {str(line.view.path): line.view.record for line in lines}

    def _node(self, pick: int) -> str:
        paths = sorted(self._all_records())[1:]
        return paths[pick % len(paths)]

    def _container(self, pick: int) -> str:
        paths = sorted(container_ids(self.space))[1:]
        return paths[pick % len(paths)]


def _counted(records: dict[str, NodeRecord], top: str) -> tuple[int, int]:
    """Bytes and files below a container, one by one."""
    inside = top.rstrip("/") + "/"
    files = [
        record
        for path, record in records.items()
        if path.startswith(inside) and record.has_bytes
    ]
    return sum(record.length for record in files), len(files)


TestSizesAgainstBruteForce = pytest.mark.timeout(300)(SizesAgainstBruteForce.TestCase)
TestSizesAgainstBruteForce.settings = settings(
    max_examples=20,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
