"""Why a mount can't be made, in one line for a person."""

from vospace_model.faults import NotAuthenticated, PermissionDenied


class MountError(Exception):
    """The text is what `mountvofs` prints."""


class RefusedError(Exception):
    """The service doesn't let us in with these credentials."""

    def __init__(self, fault: NotAuthenticated | PermissionDenied, credentials: str) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.credentials = credentials
