"""Jobs as UWS 1.1 describes them, with the texts that VOSpace puts into their errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Final

from vospace_model.faults import (
    ContainerNotFound,
    DuplicateNode,
    Fault,
    InternalFault,
    InvalidArgument,
    InvalidData,
    InvalidURI,
    LinkFound,
    NodeBusy,
    NodeLocked,
    NodeNotFound,
    NotAuthenticated,
    OperationNotSupported,
    PermissionDenied,
    PreconditionFailed,
    ProtocolNotSupported,
    QuotaExceeded,
    RequestEntityTooLarge,
    ServiceBusy,
    TransferFailed,
    TypeNotSupported,
    UnreadableLinkTarget,
    ViewNotSupported,
)
from vospace_model.transfers import Transfer


class ExecutionPhase(Enum):
    """The phase of a job; the value is the word on the wire."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    EXECUTING = "EXECUTING"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    ABORTED = "ABORTED"
    UNKNOWN = "UNKNOWN"
    HELD = "HELD"
    SUSPENDED = "SUSPENDED"
    ARCHIVED = "ARCHIVED"

    def may_become(self, following: "ExecutionPhase") -> bool:
        """Whether a job may go from this phase to `following` (UWS 1.1, section 2.1.3)."""
        return following in _FOLLOWING[self]

    @property
    def is_active(self) -> bool:
        """Whether a client that waits for a change (`WAIT=n`) is kept waiting."""
        return self in {
            ExecutionPhase.PENDING,
            ExecutionPhase.QUEUED,
            ExecutionPhase.EXECUTING,
        }

    @property
    def is_final(self) -> bool:
        """Whether the job is over: nothing but archiving can follow."""
        return _FOLLOWING[self] <= {ExecutionPhase.ARCHIVED}


_ENDS: Final = frozenset({ExecutionPhase.ABORTED, ExecutionPhase.ERROR})
_OVER: Final = frozenset({ExecutionPhase.ARCHIVED})
_FOLLOWING: Final[Mapping[ExecutionPhase, frozenset[ExecutionPhase]]] = MappingProxyType(
    {
        # A synchronous job is executed at once, without a queue.
        ExecutionPhase.PENDING: _ENDS
        | {ExecutionPhase.QUEUED, ExecutionPhase.EXECUTING, ExecutionPhase.HELD},
        ExecutionPhase.QUEUED: _ENDS
        | {ExecutionPhase.EXECUTING, ExecutionPhase.HELD, ExecutionPhase.SUSPENDED},
        ExecutionPhase.HELD: _ENDS | {ExecutionPhase.QUEUED, ExecutionPhase.EXECUTING},
        # Back to the queue when the service was restarted under the job.
        ExecutionPhase.EXECUTING: _ENDS
        | {ExecutionPhase.COMPLETED, ExecutionPhase.SUSPENDED, ExecutionPhase.QUEUED},
        ExecutionPhase.SUSPENDED: _ENDS | {ExecutionPhase.QUEUED, ExecutionPhase.EXECUTING},
        ExecutionPhase.UNKNOWN: frozenset(ExecutionPhase) - {ExecutionPhase.UNKNOWN},
        ExecutionPhase.COMPLETED: _OVER,
        ExecutionPhase.ERROR: _OVER,
        ExecutionPhase.ABORTED: _OVER,
        ExecutionPhase.ARCHIVED: frozenset(),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobParameter:
    """An input of a job that was made from a form."""

    parameter_id: str
    value: str
    by_reference: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """A result and where it is; `size` in bytes where known."""

    result_id: str
    href: str
    size: int | None = None
    media_type: str | None = None


class ErrorType(Enum):
    """Whether trying again may help."""

    TRANSIENT = "transient"
    FATAL = "fatal"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSummary:
    """Why a job failed, in a phrase; the fault itself is at the job's `/error`."""

    message: str
    error_type: ErrorType = ErrorType.FATAL
    has_detail: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job. `owner` None is an anonymous one; a duration of 0 seconds is unlimited.

    `progress` is from 0 to 1, None while unknown; UWS leaves it to jobInfo.
    """

    job_id: str
    phase: ExecutionPhase
    created: datetime
    owner: str | None = None
    run_id: str | None = None
    quote: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    execution_duration_seconds: int = 0
    destruction: datetime | None = None
    parameters: tuple[JobParameter, ...] = ()
    results: tuple[JobResult, ...] = ()
    error: ErrorSummary | None = None
    transfer: Transfer | None = None
    progress: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReference:
    """A job as the list of jobs shows it."""

    job_id: str
    href: str
    phase: ExecutionPhase
    created: datetime
    owner: str | None = None
    run_id: str | None = None


ERROR_PHRASES: Final[Mapping[type[Fault], str]] = MappingProxyType(
    {
        ContainerNotFound: "Container Not Found",
        DuplicateNode: "Duplicate Node",
        InternalFault: "Internal Fault",
        InvalidArgument: "Invalid Argument",
        InvalidData: "Invalid Data",
        InvalidURI: "Invalid URI",
        LinkFound: "Link Found",
        NodeBusy: "Node Busy",
        NodeLocked: "Node Locked",
        NodeNotFound: "Node Not Found",
        NotAuthenticated: "Not Authenticated",
        OperationNotSupported: "Operation Not Supported",
        PermissionDenied: "Permission Denied",
        PreconditionFailed: "Precondition Failed",
        ProtocolNotSupported: "Protocol Not Supported",
        QuotaExceeded: "Quota Exceeded",
        RequestEntityTooLarge: "Request Entity Too Large",
        ServiceBusy: "Service Busy",
        TransferFailed: "Transfer Failed",
        TypeNotSupported: "Type Not Supported",
        UnreadableLinkTarget: "Unreadable Link Target",
        ViewNotSupported: "View Not Supported",
    }
)
"""The human phrase of each fault that a job can end with (contract 1.6)."""

_TRANSIENT: Final = (NodeBusy, ServiceBusy, TransferFailed)


def error_phrase(fault: Fault) -> str:
    """The phrase for a job's `errorSummary`; a fault no job should meet is internal."""
    return ERROR_PHRASES.get(type(fault), ERROR_PHRASES[InternalFault])


def error_body(fault: Fault) -> str:
    """The body of a job's `/error`: the bare name, which clients compare exactly.

    No blank, no detail and no line end (contract 1.6 and 2.7).
    """
    return fault.name if type(fault) in ERROR_PHRASES else InternalFault.__name__


def error_summary(fault: Fault) -> ErrorSummary:
    """The summary that a job carries after this fault."""
    kind = ErrorType.TRANSIENT if isinstance(fault, _TRANSIENT) else ErrorType.FATAL
    return ErrorSummary(message=error_phrase(fault), error_type=kind)
