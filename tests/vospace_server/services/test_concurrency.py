"""Many at once: nothing is exceeded, lost, doubled or out of reach, on either engine."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.vospace_server.services.tree_space import TreeSpace, at, content_of
from vospace_model.faults import (
    ContainerNotFound,
    DuplicateNode,
    Fault,
    InvalidArgument,
    NodeNotFound,
    QuotaExceeded,
    ServiceBusy,
)
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.identity import OPERATOR
from vospace_server.services.uploads import UploadedContent

WRITERS = 16


def together(works: Sequence[Callable[[], object]]) -> list[Fault | None]:
    """Start all at the same moment; the fault of each, or None. Anything else is raised."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> Fault | None:
        barrier.wait()
        try:
            work()
        except Fault as fault:
            return fault
        return None

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def assert_everything_adds_up(space: TreeSpace, allocation_id: int = 1) -> None:
    """Sizes and charge are what is really there."""
    lines = space.listing.descendants(OPERATOR, at("/"), depth=None)
    files = [line.view for line in lines if line.view.record.has_bytes]
    total = sum(view.record.length for view in files), len(files)
    assert space.sizes.exact(1) == total
    space.sizes.fold_all()
    assert (space.get("/").record.length, space.get("/").record.files) == total
    charged = [view for view in files if view.path.names[0] == "alice"]
    length = sum(view.record.length for view in charged)
    assert space.used(allocation_id) == (length, len(charged))


def test_parallel_writers_never_exceed_a_quota_and_fill_it(each_space: TreeSpace) -> None:
    def put(number: int) -> None:
        for attempt in range(4):
            each_space.put(f"/alice/f{number}-{attempt}", 25_000)

    faults = together([partial(put, number) for number in range(WRITERS)])

    assert {type(fault) for fault in faults} == {type(None), QuotaExceeded} or all(
        isinstance(fault, QuotaExceeded) for fault in faults
    )
    assert each_space.used() == (1_000_000, 40)
    assert_everything_adds_up(each_space)


def test_parallel_streams_of_unknown_length_never_exceed_a_quota(
    each_space: TreeSpace,
) -> None:
    def stream(number: int) -> None:
        ticket = each_space.uploads.begin_upload(
            each_space.alice, at(f"/alice/f{number}"), declared_length=None
        )
        try:
            for received in range(10_000, 110_000, 10_000):
                ticket = each_space.uploads.grow(ticket, received)
            each_space.uploads.commit_upload(
                ticket, UploadedContent(content=content_of(100_000))
            )
        except QuotaExceeded:
            each_space.uploads.abandon_upload(ticket)
            raise

    faults = together([partial(stream, number) for number in range(WRITERS)])

    done = faults.count(None)
    assert done <= 10
    assert each_space.used() == (100_000 * done, done)
    assert_everything_adds_up(each_space)


def test_the_last_bytes_go_to_exactly_those_that_fit(each_space: TreeSpace) -> None:
    each_space.put("/alice/most", 999_980)

    faults = together([partial(each_space.put, f"/alice/f{number}", 8) for number in range(3)])

    assert [type(fault) for fault in faults].count(QuotaExceeded) == 1
    assert each_space.used() == (999_996, 3)


def test_of_many_that_make_one_name_one_succeeds(each_space: TreeSpace) -> None:
    faults = together([partial(each_space.mkdir, "/alice/d")] * WRITERS)

    assert faults.count(None) == 1
    assert {type(fault) for fault in faults if fault} == {DuplicateNode}
    assert_everything_adds_up(each_space)


def test_many_uploads_to_one_new_name_leave_one_node(each_space: TreeSpace) -> None:
    faults = together(
        [partial(each_space.put, "/alice/f", size) for size in range(1, WRITERS + 1)]
    )

    assert faults == [None] * WRITERS
    assert each_space.names("/alice") == ["f"]
    assert_everything_adds_up(each_space)


def test_nothing_is_made_in_a_container_that_is_being_deleted(each_space: TreeSpace) -> None:
    for turn in range(10):
        path = f"/alice/d{turn}"
        each_space.mkdir(path)
        together(
            [
                partial(each_space.deletions.delete, each_space.alice, at(path)),
                partial(each_space.put, f"{path}/f", 5),
                partial(each_space.mkdir, f"{path}/sub"),
            ]
        )

    assert each_space.orphans() == []
    assert_everything_adds_up(each_space)


def test_nothing_is_lost_when_a_tree_is_deleted_under_its_writers(
    each_space: TreeSpace,
) -> None:
    def write(turn: int, writer: int) -> None:
        for number in range(4):
            each_space.put(f"/alice/t{turn}/d/f{writer}-{number}", 7)

    for turn in range(3):
        each_space.mkdir(f"/alice/t{turn}")
        each_space.mkdir(f"/alice/t{turn}/d")
        top = at(f"/alice/t{turn}")
        delete = partial(each_space.deletions.delete, each_space.alice, top, recursive=True)
        together([delete, *(partial(write, turn, writer) for writer in range(3))])

    each_space.collect()
    assert each_space.orphans() == []
    assert each_space.used() == (0, 0)
    assert_everything_adds_up(each_space)


def test_two_containers_do_not_move_into_each_other(each_space: TreeSpace) -> None:
    move = each_space.moves.move
    for turn in range(5):
        a, b = f"/alice/a{turn}", f"/alice/b{turn}"
        for path in (a, b, f"{a}/deep", f"{b}/deep"):
            each_space.mkdir(path)

        faults = together(
            [
                partial(move, each_space.alice, at(a), at(f"{b}/deep/x")),
                partial(move, each_space.alice, at(b), at(f"{a}/deep/y")),
            ]
        )

        assert faults.count(None) == 1
        assert {type(fault) for fault in faults if fault} <= {
            ContainerNotFound,
            InvalidArgument,
            NodeNotFound,
        }
    assert each_space.orphans() == []


def test_moves_between_allocations_among_uploads_keep_both_charges_exact(
    each_space: TreeSpace,
) -> None:
    other = each_space.allocate("/other", each_space.alice, quota_bytes=1_000_000)
    each_space.mkdir("/alice/d")

    def carry() -> None:
        for _ in range(6):
            each_space.moves.move(each_space.alice, at("/alice/d"), at("/other/d"))
            each_space.moves.move(each_space.alice, at("/other/d"), at("/alice/d"))

    def write(writer: int) -> None:
        for number in range(12):
            try:
                each_space.put(f"/alice/d/f{writer}-{number}", 11)
            except (ContainerNotFound, ServiceBusy):
                continue

    faults = together([carry, *(partial(write, writer) for writer in range(3))])

    assert faults == [None] * 4
    assert each_space.used(other) == (0, 0)
    assert_everything_adds_up(each_space)


def test_an_upload_below_a_tree_on_its_way_is_charged_where_it_ends(
    each_space: TreeSpace,
) -> None:
    other = each_space.allocate("/other", each_space.alice, quota_bytes=1_000_000)
    for path in ("/alice/d", "/alice/d/e"):
        each_space.mkdir(path)
    ticket = each_space.uploads.begin_upload(
        each_space.alice, at("/alice/d/e/f"), declared_length=50
    )
    walked, moved = threading.Event(), threading.Event()

    def let_it_move(_unit: UnitOfWork) -> None:
        walked.set()
        moved.wait(1)

    def commit() -> None:
        uploaded = UploadedContent(content=content_of(50))
        each_space.uploads.commit_upload(ticket, uploaded, also=let_it_move)

    def carry() -> None:
        walked.wait(10)
        each_space.moves.move(each_space.alice, at("/alice/d"), at("/other/d"))
        moved.set()

    faults = together([commit, carry])

    assert faults == [None, None]
    assert each_space.get("/other/d/e/f").record.length == 50
    assert (each_space.used(), each_space.used(other)) == ((0, 0), (50, 1))


def test_renames_over_one_name_leave_one_file(each_space: TreeSpace) -> None:
    for number in range(WRITERS):
        each_space.put(f"/alice/new{number}", number + 1)

    faults = together(
        [
            partial(
                each_space.moves.move,
                each_space.alice,
                at(f"/alice/new{number}"),
                at("/alice/target"),
                exact=True,
                overwrite=True,
            )
            for number in range(WRITERS)
        ]
    )

    assert faults == [None] * WRITERS
    assert each_space.names("/alice") == ["target"]
    assert_everything_adds_up(each_space)


def test_properties_set_at_once_are_all_kept(each_space: TreeSpace) -> None:
    each_space.touch("/alice/f")

    together(
        [partial(each_space.set, "/alice/f", {f"custom:{number}": "1"}) for number in range(4)]
    )

    assert len(each_space.get("/alice/f").own_properties) == 4
