"""A mount that dies: what was acknowledged is on the server, what was not is named."""

import contextlib
import os

from tests.support.content import MEBIBYTE, noise
from tests.support.mounts import Mounts
from tests.support.store import Store


def test_unfinished_edit_of_a_killed_mount_is_not_shown_as_content_but_named(
    mounts: Mounts, store: Store, folder: str
) -> None:
    data = noise(4 * MEBIBYTE)
    store.put(f"{folder}/cal.fits", data)
    owner = mounts.space.owner
    mount = mounts.mount(f"vos:{folder}", user=owner, cache="kept")
    path = mount.path / "cal.fits"
    assert path.read_bytes() == data
    editor = os.open(path, os.O_RDWR)
    os.pwrite(editor, b"x" * 4096, MEBIBYTE)
    mount.kill()
    with contextlib.suppress(OSError):  # nobody is left to answer close()
        os.close(editor)
    mount.abandon()

    again = mounts.mount(f"vos:{folder}", user=owner, cache="kept")
    assert (again.path / "cal.fits").read_bytes() == data
    assert store.get(f"{folder}/cal.fits") == data
    assert "cal.fits" in again.control("status", str(again.path))


def test_dead_mountpoint_is_cleaned_and_used_again(
    mounts: Mounts, store: Store, folder: str
) -> None:
    store.put(f"{folder}/f", b"content")
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    assert (mount.path / "f").read_bytes() == b"content"
    mount.kill()
    mount.mount()
    assert (mount.path / "f").read_bytes() == b"content"


def test_cache_of_a_killed_mount_serves_the_next_one(
    mounts: Mounts, store: Store, folder: str
) -> None:
    data = noise(20 * MEBIBYTE)
    store.put(f"{folder}/drk.fits", data)
    owner = mounts.space.owner
    mount = mounts.mount(f"vos:{folder}", user=owner, cache="kept")
    assert (mount.path / "drk.fits").read_bytes() == data
    mount.kill()
    mount.abandon()
    again = mounts.mount(f"vos:{folder}", user=owner, cache="kept")
    assert (again.path / "drk.fits").read_bytes() == data
    assert again.status()["wire_bytes"] <= MEBIBYTE
