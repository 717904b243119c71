"""Files that are written in every way a program may choose: what is read back, and stored."""

import mmap
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.content import MEBIBYTE, noise
from tests.support.mounts import Mounts
from tests.support.store import Store

BASE = noise(3 * MEBIBYTE + 17, seed=4)


@pytest.fixture
def path(mounts: Mounts, store: Store, folder: str) -> Path:
    """A file of the space, through a mount."""
    store.put(f"{folder}/f", BASE)
    return mounts.mount(f"vos:{folder}", user=mounts.space.owner).path / "f"


def test_rewriting_a_part_keeps_the_rest(path: Path, store: Store, folder: str) -> None:
    with path.open("r+b") as file:
        file.seek(MEBIBYTE + 5)
        file.write(b"changed")
    expected = BASE[: MEBIBYTE + 5] + b"changed" + BASE[MEBIBYTE + 12 :]
    assert store.get(f"{folder}/f") == expected
    assert path.read_bytes() == expected


def test_appending_keeps_the_rest(path: Path, store: Store, folder: str) -> None:
    with path.open("ab") as file:
        file.write(b"one")
    subprocess.run(["sh", "-c", f"printf two >> '{path}'"], check=True)
    assert store.get(f"{folder}/f") == BASE + b"onetwo"


def test_cutting_and_growing_leaves_zeros(path: Path, store: Store, folder: str) -> None:
    os.truncate(path, 1000)
    assert store.get(f"{folder}/f") == BASE[:1000]
    with path.open("r+b") as file:
        file.truncate(2000)
        file.seek(3000)
        file.write(b"end")
    expected = BASE[:1000] + bytes(2000) + b"end"
    assert path.read_bytes() == expected
    assert store.get(f"{folder}/f") == expected


def test_changes_are_seen_before_they_are_sent(path: Path, store: Store, folder: str) -> None:
    with path.open("r+b") as file:
        file.write(b"changed")
        file.flush()
        assert path.read_bytes() == b"changed" + BASE[7:]
        assert path.stat().st_size == len(BASE)
        assert store.get(f"{folder}/f") == BASE


def test_a_file_that_is_changed_can_be_mapped(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"changed")
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pages:
            assert pages[:10] == b"changed" + BASE[7:10]
            assert pages[-5:] == BASE[-5:]


def test_fsync_sends_and_further_changes_are_sent_at_close(
    path: Path, store: Store, folder: str
) -> None:
    with path.open("wb") as file:
        file.write(b"first")
        file.flush()
        os.fsync(file.fileno())
        assert store.get(f"{folder}/f") == b"first"
        file.write(b" second")
    assert store.get(f"{folder}/f") == b"first second"


def test_two_handles_of_one_file_share_its_changes(
    path: Path, store: Store, folder: str
) -> None:
    first, second = os.open(path, os.O_RDWR), os.open(path, os.O_RDWR)
    os.pwrite(first, b"11", 0)
    os.pwrite(second, b"22", 2)
    assert os.pread(second, 4, 0) == b"1122"
    closing = [threading.Thread(target=os.close, args=(handle,)) for handle in (first, second)]
    for thread in closing:
        thread.start()
    for thread in closing:
        thread.join(60)
    assert store.get(f"{folder}/f") == b"1122" + BASE[4:]


def test_a_child_that_inherits_the_file_and_closes_it_loses_nothing(
    path: Path, store: Store, folder: str
) -> None:
    program = (
        "import os, sys\n"
        "f = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)\n"
        "os.write(f, b'parent ')\n"
        "g = os.dup(f)\n"
        "if os.fork() == 0:\n"
        "    os.write(f, b'child ')\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "os.close(g)\n"
        "os.write(f, b'parent')\n"
        "os.close(f)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, timeout=60)
    assert store.get(f"{folder}/f") == b"parent child parent"


@pytest.mark.parametrize(
    "command",
    [
        "dd if=/dev/zero of={path} bs=1000 count=3 seek=5 conv=notrunc status=none",
        "cp --sparse=always {path} {path}.copy && mv {path}.copy {path}",
        "sed -i s/a/b/g {path}",
        "touch -m {path}",
        "cp -p {path} {path}.new && cat {path}.new > {path} && rm {path}.new",
        "tar cf f.tar f && rm f && tar xf f.tar && rm f.tar",
    ],
)
def test_programs_change_a_file_as_on_a_local_disk(
    path: Path, store: Store, folder: str, tmp_path: Path, command: str
) -> None:
    local = tmp_path / "f"
    local.write_bytes(BASE)
    for target in (local, path):
        program = ["sh", "-c", command.format(path=target)]
        subprocess.run(program, check=True, timeout=60, cwd=target.parent)
    assert path.read_bytes() == local.read_bytes()
    assert store.get(f"{folder}/f") == local.read_bytes()
    assert store.names(folder) == ["f"]


def test_what_was_written_is_read_back_without_the_network(
    mounts: Mounts, store: Store, folder: str
) -> None:
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    data = noise(20 * MEBIBYTE, seed=8)
    (mount.path / "big").write_bytes(data)
    before = mount.status()["cache"]["wire_bytes"]
    assert (mount.path / "big").read_bytes() == data
    assert mount.status()["cache"]["wire_bytes"] == before
