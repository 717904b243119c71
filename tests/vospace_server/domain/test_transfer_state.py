"""What is kept of transfers and jobs between two steps: texts that read back the same."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vospace_model.strategies import transfers
from vospace_model.jobs import ExecutionPhase
from vospace_model.protocols import NegotiatedProtocol, ProtocolUri
from vospace_model.transfers import Direction, ExternalTransfer
from vospace_model.uris import NodePath, VosUri
from vospace_server.domain.copy_place import CopyFrame, CopyPlace
from vospace_server.domain.job_cursor import JobCursor
from vospace_server.domain.job_record import JobRecord, JobStanding
from vospace_server.domain.reserved_names import invented, is_auto, is_null
from vospace_server.domain.token_scope import TokenScope
from vospace_server.domain.transfer_request import (
    TransferRequest,
    decode_request,
    encode_request,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def record(**values: object) -> JobRecord:
    given_values: dict[str, object] = {
        "job_id": "j",
        "kind": "transfer",
        "owner_id": 1,
        "owner_name": "alice",
        "phase": ExecutionPhase.EXECUTING,
        "request": '{"scope":2}',
        "created": NOW,
        "started": NOW,
    }
    return JobRecord(**(given_values | values))  # type: ignore[arg-type]


def fetching(direction: Direction) -> ExternalTransfer:
    return ExternalTransfer(
        targets=(VosUri.parse("vos://localhost~vault/f"),),
        direction=direction,
        protocols=(
            NegotiatedProtocol(uri=ProtocolUri.HTTP_GET, endpoint="http://example.org/é?x"),
        ),
    )


@given(transfers)
def test_a_request_can_be_read_again_whatever_its_transfer(transfer: object) -> None:
    request = TransferRequest(transfer=transfer, scope=TokenScope.WRITE)  # type: ignore[arg-type]

    text = encode_request(request)

    assert encode_request(decode_request(text)) == text
    assert decode_request(text).scope == TokenScope.WRITE


def test_endpoints_are_kept_where_the_service_uses_them_itself() -> None:
    ours, theirs = fetching(Direction.PULL_TO_VOSPACE), fetching(Direction.PULL_FROM_VOSPACE)

    kept = decode_request(
        encode_request(TransferRequest(transfer=ours, scope=TokenScope.WRITE))
    )
    dropped = decode_request(
        encode_request(TransferRequest(transfer=theirs, scope=TokenScope.WRITE))
    )

    assert kept.transfer == ours
    assert isinstance(dropped.transfer, ExternalTransfer)
    assert not isinstance(dropped.transfer.protocols[0], NegotiatedProtocol)


@given(place=st.recursive(st.none() | st.integers() | st.text(), st.lists), n=st.integers(0, 9))
def test_a_cursor_reads_back(place: object, n: int) -> None:
    cursor = JobCursor(place=place, interruptions=n)

    assert JobCursor.decode(cursor.encode()) == cursor
    assert JobCursor.decode(None) == JobCursor()


@given(
    frames=st.lists(
        st.builds(
            CopyFrame,
            source_id=st.integers(1),
            copy_id=st.integers(1),
            landlord_id=st.none() | st.integers(1),
            after=st.text(),
        ),
        max_size=4,
    ),
    done=st.integers(0, 100),
    expected=st.integers(0, 100),
)
def test_the_place_of_a_copy_reads_back_and_tells_its_progress(
    frames: list[CopyFrame], done: int, expected: int
) -> None:
    place = CopyPlace(
        source_id=1,
        top_id=2,
        reservation_id=None,
        frames=tuple(frames),
        expected_files=expected,
    ).counted(nodes=done, size_bytes=10 * done, files=done)

    assert CopyPlace.from_json(place.to_json()) == place
    assert 0 <= place.progress <= 1


def test_reserved_names_are_last_names_only() -> None:
    root = NodePath.root()
    auto, null = NodePath.parse("/d/.auto"), NodePath.parse("/d/.null")

    assert (is_auto(auto), is_auto(null), is_auto(root)) == (True, False, False)
    assert (is_null(null), is_null(auto), is_null(root)) == (True, False, False)
    assert not is_auto(NodePath.parse("/.auto/d"))
    assert invented(null, "job") == null


def test_a_job_invents_one_name_and_does_not_tell_its_id() -> None:
    auto = NodePath.parse("/d/.auto")

    name = invented(auto, "0123abcd")

    assert name == invented(auto, "0123abcd") != invented(auto, "0123abce")
    assert name.parent == auto.parent
    assert "0123" not in name.name


def test_a_quote_is_told_from_the_progress() -> None:
    minute = timedelta(minutes=1)

    assert record(progress=0.25).quote(NOW + minute) == NOW + 4 * minute
    assert record(progress=None).quote(NOW) is None
    assert record(progress=0.001).quote(NOW + minute) is None
    assert record(progress=0.5, phase=ExecutionPhase.COMPLETED).quote(NOW) is None
    assert record(progress=0.5, started=None).quote(NOW) is None
    assert record().scope == TokenScope.WRITE


@pytest.mark.parametrize(
    ("seconds", "started", "over"), [(0, NOW, False), (60, None, False), (60, NOW, True)]
)
def test_a_job_is_over_after_its_execution_duration(
    seconds: int, started: datetime | None, over: bool
) -> None:
    standing = JobStanding(
        phase=ExecutionPhase.EXECUTING,
        worker="w",
        started=started,
        execution_seconds=seconds,
    )

    assert standing.over_at(NOW + timedelta(minutes=1)) is over
    assert not standing.over_at(NOW + timedelta(seconds=59))
