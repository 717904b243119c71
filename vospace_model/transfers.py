"""Transfers (VOSpace 2.1, section 3.6): bytes in or out, or a node to another place."""

from dataclasses import dataclass
from enum import Enum

from vospace_model.faults import InvalidArgument
from vospace_model.protocols import NegotiatedProtocol, RequestedProtocol
from vospace_model.uris import VosUri
from vospace_model.views import Param, View


class Direction(Enum):
    """Who sends to whom; the value is the word in the schema."""

    PUSH_TO_VOSPACE = "pushToVoSpace"
    PULL_TO_VOSPACE = "pullToVoSpace"
    PULL_FROM_VOSPACE = "pullFromVoSpace"
    PUSH_FROM_VOSPACE = "pushFromVoSpace"

    @property
    def is_client_initiated(self) -> bool:
        """Whether the client moves the bytes, through an endpoint that we negotiate."""
        return self in {Direction.PUSH_TO_VOSPACE, Direction.PULL_FROM_VOSPACE}

    @property
    def writes(self) -> bool:
        """Whether bytes come into the space."""
        return self in {Direction.PUSH_TO_VOSPACE, Direction.PULL_TO_VOSPACE}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalTransfer:
    """Moves bytes into the space or out of it. Only packages have several targets."""

    targets: tuple[VosUri, ...]
    direction: Direction
    view: View | None = None
    protocols: tuple[RequestedProtocol | NegotiatedProtocol, ...] = ()
    params: tuple[Param, ...] = ()

    @property
    def target(self) -> VosUri:
        """The one target; InvalidArgument if there are several."""
        if len(self.targets) != 1:
            raise InvalidArgument("this transfer must have exactly one target")
        return self.targets[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalTransfer:
    """Moves a node within the space, or copies it when the bytes are kept."""

    source: VosUri
    destination: VosUri
    keep_bytes: bool


Transfer = ExternalTransfer | InternalTransfer
