"""The options of the mount call, and what is said when there is no libfuse."""

import sys

import pytest

from vofs.kernel.mounting import (
    FuseLibrary,
    FuseUnavailableError,
    KernelConfig,
    fuse_options,
    load_library,
)


def test_options_that_were_measured_are_used_and_those_that_hurt_are_not() -> None:
    options = fuse_options(KernelConfig(fsname="vos:a,b"))
    assert options["big_writes"] is True
    assert (options["max_background"], options["congestion_threshold"]) == (64, 64)
    assert options["auto_unmount"] is options["nosuid"] is options["nodev"] is True
    assert (options["attr_timeout"], options["entry_timeout"]) == (1.0, 1.0)
    assert options["fsname"] == r"vos:a\,b"
    unwanted = {"direct_io", "kernel_cache", "nothreads", "splice_read", "hard_remove"}
    assert not unwanted & set(options)
    assert "default_permissions" not in options


def test_other_users_are_checked_by_the_kernel() -> None:
    options = fuse_options(KernelConfig(allow_other=True))
    assert options["allow_other"] is options["default_permissions"] is True


def test_options_unknown_to_libfuse_3_are_left_out() -> None:
    options = fuse_options(KernelConfig(library=FuseLibrary.LIBFUSE3))
    assert not {"big_writes", "max_background", "nonempty", "atomic_o_trunc"} & set(options)


def test_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fuse", None)
    with pytest.raises(FuseUnavailableError, match=r"pip install 'vospace\[mount\]'"):
        load_library(FuseLibrary.LIBFUSE2)
