"""Starting and ending: one clear line when it can't be, nothing lost when it ends."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.content import noise
from tests.support.mounts import Mount, Mounts, is_mounted, wait_until
from tests.support.space import User
from tests.support.store import Store


def _refusal(mount: Mount) -> str:
    """The one line with which a mount fails; nothing may be left behind."""
    done = mount.try_mount()
    assert done.returncode == 1, done.stdout
    assert not is_mounted(mount.path)
    (line,) = done.stderr.splitlines()
    return line


def test_wrong_token_is_said_to_be_refused(mounts: Mounts) -> None:
    owner = mounts.space.owner
    wrong = User(name="durand", password=owner.password, token="vost_of_nobody")
    line = _refusal(mounts.prepare("vos:durand", user=wrong))
    assert line.startswith("mountvofs: the service refused the token of ")


def test_token_for_a_folder_mounts_that_folder(
    mounts: Mounts, store: Store, folder: str
) -> None:
    """The token of five hundred borrowed machines: one folder, and nothing if it is lost."""
    store.put(f"{folder}/k5h1101io_bia.fits", b"bias")
    mount = mounts.mount(f"vos:{folder}", user=_limited(mounts, "read", folder))
    assert os.listdir(mount.path) == ["k5h1101io_bia.fits"]
    assert (mount.path / "k5h1101io_bia.fits").read_bytes() == b"bias"
    assert os.statvfs(mount.path).f_bavail > 0
    with pytest.raises(PermissionError):
        (mount.path / "new").touch()


def test_token_for_a_folder_writes_into_that_folder(
    mounts: Mounts, store: Store, folder: str
) -> None:
    store.put(f"{folder}/old", b"old")
    mount = mounts.mount(f"vos:{folder}", user=_limited(mounts, "write", folder))
    (mount.path / "below").mkdir()
    (mount.path / "below" / "new").write_bytes(b"new")
    (mount.path / "old").rename(mount.path / "below" / "old")
    assert store.get(f"{folder}/below/new") == b"new"
    assert store.get(f"{folder}/below/old") == b"old"


def test_token_for_a_folder_is_said_to_mount_no_other(
    mounts: Mounts, store: Store, folder: str
) -> None:
    store.put(f"{folder}/f", b"x")
    limited = _limited(mounts, "read", folder)
    for source in ("", "durand", f"{folder}2"):
        line = _refusal(mounts.prepare(f"vos:{source}", user=limited))
        assert line.startswith(f"mountvofs: no permission to read vos:{source} with the token")
        assert line.endswith(
            f"can't reach /{source}: the credential is limited to read:/{folder}"
        )


def _limited(mounts: Mounts, level: str, folder: str) -> User:
    """The owner, with a token for one folder."""
    owner = mounts.space.owner
    scope = f"{level}:/{folder}"
    printed = mounts.space.server.administer("user", "token", owner.name, "--scope", scope)
    return User(name=owner.name, password="", token=printed.splitlines()[-1])


def test_wrong_password_is_said_to_be_refused(mounts: Mounts, tmp_path: Path) -> None:
    mount = mounts.prepare("vos:durand", "--netrc", user=None)
    netrc = Path(mount.environment["HOME"]) / ".netrc"
    netrc.write_text("machine 127.0.0.1 login durand password s3cret-typo\n")
    netrc.chmod(0o600)
    line = _refusal(mount)
    assert line.startswith("mountvofs: the service refused the password of durand (from ")
    assert "s3cret-typo" not in line


def test_right_password_mounts(mounts: Mounts, store: Store, folder: str) -> None:
    owner = mounts.space.owner
    store.put(f"{folder}/f", b"content")
    mount = mounts.prepare(f"vos:{folder}", user=None)
    netrc = Path(mount.environment["HOME"]) / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login {owner.name} password {owner.password}\n")
    netrc.chmod(0o600)
    assert (mount.mount().path / "f").read_bytes() == b"content"


def test_missing_node_is_named(mounts: Mounts) -> None:
    line = _refusal(mounts.prepare("vos:durand/not/there", user=mounts.space.owner))
    assert line == "mountvofs: there is no node vos:durand/not/there in this space"


def test_file_cannot_be_mounted(mounts: Mounts, store: Store, folder: str) -> None:
    store.put(f"{folder}/f", b"x")
    line = _refusal(mounts.prepare(f"vos:{folder}/f", user=mounts.space.owner))
    assert line.endswith("is a file; only a folder can be mounted")


def test_unreachable_service_is_named(mounts: Mounts) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/vault"
        mount = mounts.prepare(
            "vos:durand", "-o", "timeout=3", user=mounts.space.owner, service=url
        )
        line = _refusal(mount)
    assert line.startswith("mountvofs: the service is unreachable: 127.0.0.1:")


def test_what_is_no_service_is_said_to_be_none(mounts: Mounts) -> None:
    url = mounts.space.server.root_url + "/healthz"
    line = _refusal(mounts.prepare("vos:durand", user=mounts.space.owner, service=url))
    assert "the service can't be used" in line


def test_mountpoint_in_use_is_refused(mounts: Mounts, folder: str) -> None:
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    done = mount.try_mount()
    assert done.returncode == 1
    assert "something is mounted on" in done.stderr
    assert mount.path.stat()


def test_mountpoint_that_is_not_an_empty_folder_is_refused(mounts: Mounts, folder: str) -> None:
    full = mounts.prepare(f"vos:{folder}", user=mounts.space.owner)
    (full.path / "f").write_bytes(b"x")
    assert "is not empty" in _refusal(full)
    missing = mounts.prepare(f"vos:{folder}", user=mounts.space.owner)
    missing.path.rmdir()
    assert "doesn't exist" in _refusal(missing)
    missing.path.write_bytes(b"a file")
    assert "is not a folder" in _refusal(missing)


def test_unusable_cache_is_named(mounts: Mounts, folder: str, tmp_path: Path) -> None:
    (tmp_path / "occupied").write_bytes(b"x")
    mount = mounts.prepare(f"vos:{folder}", user=mounts.space.owner, cache="occupied")
    assert str(tmp_path / "occupied") in _refusal(mount)


def test_anonymous_mount_is_read_only_and_says_so(
    mounts: Mounts, store: Store, public_folder: str
) -> None:
    mount = mounts.prepare(f"vos:{public_folder}", user=None)
    done = mount.try_mount()
    assert done.returncode == 0
    assert "anonymous and therefore read-only" in done.stderr
    with pytest.raises(OSError, match="Read-only"):
        (mount.path / "f").touch()


def test_former_options_mount(mounts: Mounts, store: Store, folder: str) -> None:
    store.put(f"{folder}/f", b"content")
    prepared = mounts.prepare(f"vos:{folder}", user=mounts.space.owner)
    command = (
        *(sys.executable, "-m", "vofs", "--vospace", f"vos:{folder}"),
        *("--mountpoint", str(prepared.path), "--cache_dir", str(prepared.cache_dir)),
        *("--cache_limit", "500", "--cache_nodes", "--max_flush_threads", "4"),
        *("--secure_get", "--readonly", "--service", mounts.space.server.url),
    )
    mount = Mount(
        mountpoint=prepared.path,
        cache_dir=prepared.cache_dir,
        environment=prepared.environment,
        command=command,
    ).mount()
    assert (mount.path / "f").read_bytes() == b"content"
    assert mount.status()["cache"]["limit_bytes"] == 500 * 1024 * 1024


def test_mount_command_of_fstab_works(mounts: Mounts, store: Store, folder: str) -> None:
    store.put(f"{folder}/f", b"content")
    options = "rw,nosuid,nodev,_netdev,nofail,x-systemd.automount,allow_other,attr_timeout=2"
    mount = mounts.mount(f"vos:{folder}", "-o", options, user=mounts.space.owner)
    assert (mount.path / "f").read_bytes() == b"content"
    (mount.path / "g").write_bytes(b"written")
    line = next(
        line
        for line in Path("/proc/self/mounts").read_text().splitlines()
        if str(mount.path) in line
    )
    assert line.startswith(f"vos:{folder} ")
    assert " fuse.vofs " in line
    assert "allow_other" in line


def test_sigterm_sends_what_is_written_and_unmounts(
    mounts: Mounts, store: Store, folder: str
) -> None:
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    pid = mount.pid()
    writer = os.open(mount.path / "f", os.O_WRONLY | os.O_CREAT)
    os.write(writer, b"written and not closed")
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not is_mounted(mount.path), "it is unmounted")
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), "its process is gone")
    assert store.get(f"{folder}/f") == b"written and not closed"
    with pytest.raises(OSError, match=r"\[Errno"):
        os.close(writer)


def test_sighup_does_not_unmount(mounts: Mounts, store: Store, folder: str) -> None:
    mount = mounts.mount(f"vos:{folder}", "-o", "attr_timeout=3600", user=mounts.space.owner)
    assert os.listdir(mount.path) == []
    store.put(f"{folder}/f", b"x")
    os.kill(mount.pid(), signal.SIGHUP)
    wait_until(lambda: os.listdir(mount.path) == ["f"], "it looks again", seconds=5)


def test_foreground_ends_with_0_on_sigterm_and_logs_to_stderr(
    mounts: Mounts, folder: str
) -> None:
    mount = mounts.prepare(f"vos:{folder}", "-f", user=mounts.space.owner)
    with subprocess.Popen(
        mount.command, env=mount.environment, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_until(lambda: is_mounted(mount.path) and bool(mount.path.stat()), "it is mounted")
        process.send_signal(signal.SIGTERM)
        _out, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "mounted vos:" in errors


def test_systemd_is_told_when_the_mount_is_there(
    mounts: Mounts, folder: str, tmp_path: Path
) -> None:
    mount = mounts.prepare(f"vos:{folder}", "-f", user=mounts.space.owner)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        notified.settimeout(30)
        environment = {**mount.environment, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        with subprocess.Popen(
            mount.command, env=environment, stderr=subprocess.DEVNULL
        ) as process:
            assert notified.recv(100) == b"READY=1\n"
            assert is_mounted(mount.path)
            process.terminate()
            assert process.wait(timeout=30) == 0


def test_umount_ends_the_process_and_leaves_nothing(
    mounts: Mounts, store: Store, folder: str
) -> None:
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    (mount.path / "f").write_bytes(noise(100_000))
    started = time.monotonic()
    mount.unmount()
    assert time.monotonic() - started < 10
    assert store.get(f"{folder}/f") == noise(100_000)
    sockets = Path(mount.environment["XDG_RUNTIME_DIR"]) / "vofs"
    assert list(sockets.iterdir()) == []


def test_cache_and_log_are_private(mounts: Mounts, store: Store, folder: str) -> None:
    store.put(f"{folder}/f", noise(100_000))
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    assert (mount.path / "f").read_bytes() == noise(100_000)
    mount.unmount()
    for path in mount.cache_dir.rglob("*"):
        parents_private = any(
            stat.S_IMODE(parent.stat().st_mode) & 0o077 == 0
            for parent in (path, *path.parents)
            if parent.is_relative_to(mount.cache_dir)
        )
        assert parents_private, path
    token = mounts.space.owner.token
    logs = [p.read_text() for p in (mount.cache_dir / "log").iterdir()]
    assert logs
    assert not any(token in log for log in logs)
