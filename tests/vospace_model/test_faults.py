"""Faults: names, statuses, bodies."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vospace_model import (
    FAULT_STATUS,
    FAULTS_BY_NAME,
    ContainerNotFound,
    DuplicateNode,
    Fault,
    InternalFault,
    InvalidArgument,
    NodeLocked,
    NodeNotFound,
    NotAuthenticated,
    PermissionDenied,
    PreconditionFailed,
    QuotaExceeded,
    RangeNotSatisfiable,
    RequestEntityTooLarge,
    ServiceBusy,
    describe,
    parse_fault,
    status_of,
)

EXPECTED_STATUS = {
    "InternalFault": 500,
    "PermissionDenied": 403,
    "NotAuthenticated": 401,
    "InvalidURI": 400,
    "InvalidArgument": 400,
    "InvalidData": 400,
    "InvalidToken": 400,
    "TypeNotSupported": 400,
    "OptionNotSupported": 400,
    "ViewNotSupported": 400,
    "ProtocolNotSupported": 400,
    "OperationNotSupported": 400,
    "TransferFailed": 400,
    "LinkFound": 400,
    "NodeNotFound": 404,
    "ContainerNotFound": 404,
    "UnreadableLinkTarget": 404,
    "DuplicateNode": 409,
    "NodeBusy": 409,
    "PreconditionFailed": 412,
    "QuotaExceeded": 413,
    "RequestEntityTooLarge": 413,
    "RangeNotSatisfiable": 416,
    "NodeLocked": 423,
    "ServiceBusy": 503,
}


def test_every_fault_has_the_status_of_the_contract() -> None:
    statuses = {name: FAULT_STATUS[kind] for name, kind in FAULTS_BY_NAME.items()}

    assert statuses == EXPECTED_STATUS
    assert set(Fault.__subclasses__()) == set(FAULT_STATUS)
    assert status_of(NodeNotFound("x")) == 404


def test_fault_is_described_by_its_name_and_detail() -> None:
    fault = NodeNotFound("vos://a~s/x")

    assert fault.name == "NodeNotFound"
    assert fault.detail == "vos://a~s/x"
    assert describe(fault) == str(fault) == "NodeNotFound: vos://a~s/x"
    assert describe(PermissionDenied()) == "PermissionDenied"


@pytest.mark.parametrize(
    "detail", ["a\nb", "a\r\n b", "a\0b", "a\u2028b", "a\x85b", "\ta \ud800b\n", "a\x1b b"]
)
def test_described_fault_is_one_printable_line(detail: str) -> None:
    assert describe(InvalidArgument(detail)) == "InvalidArgument: a b"


@pytest.mark.parametrize("kind", FAULT_STATUS, ids=lambda kind: kind.__name__)
def test_fault_survives_pickling_and_copying(kind: type[Fault]) -> None:
    for twin in (pickle.loads(pickle.dumps(kind("why"))), copy.copy(kind("why"))):
        assert type(twin) is kind
        assert twin.detail == "why"


def test_busy_service_keeps_when_to_come_back() -> None:
    twin = pickle.loads(pickle.dumps(ServiceBusy("read-only", 180)))

    assert (twin.detail, twin.retry_after_seconds) == ("read-only", 180)
    assert ServiceBusy("off").retry_after_seconds is None


@given(
    st.sampled_from(list(FAULT_STATUS)),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=200),
)
def test_described_fault_is_parsed_back(kind: type[Fault], detail: str) -> None:
    fault = kind(detail)

    parsed = parse_fault(status_of(fault), describe(fault))

    assert type(parsed) is kind
    assert describe(parsed) == describe(fault)


@pytest.mark.parametrize(
    ("status", "body", "kind", "detail"),
    [
        (409, "DuplicateNode.", DuplicateNode, ""),
        (409, "DuplicateNodeFault", DuplicateNode, ""),
        (404, "NodeNotFound\n  vos://a~s/x \n", NodeNotFound, "vos://a~s/x"),
        (404, "  ContainerNotFound: x", ContainerNotFound, "x"),
        (500, "InternalFault", InternalFault, ""),
        (200, "NodeNotFound", NodeNotFound, ""),
    ],
)
def test_fault_is_read_from_the_bodies_of_other_services(
    status: int, body: str, kind: type[Fault], detail: str
) -> None:
    parsed = parse_fault(status, body)

    assert (type(parsed), parsed.detail) == (kind, detail)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidArgument),
        (401, NotAuthenticated),
        (403, PermissionDenied),
        (404, NodeNotFound),
        (405, InvalidArgument),
        (409, DuplicateNode),
        (412, PreconditionFailed),
        (413, RequestEntityTooLarge),
        (416, RangeNotSatisfiable),
        (423, NodeLocked),
        (429, ServiceBusy),
        (500, InternalFault),
        (501, InternalFault),
        (502, ServiceBusy),
        (503, ServiceBusy),
        (504, ServiceBusy),
        (507, QuotaExceeded),
    ],
)
def test_body_that_names_no_fault_is_judged_by_the_status(
    status: int, kind: type[Fault]
) -> None:
    parsed = parse_fault(status, "<html>\n<b>Oops</b>")

    assert (type(parsed), parsed.detail) == (kind, "<html> <b>Oops</b>")


def test_empty_body_is_explained_by_the_status() -> None:
    assert parse_fault(404, " \n").detail == "HTTP status 404 without an explanation"


def test_unknown_name_is_kept_as_the_detail() -> None:
    parsed = parse_fault(400, "SomethingElse: x")

    assert (type(parsed), parsed.detail) == (InvalidArgument, "SomethingElse: x")


def test_too_large_with_the_word_quota_is_the_quota() -> None:
    assert type(parse_fault(413, "over Quota")) is QuotaExceeded


def test_when_to_come_back_is_handed_through() -> None:
    parsed = parse_fault(503, "service is offline", retry_after_seconds=180)

    assert isinstance(parsed, ServiceBusy)
    assert (parsed.detail, parsed.retry_after_seconds) == ("service is offline", 180)


def test_endless_body_is_cut() -> None:
    for body in ("x" * 10**6, "NodeNotFound: " + "x" * 10**6, " " * 10**6):
        assert len(parse_fault(404, body).detail) <= 2000


@given(st.integers(100, 599), st.text())
def test_any_body_is_a_fault(status: int, body: str) -> None:
    assert isinstance(parse_fault(status, body), Fault)
