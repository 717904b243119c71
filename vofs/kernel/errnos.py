"""The one table from what went wrong to the errno that a program sees.

Looked up along the class hierarchy, the nearest entry wins; what has no entry is EIO. A test
demands an entry for every fault of the standard and every error of our own.
"""

import errno
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from vofs.cache import errors as cache
from vofs.client import errors as client
from vofs.filesystem import errors as filesystem
from vofs.filesystem import kernel_versions
from vospace_model import faults

ERRNOS: Final[Mapping[type[BaseException], int]] = MappingProxyType(
    {
        # Faults of the standard.
        faults.NodeNotFound: errno.ENOENT,
        faults.ContainerNotFound: errno.ENOENT,
        faults.UnreadableLinkTarget: errno.ENOENT,
        faults.PermissionDenied: errno.EACCES,
        # A disk has no "log in first"; EACCES is what a program can explain.
        faults.NotAuthenticated: errno.EACCES,
        faults.InvalidToken: errno.EACCES,
        faults.DuplicateNode: errno.EEXIST,
        faults.QuotaExceeded: errno.EDQUOT,
        faults.RequestEntityTooLarge: errno.EFBIG,
        # As chattr +i: the owner is refused too, until it is unlocked.
        faults.NodeLocked: errno.EPERM,
        faults.NodeBusy: errno.EBUSY,
        # Somebody else's version is there now: ours must not overwrite it.
        faults.PreconditionFailed: errno.ESTALE,
        faults.LinkFound: errno.ELOOP,
        faults.InvalidURI: errno.EINVAL,
        faults.InvalidArgument: errno.EINVAL,
        faults.TypeNotSupported: errno.EOPNOTSUPP,
        faults.OptionNotSupported: errno.EOPNOTSUPP,
        faults.OperationNotSupported: errno.EOPNOTSUPP,
        faults.ViewNotSupported: errno.EOPNOTSUPP,
        faults.ProtocolNotSupported: errno.EOPNOTSUPP,
        faults.RangeNotSatisfiable: errno.EIO,
        faults.InvalidData: errno.EIO,
        faults.TransferFailed: errno.EIO,
        faults.InternalFault: errno.EIO,
        # Retried until the deadline by then; EAGAIN would make programs spin or misread it.
        faults.ServiceBusy: errno.ETIMEDOUT,
        # What the standard has no fault for.
        client.Unreachable: errno.EHOSTUNREACH,
        client.TimedOut: errno.ETIMEDOUT,
        client.MalformedAnswer: errno.EIO,
        client.CredentialRejected: errno.EACCES,
        client.ContentChanged: errno.ESTALE,
        client.ServiceNotFound: errno.EHOSTUNREACH,
        # What a file system refuses by itself.
        filesystem.NotAContainer: errno.ENOTDIR,
        filesystem.IsAContainer: errno.EISDIR,
        filesystem.NotALink: errno.EINVAL,
        filesystem.ContainerNotEmpty: errno.ENOTEMPTY,
        filesystem.ReadOnlyMount: errno.EROFS,
        filesystem.AttributeNotFound: errno.ENODATA,
        filesystem.AttributeExists: errno.EEXIST,
        filesystem.AttributeNotSupported: errno.EOPNOTSUPP,
        filesystem.AttributeReadOnly: errno.EACCES,
        filesystem.NameTooLong: errno.ENAMETOOLONG,
        filesystem.NotHeldByVospace: errno.EPERM,
        filesystem.BadHandle: errno.EBADF,
        filesystem.NotYetThere: errno.EBUSY,
        filesystem.OutsideMount: errno.EPERM,
        kernel_versions.VersionReplaced: errno.ESTALE,
        # The cache.
        cache.CorruptContent: errno.EIO,
        cache.IncompleteFetch: errno.EIO,
        # Python's own.
        UnicodeError: errno.EILSEQ,
        MemoryError: errno.ENOMEM,
        TimeoutError: errno.ETIMEDOUT,
    }
)

# Refusals that programs provoke all day; logging them would bury the rest.
QUIET: Final = frozenset(
    {
        errno.ENOENT,
        errno.ENODATA,
        errno.EEXIST,
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.EOPNOTSUPP,
        errno.ENOTEMPTY,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EINVAL,
        errno.EILSEQ,
        errno.ENAMETOOLONG,
        errno.ERANGE,
    }
)


def errno_of(error: BaseException) -> int:
    """The errno, always positive, that stands for the error."""
    for kind in type(error).__mro__:
        if kind in ERRNOS:
            return ERRNOS[kind]
    if isinstance(error, OSError) and isinstance(error.errno, int) and error.errno > 0:
        return error.errno
    return errno.EIO
