"""docs/semantics.md on a real mount: reading and writing."""

import errno
import mmap
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.content import MEBIBYTE, noise
from tests.support.mounts import Mount, Mounts
from tests.support.proxy import Proxy
from tests.support.store import Store


@pytest.fixture(params=["2", "3"], ids=["libfuse2", "libfuse3"])
def mount(request: pytest.FixtureRequest, mounts: Mounts, folder: str) -> Mount:
    """A writable mount of an empty folder, over each of the two libraries."""
    return mounts.mount(f"vos:{folder}", "-o", f"fuse={request.param}", user=mounts.space.owner)


def test_header_of_a_large_file_costs_little_on_the_wire(
    mounts: Mounts, store: Store, folder: str, proxy: Proxy
) -> None:
    data = noise(160 * MEBIBYTE)
    store.put(f"{folder}/drk.fits", data)
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner, service=proxy.url)
    with (mount.path / "drk.fits").open("rb", buffering=0) as file:
        assert file.read(2880) == data[:2880]
    assert proxy.data_bytes() <= 256 * 1024
    assert mount.status()["requests"] <= 3 + 5  # a start takes five


def test_new_file_is_seen_here_at_once_and_on_the_service_at_close(
    mount: Mount, store: Store, folder: str
) -> None:
    with (mount.path / "new").open("wb", buffering=0) as file:
        file.write(b"not yet")
        assert os.listdir(mount.path) == ["new"]
        assert (mount.path / "new").stat().st_size == 7
        assert (mount.path / "new").read_bytes() == b"not yet"
        assert store.names(folder) == []
    assert store.get(f"{folder}/new") == b"not yet"


def test_exclusive_creation_of_an_existing_file_is_eexist(
    mount: Mount, store: Store, folder: str
) -> None:
    store.put(f"{folder}/f", b"theirs")
    with pytest.raises(FileExistsError):
        os.open(mount.path / "f", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    assert store.get(f"{folder}/f") == b"theirs"


def test_empty_file_is_a_file(mount: Mount, store: Store, folder: str) -> None:
    (mount.path / "empty").touch()
    assert store.get(f"{folder}/empty") == b""
    assert (mount.path / "empty").read_bytes() == b""


def test_random_writes_appends_and_truncation_are_as_on_a_disk(
    mount: Mount, store: Store, folder: str, tmp_path: Path
) -> None:
    local = tmp_path / "same-on-disk"
    store.put(f"{folder}/f", noise(100_000))
    local.write_bytes(noise(100_000))
    for path in (mount.path / "f", local):
        with path.open("r+b", buffering=0) as file:
            file.seek(50_000)
            file.write(b"in the middle")
            file.seek(200_000)
            file.write(b"behind a gap")
            file.truncate(150_000)
            file.seek(149_990)
            file.write(b"over the end of it")
        with path.open("ab", buffering=0) as file:
            file.write(b"appended")
            file.write(b"twice")
    assert (mount.path / "f").read_bytes() == local.read_bytes()
    assert store.get(f"{folder}/f") == local.read_bytes()


def test_reading_while_writing_sees_the_changes(mount: Mount) -> None:
    path = mount.path / "f"
    path.write_bytes(b"a" * 10_000)
    with path.open("r+b", buffering=0) as writer, path.open("rb", buffering=0) as reader:
        writer.write(b"B" * 100)
        assert reader.read(200) == b"B" * 100 + b"a" * 100
    assert path.read_bytes() == b"B" * 100 + b"a" * 9_900


def test_open_reader_goes_on_to_what_this_machine_wrote(mount: Mount) -> None:
    path = mount.path / "f"
    path.write_bytes(b"first version")
    with path.open("rb", buffering=0) as reader:
        assert reader.read(5) == b"first"
        path.write_bytes(b"other version")
        assert os.pread(reader.fileno(), 13, 0) == b"other version"


def test_fsync_sends_what_was_written(mount: Mount, store: Store, folder: str) -> None:
    with (mount.path / "f").open("wb", buffering=0) as file:
        file.write(b"half")
        os.fsync(file.fileno())
        assert store.get(f"{folder}/f") == b"half"
        file.write(b" whole")
    assert store.get(f"{folder}/f") == b"half whole"


def test_child_that_closes_what_it_inherited_sends_nothing(
    mount: Mount, store: Store, folder: str
) -> None:
    with (mount.path / "f").open("wb", buffering=0) as file:
        os.set_inheritable(file.fileno(), True)
        file.write(b"unfinished")
        subprocess.run([sys.executable, "-c", "pass"], check=True, close_fds=False)
        assert store.names(folder) == []
        file.write(b" finished")
    assert store.get(f"{folder}/f") == b"unfinished finished"


def test_child_that_writes_to_what_it_inherited_is_heard(
    mount: Mount, store: Store, folder: str
) -> None:
    subprocess.run(
        ["/bin/sh", "-c", "(echo one; /bin/echo two) > out; /bin/echo three >> out"],
        cwd=mount.path,
        check=True,
    )
    assert store.get(f"{folder}/out") == b"one\ntwo\nthree\n"


def test_two_writers_of_one_file_share_it(mount: Mount, store: Store, folder: str) -> None:
    path = mount.path / "f"
    with path.open("wb", buffering=0) as first, path.open("r+b", buffering=0) as second:
        first.write(b"aaaa")
        second.seek(4)
        second.write(b"bbbb")
        first.close()
        assert store.get(f"{folder}/f") == b"aaaabbbb"
        second.write(b"cc")
    assert store.get(f"{folder}/f") == b"aaaabbbbcc"


def test_truncation_by_path_and_by_open(mount: Mount, store: Store, folder: str) -> None:
    data = noise(3 * MEBIBYTE)
    store.put(f"{folder}/f", data)
    os.truncate(mount.path / "f", 1000)
    assert store.get(f"{folder}/f") == data[:1000]
    os.truncate(mount.path / "f", 2000)
    assert store.get(f"{folder}/f") == data[:1000] + bytes(1000)
    os.close(os.open(mount.path / "f", os.O_WRONLY | os.O_TRUNC))
    assert store.get(f"{folder}/f") == b""


def test_memory_map_can_be_written(mount: Mount, store: Store, folder: str) -> None:
    path = mount.path / "f"
    path.write_bytes(b"a" * 8192)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[4000:4004] = b"MMAP"
        mapped.flush()
    assert store.get(f"{folder}/f")[3999:4005] == b"aMMAPa"


def test_temporary_file_without_a_name_works(mount: Mount, store: Store, folder: str) -> None:
    with tempfile.TemporaryFile(dir=mount.path) as file:
        file.write(b"scratch")
        file.flush()
        file.seek(0)
        assert file.read() == b"scratch"
        assert os.fstat(file.fileno()).st_size == 7
    assert store.names(folder) == []


def test_removed_file_can_be_stated_while_it_is_open(
    mount: Mount, store: Store, folder: str
) -> None:
    store.put(f"{folder}/f", b"content")
    with (mount.path / "f").open("rb", buffering=0) as file:
        (mount.path / "f").unlink()
        assert os.fstat(file.fileno()).st_size == 7
        assert file.read() == b"content"
        (mount.path / "f").write_bytes(b"a new one")
        assert os.fstat(file.fileno()).st_size == 7
    assert store.get(f"{folder}/f") == b"a new one"


def test_usual_programs_work(mount: Mount, tmp_path: Path) -> None:
    script = """
        set -e
        mkdir -p a/b/c; echo text > a/b/c/f; cp -p a/b/c/f a/g; mv a/g a/h
        dd if=/dev/zero of=a/z bs=1000 count=3 2>/dev/null
        printf xyz | dd of=a/z bs=1 seek=5 conv=notrunc 2>/dev/null
        touch -m -d 2020-01-02T03:04:05Z a/h
        tar cf all.tar a; mkdir out; tar xf all.tar -C out; diff -r a out/a
        sed -i s/text/changed/ a/h; grep -q changed a/h
        git init -q . && git add a/h && git -c user.name=a -c user.email=b commit -qm one
        git status --porcelain | grep -q . ; rm -r out a all.tar .git
    """
    subprocess.run(["/bin/sh", "-c", script], cwd=mount.path, check=True, timeout=60)
    assert os.listdir(mount.path) == []


def test_database_works(mount: Mount) -> None:
    script = (
        "import sqlite3; c = sqlite3.connect('space.db');"
        "c.execute('create table t(a)'); c.executemany('insert into t values(?)', "
        "[(i,) for i in range(1000)]); c.commit(); c.close();"
        "c = sqlite3.connect('space.db');"
        "assert c.execute('select sum(a) from t').fetchone() == (499500,)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=mount.path, check=True, timeout=60)


def test_reading_a_folder_as_a_file_is_eisdir(mount: Mount) -> None:
    (mount.path / "d").mkdir()
    with pytest.raises(IsADirectoryError):
        (mount.path / "d").read_bytes()
    with pytest.raises(OSError, match=r"\[Errno") as refusal:
        os.open(mount.path / "missing" / "f", os.O_RDONLY)
    assert refusal.value.errno == errno.ENOENT
