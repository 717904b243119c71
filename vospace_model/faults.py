"""The faults of VOSpace: one class per name that may stand in a response body.

The class name is the wire name. A fault knows nothing of HTTP or of errno; the one
table of statuses stands here because the standard pairs the two (VOSpace 2.1, section 5).
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from typing_extensions import override

MAX_DETAIL_CHARACTERS: Final = 2000
"""Longest detail that `parse_fault` keeps of a foreign server's body."""


class Fault(Exception):
    """A refusal with a name that the standard gives; `detail` says what was wrong with what."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    @property
    def name(self) -> str:
        """The name on the wire."""
        return type(self).__name__

    @override
    def __str__(self) -> str:
        return describe(self)


class InternalFault(Fault):
    """The service failed in a way that is not the caller's doing."""


class PermissionDenied(Fault):
    """The caller is known, or anonymous by choice, and may not do this."""


class NotAuthenticated(Fault):
    """Who calls must be known here, or the credentials were refused."""


class InvalidURI(Fault):
    """A URI is malformed, or the document and the address disagree."""


class InvalidArgument(Fault):
    """A parameter or a part of a document has an impossible value."""


class InvalidData(Fault):
    """Data that was sent is not of the form it claims."""


class InvalidToken(Fault):
    """A listing token is unknown or too old."""


class TypeNotSupported(Fault):
    """The node type is unknown here."""


class OptionNotSupported(Fault):
    """A query option is understood but not offered."""


class ViewNotSupported(Fault):
    """The view is unknown here or impossible for this node."""


class ProtocolNotSupported(Fault):
    """None of the protocols asked for is offered."""


class OperationNotSupported(Fault):
    """The service does not offer this operation."""


class LinkFound(Fault):
    """A link stands on the way to the node and is not followed."""


class NodeNotFound(Fault):
    """There is no such node."""


class ContainerNotFound(Fault):
    """A parent is missing or is not a container."""


class UnreadableLinkTarget(Fault):
    """A link leads nowhere, in a circle, or where the caller may not read."""


class DuplicateNode(Fault):
    """A node of this name exists already."""


class NodeBusy(Fault):
    """The node is being written."""


class NodeLocked(Fault):
    """The node is locked against changes."""


class QuotaExceeded(Fault):
    """The bytes or files do not fit into the allocation."""


class RequestEntityTooLarge(Fault):
    """The document or the body is larger than this service takes."""


class PreconditionFailed(Fault):
    """A digest or a condition of the request does not hold."""


class RangeNotSatisfiable(Fault):
    """The byte range begins behind the end."""


class TransferFailed(Fault):
    """Bytes could not be moved."""


class ServiceBusy(Fault):
    """The service is off, read-only or overloaded for now; come back later."""

    def __init__(self, detail: str = "", retry_after_seconds: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds

    @override
    def __reduce__(self) -> tuple[type["ServiceBusy"], tuple[str, int | None]]:
        # The inherited reduction would lose the second argument.
        return (type(self), (self.detail, self.retry_after_seconds))


FAULT_STATUS: Final[Mapping[type[Fault], int]] = MappingProxyType(
    {
        InvalidURI: 400,
        InvalidArgument: 400,
        InvalidData: 400,
        InvalidToken: 400,
        TypeNotSupported: 400,
        OptionNotSupported: 400,
        ViewNotSupported: 400,
        ProtocolNotSupported: 400,
        OperationNotSupported: 400,
        TransferFailed: 400,
        LinkFound: 400,
        NotAuthenticated: 401,
        PermissionDenied: 403,
        NodeNotFound: 404,
        ContainerNotFound: 404,
        UnreadableLinkTarget: 404,
        DuplicateNode: 409,
        NodeBusy: 409,
        PreconditionFailed: 412,
        QuotaExceeded: 413,
        RequestEntityTooLarge: 413,
        RangeNotSatisfiable: 416,
        NodeLocked: 423,
        InternalFault: 500,
        ServiceBusy: 503,
    }
)

FAULTS_BY_NAME: Final[Mapping[str, type[Fault]]] = MappingProxyType(
    {fault.__name__: fault for fault in FAULT_STATUS}
)

# What a status means when the body names no fault: a proxy answered, or a foreign server.
_FAULT_OF_STATUS: Final[Mapping[int, type[Fault]]] = MappingProxyType(
    {
        401: NotAuthenticated,
        403: PermissionDenied,
        404: NodeNotFound,
        407: NotAuthenticated,
        408: ServiceBusy,
        409: DuplicateNode,
        412: PreconditionFailed,
        413: RequestEntityTooLarge,
        416: RangeNotSatisfiable,
        423: NodeLocked,
        429: ServiceBusy,
        502: ServiceBusy,
        503: ServiceBusy,
        504: ServiceBusy,
        507: QuotaExceeded,
    }
)

_MAX_BODY_CHARACTERS: Final = 2 * MAX_DETAIL_CHARACTERS
_FIRST_SERVER_STATUS: Final = 500
_NAMED_BODY: Final = re.compile(r"\s*([A-Za-z]+)[.:]*(?:\s+(.*))?", re.DOTALL)
_UNPRINTABLE: Final = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def status_of(fault: Fault) -> int:
    """The HTTP status that the standard, or else CADC, pairs with this fault."""
    return FAULT_STATUS[type(fault)]


def describe(fault: Fault) -> str:
    """The body of a response: `Name: detail` on one line, without a line end.

    Control characters and line breaks of the detail become single spaces, so that text
    taken from a request can neither forge a second line nor break an encoder.
    """
    detail = _one_line(fault.detail)
    return f"{fault.name}: {detail}" if detail else fault.name


def parse_fault(
    status: int, body_text: str, *, retry_after_seconds: int | None = None
) -> Fault:
    """The fault that a response of an error status stands for; the inverse of `describe`.

    The name may be followed by a colon, a full stop or white space, and may carry the
    suffix `Fault` (`DuplicateNodeFault` in parts of the standard). A body that names no
    fault is judged by the status alone and kept as the detail.
    """
    kind, detail = _named_fault(body_text)
    if kind is None:
        kind = _fault_of_status(status, body_text)
        detail = _one_line(body_text) or f"HTTP status {status} without an explanation"
    if kind is ServiceBusy:
        return ServiceBusy(detail, retry_after_seconds)
    return kind(detail)


def _named_fault(body_text: str) -> tuple[type[Fault] | None, str]:
    named = _NAMED_BODY.fullmatch(body_text[:_MAX_BODY_CHARACTERS])
    if named is None:
        return None, ""
    name, detail = named.groups(default="")
    kind = FAULTS_BY_NAME.get(name) or FAULTS_BY_NAME.get(name.removesuffix("Fault"))
    return kind, _one_line(detail)


def _fault_of_status(status: int, body_text: str) -> type[Fault]:
    kind = _FAULT_OF_STATUS.get(status)
    if kind is RequestEntityTooLarge and "quota" in body_text.lower():
        return QuotaExceeded
    if kind is not None:
        return kind
    return InternalFault if status >= _FIRST_SERVER_STATUS else InvalidArgument


def _one_line(text: str) -> str:
    line = _UNPRINTABLE.sub(" ", text[:_MAX_BODY_CHARACTERS]).strip()
    return line[:MAX_DETAIL_CHARACTERS]
