"""What can go wrong with a service and has no fault in the standard.

Names follow the standard's own style (`NodeNotFound`), so that one `except` clause or one
table may list both kinds side by side.
"""


class ClientError(Exception):
    """Base of the failures below; the text is one sentence for a person."""


class Unreachable(ClientError):  # noqa: N818 -- see the module docstring
    """No connection, or it broke before the answer was whole."""


class BrokenOff(Unreachable):
    """The service was there, and its answer ended before it was whole: worth asking again."""


class TimedOut(ClientError):  # noqa: N818 -- see the module docstring
    """The answer didn't come within the deadline of the operation."""


class MalformedAnswer(ClientError):  # noqa: N818 -- see the module docstring
    """The answer contradicts the protocol or itself; nothing of it may be used."""


class CredentialRejected(ClientError):  # noqa: N818 -- see the module docstring
    """The credentials can't be used: unreadable, expired, or unfit for this service."""


class ContentChanged(ClientError):  # noqa: N818 -- see the module docstring
    """The bytes of the version that was opened can no longer be had."""


class ServiceNotFound(ClientError):  # noqa: N818 -- see the module docstring
    """Nothing says where the service of this space is."""
