"""Jobs: phases and errors."""

from itertools import product

import pytest

from vospace_model import (
    ERROR_PHRASES,
    DuplicateNode,
    ErrorSummary,
    ErrorType,
    ExecutionPhase,
    Fault,
    InternalFault,
    InvalidURI,
    NodeBusy,
    NodeNotFound,
    OptionNotSupported,
    PermissionDenied,
    error_body,
    error_phrase,
    error_summary,
)

ALLOWED = {
    ExecutionPhase.PENDING: "QUEUED EXECUTING HELD ABORTED ERROR",
    ExecutionPhase.QUEUED: "EXECUTING HELD SUSPENDED ABORTED ERROR",
    ExecutionPhase.HELD: "QUEUED EXECUTING ABORTED ERROR",
    ExecutionPhase.EXECUTING: "COMPLETED SUSPENDED QUEUED ABORTED ERROR",
    ExecutionPhase.SUSPENDED: "QUEUED EXECUTING ABORTED ERROR",
    ExecutionPhase.UNKNOWN: (
        "PENDING QUEUED EXECUTING COMPLETED ERROR ABORTED HELD SUSPENDED ARCHIVED"
    ),
    ExecutionPhase.COMPLETED: "ARCHIVED",
    ExecutionPhase.ERROR: "ARCHIVED",
    ExecutionPhase.ABORTED: "ARCHIVED",
    ExecutionPhase.ARCHIVED: "",
}


@pytest.mark.parametrize(("before", "after"), list(product(ExecutionPhase, ExecutionPhase)))
def test_phase_changes_only_as_uws_allows(
    before: ExecutionPhase, after: ExecutionPhase
) -> None:
    assert before.may_become(after) is (after.value in ALLOWED[before].split())


def test_waiting_clients_wait_for_active_jobs_only() -> None:
    assert {phase.value for phase in ExecutionPhase if phase.is_active} == {
        "PENDING",
        "QUEUED",
        "EXECUTING",
    }


def test_final_phases_are_those_that_only_archiving_follows() -> None:
    assert {phase.value for phase in ExecutionPhase if phase.is_final} == {
        "COMPLETED",
        "ERROR",
        "ABORTED",
        "ARCHIVED",
    }


@pytest.mark.parametrize(
    ("fault", "phrase", "body"),
    [
        (PermissionDenied("x"), "Permission Denied", "PermissionDenied"),
        (NodeNotFound("x"), "Node Not Found", "NodeNotFound"),
        (DuplicateNode("x"), "Duplicate Node", "DuplicateNode"),
        (InvalidURI("x"), "Invalid URI", "InvalidURI"),
        (InternalFault("x"), "Internal Fault", "InternalFault"),
        (OptionNotSupported("x"), "Internal Fault", "InternalFault"),
    ],
)
def test_failed_job_tells_a_phrase_and_a_bare_name(
    fault: Fault, phrase: str, body: str
) -> None:
    assert error_phrase(fault) == phrase
    assert error_body(fault) == body
    assert error_summary(fault).message == phrase


def test_phrase_without_its_blanks_is_the_name() -> None:
    for kind, phrase in ERROR_PHRASES.items():
        assert phrase.replace(" ", "") == kind.__name__


def test_error_that_may_pass_is_transient() -> None:
    assert error_summary(NodeBusy()) == ErrorSummary(
        message="Node Busy", error_type=ErrorType.TRANSIENT
    )
    assert error_summary(NodeNotFound()).error_type is ErrorType.FATAL
