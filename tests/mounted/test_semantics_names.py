"""docs/semantics.md on a real mount: names, attributes, and what can't be held."""

# ruff: noqa: PTH102, PTH115 -- system calls by their names, some on bytes

import ctypes
import errno
import fcntl
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.support.mounts import Mount, Mounts, wait_until
from tests.support.space import Space
from tests.support.store import Store

RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2
AT_FDCWD = -100


@pytest.fixture(params=["2", "3"], ids=["libfuse2", "libfuse3"])
def mount(request: pytest.FixtureRequest, mounts: Mounts, folder: str) -> Mount:
    """A writable mount of an empty folder, over each of the two libraries."""
    return mounts.mount(f"vos:{folder}", "-o", f"fuse={request.param}", user=mounts.space.owner)


def _errno_of(call: Callable[[], object]) -> int | None:
    try:
        call()
    except OSError as error:
        return error.errno
    return None


def _renameat2(old: Path, new: Path, flags: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.renameat2(AT_FDCWD, bytes(old), AT_FDCWD, bytes(new), flags)
    return 0 if done == 0 else ctypes.get_errno()


def test_folders_are_made_and_only_empty_ones_removed(
    mount: Mount, store: Store, folder: str
) -> None:
    (mount.path / "d").mkdir()
    assert _errno_of((mount.path / "d").mkdir) == errno.EEXIST
    (mount.path / "d" / "f").write_bytes(b"x")
    assert _errno_of((mount.path / "d").rmdir) == errno.ENOTEMPTY
    store.put(f"{folder}/d/by-another", b"y")
    (mount.path / "d" / "f").unlink()
    assert _errno_of((mount.path / "d").rmdir) == errno.ENOTEMPTY
    (mount.path / "d" / "by-another").unlink()
    (mount.path / "d").rmdir()
    assert store.names(folder) == []


def test_rename_is_as_posix_has_it(mount: Mount, store: Store, folder: str) -> None:
    here = mount.path
    (here / "a").write_bytes(b"a")
    (here / "b").write_bytes(b"b")
    (here / "full").mkdir()
    (here / "full" / "f").write_bytes(b"f")
    (here / "empty").mkdir()
    full = {errno.ENOTEMPTY, errno.EEXIST}  # POSIX leaves the choice
    assert _errno_of(lambda: (here / "a").rename(here / "full")) == errno.EISDIR
    assert _errno_of(lambda: (here / "empty").rename(here / "a")) == errno.ENOTDIR
    assert _errno_of(lambda: (here / "empty").rename(here / "full")) in full
    assert _errno_of(lambda: (here / "full").rename(here / "full" / "in")) == errno.EINVAL
    assert _errno_of(lambda: (here / "missing").rename(here / "x")) == errno.ENOENT
    (here / "a").rename(here / "b")
    assert (here / "b").read_bytes() == b"a"
    (here / "full").rename(here / "empty")
    assert (here / "empty" / "f").read_bytes() == b"f"
    (here / "empty" / "f").rename(here / "f")
    assert store.names(folder) == ["b", "empty", "f"]


def test_rename_without_replacing_refuses(mounts: Mounts, folder: str) -> None:
    mount = mounts.mount(f"vos:{folder}", "-o", "fuse=3", user=mounts.space.owner)
    (mount.path / "a").write_bytes(b"a")
    (mount.path / "b").write_bytes(b"b")
    flags = RENAME_NOREPLACE
    assert _renameat2(mount.path / "a", mount.path / "b", flags) == errno.EEXIST
    assert _renameat2(mount.path / "a", mount.path / "c", flags) == 0
    assert _renameat2(mount.path / "b", mount.path / "c", RENAME_EXCHANGE) == errno.EINVAL


def test_open_file_follows_its_renaming(mount: Mount, store: Store, folder: str) -> None:
    with (mount.path / "part").open("wb", buffering=0) as file:
        file.write(b"one ")
        (mount.path / "part").rename(mount.path / "whole")
        file.write(b"two")
    assert store.names(folder) == ["whole"]
    assert store.get(f"{folder}/whole") == b"one two"
    (mount.path / "d").mkdir()
    with (mount.path / "d" / "f").open("wb", buffering=0) as file:
        file.write(b"in a folder")
        (mount.path / "d").rename(mount.path / "e")
    assert store.get(f"{folder}/e/f") == b"in a folder"


def test_listing_shows_own_changes_at_once_and_those_of_others_soon(
    mount: Mount, store: Store, folder: str
) -> None:
    assert os.listdir(mount.path) == []
    (mount.path / "mine").write_bytes(b"x")
    (mount.path / "d").mkdir()
    assert sorted(os.listdir(mount.path)) == ["d", "mine"]
    (mount.path / "mine").unlink()
    assert os.listdir(mount.path) == ["d"]
    assert not (mount.path / "mine").exists()
    store.put(f"{folder}/theirs", b"y")
    wait_until(
        lambda: sorted(os.listdir(mount.path)) == ["d", "theirs"], "their file", seconds=5
    )
    assert (mount.path / "theirs").stat().st_size == 1


def test_links_are_relative_inside_and_uris_outside(
    mount: Mount, store: Store, folder: str
) -> None:
    here = mount.path
    (here / "d").mkdir()
    (here / "f").write_bytes(b"content")
    (here / "d" / "up").symlink_to("../f")
    (here / "absolute").symlink_to(here / "d")
    assert os.readlink(here / "d" / "up") == "../f"
    assert (here / "d" / "up").read_bytes() == b"content"
    assert os.readlink(here / "absolute") == "d"
    (here / "bookmark").symlink_to("https://archive.example.org/x?y=1")
    assert os.readlink(here / "bookmark") == "https://archive.example.org/x?y=1"
    for link in (here / "d" / "up", here / "absolute", here / "bookmark"):
        assert os.lstat(link).st_size == len(os.readlink(link))
    (here / "dangling").symlink_to("not/there")
    assert not (here / "dangling").exists()
    assert _errno_of(lambda: (here / "out").symlink_to("/etc/passwd")) == errno.EPERM
    assert _errno_of(lambda: (here / "out").symlink_to("../../../etc/passwd")) == errno.EPERM
    (here / "absolute").unlink()
    assert sorted(store.names(folder)) == ["bookmark", "d", "dangling", "f"]


def test_link_of_the_service_never_leads_to_a_file_of_this_machine(
    mount: Mount, mounts: Mounts, folder: str
) -> None:
    document = (
        '<vos:node xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0" version="2.1" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'uri="vos://localhost~vault/{folder}/evil" xsi:type="vos:LinkNode">'
        "<vos:properties/><vos:target>file:///etc/passwd</vos:target></vos:node>"
    )
    with mounts.space.client(mounts.space.owner) as client:
        answer = client.put(f"/vault/nodes/{folder}/evil", content=document)
    assert answer.status_code in {201, 400}
    if answer.status_code == 201:
        assert _errno_of(lambda: os.readlink(mount.path / "evil")) == errno.EPERM
    assert _errno_of((mount.path / "evil").read_bytes) is not None


def test_what_a_vospace_cannot_hold_is_eperm(mount: Mount) -> None:
    path = mount.path / "f"
    path.write_bytes(b"x")
    assert _errno_of(lambda: os.link(path, mount.path / "hard")) == errno.EPERM
    assert _errno_of(lambda: os.mkfifo(mount.path / "pipe")) == errno.EPERM
    assert _errno_of(lambda: os.chown(path, 12345, 54321)) == errno.EPERM
    shown = path.stat()
    os.chown(path, shown.st_uid, shown.st_gid)
    os.chown(path, -1, -1)


def test_names_that_a_vospace_cannot_hold(mount: Mount) -> None:
    raw = os.fsencode(mount.path)
    assert _errno_of(lambda: os.mkdir(raw + b"/" + b"x" * 256)) == errno.ENAMETOOLONG
    assert _errno_of(lambda: os.mkdir(raw + b"/" + "é".encode() * 128)) == errno.ENAMETOOLONG
    assert _errno_of(lambda: os.mkdir(raw + b"/\xff\xfe")) == errno.EILSEQ
    assert _errno_of(lambda: os.mkdir(raw + b"/a\nb")) == errno.EINVAL
    for reserved in (mount.path / ".auto", mount.path / ".null"):
        # Names by which a VOSpace invents another, and throws things away.
        assert _errno_of(reserved.mkdir) == errno.EINVAL
        assert _errno_of(partial(reserved.write_bytes, b"x")) == errno.EINVAL
        assert _errno_of(partial(reserved.symlink_to, "x")) == errno.EINVAL
    name = "x" * 200 + " %?#&'\"é"
    (mount.path / name).write_bytes(b"odd")
    assert _errno_of(lambda: (mount.path / name).rename(mount.path / ".null")) == errno.EINVAL
    assert os.listdir(mount.path) == [name]


def test_stat_shows_size_owner_and_permissions(mount: Mount, store: Store, folder: str) -> None:
    (mount.path / "d").mkdir()
    (mount.path / "d" / "f").write_bytes(b"x" * 1000)
    store.put(f"{folder}/d/g", b"y" * 500)
    wait_until(lambda: (mount.path / "d").stat().st_size == 1500, "recursive size", seconds=10)
    assert (mount.path / "d").stat().st_blocks == 0
    shown = (mount.path / "d" / "f").stat()
    assert (shown.st_size, shown.st_blocks, shown.st_nlink) == (1000, 2, 1)
    assert (shown.st_uid, shown.st_gid) == (os.getuid(), os.getgid())
    assert stat.S_ISREG(shown.st_mode)
    assert abs(shown.st_mtime - time.time()) < 60


def test_chmod_changes_what_a_vospace_can_hold(
    mount: Mount, own_folder_mode: Callable[[str], int]
) -> None:
    path = mount.path / "f"
    path.write_bytes(b"x")
    path.chmod(0o644)
    assert stat.S_IMODE(path.stat().st_mode) & 0o004
    assert own_folder_mode("f") == 200
    path.chmod(0o600)
    assert not stat.S_IMODE(path.stat().st_mode) & 0o004
    assert own_folder_mode("f") in {401, 403}
    with (mount.path / "g").open("wb") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(b"public from the start")
    assert own_folder_mode("g") == 200


@pytest.fixture
def own_folder_mode(shared_space: Space, public_folder: str) -> Callable[[str], int]:
    """The status that an anonymous reader of a file in the folder gets."""

    def status_of(name: str) -> int:
        with shared_space.client(None) as client:
            return client.get(
                f"/vault/files/{public_folder}/{name}", follow_redirects=True
            ).status_code

    return status_of


def test_times_are_set_kept_and_omitted(mount: Mount, store: Store, folder: str) -> None:
    path = mount.path / "f"
    path.write_bytes(b"x")
    moment = 1_500_000_000_123_456_000
    os.utime(path, ns=(moment, moment))
    assert path.stat().st_mtime_ns == moment
    subprocess.run(["touch", "-a", str(path)], check=True)
    assert path.stat().st_mtime_ns == moment
    subprocess.run(["touch", "-m", str(path)], check=True)
    assert abs(path.stat().st_mtime - time.time()) < 60
    with path.open("wb") as file:
        file.write(b"new content, old time")
        file.flush()
        os.utime(file.fileno(), ns=(moment, moment))
    assert path.stat().st_mtime_ns == moment
    time.sleep(1.1)
    assert path.stat().st_mtime_ns == moment
    assert store.get(f"{folder}/f") == b"new content, old time"


def test_extended_attributes_are_properties(mount: Mount) -> None:
    path = mount.path / "f"
    path.write_bytes(b"x")
    os.setxattr(path, "user.vospace.title", "Dunkelstrom für März".encode())
    os.setxattr(path, "user.vospace.ivo://our.org/props#run", b"42")
    assert os.getxattr(path, "user.vospace.title").decode() == "Dunkelstrom für März"
    assert {"user.vospace.title", "user.vospace.ivo://our.org/props#run"} <= set(
        os.listxattr(path)
    )
    os.removexattr(path, "user.vospace.title")
    assert _errno_of(lambda: os.getxattr(path, "user.vospace.title")) == errno.ENODATA
    assert _errno_of(lambda: os.removexattr(path, "user.vospace.title")) == errno.ENODATA
    assert _errno_of(lambda: os.setxattr(path, "user.vospace.length", b"1")) == errno.EACCES
    assert _errno_of(lambda: os.setxattr(path, "user.other", b"1")) == errno.EOPNOTSUPP
    assert _errno_of(lambda: os.getxattr(path, "user.other")) == errno.ENODATA
    assert os.getxattr(path, "user.vofs.uri").decode().endswith("/f")
    assert not [name for name in os.listxattr(path) if name.startswith("user.vofs.")]
    create = os.XATTR_CREATE
    run = "user.vospace.ivo://our.org/props#run"
    assert _errno_of(lambda: os.setxattr(path, run, b"1", create)) == errno.EEXIST


def test_df_shows_the_quota(own_mounts: Mounts, own_space: Space) -> None:
    """Contract 5 row 46: a real mount, and the quota in df."""
    own_space.server.administer("allocation", "set", "durand", "--quota", "64MiB")
    mount = own_mounts.mount("vos:durand", user=own_space.owner)
    (mount.path / "f").write_bytes(bytes(16 * 1024 * 1024))
    room = os.statvfs(mount.path)
    assert room.f_blocks * room.f_frsize == 64 * 1024 * 1024
    assert room.f_bavail * room.f_frsize <= 64 * 1024 * 1024
    assert room.f_namemax == 255


def test_locks_hold_between_programs_of_one_machine(mount: Mount) -> None:
    path = mount.path / "f"
    path.write_bytes(b"x")
    script = (
        "import fcntl, sys; f = open(sys.argv[1], 'r+b')\n"
        "try: fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "except BlockingIOError: sys.exit(7)"
    )
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        command = [sys.executable, "-c", script, str(path)]
        assert subprocess.run(command, check=False).returncode == 7
        fcntl.flock(file, fcntl.LOCK_UN)
        assert subprocess.run(command, check=False).returncode == 0


def test_read_only_mount_refuses_every_change(
    mounts: Mounts, store: Store, folder: str
) -> None:
    store.put(f"{folder}/f", b"content")
    mount = mounts.mount(f"vos:{folder}", "-o", "ro", user=mounts.space.owner)
    path = mount.path / "f"
    assert path.read_bytes() == b"content"
    changes: list[Callable[[], object]] = [
        lambda: path.write_bytes(b"x"),
        lambda: os.truncate(path, 0),
        path.unlink,
        lambda: path.chmod(0o600),
        lambda: os.utime(path),
        lambda: path.rename(mount.path / "g"),
        (mount.path / "d").mkdir,
        lambda: (mount.path / "l").symlink_to("f"),
        (mount.path / "new").touch,
        lambda: os.setxattr(path, "user.vospace.title", b"x"),
    ]
    assert [_errno_of(change) for change in changes] == [errno.EROFS] * len(changes)
    assert not os.access(path, os.W_OK)
    assert os.access(path, os.R_OK)
    assert store.get(f"{folder}/f") == b"content"


def test_open_target_of_a_rename_is_never_missing(
    mount: Mount, mounts: Mounts, store: Store, folder: str
) -> None:
    store.put(f"{folder}/f", b"first")
    another = Store(mounts.space, mounts.space.owner)
    seen: list[bool] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.append(another.exists(f"{folder}/f"))

    watcher = threading.Thread(target=look)
    watcher.start()
    for turn in range(8):
        with (mount.path / "f").open("rb"):
            (mount.path / "new").write_bytes(str(turn).encode())
            (mount.path / "new").rename(mount.path / "f")
        assert (mount.path / "f").read_bytes() == str(turn).encode()
    done.set()
    watcher.join()
    another.close()
    assert len(seen) > 8
    assert all(seen)
