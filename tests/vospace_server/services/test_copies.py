"""copyNode: a tree once more, whole or not at all, its bytes shared and exactly paid for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vospace_server.services.tree_space import TreeSpace, at, content_of
from vospace_model.faults import (
    ContainerNotFound,
    DuplicateNode,
    Fault,
    InvalidArgument,
    NodeNotFound,
    PermissionDenied,
    QuotaExceeded,
)
from vospace_model.nodes import NodeType
from vospace_model.properties import Cadc, Core
from vospace_model.uris import NodePath
from vospace_server.database.blobs import NewBlob
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.copy_place import CopyPlace
from vospace_server.domain.identity import Identity
from vospace_server.domain.node_record import NodeRecord
from vospace_server.services.copies import CopyService
from vospace_server.services.jobs import JobKind, JobService, NewJob
from vospace_server.services.uploads import UploadedContent

PUBLIC = Core.ISPUBLIC
GROUP_READ = Core.GROUPREAD
LOCKED = Cadc.ISLOCKED
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Copier:
    """Copies in a space, as a job would, and looks at what has become of it."""

    space: TreeSpace
    copies: CopyService
    saved: CopyPlace | None = None
    number: int = 0
    fails: bool = False

    def put(self, path: str, length: int, caller: Identity | None = None) -> None:
        """A file whose bytes the store knows."""
        content = content_of(length)
        who = caller or self.space.alice

        def also(unit: UnitOfWork) -> None:
            new = NewBlob(content_id=content.content_id, object_key=content.object_key)
            unit.blobs.begin([new], now=NOW, writing_until=NOW)
            unit.blobs.store(
                content.content_id,
                length=length,
                md5=content.md5,
                sha256=content.sha256,
                now=NOW,
            )

        ticket = self.space.uploads.begin_upload(who, at(path), declared_length=length)
        self.space.uploads.commit_upload(ticket, UploadedContent(content=content), also=also)

    def begin(self, source: str, destination: str, caller: Identity | None = None) -> CopyPlace:
        self.number += 1
        return self.copies.begin(
            caller or self.space.alice,
            at(source),
            at(destination),
            job_id=f"job{self.number}",
            keeper=self,
        )

    def step(self, place: CopyPlace, caller: Identity | None = None) -> CopyPlace:
        return self.copies.step(caller or self.space.alice, place, keeper=self)

    def finish(
        self, source: str, destination: str, place: CopyPlace, caller: Identity | None = None
    ) -> NodePath:
        return self.copies.finish(
            caller or self.space.alice,
            at(source),
            at(destination),
            place,
            also=lambda _unit, _path: None,
        )

    def copy(self, source: str, destination: str, caller: Identity | None = None) -> str:
        place = self.begin(source, destination, caller)
        try:
            while place.frames:
                place = self.step(place, caller)
            return str(self.finish(source, destination, place, caller))
        except Fault:
            self.copies.abandon(place, keeper=self)
            raise

    def hold(self, _unit: UnitOfWork) -> None:
        """Nobody else copies."""

    def may_clean_up(self, _unit: UnitOfWork) -> bool:
        return True

    def save(self, _unit: UnitOfWork, place: CopyPlace) -> None:
        if self.fails:
            raise ZeroDivisionError
        self.saved = CopyPlace.from_json(place.to_json())

    def record(self, path: str) -> NodeRecord:
        return self.space.get(path).record

    def tree(self, path: str) -> dict[str, tuple[object, ...]]:
        """Everything below a path that must be the same in a copy."""
        found: dict[str, tuple[object, ...]] = {}
        with self.space.database.read() as unit:
            top = self.space.tree.walker(unit).get(self.space.alice, at(path))
            stack = [("", top.node)]
            while stack:
                name, node = stack.pop()
                own = unit.properties.of_node(node.node_id)
                found[name] = (
                    node.kind, node.public, node.inherit, node.read_groups,
                    node.write_groups, node.target, node.content_id, node.md5,
                    node.media_type, node.length if node.has_bytes else 0, tuple(own.items()),
                )  # fmt: skip
                if node.is_container:
                    children = unit.nodes.children(node.node_id, after="", limit=10_000)
                    stack += [(f"{name}/{child.name}", child) for child in children]
        return found

    def exact(self, path: str) -> tuple[int, int]:
        return self.space.sizes.exact(self.record(path).node_id)

    def rows(self) -> int:
        with self.space.database.read() as unit:
            return unit.nodes.count()

    def check_sizes(self) -> None:
        """Every container's account adds up, before and after folding."""
        with self.space.database.read() as unit:
            containers = unit.checks.containers(0, 10_000)
        assert not [c for c in containers if self.space.sizes.check(c)]
        self.space.sizes.fold_all()
        assert not [c for c in containers if self.space.sizes.check(c)]


@pytest.fixture
def copier(each_space: TreeSpace) -> Copier:
    return Copier(each_space, CopyService(tree=each_space.tree, batch=3))


def furnish(copier: Copier) -> None:
    """A tree of each kind of node, some of it in several layers."""
    space = copier.space
    space.mkdir("/alice/t", title="all of it")
    for folder in ("/alice/t/a", "/alice/t/a/deep", "/alice/t/a/deep/er", "/alice/t/z"):
        space.mkdir(folder)
    for number in range(7):
        copier.put(f"/alice/t/a/f{number}", 10 + number)
    copier.put("/alice/t/a/deep/er/x", 100)
    copier.put("/alice/t/m", 1)
    space.touch("/alice/t/z/empty", description="never written")
    space.link("/alice/t/l", "/alice/t/m")
    space.link("/alice/t/out", "https://example.org/x")


def test_a_tree_is_copied_whole_with_its_bytes_shared(copier: Copier) -> None:
    furnish(copier)
    before = copier.space.used()

    copied_to = copier.copy("/alice/t", "/alice/u")

    assert copied_to == "/alice/u"
    assert copier.tree("/alice/u") == copier.tree("/alice/t")
    size_bytes, files = copier.exact("/alice/t")
    assert copier.exact("/alice/u") == (size_bytes, files) == (192, 10)
    assert copier.space.used() == (before[0] + size_bytes, before[1] + files)
    copier.check_sizes()


def test_a_copy_has_a_new_creator_and_a_new_date(copier: Copier) -> None:
    space = copier.space
    bob = space.user("bob", groups=["ivo://localhost/gms?astronomers"])
    space.allocate("/bob", bob, quota_bytes=1000)
    space.set("/alice", {GROUP_READ: "ivo://localhost/gms?astronomers"})
    copier.put("/alice/f", 10)
    space.set("/alice/f", {PUBLIC: "true", Core.TITLE: "stars"})
    source = copier.record("/alice/f")
    space.clock.advance(60)

    copier.copy("/alice/f", "/bob", bob)

    copy = space.get("/bob/f", bob)
    assert copy.record.owner_name == "bob"
    assert copy.record.created_ns > source.created_ns + 59 * 10**9
    assert copy.record.modified_ns > source.modified_ns + 59 * 10**9
    assert copy.record.content_id == source.content_id
    assert copy.record.public
    assert copy.own_properties[Core.TITLE] == "stars"
    assert (space.used(1)[0], space.used(2)) == (10, (10, 1))


def test_locks_stay_with_the_originals(copier: Copier) -> None:
    copier.put("/alice/f", 1)
    copier.space.set("/alice/f", {LOCKED: "true"})

    copier.copy("/alice/f", "/alice/g")

    assert copier.record("/alice/f").locked
    assert not copier.record("/alice/g").locked


def test_a_link_is_copied_as_the_link_that_it_is(copier: Copier) -> None:
    copier.put("/alice/f", 1)
    copier.space.link("/alice/l", "/alice/f")

    copier.copy("/alice/l", "/alice/k")

    assert copier.record("/alice/k").kind is NodeType.LINK
    assert copier.record("/alice/k").target == copier.record("/alice/l").target


def test_destinations_are_those_of_a_move(copier: Copier) -> None:
    space = copier.space
    space.mkdir("/alice/a")
    space.mkdir("/alice/ab")
    space.mkdir("/alice/ab/a")
    copier.put("/alice/f", 1)
    copier.put("/alice/g", 1)

    assert copier.copy("/alice/f", "/alice/a") == "/alice/a/f"
    assert copier.copy("/alice/a", "/alice/ab/x") == "/alice/ab/x"
    for source, destination, fault in (
        ("/alice/f", "/alice/g", DuplicateNode),
        ("/alice/f", "/alice/f", DuplicateNode),
        ("/alice/f", "/alice/a", DuplicateNode),
        ("/alice/a", "/alice/g", DuplicateNode),
        ("/alice/a", "/alice/ab", DuplicateNode),
        ("/alice/a", "/alice/a", InvalidArgument),
        ("/alice/a", "/alice/a/b", InvalidArgument),
        ("/", "/alice/x", InvalidArgument),
        ("/alice/none", "/alice/x", NodeNotFound),
        ("/alice/f", "/alice/no/such", ContainerNotFound),
        ("/alice/f", "/alice/g/x", ContainerNotFound),
    ):
        with pytest.raises(fault):
            copier.copy(source, destination)
    with pytest.raises(InvalidArgument, match="into its descendants"):
        copier.copy("/alice/a", "/alice/a")


def test_what_one_may_not_read_is_not_copied_nor_is_anything_with_it(copier: Copier) -> None:
    space = copier.space
    bob = space.user("bob")
    space.allocate("/bob", bob, quota_bytes=1000)
    space.mkdir("/alice/t", ispublic="true")
    space.set("/alice", {PUBLIC: "true"})
    for number in range(8):
        copier.put(f"/alice/t/f{number}", 1)
        space.set(f"/alice/t/f{number}", {PUBLIC: "true"})
    copier.put("/alice/t/secret", 1)

    with pytest.raises(PermissionDenied, match="/alice/t/secret"):
        copier.copy("/alice/t", "/bob", bob)
    space.collect()

    assert space.names("/bob", bob) == []
    assert space.used(2) == (0, 0)
    with pytest.raises(PermissionDenied):
        copier.copy("/bob", "/alice/b")
    with pytest.raises(PermissionDenied):
        copier.copy("/alice/t/f1", "/alice/x", bob)


def test_quota_is_reserved_before_and_exact_after(copier: Copier) -> None:
    space = copier.space
    furnish(copier)
    carol = space.user("carol")
    space.allocate("/carol", carol, quota_bytes=150)
    space.set("/alice", {PUBLIC: "true"})

    admin = space.user("admin", is_admin=True)
    with pytest.raises(QuotaExceeded):
        copier.begin("/alice/t", "/carol", admin)
    assert space.used(2) == (0, 0)

    place = copier.begin("/alice/t/a/deep", "/carol", admin)
    assert space.used(2) == (100, 1)
    with pytest.raises(QuotaExceeded):
        copier.put("/carol/f", 51, carol)
    while place.frames:
        place = copier.step(place, admin)
    copier.finish("/alice/t/a/deep", "/carol", place, admin)
    assert space.used(2) == (100, 1)


def test_nothing_is_seen_of_a_copy_before_its_end_nor_of_one_given_up(copier: Copier) -> None:
    furnish(copier)
    space, rows = copier.space, copier.rows()
    used = space.used()
    place = copier.begin("/alice/t", "/alice/u")
    place = copier.step(copier.step(place))

    assert space.names("/alice") == ["t"]
    assert copier.exact("/alice") == (192, 10)
    assert space.orphans() == []
    copier.copies.abandon(place, keeper=copier)
    copier.copies.abandon(place, keeper=copier)
    space.collect()

    assert (copier.rows(), space.used()) == (rows, used)
    assert copier.exact("/alice") == (192, 10)
    copier.check_sizes()


def test_a_copy_goes_on_where_it_was_interrupted(copier: Copier) -> None:
    furnish(copier)
    copier.begin("/alice/t", "/alice/u")
    steps = 0
    while copier.saved is not None and copier.saved.frames:
        # Each step by another worker, who knows only what was saved; every other one dies
        # before its transaction ends.
        place = copier.saved
        copier.fails = True
        with pytest.raises(ZeroDivisionError):
            copier.step(place)
        copier.fails = False
        copier.step(place)
        steps += 1
    assert copier.saved is not None

    copier.finish("/alice/t", "/alice/u", copier.saved)

    assert steps > 3
    assert copier.tree("/alice/u") == copier.tree("/alice/t")
    assert copier.exact("/alice/u") == (192, 10)
    copier.check_sizes()


def test_a_reservation_that_expired_is_charged_at_the_end_all_the_same(copier: Copier) -> None:
    furnish(copier)
    space = copier.space
    place = copier.begin("/alice/t", "/alice/u")
    space.quota.sweep(space.clock() + 10**15)
    assert space.used() == (192, 10)

    while place.frames:
        place = copier.step(place)
    copier.finish("/alice/t", "/alice/u", place)

    assert space.used() == (384, 20)


def test_a_destination_that_was_taken_meanwhile_is_not_overwritten(copier: Copier) -> None:
    furnish(copier)
    place = copier.begin("/alice/t/m", "/alice/u")
    copier.put("/alice/u", 5)

    with pytest.raises(DuplicateNode):
        copier.finish("/alice/t/m", "/alice/u", place)


def test_a_source_that_was_replaced_meanwhile_is_not_taken_for_the_same(copier: Copier) -> None:
    furnish(copier)
    space = copier.space
    place = copier.begin("/alice/t", "/alice/u")
    space.deletions.delete(space.alice, at("/alice/t"), recursive=True)
    space.mkdir("/alice/t")

    with pytest.raises(NodeNotFound):
        copier.finish("/alice/t", "/alice/u", place)


def test_bytes_stay_while_any_copy_refers_to_them(copier: Copier) -> None:
    space = copier.space
    copier.put("/alice/f", 10)
    content_id = copier.record("/alice/f").content_id
    assert content_id is not None
    copier.copy("/alice/f", "/alice/g")
    space.deletions.delete(space.alice, at("/alice/f"))

    def doom() -> int:
        with space.database.write() as unit:
            unit.blobs.note_unused([content_id], now=NOW)
            return unit.blobs.doom_unused(unused_before=NOW + timedelta(days=1))

    assert doom() == 0
    space.deletions.delete(space.alice, at("/alice/g"))
    assert doom() == 1


def test_bytes_that_were_marked_as_unused_are_kept_by_a_copy(copier: Copier) -> None:
    copier.put("/alice/f", 10)
    content_id = copier.record("/alice/f").content_id
    assert content_id is not None
    with copier.space.database.write() as unit:
        unit.blobs.page_of_use("", 9)
        kept = unit.blobs.keep([content_id, "unknown"])

    assert list(kept) == [content_id]


@pytest.mark.parametrize("phase", ["gone", "aborted", "running"])
def test_copies_whose_job_is_over_are_swept(copier: Copier, phase: str) -> None:
    furnish(copier)
    space, rows = copier.space, copier.rows()
    jobs = JobService(database=space.database, wake_runner=lambda: None)
    job = jobs.create(space.alice, NewJob(kind=JobKind.LONG_TRANSFER, request='{"scope": 2}'))
    place = copier.copies.begin(
        space.alice, at("/alice/t"), at("/alice/u"), job_id=job.job_id, keeper=copier
    )
    copier.step(place)
    deeds: dict[str, Callable[[], object]] = {
        "gone": lambda: jobs.remove(space.alice, job.job_id),
        "aborted": lambda: jobs.abort(space.alice, job.job_id),
        "running": lambda: None,
    }

    deeds[phase]()
    swept = copier.copies.sweep()
    space.collect()

    assert swept == (0 if phase == "running" else 1)
    assert (copier.rows() == rows) is (phase != "running")
    assert copier.copies.sweep() == 0


@st.composite
def trees(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Paths below a top, each with what stands there, parents before children."""
    nodes: list[tuple[str, str]] = []
    folders = [""]
    for number in range(draw(st.integers(0, 12))):
        parent = draw(st.sampled_from(folders))
        kind = draw(st.sampled_from(["folder", "file", "empty", "link"]))
        path = f"{parent}/{kind[0]}{number}"
        nodes.append((path, kind))
        if kind == "folder":
            folders.append(path)
    return nodes


@given(tree=trees(), batch=st.integers(1, 5))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_tree_is_copied_whole_in_steps_of_any_size(
    space: TreeSpace, tree: list[tuple[str, str]], batch: int
) -> None:
    copier = Copier(space, CopyService(tree=space.tree, batch=batch))
    top = f"/alice/t{space.clock()}"
    space.mkdir(top)
    makers: dict[str, Callable[[str], object]] = {
        "folder": space.mkdir,
        "file": lambda path: copier.put(path, len(path)),
        "empty": space.touch,
        "link": lambda path: space.link(path, "/alice"),
    }
    for path, kind in tree:
        makers[kind](f"{top}{path}")
    used = space.used()

    copier.copy(top, f"{top}c")

    assert copier.tree(f"{top}c") == copier.tree(top)
    size_bytes, files = copier.exact(top)
    assert copier.exact(f"{top}c") == (size_bytes, files)
    assert space.used() == (used[0] + size_bytes, used[1] + files)
