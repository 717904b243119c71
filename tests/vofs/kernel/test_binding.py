"""The wrapper of callbacks: whatever happens inside, the kernel gets a number it can use."""

import ctypes
import errno
import types
from collections.abc import Callable
from typing import Any, cast

import fuse
import pytest

from vofs.kernel.binding import KernelCalls, Libfuse2Calls
from vofs.kernel.call_journal import CallJournal
from vofs.kernel.operations import Operations

# What is injected here is logged as an error of the call, as it should be.
pytestmark = pytest.mark.logs(": E")


class _Calls(Libfuse2Calls):
    """The callbacks over operations that a test makes up."""

    def __init__(self, **methods: Callable[..., Any]) -> None:
        self.operations = cast("Operations", types.SimpleNamespace(**methods))
        self.journal = CallJournal()
        self.structures = fuse

    def call(self, name: str, *arguments: Any) -> int:
        """Do as the library does."""
        return self._wrapper(getattr(self, name), *arguments)


def _raising(error: BaseException) -> Callable[..., Any]:
    def operation(*_arguments: Any) -> Any:
        raise error

    return operation


def _read(calls: _Calls, size: int = 16) -> tuple[int, bytes]:
    # The bytes around the buffer must never be touched.
    memory = ctypes.create_string_buffer(b"#" * (size + 32), size + 32)
    buffer = ctypes.cast(ctypes.addressof(memory) + 16, ctypes.POINTER(ctypes.c_byte))
    info = ctypes.pointer(fuse.fuse_file_info(fh=7))
    result = calls.call("read", b"/f", buffer, size, 0, info)
    assert memory.raw[:16] == memory.raw[-16:] == b"#" * 16
    return result, memory.raw[16 : 16 + size]


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (KeyboardInterrupt(), errno.EIO),
        (SystemExit(1), errno.EIO),
        (GeneratorExit(), errno.EIO),
        (MemoryError(), errno.ENOMEM),
        (RecursionError(), errno.EIO),
        (ValueError("bug"), errno.EIO),
        (OSError(errno.ENOSPC, "full"), errno.ENOSPC),
        (OSError(), errno.EIO),
    ],
)
def test_anything_raised_is_an_errno_and_the_next_call_is_right(
    error: BaseException, number: int
) -> None:
    calls = _Calls(mkdir=_raising(error), rmdir=lambda _path: None)
    assert calls.call("mkdir", b"/d", 0o755) == -number
    assert calls.call("rmdir", b"/d") == 0


def test_reading_writes_into_the_buffer_of_the_kernel() -> None:
    def read(handle: int, view: memoryview, offset: int) -> int:
        assert (handle, offset, len(view)) == (7, 0, 16)
        view[:4] = b"data"
        return 4

    assert _read(_Calls(read=read)) == (4, b"data" + b"#" * 12)


@pytest.mark.parametrize("result", [17, -1, None, "text", b"bytes", True, 1.5])
def test_reading_a_bad_result_is_eio_and_never_beyond_the_buffer(result: object) -> None:
    number, data = _read(_Calls(read=lambda *_arguments: result))
    assert number == -errno.EIO
    assert data == b"#" * 16


@pytest.mark.parametrize("result", [17, -1, None, "text"])
def test_writing_a_bad_result_is_eio(result: object) -> None:
    calls = _Calls(write=lambda *_arguments: result)
    data = ctypes.create_string_buffer(b"x" * 16, 16)
    info = ctypes.pointer(fuse.fuse_file_info(fh=7))
    assert calls.call("write", b"/f", data, 16, 0, info) == -errno.EIO


def test_writing_shows_the_kernels_bytes_without_a_copy() -> None:
    seen: list[bytes] = []

    def write(_handle: int, view: memoryview, _offset: int) -> int:
        assert view.readonly
        seen.append(bytes(view))
        return len(view)

    data = ctypes.create_string_buffer(b"pixels", 6)
    info = ctypes.pointer(fuse.fuse_file_info(fh=7))
    assert _Calls(write=write).call("write", None, data, 6, 0, info) == 6
    assert seen == [b"pixels"]


@pytest.mark.parametrize("result", [None, "text", 5, object()])
def test_bad_attributes_are_eio(result: object) -> None:
    calls = _Calls(getattr=lambda *_arguments: result)
    assert calls.call("getattr", b"/f", ctypes.pointer(fuse.c_stat())) == -errno.EIO


@pytest.mark.parametrize("target", ["", "with\0nul", None, 7, "\ud800"])
def test_bad_link_targets_are_errors(target: object) -> None:
    calls = _Calls(readlink=lambda _path: target)
    buffer = ctypes.create_string_buffer(64)
    assert calls.call("readlink", b"/l", buffer, 64) < 0


def test_long_link_target_is_cut_and_terminated() -> None:
    buffer = ctypes.create_string_buffer(b"#" * 16, 16)
    assert _Calls(readlink=lambda _path: "x" * 99).call("readlink", b"/l", buffer, 8) == 0
    assert buffer.raw == b"x" * 7 + b"\0" + b"#" * 8


def test_extended_attributes_tell_their_size_and_never_overflow() -> None:
    calls = _Calls(
        getxattr=lambda _path, _name: b"value", listxattr=lambda _path: ["user.a", "user.b"]
    )
    buffer = ctypes.create_string_buffer(b"#" * 16, 16)
    assert calls.call("getxattr", b"/f", b"user.a", None, 0) == 5
    assert calls.call("getxattr", b"/f", b"user.a", buffer, 4) == -errno.ERANGE
    assert buffer.raw == b"#" * 16
    assert calls.call("getxattr", b"/f", b"user.a", buffer, 16) == 5
    assert buffer.raw[:6] == b"value#"
    assert calls.call("listxattr", b"/f", buffer, 16) == 14
    assert buffer.raw[:14] == b"user.a\0user.b\0"


def test_name_that_is_not_utf_8_is_eilseq() -> None:
    calls = _Calls(mkdir=lambda _path, _mode: None)
    assert calls.call("mkdir", b"/\xff\xfe", 0o755) == -errno.EILSEQ


@pytest.mark.parametrize(
    ("nanoseconds", "expected"),
    [(5, [1_000_000_005]), ((1 << 30) - 2, []), (None, ["now"]), ((1 << 30) - 1, ["now"])],
)
def test_times_to_omit_are_omitted_and_now_is_now(
    nanoseconds: int | None, expected: list[object]
) -> None:
    calls: list[int] = []
    kernel = _Calls(utimens=lambda _path, moment: calls.append(moment))
    times = None
    if nanoseconds is not None:
        both = fuse.c_utimbuf()  # type: ignore[attr-defined]
        both.modtime.tv_sec, both.modtime.tv_nsec = 1, nanoseconds
        times = ctypes.pointer(both)
    assert kernel.call("utimens", b"/f", times) == 0
    shown = ["now" if moment > 10**18 else moment for moment in calls]
    assert shown == expected


def test_journal_that_fails_itself_is_still_an_errno() -> None:
    calls = _Calls(rmdir=_raising(ValueError()))
    calls.journal = cast("CallJournal", types.SimpleNamespace(count=_raising(OSError())))
    assert calls.call("rmdir", b"/d") == -errno.EIO


def test_every_callback_of_the_library_is_ours() -> None:
    ours = {name for kind in (KernelCalls, Libfuse2Calls) for name in vars(kind)}
    wanted = {
        field[0]
        for field in fuse.fuse_operations._fields_  # type: ignore[attr-defined]
        if hasattr(field[1], "argtypes")
    }
    served = {name for name in wanted if _is_offered(name)}
    assert served <= ours


def _is_offered(name: str) -> bool:
    operation = name.removeprefix("f") if name in {"ftruncate", "fgetattr"} else name
    return getattr(Operations, operation, None) is not None
