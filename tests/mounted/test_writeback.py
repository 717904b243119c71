"""`-o writeback`: a close returns at once, and the file arrives whatever happens."""

import contextlib
import errno
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.content import MEBIBYTE, noise
from tests.support.mounts import Mount, Mounts, wait_until
from tests.support.proxy import TRUTH, Falsehood, Proxy
from tests.support.space import Space
from tests.support.store import Store

OPTIONS = ("-o", "writeback,timeout=5")
UNAVAILABLE = Falsehood(status=503, body=b"ServiceBusy: later\n")


class Gate:
    """Holds uploads back, and only these, until it is opened."""

    def __init__(self, proxy: Proxy, answer: Falsehood = UNAVAILABLE) -> None:
        self._proxy = proxy
        self.tries = 0
        self._answer = answer
        # Falsified before the server is asked: it must not have the bytes.
        proxy.refuse = self._refuse

    def _refuse(self, method: str, path: str) -> Falsehood | None:
        if method != "PUT" or "/files/" not in path:
            return None
        self.tries += 1
        return self._answer

    def open(self) -> None:
        """Let everything through."""
        self._proxy.refuse = lambda _method, _path: None


@pytest.fixture
def gate(proxy: Proxy) -> Gate:
    """Uploads to the shared space through the proxy wait for this."""
    return Gate(proxy)


@pytest.fixture
def mount(mounts: Mounts, proxy: Proxy, folder: str) -> Mount:
    """A mount of a folder through the proxy."""
    return mount_of(mounts, proxy, folder)


def mount_of(mounts: Mounts, proxy: Proxy, folder: str, *options: str) -> Mount:
    return mounts.mount(
        f"vos:{folder}",
        *(options or OPTIONS),
        user=mounts.space.owner,
        cache="kept",
        service=proxy.url,
    )


def flush(mount: Mount) -> None:
    mount.control("flush", str(mount.path))


def refused_flush(mount: Mount) -> str:
    """What `vofs flush` says when it fails."""
    with pytest.raises(AssertionError) as failure:
        flush(mount)
    return str(failure.value)


def pending(mount: Mount) -> int:
    return int(mount.status()["writeback"]["files"])


# ---------------------------------------------------------------- close


def test_close_returns_before_the_service_has_the_bytes(
    mount: Mount, store: Store, folder: str, gate: Gate
) -> None:
    (mount.path / "f").write_bytes(b"content")
    assert not store.exists(f"{folder}/f")
    assert (mount.path / "f").read_bytes() == b"content"
    assert pending(mount) == 1
    gate.open()
    flush(mount)
    assert store.get(f"{folder}/f") == b"content"
    assert pending(mount) == 0


def test_what_was_closed_arrives_without_being_asked_for(
    mount: Mount, store: Store, folder: str
) -> None:
    for number in range(20):
        (mount.path / f"f{number}").write_bytes(noise(1000 + number, seed=number))
    wait_until(lambda: pending(mount) == 0, "all is sent")
    assert len(store.names(folder)) == 20
    assert store.get(f"{folder}/f7") == noise(1007, seed=7)


def test_fsync_returns_when_the_service_has_the_bytes_even_with_writeback(
    mount: Mount, store: Store, folder: str, gate: Gate
) -> None:
    with (mount.path / "f").open("wb") as file:
        file.write(b"synced")
        file.flush()
        with pytest.raises(OSError, match=r"\[Errno") as refusal:
            os.fsync(file.fileno())
        assert refusal.value.errno in {errno.ETIMEDOUT, errno.EHOSTUNREACH}
        gate.open()
        os.fsync(file.fileno())
        assert store.get(f"{folder}/f") == b"synced"


def test_a_thousand_small_files_are_closed_long_before_they_are_sent(
    mount: Mount, store: Store, folder: str, tmp_path: Path, gate: Gate
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(1000):
        (source / f"f{number:04}").write_bytes(noise(3000 + number, seed=number % 7))
    subprocess.run(["cp", "-r", source, mount.path / "copied"], check=True, timeout=100)
    assert pending(mount) == 1000
    subprocess.run(["diff", "-r", source, mount.path / "copied"], check=True, timeout=100)
    gate.open()
    wait_until(lambda: pending(mount) == 0, "all is sent", seconds=150)
    flush(mount)
    assert len(store.names(f"{folder}/copied")) == 1000
    for number in (0, 500, 999):
        expected = noise(3000 + number, seed=number % 7)
        assert store.get(f"{folder}/copied/f{number:04}") == expected


def test_more_than_the_limit_is_sent_by_the_close_itself(
    mounts: Mounts, proxy: Proxy, store: Store, folder: str, gate: Gate
) -> None:
    mount = mount_of(mounts, proxy, folder, "-o", "writeback,timeout=5,writeback_limit=2MiB")
    (mount.path / "small").write_bytes(noise(MEBIBYTE))
    with pytest.raises(OSError, match=r"\[Errno"):
        (mount.path / "large").write_bytes(noise(3 * MEBIBYTE))
    gate.open()
    (mount.path / "large2").write_bytes(noise(3 * MEBIBYTE, seed=3))
    assert store.get(f"{folder}/large2") == noise(3 * MEBIBYTE, seed=3)
    flush(mount)
    assert store.get(f"{folder}/small") == noise(MEBIBYTE)
    assert store.get(f"{folder}/large") == noise(3 * MEBIBYTE)


# ---------------------------------------------------------------- what is seen meanwhile


def test_pending_files_are_seen_in_the_mount_as_they_were_closed(
    mount: Mount, store: Store, folder: str, gate: Gate
) -> None:
    store.put(f"{folder}/old", b"old content")
    assert (mount.path / "old").read_bytes() == b"old content"
    (mount.path / "old").write_bytes(b"new")
    (mount.path / "made").write_bytes(b"made here")
    (mount.path / "link").symlink_to("made")
    closed_at = (mount.path / "made").stat().st_mtime_ns
    assert sorted(os.listdir(mount.path)) == ["link", "made", "old"]
    assert (mount.path / "old").read_bytes() == b"new"
    assert (mount.path / "old").stat().st_size == 3
    assert (mount.path / "link").read_bytes() == b"made here"
    with (mount.path / "made").open("ab") as file:
        file.write(b", twice")
    os.truncate(mount.path / "old", 1)
    assert (mount.path / "made").read_bytes() == b"made here, twice"
    assert (mount.path / "old").read_bytes() == b"n"
    (mount.path / "made").chmod(0o644)
    assert (mount.path / "made").stat().st_mode & 0o777 == 0o644
    gate.open()
    flush(mount)
    assert store.get(f"{folder}/made") == b"made here, twice"
    assert store.get(f"{folder}/old") == b"n"
    assert (mount.path / "made").stat().st_mode & 0o777 == 0o644
    # The time is that of the writing, not of the upload.
    assert 0 <= (mount.path / "made").stat().st_mtime_ns - closed_at < 5 * 10**9


def test_only_the_last_of_several_versions_is_sent(
    mount: Mount, store: Store, folder: str, proxy: Proxy
) -> None:
    for number in range(10):
        (mount.path / "f").write_bytes(b"version %d" % number)
    assert (mount.path / "f").read_bytes() == b"version 9"
    flush(mount)
    assert store.get(f"{folder}/f") == b"version 9"
    assert sum(seen.method == "PUT" for seen in proxy.seen) <= 2


def test_closed_version_is_sent_while_the_next_is_being_written(
    mount: Mount, store: Store, folder: str, gate: Gate
) -> None:
    (mount.path / "f").write_bytes(b"first version")
    with (mount.path / "f").open("r+b") as file:
        file.write(b"SECON")
        file.flush()
        assert (mount.path / "f").read_bytes() == b"SECON version"
        gate.open()
        wait_until(lambda: store.exists(f"{folder}/f"), "the first version is sent")
        assert store.get(f"{folder}/f") == b"first version"
        assert (mount.path / "f").read_bytes() == b"SECON version"
    flush(mount)
    assert store.get(f"{folder}/f") == b"SECON version"


def test_pending_file_that_is_removed_is_never_sent(
    mount: Mount, store: Store, folder: str, gate: Gate
) -> None:
    store.put(f"{folder}/old", b"old")
    (mount.path / "old").write_bytes(b"new")
    (mount.path / "made").write_bytes(b"made")
    (mount.path / "old").unlink()
    (mount.path / "made").unlink()
    assert os.listdir(mount.path) == []
    gate.open()
    flush(mount)
    assert store.names(folder) == []
    assert pending(mount) == 0


def test_pending_file_that_is_renamed_arrives_by_its_new_name(
    mount: Mount, store: Store, folder: str, gate: Gate
) -> None:
    store.put(f"{folder}/result", b"before")
    assert (mount.path / "result").read_bytes() == b"before"
    (mount.path / "result.tmp").write_bytes(b"after")
    (mount.path / "result.tmp").rename(mount.path / "result")
    (mount.path / "dir").mkdir()
    (mount.path / "dir" / "inside").write_bytes(b"in a folder")
    (mount.path / "dir").rename(mount.path / "moved")
    assert (mount.path / "result").read_bytes() == b"after"
    assert (mount.path / "moved" / "inside").read_bytes() == b"in a folder"
    assert sorted(os.listdir(mount.path)) == ["moved", "result"]
    assert store.get(f"{folder}/result") == b"before"
    gate.open()
    flush(mount)
    assert store.names(folder) == ["moved", "result"]
    assert store.get(f"{folder}/result") == b"after"
    assert store.get(f"{folder}/moved/inside") == b"in a folder"


def test_removal_of_a_file_that_was_renamed_over_another_removes_both(
    mount: Mount, store: Store, folder: str, gate: Gate
) -> None:
    store.put(f"{folder}/f", b"before")
    (mount.path / "f.tmp").write_bytes(b"after")
    (mount.path / "f.tmp").rename(mount.path / "f")
    (mount.path / "f").unlink()
    gate.open()
    flush(mount)
    assert store.names(folder) == []


# ---------------------------------------------------------------- trouble


def test_files_closed_while_the_service_is_away_arrive_when_it_is_back(
    own_mounts: Mounts, own_space: Space, own_store: Store
) -> None:
    owner = own_space.owner
    mount = own_mounts.mount("vos:durand", "-o", "writeback,timeout=3", user=owner)
    (mount.path / "known").write_bytes(b"1")
    flush(mount)
    with contextlib.ExitStack() as files:
        made = [
            files.enter_context((mount.path / f"f{number}").open("wb")) for number in range(5)
        ]
        own_space.server.kill()
        for number, file in enumerate(made):
            file.write(b"%d" % number)
    (mount.path / "known").write_bytes(b"changed meanwhile")
    assert pending(mount) == 6
    assert "kept and wait" in refused_flush(mount)
    assert (mount.path / "known").read_bytes() == b"changed meanwhile"
    own_space.server.start()
    wait_until(lambda: pending(mount) == 0, "all is sent", seconds=60)
    assert own_store.get("durand/known") == b"changed meanwhile"
    assert [own_store.get(f"durand/f{n}") for n in range(5)] == [b"%d" % n for n in range(5)]


def test_closed_files_survive_the_kill_of_the_mount_and_arrive_with_the_next(
    mount: Mount, mounts: Mounts, proxy: Proxy, store: Store, folder: str, gate: Gate
) -> None:
    store.put(f"{folder}/old", noise(MEBIBYTE))
    with (mount.path / "old").open("r+b") as file:
        file.write(b"changed")
    for number in range(10):
        (mount.path / f"f{number}").write_bytes(noise(5000, seed=number))
    (mount.path / "f1").unlink()
    (mount.path / "f2").rename(mount.path / "moved")
    (mount.path / "f3").chmod(0o644)
    os.utime(mount.path / "f4", ns=(10**18, 10**18))
    (mount.path / "f5").write_bytes(b"second version")
    mount.kill()
    mount.abandon()
    again = mount_of(mounts, proxy, folder)
    expected = {f"f{n}": noise(5000, seed=n) for n in range(10)}
    del expected["f1"]
    expected |= {
        "moved": expected.pop("f2"),
        "f5": b"second version",
        "old": b"changed" + noise(MEBIBYTE)[7:],
    }
    # Seen before they are sent, by the next mount too.
    assert {name: (again.path / name).read_bytes() for name in expected} == expected
    assert sorted(os.listdir(again.path)) == sorted(expected)
    gate.open()
    flush(again)
    assert {name: store.get(f"{folder}/{name}") for name in expected} == expected
    assert store.names(folder) == sorted(expected)
    assert (again.path / "f3").stat().st_mode & 0o777 == 0o644
    assert (again.path / "f4").stat().st_mtime_ns == 10**18


def test_kill_during_the_writing_of_a_second_version_leaves_the_first(
    mount: Mount, mounts: Mounts, proxy: Proxy, store: Store, folder: str, gate: Gate
) -> None:
    (mount.path / "f").write_bytes(b"closed")
    editor = os.open(mount.path / "f", os.O_WRONLY)
    os.pwrite(editor, b"BROKEN", 0)
    mount.kill()
    with contextlib.suppress(OSError):
        os.close(editor)
    mount.abandon()
    again = mount_of(mounts, proxy, folder)
    assert (again.path / "f").read_bytes() == b"closed"
    # The unfinished edit is named, and not taken for content.
    assert [item["path"] for item in again.status()["pending"]] == [f"/{folder}/f"]
    gate.open()
    wait_until(lambda: pending(again) == 0, "the first version is sent")
    assert store.get(f"{folder}/f") == b"closed"


def test_closed_files_do_not_overwrite_what_others_wrote_after_a_kill(
    mount: Mount, mounts: Mounts, proxy: Proxy, store: Store, folder: str, gate: Gate
) -> None:
    store.put(f"{folder}/f", b"first")
    assert (mount.path / "f").read_bytes() == b"first"
    (mount.path / "f").write_bytes(b"mine")
    mount.kill()
    mount.abandon()
    store.put(f"{folder}/f", b"of another")
    again = mount_of(mounts, proxy, folder)
    gate.open()
    said = refused_flush(again)
    assert f"/{folder}/f" in said
    assert "PreconditionFailed" in said
    assert store.get(f"{folder}/f") == b"of another"
    # What was acknowledged is still here, and can be saved under another name, or given up.
    assert (again.path / "f").read_bytes() == b"mine"
    (again.path / "saved").write_bytes((again.path / "f").read_bytes())
    assert again.control("discard", str(again.path / "f")) == "discard: 1 versions\n"
    wait_until(lambda: (again.path / "f").read_bytes() == b"of another", "theirs is shown")
    flush(again)
    assert store.get(f"{folder}/saved") == b"mine"


def test_refused_upload_of_a_closed_file_is_kept_named_and_sent_later(
    own_mounts: Mounts, own_space: Space, own_store: Store
) -> None:
    own_space.server.administer("allocation", "set", "durand", "--quota", "4MiB")
    mount = own_mounts.mount("vos:durand", *OPTIONS, user=own_space.owner)
    data = noise(6 * MEBIBYTE)
    (mount.path / "big").write_bytes(data)
    said = refused_flush(mount)
    assert "/durand/big" in said
    assert "QuotaExceeded" in said
    text = mount.control("status", str(mount.path))
    assert "not sent    /durand/big" in text
    assert (mount.path / "big").read_bytes() == data
    # From now on the program itself hears of it, in this folder.
    with pytest.raises(OSError, match=r"\[Errno") as refusal:
        (mount.path / "big2").write_bytes(data)
    assert refusal.value.errno == errno.EDQUOT
    own_space.server.administer("allocation", "set", "durand", "--quota", "40MiB")
    flush(mount)
    assert own_store.get("durand/big") == data
    assert mount.status()["writeback"]["refused"] == []


def test_large_file_over_the_quota_is_edquot_at_its_close(
    own_mounts: Mounts, own_space: Space, own_store: Store
) -> None:
    own_space.server.administer("allocation", "set", "durand", "--quota", "12MiB")
    mount = own_mounts.mount("vos:durand", *OPTIONS, user=own_space.owner)
    (mount.path / "fits").write_bytes(noise(9 * MEBIBYTE))
    with pytest.raises(OSError, match=r"\[Errno") as refusal:
        (mount.path / "big").write_bytes(noise(9 * MEBIBYTE))
    assert refusal.value.errno == errno.EDQUOT
    mount.control("status", str(mount.path))
    assert own_store.names("durand") in ([], ["fits"])


def test_later_writer_elsewhere_refuses_a_pending_file_with_strict(
    mounts: Mounts, proxy: Proxy, store: Store, folder: str, gate: Gate
) -> None:
    store.put(f"{folder}/f", b"first")
    mount = mount_of(mounts, proxy, folder, "-o", "writeback,strict,timeout=5")
    (mount.path / "f").write_bytes(b"mine")
    store.put(f"{folder}/f", b"of another")
    gate.open()
    assert "PreconditionFailed" in refused_flush(mount)
    assert store.get(f"{folder}/f") == b"of another"
    assert (mount.path / "f").read_bytes() == b"mine"


def test_umount_and_sigterm_send_what_is_pending(
    mounts: Mounts, store: Store, folder: str
) -> None:
    owner = mounts.space.owner
    mount = mounts.mount(f"vos:{folder}", *OPTIONS, user=owner, cache="kept")
    for number in range(50):
        (mount.path / f"f{number}").write_bytes(b"%d" % number)
    pid = mount.pid()
    os.kill(pid, 15)
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), "the mount has ended")
    assert len(store.names(folder)) == 50
    mount.mount()
    (mount.path / "more").write_bytes(b"more")
    mount.unmount()
    assert store.get(f"{folder}/more") == b"more"


def test_mount_that_begins_waits_for_one_that_still_sends(
    mount: Mount, mounts: Mounts, proxy: Proxy, store: Store, folder: str
) -> None:
    slowly = Falsehood(delay_seconds=0.5)
    proxy.liar = lambda method, _path: slowly if method == "PUT" else TRUTH
    names = sorted(f"f{number}" for number in range(16))
    for name in names:
        (mount.path / name).write_bytes(name.encode())
    subprocess.run(["fusermount3", "-u", str(mount.path)], check=True, timeout=30)
    assert len(store.names(folder)) < len(names)
    again = mount_of(mounts, proxy, folder)
    assert sorted(os.listdir(again.path)) == names
    assert [(again.path / name).read_text() for name in names] == names
    assert store.names(folder) == names


def test_mount_that_ends_without_the_service_leaves_the_files_to_the_next(
    mount: Mount, mounts: Mounts, proxy: Proxy, store: Store, folder: str, gate: Gate
) -> None:
    (mount.path / "f").write_bytes(b"content")
    mount.unmount()
    assert not store.exists(f"{folder}/f")
    log = next(mount.cache_dir.rglob("*.log")).read_text()
    assert "not sent, kept for the next mount" in log
    again = mount_of(mounts, proxy, folder)
    assert (again.path / "f").read_bytes() == b"content"
    gate.open()
    flush(again)
    assert store.get(f"{folder}/f") == b"content"


def test_status_tells_what_is_pending(mount: Mount, folder: str, gate: Gate) -> None:
    assert "pending     nothing" in mount.control("status", str(mount.path))
    (mount.path / "f").write_bytes(noise(2048))
    (mount.path / "g").write_bytes(noise(1024))
    time.sleep(1.1)
    text = mount.control("status", str(mount.path))
    assert "pending     2 files, 3.0 KiB, the oldest for" in text
    state = mount.status()["writeback"]
    assert (state["files"], state["bytes"]) == (2, 3072)
    assert state["oldest_seconds"] >= 1
    metrics = mount.control("status", str(mount.path), "--prometheus")
    assert f'vofs_pending_files{{mountpoint="{mount.path}"}} 2\n' in metrics
    assert f'vofs_pending_bytes{{mountpoint="{mount.path}"}} 3072\n' in metrics
    gate.open()
    flush(mount)
    assert "pending     nothing" in mount.control("status", str(mount.path))


def test_properties_of_a_pending_file_wait_for_its_upload(
    mount: Mount, store: Store, folder: str
) -> None:
    path = mount.path / "f"
    path.write_bytes(b"content")
    assert os.listxattr(path) == []
    os.setxattr(path, "user.vospace.title", b"a title")
    assert store.get(f"{folder}/f") == b"content"
    assert os.getxattr(path, "user.vospace.title") == b"a title"


def test_close_waits_for_the_disk_when_told_to(
    mounts: Mounts, proxy: Proxy, store: Store, folder: str, gate: Gate
) -> None:
    mount = mount_of(mounts, proxy, folder, "-o", "writeback_sync,timeout=5")
    (mount.path / "f").write_bytes(b"content")
    assert pending(mount) == 1
    gate.open()
    flush(mount)
    assert store.get(f"{folder}/f") == b"content"
