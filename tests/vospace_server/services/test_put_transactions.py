"""Uploads in several requests below HTTP: on each engine, over restarts, and given up."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.vospace_server.services.byte_space import TRANSACTION_LIFE, ByteSpace
from tests.vospace_server.services.tree_space import at
from vospace_model.faults import (
    Fault,
    InvalidArgument,
    NodeBusy,
    NodeNotFound,
    PermissionDenied,
    PreconditionFailed,
    QuotaExceeded,
    RangeNotSatisfiable,
    TransferFailed,
)
from vospace_model.properties import Cadc
from vospace_server.domain.digests import Digests
from vospace_server.domain.identity import Caller
from vospace_server.services.put_transactions import PutTransactionService
from vospace_server.services.segments import Progress, SegmentOrder
from vospace_server.services.transaction_ends import TransactionEnds
from vospace_server.services.upload_conditions import UploadConditions
from vospace_server.services.upload_orders import Stored, UploadOrder
from vospace_server.storage.filesystem import FilesystemStore

PARTS = [b"a" * 30, b"b" * 20, b"c" * 3]
WHOLE = b"".join(PARTS)
Process = tuple[PutTransactionService, TransactionEnds]


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def space(database_url: str, tmp_path: Path) -> Iterator[ByteSpace]:
    store = FilesystemStore(tmp_path / "objects")
    with closing(ByteSpace(database_url, store)) as opened:
        yield opened


def order(
    path: str = "/alice/f",
    length: int | None = None,
    announced: str | None = None,
    conditions: UploadConditions | None = None,
) -> UploadOrder:
    return UploadOrder(
        path=at(path),
        declared_length=length,
        announced=Digests(md5=announced),
        conditions=conditions or UploadConditions(),
        media_type="application/fits",
        mtime_ns=None,
    )


def started(space: ByteSpace, path: str = "/alice/f", length: int | None = None) -> str:
    return space.transactions.start(space.alice, order(path, length)).transaction_id


def add(
    space: ByteSpace,
    transaction_id: str,
    content: bytes,
    *,
    process: Process | None = None,
    announced: str | None = None,
    start: int | None = None,
) -> Progress:
    transactions = space.transactions if process is None else process[0]
    segment = transactions.add_segment(
        space.alice,
        at("/alice/f"),
        transaction_id,
        SegmentOrder(
            declared_length=len(content), announced=Digests(md5=announced), start=start
        ),
    )
    try:
        segment.write(content)
        return segment.commit()
    finally:
        segment.abandon()


def commit(
    space: ByteSpace, transaction_id: str, ends: TransactionEnds | None = None
) -> Stored:
    return (ends or space.ends).commit(space.alice, transaction_id, order())


def incoming(space: ByteSpace) -> list[str]:
    assert isinstance(space.store, FilesystemStore)
    root = space.store._root
    return [p.name for name in ("growing", "incoming") for p in (root / name).iterdir()]


def assert_nothing_is_left(space: ByteSpace) -> None:
    assert space.used() == 0
    assert space.objects() == 0
    assert incoming(space) == []
    assert space.collect(timedelta(days=3)).total == 0
    assert space.check() == []
    with pytest.raises(NodeNotFound):
        space.read("/alice/f")


def test_segments_become_the_content_of_the_node(space: ByteSpace) -> None:
    transaction = started(space, length=len(WHOLE))
    assert space.used() == len(WHOLE)

    seen = [add(space, transaction, part).md5 for part in PARTS]
    stored = commit(space, transaction)

    assert seen == [md5(WHOLE[:30]), md5(WHOLE[:50]), md5(WHOLE)]
    assert stored.created
    assert stored.digests == Digests(md5=md5(WHOLE), sha256=hashlib.sha256(WHOLE).hexdigest())
    assert stored.view.record.media_type == "application/fits"
    assert space.read("/alice/f") == WHOLE
    assert space.used() == len(WHOLE)
    assert incoming(space) == []
    assert space.check() == []


def test_every_request_may_reach_another_process(space: ByteSpace) -> None:
    transaction = started(space)
    for part in PARTS:
        process = space.process()
        add(space, transaction, part, process=process)

    stored = commit(space, transaction, space.process()[1])

    assert stored.digests == Digests(md5=md5(WHOLE), sha256=hashlib.sha256(WHOLE).hexdigest())
    assert space.read("/alice/f") == WHOLE
    assert space.check() == []


def test_a_whole_file_is_held_until_it_is_committed(space: ByteSpace) -> None:
    space.put("/alice/f", b"old")
    upload = space.transactions.begin_whole(space.alice, order(length=len(WHOLE)))
    upload.write(WHOLE)
    progress = space.transactions.hold(upload, order())
    upload.abandon()

    assert (progress.received_bytes, progress.md5) == (len(WHOLE), md5(WHOLE))
    assert space.read("/alice/f") == b"old"
    with pytest.raises(InvalidArgument, match="in one request"):
        add(space, progress.transaction_id, PARTS[0])
    with pytest.raises(InvalidArgument, match="in one request"):
        space.transactions.revert(space.alice, at("/alice/f"), progress.transaction_id)
    stored = commit(space, progress.transaction_id, space.process()[1])

    assert not stored.created
    assert space.read("/alice/f") == WHOLE
    assert space.check() == []


def test_the_last_segment_can_be_taken_back(space: ByteSpace) -> None:
    transaction = started(space)
    add(space, transaction, PARTS[0])
    add(space, transaction, b"wrong" * 10)

    reverted = space.transactions.revert(space.alice, at("/alice/f"), transaction)
    assert (reverted.received_bytes, reverted.md5) == (30, md5(PARTS[0]))
    for part in PARTS[1:]:
        add(space, transaction, part)
    commit(space, transaction)

    assert space.read("/alice/f") == WHOLE


def test_what_is_left_after_taking_back_may_be_committed(space: ByteSpace) -> None:
    transaction = started(space)
    add(space, transaction, PARTS[0])
    add(space, transaction, PARTS[1])
    space.transactions.revert(space.alice, at("/alice/f"), transaction)

    stored = commit(space, transaction)

    assert stored.digests.sha256 == hashlib.sha256(PARTS[0]).hexdigest()
    assert space.read("/alice/f") == PARTS[0]
    assert space.check() == []


def test_a_segment_that_breaks_off_does_not_count(space: ByteSpace) -> None:
    transaction = started(space)
    add(space, transaction, PARTS[0])
    segment = space.transactions.add_segment(
        space.alice,
        at("/alice/f"),
        transaction,
        SegmentOrder(declared_length=20, announced=Digests()),
    )
    segment.write(b"half")
    segment.abandon()

    progress = space.transactions.progress(space.alice, at("/alice/f"), transaction)
    assert (progress.received_bytes, progress.md5) == (30, md5(PARTS[0]))
    add(space, transaction, PARTS[1])
    add(space, transaction, PARTS[2])
    commit(space, transaction)
    assert space.read("/alice/f") == WHOLE


def test_two_segments_at_once_are_never_mixed(space: ByteSpace) -> None:
    transaction = started(space)
    segment = space.transactions.add_segment(
        space.alice,
        at("/alice/f"),
        transaction,
        SegmentOrder(declared_length=30, announced=Digests()),
    )
    segment.write(PARTS[0])

    with pytest.raises(NodeBusy):
        add(space, transaction, b"x" * 30, process=space.process())
    segment.commit()
    segment.abandon()

    assert add(space, transaction, PARTS[1]).md5 == md5(WHOLE[:50])


def test_a_commit_may_be_repeated(space: ByteSpace) -> None:
    transaction = started(space)
    for part in PARTS:
        add(space, transaction, part)
    first = commit(space, transaction)

    again = commit(space, transaction, space.process()[1])

    assert again.content == first.content
    assert not again.created
    with pytest.raises(InvalidArgument, match="has been committed"):
        add(space, transaction, b"x" * 30)
    with pytest.raises(InvalidArgument, match="has been committed"):
        space.ends.abort(space.alice, at("/alice/f"), transaction)
    space.now += TRANSACTION_LIFE + timedelta(seconds=1)
    assert space.ends.sweep() == 1
    assert space.read("/alice/f") == WHOLE
    assert space.check() == []


@pytest.mark.parametrize(
    ("content", "told", "fault"),
    [
        (b"x" * 9, {}, InvalidArgument),
        (b"x" * 101, {}, InvalidArgument),
        (b"x" * 54, {}, InvalidArgument),
        (b"", {}, InvalidArgument),
        (b"x" * 20, {"announced": "0" * 32}, PreconditionFailed),
        (b"x" * 20, {"start": 5}, RangeNotSatisfiable),
    ],
)
def test_a_segment_that_can_not_be_is_refused_and_the_rest_stays(
    space: ByteSpace, content: bytes, told: dict[str, str], fault: type[Fault]
) -> None:
    transaction = started(space, length=len(WHOLE))
    add(space, transaction, PARTS[0], announced=md5(PARTS[0]), start=0)
    with pytest.raises(fault):
        add(space, transaction, content, **told)  # type: ignore[arg-type]

    add(space, transaction, PARTS[1], announced=md5(WHOLE[:50]), start=30)
    add(space, transaction, PARTS[2], announced=md5(PARTS[2]))
    commit(space, transaction)
    assert space.read("/alice/f") == WHOLE


def test_nothing_follows_a_segment_that_only_the_last_can_be(space: ByteSpace) -> None:
    transaction = started(space)
    add(space, transaction, PARTS[2])

    with pytest.raises(InvalidArgument, match="it was the last"):
        add(space, transaction, PARTS[0])
    commit(space, transaction)
    assert space.read("/alice/f") == PARTS[2]


def test_bytes_that_are_missing_or_wrong_are_not_committed(space: ByteSpace) -> None:
    transaction = started(space, length=len(WHOLE))
    with pytest.raises(InvalidArgument, match="no bytes"):
        commit(space, transaction)
    add(space, transaction, PARTS[0])
    with pytest.raises(InvalidArgument, match="53 bytes were announced"):
        commit(space, transaction)
    add(space, transaction, PARTS[1])
    add(space, transaction, PARTS[2])

    with pytest.raises(PreconditionFailed):
        space.ends.commit(space.alice, transaction, order(announced=md5(b"other")))
    with pytest.raises(PreconditionFailed):
        space.ends.commit(
            space.alice, transaction, order(conditions=UploadConditions(must_exist=True))
        )
    space.ends.commit(space.alice, transaction, order(announced=md5(WHOLE)))
    assert space.read("/alice/f") == WHOLE


def test_transactions_belong_to_whoever_started_them(space: ByteSpace) -> None:
    bob = space.tree.user("bob")
    transaction = started(space)
    path = at("/alice/f")

    def ask(caller: Caller, name: str, known: str) -> list[Callable[[], object]]:
        where = at(name)
        return [
            lambda: space.transactions.progress(caller, where, known),
            lambda: space.transactions.revert(caller, where, known),
            lambda: space.ends.abort(caller, where, known),
            lambda: space.ends.commit(caller, known, order(name)),
        ]

    for forbidden in ask(bob, "/alice/f", transaction):
        with pytest.raises(PermissionDenied):
            forbidden()
    for lost in (
        *ask(space.alice, "/alice/g", transaction),
        *ask(space.alice, "/alice/f", "no"),
    ):
        with pytest.raises(NodeNotFound):
            lost()
    assert space.transactions.progress(space.alice, path, transaction).received_bytes == 0


def test_an_aborted_transaction_leaves_nothing(space: ByteSpace) -> None:
    transaction = started(space, length=len(WHOLE))
    add(space, transaction, PARTS[0])

    space.ends.abort(space.alice, at("/alice/f"), transaction)

    with pytest.raises(NodeNotFound, match="start it again"):
        add(space, transaction, PARTS[1])
    assert_nothing_is_left(space)


def test_an_abort_ends_the_segment_that_is_coming(space: ByteSpace) -> None:
    transaction = started(space)
    segment = space.transactions.add_segment(
        space.alice,
        at("/alice/f"),
        transaction,
        SegmentOrder(declared_length=30, announced=Digests()),
    )
    segment.write(PARTS[0])

    space.ends.abort(space.alice, at("/alice/f"), transaction)

    with pytest.raises(TransferFailed):
        segment.commit()
    segment.abandon()
    assert_nothing_is_left(space)


def test_a_transaction_that_nobody_ends_is_swept_with_its_bytes(space: ByteSpace) -> None:
    started(space, length=500_000)
    transaction = started(space)
    add(space, transaction, PARTS[0])
    upload = space.transactions.begin_whole(space.alice, order("/alice/g"))
    upload.write(WHOLE)
    space.transactions.hold(upload, order("/alice/g"))
    assert space.used() > 500_000

    space.now += TRANSACTION_LIFE - timedelta(seconds=1)
    assert space.ends.sweep() == 0
    space.now += timedelta(seconds=2)
    assert space.ends.sweep() == 3
    assert space.ends.sweep() == 0

    assert_nothing_is_left(space)


def test_a_transaction_lives_from_one_segment_to_the_next(space: ByteSpace) -> None:
    transaction = started(space, length=len(WHOLE))
    for part in PARTS:
        space.now += TRANSACTION_LIFE - timedelta(seconds=1)
        assert space.ends.sweep() == 0
        assert space.collect().total == 0
        space.tree.quota.sweep(int(space.now.timestamp()) * 10**9)
        assert space.used() == len(WHOLE)
        add(space, transaction, part)

    commit(space, transaction)
    assert space.read("/alice/f") == WHOLE
    assert space.check() == []


def test_what_a_crash_left_of_an_ended_transaction_is_removed_later(
    space: ByteSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    transaction = started(space)
    add(space, transaction, PARTS[0])
    with monkeypatch.context() as patched:
        patched.setattr(space.ends, "_remove", lambda record: record)
        space.ends.abort(space.alice, at("/alice/f"), transaction)
    assert incoming(space) != []

    assert space.ends.sweep() == 1
    assert_nothing_is_left(space)


def test_a_crash_between_joining_and_committing_is_cured_by_the_next_commit(
    space: ByteSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    transaction = started(space)
    for part in PARTS:
        add(space, transaction, part)
    with monkeypatch.context() as patched:
        patched.setattr(space.ends, "_commit", lambda *_: None)
        commit(space, transaction)
    assert space.objects() == 1
    with pytest.raises(NodeBusy, match="being committed"):
        add(space, transaction, PARTS[0])

    commit(space, transaction, space.process()[1])
    assert space.read("/alice/f") == WHOLE
    assert space.check() == []


def test_the_announced_length_is_reserved_at_once(space: ByteSpace) -> None:
    with pytest.raises(QuotaExceeded):
        started(space, length=1_000_001)
    started(space, length=900_000)
    with pytest.raises(QuotaExceeded):
        space.put("/alice/g", b"x" * 100_001)


def test_a_transaction_of_unknown_length_grows_until_the_quota(space: ByteSpace) -> None:
    space.put("/alice/g", b"x" * 999_960)
    transaction = started(space)
    add(space, transaction, PARTS[0])

    with pytest.raises(QuotaExceeded):
        add(space, transaction, PARTS[1])
    add(space, transaction, b"0123456789")
    commit(space, transaction)

    assert space.used() == 1_000_000
    assert space.check() == []


def test_permission_is_asked_for_again(space: ByteSpace) -> None:
    transaction = started(space)
    add(space, transaction, PARTS[0])
    space.tree.set("/alice", {Cadc.ISLOCKED: "true"})

    with pytest.raises(Fault, match="lock"):
        commit(space, transaction)
    space.tree.set("/alice", {Cadc.ISLOCKED: None})
    commit(space, transaction)
    assert space.read("/alice/f") == PARTS[0]
