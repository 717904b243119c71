"""Why there is no mount, in one line that says what to do about it."""

from typing import Final

from vofs.client.errors import (
    ClientError,
    CredentialRejected,
    ServiceNotFound,
    TimedOut,
    Unreachable,
)
from vofs.config import MountConfig
from vofs.filesystem.errors import FileSystemError, named
from vofs.kernel.mounting import FuseUnavailableError
from vofs.mount.errors import MountError, RefusedError
from vospace_model.faults import (
    ContainerNotFound,
    Fault,
    InvalidURI,
    NodeNotFound,
    NotAuthenticated,
    PermissionDenied,
)

# Their text is a sentence for the person already.
_SPEAKS_FOR_ITSELF: Final = (
    MountError,
    FuseUnavailableError,
    FileSystemError,
    CredentialRejected,
    ServiceNotFound,
)


def explain(error: Exception, config: MountConfig) -> str:
    """The one line for a person."""
    if isinstance(error, RefusedError):
        return _refusal(error.fault, error.credentials, config)
    if isinstance(error, _SPEAKS_FOR_ITSELF):
        return str(error)
    return _explain_service(error, config)


def _explain_service(error: Exception, config: MountConfig) -> str:
    match error:
        case NodeNotFound() | ContainerNotFound():
            return f"there is no node {config.source} in this space"
        case InvalidURI():
            return error.detail
        case Unreachable() | TimedOut():
            return f"the service is unreachable: {error}"
        case ClientError() | Fault():
            return f"the service can't be used: {error}"
        case OSError():
            return f"{error.filename or 'the system'}: {error.strerror or error}"
        case _:
            return f"unexpected {named(error)} (see --log-level debug)"


def _refusal(
    fault: NotAuthenticated | PermissionDenied, credentials: str, config: MountConfig
) -> str:
    """The service knows us or not, and doesn't let us in."""
    if isinstance(fault, NotAuthenticated):
        return f"the service refused {credentials}: {fault.detail or 'not authenticated'}"
    # Why not: a token may be for another folder.
    reason = f": {fault.detail}" if fault.detail else ""
    return f"no permission to read {config.source} with {credentials}{reason}"
