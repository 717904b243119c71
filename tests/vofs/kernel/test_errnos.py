"""The one table of errnos: complete, and right where programs depend on it."""

import errno
import inspect
import types

import pytest

from vofs.cache import errors as cache_errors
from vofs.client import errors as client_errors
from vofs.client.errors import ClientError
from vofs.filesystem import errors as filesystem_errors
from vofs.filesystem.errors import FileSystemError
from vofs.kernel.errnos import ERRNOS, errno_of
from vospace_model import faults


def _errors_in(module: types.ModuleType) -> list[type[BaseException]]:
    bases = {ClientError, FileSystemError, cache_errors.CacheError}
    return [
        kind
        for _name, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, BaseException) and kind.__module__ == module.__name__
        if kind not in bases
    ]


@pytest.mark.parametrize("fault", faults.FAULT_STATUS, ids=lambda fault: fault.__name__)
def test_every_fault_of_the_standard_has_an_errno(fault: type[faults.Fault]) -> None:
    assert fault in ERRNOS
    assert errno_of(fault("detail")) == ERRNOS[fault]


@pytest.mark.parametrize("module", [client_errors, filesystem_errors, cache_errors])
def test_every_error_of_our_own_has_an_errno(module: types.ModuleType) -> None:
    kinds = _errors_in(module)
    assert kinds
    for kind in kinds:
        assert any(base in ERRNOS for base in kind.__mro__), kind


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (faults.NodeNotFound("/x"), errno.ENOENT),
        (faults.QuotaExceeded("full"), errno.EDQUOT),
        (faults.PreconditionFailed("newer"), errno.ESTALE),
        (client_errors.Unreachable("away"), errno.EHOSTUNREACH),
        (client_errors.TimedOut("late"), errno.ETIMEDOUT),
        (OSError(errno.ENOSPC, "full"), errno.ENOSPC),
        (OSError("no number"), errno.EIO),
        (OSError(-5, "negative"), errno.EIO),
        (FileNotFoundError(errno.ENOENT, "gone"), errno.ENOENT),
        (TimeoutError(), errno.ETIMEDOUT),
        (MemoryError(), errno.ENOMEM),
        (RecursionError(), errno.EIO),
        (ValueError("bug"), errno.EIO),
        (KeyboardInterrupt(), errno.EIO),
        (SystemExit(0), errno.EIO),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), errno.EILSEQ),
    ],
)
def test_errno_of_an_error(error: BaseException, number: int) -> None:
    assert errno_of(error) == number
