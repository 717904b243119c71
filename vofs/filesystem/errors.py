"""What a file system call can refuse that no fault of the standard names.

Like the faults, these know nothing of errno: kernel/errnos.py has the one table.
"""


class FileSystemError(Exception):
    """Base of the refusals below; the text is one sentence."""


class NotAContainer(FileSystemError):  # noqa: N818 -- named like the faults of the standard
    """A folder is needed and this is none."""


class IsAContainer(FileSystemError):  # noqa: N818 -- as above
    """Bytes are needed and this is a folder."""


class NotALink(FileSystemError):  # noqa: N818 -- as above
    """A link is needed and this is none."""


class ContainerNotEmpty(FileSystemError):  # noqa: N818 -- as above
    """Only an empty folder can be removed."""


class ReadOnlyMount(FileSystemError):  # noqa: N818 -- as above
    """The mount was made read-only, or has no credentials to write with."""


class AttributeNotFound(FileSystemError):  # noqa: N818 -- as above
    """The node has no extended attribute of this name."""


class AttributeExists(FileSystemError):  # noqa: N818 -- as above
    """The node has an extended attribute of this name already."""


class AttributeNotSupported(FileSystemError):  # noqa: N818 -- as above
    """Extended attributes of this kind don't exist in a VOSpace."""


class AttributeReadOnly(FileSystemError):  # noqa: N818 -- as above
    """Only the service sets this attribute."""


class NameTooLong(FileSystemError):  # noqa: N818 -- as above
    """A name has more bytes than a node's may have."""


class NotHeldByVospace(FileSystemError):  # noqa: N818 -- as above
    """Hard links, devices and owners that a VOSpace can't hold."""


class BadHandle(FileSystemError):  # noqa: N818 -- as above
    """No file is open under this number, or not for this."""


class NotYetThere(FileSystemError):  # noqa: N818 -- as above
    """The file has not been sent to the service yet, and this needs it to be there."""


class OutsideMount(FileSystemError):  # noqa: N818 -- as above
    """A link would lead out of the mount to a file that only this machine has."""


def named(error: BaseException) -> str:
    """An error as `Name: what was wrong`; the name once, also where the text begins with it."""
    name, text = type(error).__name__, str(error)
    return text if text.startswith(name) else f"{name}: {text}"
