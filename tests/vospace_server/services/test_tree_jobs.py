"""Jobs on whole trees: counts, quota, and what is left when they are interrupted."""

import threading
from collections.abc import Iterator, Sequence

import pytest

from tests.vospace_server.services.tree_job_bench import TreeJobBench
from tests.vospace_server.services.tree_space import GROUP, OTHER_GROUP, TreeSpace, at, uri
from vospace_model.faults import NotAuthenticated, PermissionDenied
from vospace_model.jobs import ExecutionPhase
from vospace_model.nodes import NodeType, NodeUpdate
from vospace_model.properties import Cadc, Core, SetProperty
from vospace_server.database.node_batches import NodeBatchRepository
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.identity import ANONYMOUS, OPERATOR, Caller
from vospace_server.domain.job_record import JobRecord
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.tree_progress import TreeProgress
from vospace_server.domain.tree_request import TreeDeletion
from vospace_server.services import recursive_deletions, recursive_properties
from vospace_server.services.job_work import Worker
from vospace_server.services.recursive_deletions import RecursiveDeletion
from vospace_server.services.recursive_properties import Foreseen, RecursiveProperties
from vospace_server.services.tree_jobs import TreeWork

COMPLETED, ABORTED, ERROR = (
    ExecutionPhase.COMPLETED,
    ExecutionPhase.ABORTED,
    ExecutionPhase.ERROR,
)


@pytest.fixture
def bench(each_space: TreeSpace) -> TreeJobBench:
    return TreeJobBench(each_space)


@pytest.fixture
def tree(bench: TreeJobBench) -> Iterator[TreeSpace]:
    """`/alice/t`: a, b and c with three files of 10 bytes each, 13 nodes with the root."""
    space = bench.space
    space.mkdir("/alice/t")
    for folder in "abc":
        space.mkdir(f"/alice/t/{folder}")
        for number in range(3):
            space.put(f"/alice/t/{folder}/f{number}", 10)
    yield space
    space.collect()
    assert space.orphans() == []
    space.sizes.fold_all()
    with space.database.read() as unit:
        top = unit.nodes.walk(at("/alice"))[-1].node_id
    assert space.sizes.check(top) is None
    assert space.sizes.exact(top) == space.used()


class Interrupted:
    """Work in a process that is told to stop after some steps."""

    def __init__(self, work: TreeWork, steps: int) -> None:
        self.stopping = threading.Event()
        self._work = work
        self._left = steps

    def begin(self, unit: UnitOfWork, caller: Caller, record: JobRecord) -> TreeProgress:
        self._count()
        return self._work.begin(unit, caller, record)

    def step(
        self, unit: UnitOfWork, caller: Caller, record: JobRecord, at: TreeProgress
    ) -> TreeProgress:
        self._count()
        return self._work.step(unit, caller, record, at)

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            self.stopping.set()


def _deletion(path: str = "/alice/t") -> TreeDeletion:
    return TreeDeletion(target=uri(path))


def _update(path: str = "/alice/t", **properties: str) -> NodeUpdate:
    return NodeUpdate(
        uri=uri(path),
        node_type=NodeType.CONTAINER,
        changes=tuple(
            SetProperty(uri=f"ivo://ivoa.net/vospace/core#{name}", value=value)
            for name, value in properties.items()
        ),
    )


def test_a_tree_goes_at_once_and_is_counted(bench: TreeJobBench, tree: TreeSpace) -> None:
    work = RecursiveDeletion(tree=tree.tree)

    assert bench.do(_deletion(), work) == (COMPLETED, {"successcount": 13})
    assert tree.names("/alice") == []
    assert tree.used() == (0, 0)


def test_a_locked_file_keeps_its_ancestors_and_nothing_else(
    bench: TreeJobBench, tree: TreeSpace
) -> None:
    tree.set("/alice/t/b/f1", {Cadc.ISLOCKED: "true"})
    work = RecursiveDeletion(tree=tree.tree)

    assert bench.do(_deletion(), work) == (ABORTED, {"successcount": 10, "errorcount": 1})
    assert tree.names("/alice/t") == ["b"]
    assert tree.names("/alice/t/b") == ["f1"]
    assert tree.used() == (10, 1)


def test_an_allocation_in_a_tree_is_kept(bench: TreeJobBench, tree: TreeSpace) -> None:
    admin = tree.user("root", is_admin=True)
    tree.mkdir("/t", admin)
    tree.mkdir("/t/d", admin)
    tree.allocate("/t/own", tree.alice, quota_bytes=1000)
    tree.put("/t/own/f", 7, admin)
    work = RecursiveDeletion(tree=tree.tree)

    assert bench.do(_deletion("/t"), work, admin) == (
        ABORTED,
        {"successcount": 1, "errorcount": 1},
    )
    assert tree.names("/t/own", admin) == ["f"]
    assert bench.do(_deletion("/t/own"), work, admin) == (COMPLETED, {"successcount": 2})


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5])
def test_a_deletion_that_is_interrupted_goes_on_and_counts_right(
    bench: TreeJobBench, tree: TreeSpace, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recursive_deletions, "BATCH", 2)
    tree.set("/alice/t/b/f1", {Cadc.ISLOCKED: "true"})
    work = RecursiveDeletion(tree=tree.tree)
    record = bench.create(_deletion())
    interrupted = Interrupted(work, steps)

    bench.execute(record, interrupted, Worker(name="first", stopping=interrupted.stopping))
    assert bench.found(record).phase is ExecutionPhase.QUEUED
    bench.execute(record, work, Worker(name="second"))

    assert bench.outcome(record) == (ABORTED, {"successcount": 10, "errorcount": 1})
    assert bench.found(record).progress is not None


def test_a_deletion_that_is_aborted_says_what_it_has_done(
    bench: TreeJobBench, tree: TreeSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recursive_deletions, "BATCH", 1)
    tree.set("/alice/t/c/f2", {Cadc.ISLOCKED: "true"})
    work = RecursiveDeletion(tree=tree.tree)
    record = bench.create(_deletion())

    # The owner is looked up before each step: the third time they have just aborted it.
    bench.before_steps = [
        lambda: None,
        lambda: None,
        lambda: bench.jobs.abort(tree.alice, record.job_id),
    ]
    bench.execute(record, work)

    assert bench.outcome(record) == (ABORTED, {"successcount": 4, "errorcount": 0})
    assert tree.names("/alice/t") == ["b", "c"]


def test_more_than_a_hundred_failures_stop_a_deletion(
    bench: TreeJobBench, tree: TreeSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vospace_server.domain.tree_progress.MAX_FAILURES", 2)
    for folder in "ab":
        for number in range(3):
            tree.set(f"/alice/t/{folder}/f{number}", {Cadc.ISLOCKED: "true"})
    work = RecursiveDeletion(tree=tree.tree)

    assert bench.do(_deletion("/alice/t"), work)[0] is ERROR
    assert tree.names("/alice/t/c") == ["f0", "f1", "f2"]


def test_a_member_deletes_where_they_may_write(bench: TreeJobBench, tree: TreeSpace) -> None:
    bob = tree.user("bob", groups=[GROUP])
    for path in ("/alice", "/alice/t", "/alice/t/a"):
        tree.set(path, {Core.GROUPWRITE: GROUP})
    work = RecursiveDeletion(tree=tree.tree)

    # Six files in b and c are not theirs to remove.
    assert bench.do(_deletion(), work, bob) == (ABORTED, {"successcount": 4, "errorcount": 6})
    assert tree.names("/alice/t") == ["b", "c"]


def test_a_container_that_may_not_be_written_keeps_its_files(
    bench: TreeJobBench, tree: TreeSpace
) -> None:
    bob = tree.user("bob", groups=[GROUP])
    for path in ("/", "/alice"):
        tree.set(path, {Core.GROUPWRITE: GROUP}, OPERATOR)
    tree.set("/alice/t", {Core.GROUPREAD: GROUP})
    work = RecursiveDeletion(tree=tree.tree)

    assert bench.do(_deletion("/alice/t/a"), work, bob) == (ERROR, {})
    with pytest.raises(PermissionDenied):
        tree.deletions.delete(bob, at("/alice/t"), recursive=True)
    assert len(tree.names("/alice/t")) == 3


def test_nobody_has_no_jobs_on_trees(bench: TreeJobBench) -> None:
    with pytest.raises(NotAuthenticated):
        bench.tree_jobs.create(ANONYMOUS, _deletion())


def test_properties_are_set_on_all_nodes_and_foreseen(
    bench: TreeJobBench, tree: TreeSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recursive_properties, "BATCH", 2)
    monkeypatch.setattr(recursive_properties, "_PAGE", 2)
    work = RecursiveProperties(tree=tree.tree)
    update = _update(ispublic="true", title="M 31")
    tree.set("/alice/t/a/f0", {Core.ISPUBLIC: "true", Core.TITLE: "M 31"})

    assert work.foresee(tree.alice, at("/alice/t"), update.changes) == Foreseen(
        changed=12, refused=0, nodes=13
    )
    assert bench.do(update, work) == (COMPLETED, {"successcount": 13})
    assert work.foresee(tree.alice, at("/alice/t"), update.changes).changed == 0
    assert all(tree.get(f"/alice/t/{each}").record.public for each in ("a", "b/f1", "c/f2"))
    assert tree.get("/alice/t/c/f2").own_properties == {Core.TITLE: "M 31"}


def test_each_node_of_a_batch_gets_what_it_lacks(bench: TreeJobBench, tree: TreeSpace) -> None:
    own = "custom:own"
    tree.set("/alice/t/a/f0", {Core.ISPUBLIC: "true", Core.TITLE: "M 31", own: "kept"})
    tree.set("/alice/t/a/f1", {Core.TITLE: "M 33", Core.GROUPREAD: GROUP})
    tree.set("/alice/t/a/f2", {Core.TITLE: "M 31", Core.GROUPWRITE: OTHER_GROUP})
    with tree.database.read() as unit:
        versions = {each: _version(unit, each) for each in ("a/f0", "a/f1", "b/f0")}
        logged = len(unit.changes.since(0, limit=1000))
    work = RecursiveProperties(tree=tree.tree)
    update = _update(ispublic="true", title="M 31", groupread=GROUP, groupwrite="")

    assert bench.do(update, work) == (COMPLETED, {"successcount": 13})

    for name in ("f0", "f1", "f2"):
        view = tree.get(f"/alice/t/a/{name}")
        assert view.record.public
        assert (view.record.read_groups, view.record.write_groups) == ((GROUP,), ())
        assert view.own_properties[Core.TITLE] == "M 31"
    assert tree.get("/alice/t/a/f0").own_properties[own] == "kept"
    with tree.database.read() as unit:
        # Each changed once, and each change logged where the node is.
        assert all(_version(unit, each) == before + 1 for each, before in versions.items())
        lines = unit.changes.since(0, limit=1000)[logged:]
        granted = unit.node_groups.grants(GROUP, after_node_id=0, limit=100)
        others = unit.node_groups.grants(OTHER_GROUP, after_node_id=0, limit=100)
    assert sorted(line.path for line in lines) == sorted(
        ["/alice/t", *(f"/alice/t/{a}" for a in "abc")]
        + [f"/alice/t/{a}/f{n}" for a in "abc" for n in range(3)]
    )
    assert (len(granted), others) == (13, [])


def _version(unit: UnitOfWork, name: str) -> int:
    return unit.nodes.walk(at(f"/alice/t/{name}"))[-1].version


def test_a_node_that_moves_while_its_batch_begins_is_not_changed(
    bench: TreeJobBench, tree: TreeSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = RecursiveProperties(tree=tree.tree)
    real = NodeBatchRepository.lock

    def late(batches: NodeBatchRepository, records: Sequence[NodeRecord]) -> list[NodeRecord]:
        monkeypatch.undo()
        if tree.database.dialect == "postgresql":
            # Another process is faster than the locks.
            tree.moves.move(tree.alice, at("/alice/t/c"), at("/alice/moved"))
        return real(batches, records)

    monkeypatch.setattr(NodeBatchRepository, "lock", late)
    done = bench.do(_update(title="M 31"), work)

    moved = tree.database.dialect == "postgresql"
    assert done == (COMPLETED, {"successcount": 9 if moved else 13})
    if moved:
        assert tree.get("/alice/moved/f0").own_properties == {}


@pytest.mark.parametrize("steps", [1, 2, 4, 7])
def test_a_change_that_is_interrupted_goes_on_and_counts_right(
    bench: TreeJobBench, tree: TreeSpace, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recursive_properties, "BATCH", 2)
    work = RecursiveProperties(tree=tree.tree)
    record = bench.create(_update(title="M 31"))
    interrupted = Interrupted(work, steps)

    bench.execute(record, interrupted, Worker(name="first", stopping=interrupted.stopping))
    bench.execute(record, work, Worker(name="second"))

    assert bench.outcome(record) == (COMPLETED, {"successcount": 13})


def test_branches_of_others_are_counted_once_and_not_entered(
    bench: TreeJobBench, tree: TreeSpace
) -> None:
    bob = tree.user("bob", groups=[GROUP])
    for path in ("/alice", "/alice/t", "/alice/t/a", "/alice/t/a/f1"):
        tree.set(path, {Core.GROUPWRITE: GROUP})
    work = RecursiveProperties(tree=tree.tree)
    update = _update(title="mine")

    assert work.foresee(bob, at("/alice/t"), update.changes) == Foreseen(
        changed=3, refused=4, nodes=7
    )
    assert bench.do(update, work, bob) == (ABORTED, {"successcount": 3, "errorcount": 4})


def test_a_quota_is_not_for_many(bench: TreeJobBench, tree: TreeSpace) -> None:
    work = RecursiveProperties(tree=tree.tree)

    assert bench.do(_update(quota="100"), work) == (ERROR, {})
    admin = tree.user("root", is_admin=True)
    assert bench.do(_update(quota="100"), work, admin) == (ERROR, {})


def test_a_container_that_moved_away_is_left_alone(
    bench: TreeJobBench, tree: TreeSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recursive_properties, "BATCH", 2)
    record = bench.create(_update(title="M 31"))

    work = RecursiveProperties(tree=tree.tree)
    interrupted = Interrupted(work, 2)
    bench.execute(record, interrupted, Worker(name="first", stopping=interrupted.stopping))
    tree.moves.move(tree.alice, at("/alice/t/a"), at("/alice/elsewhere"))
    bench.execute(record, work, Worker(name="second"))

    assert bench.outcome(record)[0] is COMPLETED
    assert tree.get("/alice/elsewhere/f0").own_properties == {}
    assert tree.get("/alice/t/c/f0").own_properties == {Core.TITLE: "M 31"}
