"""UploadService: refused early, committed whole, abandoned without a trace."""

from dataclasses import replace

import pytest

from tests.vospace_server.services.tree_space import GROUP, TreeSpace, at, content_of
from vospace_model.faults import (
    ContainerNotFound,
    InvalidArgument,
    NodeBusy,
    NotAuthenticated,
    PermissionDenied,
    PreconditionFailed,
    QuotaExceeded,
    UnreadableLinkTarget,
)
from vospace_model.nodes import NodeType
from vospace_model.properties import Cadc, Core
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.identity import ANONYMOUS
from vospace_server.services.upload_conditions import UploadConditions
from vospace_server.services.uploads import (
    UPLOAD_LIFE_NS,
    UploadedContent,
    UploadTicket,
)


def begin(
    space: TreeSpace, path: str, length: int | None, **conditions: object
) -> UploadTicket:
    return space.uploads.begin_upload(
        space.alice,
        at(path),
        declared_length=length,
        conditions=UploadConditions(**conditions),  # type: ignore[arg-type]
    )


def commit(space: TreeSpace, ticket: UploadTicket, length: int) -> None:
    space.uploads.commit_upload(ticket, UploadedContent(content=content_of(length)))


def test_an_upload_makes_the_node_with_its_bytes(each_space: TreeSpace) -> None:
    ticket = begin(each_space, "/alice/f", 10)
    uploaded = UploadedContent(
        content=content_of(10), media_type="image/fits", encoding="gzip", mtime_ns=123
    )

    done = each_space.uploads.commit_upload(ticket, uploaded)

    node = each_space.get("/alice/f").record
    assert (done.created, done.view.record) == (True, node)
    assert (node.kind, node.length, node.md5) == (NodeType.DATA, 10, uploaded.content.md5)
    assert (node.content_id, node.media_type) == (uploaded.content.content_id, "image/fits")
    assert (node.encoding, node.mtime_ns) == ("gzip", 123)
    assert each_space.used() == (10, 1)


def test_an_upload_replaces_the_bytes_and_keeps_the_node(each_space: TreeSpace) -> None:
    before = each_space.put("/alice/f", 10).view.record
    each_space.set(
        "/alice/f", {Core.TITLE: "T", Core.TYPE: "a/b", Core.MTIME: "2020-01-01T00:00:00"}
    )

    done = each_space.put("/alice/f", 25)

    after = done.view.record
    assert (done.created, after.node_id, after.length) == (False, before.node_id, 25)
    assert (after.content_id != before.content_id, after.media_type) == (True, "a/b")
    assert (after.mtime_ns, done.view.own_properties) == (None, {Core.TITLE: "T"})
    assert each_space.used() == (25, 1)


def test_nothing_is_there_before_the_commit(each_space: TreeSpace) -> None:
    ticket = begin(each_space, "/alice/f", 10)

    assert each_space.names("/alice") == []
    assert each_space.used() == (10, 1)

    each_space.uploads.abandon_upload(ticket)
    each_space.uploads.abandon_upload(ticket)

    assert (each_space.names("/alice"), each_space.used()) == ([], (0, 0))


def test_an_upload_that_is_given_up_leaves_the_old_bytes(each_space: TreeSpace) -> None:
    before = each_space.put("/alice/f", 10).view.record
    ticket = begin(each_space, "/alice/f", 500)
    each_space.uploads.abandon_upload(ticket)

    after = each_space.get("/alice/f")

    assert (after.record, after.busy, each_space.used()) == (before, False, (10, 1))


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/alice/no/f", ContainerNotFound),
        ("/alice/file/f", ContainerNotFound),
        ("/alice/d", InvalidArgument),
        ("/f", PermissionDenied),
        ("/alice/locked", PermissionDenied),
        ("/alice/away", InvalidArgument),
        ("/alice/lost", UnreadableLinkTarget),
    ],
)
def test_an_upload_is_refused_before_its_first_byte(
    space: TreeSpace, path: str, fault: type[Exception]
) -> None:
    space.mkdir("/alice/d")
    for name in ("file", "locked"):
        space.touch(f"/alice/{name}")
    space.set("/alice/locked", {Cadc.ISLOCKED: "true"})
    space.link("/alice/away", "http://elsewhere.org/")
    space.link("/alice/lost", "/alice/no/further")

    with pytest.raises(fault):
        begin(space, path, 1)


def test_nobody_uploads_without_saying_who(space: TreeSpace) -> None:
    with pytest.raises(NotAuthenticated):
        space.uploads.begin_upload(ANONYMOUS, at("/f"), declared_length=1)


def test_an_upload_follows_links(space: TreeSpace) -> None:
    space.put("/alice/f", 1)
    space.link("/alice/l", "/alice/f")
    space.link("/alice/broken", "/alice/new")

    replaced = space.put("/alice/l", 5)
    made = space.put("/alice/broken", 7)

    assert (str(replaced.view.path), str(made.view.path)) == ("/alice/f", "/alice/new")


def test_a_new_node_inherits(space: TreeSpace) -> None:
    space.set("/alice", {Cadc.INHERIT: "true", Core.GROUPREAD: GROUP, Core.ISPUBLIC: "true"})

    made = space.put("/alice/f", 1).view.record

    assert (made.public, made.read_groups) == (True, (GROUP,))


# ---------------------------------------------------------------- conditions


def test_a_condition_is_checked_at_the_start(space: TreeSpace) -> None:
    content = space.put("/alice/f", 1).view.record.content_id or ""

    for conditions in (
        {"if_match": frozenset({"other"})},
        {"must_not_exist": True},
        {"if_none_match": frozenset({content})},
    ):
        with pytest.raises(PreconditionFailed):
            begin(space, "/alice/f", 1, **conditions)
    for conditions in ({"if_match": frozenset({content})}, {"must_exist": True}):
        with pytest.raises(PreconditionFailed, match="does not exist"):
            begin(space, "/alice/new", 1, **conditions)
        begin(space, "/alice/f", 1, **conditions)


def test_a_condition_is_checked_again_at_the_end(each_space: TreeSpace) -> None:
    content = each_space.put("/alice/f", 1).view.record.content_id or ""
    ticket = begin(each_space, "/alice/f", 9, if_match=frozenset({content}))
    other = each_space.put("/alice/f", 2).view.record

    with pytest.raises(PreconditionFailed):
        commit(each_space, ticket, 9)
    each_space.uploads.abandon_upload(ticket)

    assert (each_space.get("/alice/f").record, each_space.used()) == (other, (2, 1))


def test_of_two_that_must_not_exist_the_later_fails(each_space: TreeSpace) -> None:
    first, second = (begin(each_space, "/alice/f", 1, must_not_exist=True) for _ in range(2))
    commit(each_space, first, 1)

    with pytest.raises(PreconditionFailed):
        commit(each_space, second, 1)


def test_of_two_uploads_the_later_commit_wins_whole(each_space: TreeSpace) -> None:
    first, second = begin(each_space, "/alice/f", 10), begin(each_space, "/alice/f", 20)

    commit(each_space, second, 20)
    commit(each_space, first, 10)

    assert each_space.get("/alice/f").record.length == 10
    assert each_space.used() == (10, 1)


# ---------------------------------------------------------------- busy


def test_a_node_is_busy_while_it_is_uploaded_to(each_space: TreeSpace) -> None:
    each_space.put("/alice/f", 1)
    first = begin(each_space, "/alice/f", 1)
    second = begin(each_space, "/alice/f", 1)
    assert each_space.get("/alice/f").busy

    with pytest.raises(NodeBusy):
        begin(each_space, "/alice/f", 1, exclusive=True)
    commit(each_space, first, 1)
    still = each_space.get("/alice/f").busy
    commit(each_space, second, 1)

    assert (still, each_space.get("/alice/f").busy) == (True, False)


def test_a_node_is_not_busy_for_ever(each_space: TreeSpace) -> None:
    each_space.put("/alice/f", 1)
    ticket = begin(each_space, "/alice/f", 1)
    each_space.clock.advance(UPLOAD_LIFE_NS / 1e9 - 1)
    each_space.uploads.renew(ticket)
    each_space.clock.advance(UPLOAD_LIFE_NS / 1e9 - 1)
    alive = each_space.get("/alice/f").busy
    each_space.clock.advance(2)

    assert (alive, each_space.get("/alice/f").busy) == (True, False)


# ---------------------------------------------------------------- authorised again


def test_rights_that_end_during_an_upload_end_the_upload(each_space: TreeSpace) -> None:
    each_space.set("/alice", {Core.ISPUBLIC: "true", Core.GROUPWRITE: GROUP})
    bob = each_space.user("bob", groups=[GROUP])
    ticket = each_space.uploads.begin_upload(bob, at("/alice/f"), declared_length=1)
    each_space.set("/alice", {Core.GROUPWRITE: None})

    with pytest.raises(PermissionDenied):
        commit(each_space, ticket, 1)
    each_space.uploads.abandon_upload(ticket)

    assert (each_space.names("/alice"), each_space.used()) == ([], (0, 0))


def test_a_lock_that_comes_during_an_upload_ends_it(space: TreeSpace) -> None:
    space.put("/alice/f", 1)
    ticket = begin(space, "/alice/f", 2)
    space.set("/alice/f", {Cadc.ISLOCKED: "true"})

    with pytest.raises(PermissionDenied, match="locked"):
        commit(space, ticket, 2)


def test_a_container_that_goes_during_an_upload_is_not_found(space: TreeSpace) -> None:
    space.mkdir("/alice/d")
    ticket = begin(space, "/alice/d/f", 2)
    space.deletions.delete(space.alice, at("/alice/d"), recursive=True)

    with pytest.raises(ContainerNotFound):
        commit(space, ticket, 2)


def test_what_else_was_to_happen_happens_with_it_or_not_at_all(each_space: TreeSpace) -> None:
    def fail(_unit: UnitOfWork) -> None:
        raise InvalidArgument("no")

    ticket = begin(each_space, "/alice/f", 1)
    with pytest.raises(InvalidArgument):
        each_space.uploads.commit_upload(
            ticket, UploadedContent(content=content_of(1)), also=fail
        )
    with pytest.raises(InvalidArgument):
        each_space.uploads.begin_upload(
            each_space.alice, at("/alice/g"), declared_length=5, also=fail
        )

    assert (each_space.names("/alice"), each_space.used()) == ([], (1, 1))


# ---------------------------------------------------------------- quota


def test_a_declared_length_that_does_not_fit_is_refused_at_once(each_space: TreeSpace) -> None:
    each_space.put("/alice/f", 999_990)

    with pytest.raises(QuotaExceeded) as caught:
        begin(each_space, "/alice/g", 20)

    assert caught.value.detail == (
        "the quota is 976.6 KiB (1000000 bytes), 10 bytes are left, 20 more are needed"
    )
    assert each_space.used() == (999_990, 1)


def test_replacing_costs_the_difference(each_space: TreeSpace) -> None:
    each_space.put("/alice/f", 900_000)

    each_space.put("/alice/f", 1_000_000)

    assert each_space.used() == (1_000_000, 1)
    with pytest.raises(QuotaExceeded):
        begin(each_space, "/alice/f", 1_000_001)


def test_an_undeclared_length_is_reserved_in_steps_and_refused_at_the_limit(
    each_space: TreeSpace,
) -> None:
    each_space.put("/alice/other", 400_000)
    ticket = begin(each_space, "/alice/f", None)
    assert ticket.allowed_bytes == 0

    ticket = each_space.uploads.grow(ticket, 100_000)
    ticket = each_space.uploads.grow(ticket, 100_000)
    assert (ticket.allowed_bytes, each_space.used()) == (100_000, (500_000, 2))
    with pytest.raises(QuotaExceeded, match="quota"):
        each_space.uploads.grow(ticket, 600_001)
    commit(each_space, ticket, 90_000)

    assert each_space.used() == (490_000, 2)


def test_a_step_is_large_where_there_is_room(space: TreeSpace) -> None:
    space.allocate("/big", space.alice, quota_bytes=10**9)
    ticket = begin(space, "/big/f", None)

    ticket = space.uploads.grow(ticket, 1)

    assert ticket.allowed_bytes == 16 * 2**20


def test_outside_of_all_allocations_nothing_is_counted(space: TreeSpace) -> None:
    root = space.user("root", is_admin=True)

    ticket = space.uploads.begin_upload(root, at("/f"), declared_length=None)

    assert space.uploads.grow(ticket, 10**15) == ticket
    assert space.put("/g", 10**15, root).created


def test_files_are_counted_and_refused(each_space: TreeSpace) -> None:
    number = each_space.allocate("/few", each_space.alice, quota_bytes=None, files=2)
    each_space.put("/few/a", 1)
    each_space.touch("/few/b")

    with pytest.raises(QuotaExceeded, match="the quota is 2 files, 0 are left"):
        begin(each_space, "/few/c", 1)
    with pytest.raises(QuotaExceeded):
        each_space.touch("/few/c")
    each_space.put("/few/a", 5)
    each_space.mkdir("/few/d")

    assert each_space.used(number) == (5, 2)


def test_a_reservation_of_a_dead_upload_is_swept(each_space: TreeSpace) -> None:
    begin(each_space, "/alice/f", 600_000)
    with pytest.raises(QuotaExceeded):
        begin(each_space, "/alice/g", 600_000)
    each_space.clock.advance(UPLOAD_LIFE_NS / 1e9 + 1)

    assert each_space.quota.sweep(each_space.clock()) == 1
    assert each_space.quota.sweep(each_space.clock()) == 0

    assert each_space.put("/alice/g", 600_000).created
    assert each_space.used() == (600_000, 1)


def test_an_upload_that_outlives_its_reservation_pays_at_the_end(each_space: TreeSpace) -> None:
    slow = begin(each_space, "/alice/f", 600_000)
    each_space.quota.sweep(each_space.clock() + 2 * UPLOAD_LIFE_NS)
    assert each_space.used() == (0, 0)
    each_space.uploads.renew(slow)
    assert each_space.uploads.grow(slow, 700_000).allowed_bytes

    each_space.put("/alice/g", 300_000)
    commit(each_space, slow, 600_000)
    late = replace(slow, path=at("/alice/h"))

    assert each_space.used() == (900_000, 2)
    with pytest.raises(QuotaExceeded):
        commit(each_space, late, 200_000)


def test_a_node_that_came_to_another_allocation_is_charged_there(each_space: TreeSpace) -> None:
    other = each_space.allocate("/other", each_space.alice, quota_bytes=100)
    each_space.mkdir("/alice/d")
    ticket = begin(each_space, "/alice/d/f", 50)
    each_space.moves.move(each_space.alice, at("/alice/d"), at("/other/d"))
    each_space.mkdir("/alice/d")
    each_space.moves.move(each_space.alice, at("/alice/d"), at("/other/e"))
    moved = replace(ticket, path=at("/other/d/f"))

    commit(each_space, moved, 50)

    assert (each_space.used(), each_space.used(other)) == ((0, 0), (50, 1))
