"""The server goes away and comes back: cached files are served, nothing hangs, no remount."""

import errno
import os
import time

import pytest

from tests.support.content import MEBIBYTE, noise
from tests.support.mounts import Mount, Mounts, wait_until
from tests.support.space import Space
from tests.support.store import Store

DATA = noise(3 * MEBIBYTE)
GONE = {errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.EIO}
DEADLINE_SECONDS = 3
PATIENCE_SECONDS = 30


@pytest.fixture
def mount(own_mounts: Mounts, own_store: Store) -> Mount:
    """A mount in which one file and one listing are cached, others are not."""
    for name in ("cached", "uncached"):
        own_store.put(f"durand/{name}", DATA)
    made = own_mounts.mount(
        "vos:durand",
        "-o",
        f"timeout={DEADLINE_SECONDS}",
        user=own_mounts.space.owner,
    )
    assert (made.path / "cached").read_bytes() == DATA
    assert sorted(os.listdir(made.path)) == ["cached", "uncached"]
    return made


def _errno_of_reading(mount: Mount, name: str) -> int | None:
    try:
        (mount.path / name).read_bytes()
    except OSError as error:
        return error.errno
    return None


@pytest.mark.parametrize("how", ["dead", "frozen"])
def test_cached_files_are_read_and_the_rest_fails_in_time(
    mount: Mount, own_space: Space, how: str
) -> None:
    server = own_space.server
    server.kill() if how == "dead" else server.freeze()
    time.sleep(1.5)  # longer than attributes are trusted
    started = time.monotonic()
    assert (mount.path / "cached").read_bytes() == DATA
    assert sorted(os.listdir(mount.path)) == ["cached", "uncached"]
    assert _errno_of_reading(mount, "uncached") in GONE
    with pytest.raises(OSError, match=r"\[Errno") as refusal:
        (mount.path / "new").write_bytes(b"x")
    assert refusal.value.errno in GONE
    assert time.monotonic() - started < PATIENCE_SECONDS

    server.start() if how == "dead" else server.thaw()
    wait_until(lambda: _errno_of_reading(mount, "uncached") is None, "it works again")
    assert (mount.path / "uncached").read_bytes() == DATA
    assert mount.status()["errors"] > 0


def test_read_continues_over_a_restart_of_the_server(mount: Mount, own_space: Space) -> None:
    reader = os.open(mount.path / "uncached", os.O_RDONLY)
    first = os.read(reader, 65536)
    own_space.server.kill()
    own_space.server.start()
    rest = b""
    while part := os.read(reader, MEBIBYTE):
        rest += part
    os.close(reader)
    assert first + rest == DATA


def test_server_that_dies_in_the_middle_of_an_upload_keeps_the_old_bytes(
    mount: Mount, own_space: Space, own_store: Store
) -> None:
    server = own_space.server
    writer = os.open(mount.path / "cached", os.O_WRONLY | os.O_TRUNC)
    os.write(writer, noise(20 * MEBIBYTE, seed=2))
    server.kill()
    with pytest.raises(OSError, match=r"\[Errno") as refusal:
        os.close(writer)
    assert refusal.value.errno in GONE
    server.start()
    assert own_store.get("durand/cached") == DATA
    assert "cached" in mount.control("status", str(mount.path))
    mount.control("flush", str(mount.path))
    assert own_store.get("durand/cached") == noise(20 * MEBIBYTE, seed=2)
