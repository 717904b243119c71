"""The part of fusepy 3.0.1 that vofs.kernel.binding uses; `Any` ends there."""

import ctypes
from typing import Any

class c_timespec(ctypes.Structure):
    tv_sec: int
    tv_nsec: int

class c_stat(ctypes.Structure):
    st_mode: int
    st_nlink: int
    st_uid: int
    st_gid: int
    st_size: int
    st_blksize: int
    st_blocks: int
    st_ino: int
    st_atimespec: c_timespec
    st_mtimespec: c_timespec
    st_ctimespec: c_timespec

class c_statvfs(ctypes.Structure):
    f_bsize: int
    f_frsize: int
    f_blocks: int
    f_bfree: int
    f_bavail: int
    f_files: int
    f_ffree: int
    f_favail: int
    f_namemax: int

class fuse_file_info(ctypes.Structure):
    flags: int
    direct_io: int
    keep_cache: int
    fh: int

class FUSE:
    operations: Any
    def __init__(
        self,
        operations: object,
        mountpoint: str,
        raw_fi: bool = ...,
        encoding: str = ...,
        **kwargs: str | bool | float,
    ) -> None: ...

_libfuse: ctypes.CDLL

def fuse_exit() -> None: ...
