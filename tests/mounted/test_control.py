"""`vofs` on running mounts: status, warm, pin, evict, env."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.content import MEBIBYTE, noise
from tests.support.mounts import Mount, Mounts
from tests.support.store import Store

DATA = {f"f{number}": noise(MEBIBYTE + number, seed=number) for number in range(3)}


@pytest.fixture
def mount(mounts: Mounts, store: Store, folder: str) -> Mount:
    """A mount with some files, none of them cached."""
    for name, data in DATA.items():
        store.put(f"{folder}/{name}", data)
    return mounts.mount(f"vos:{folder}", user=mounts.space.owner)


def _control(mount: Mount, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from vofs.__main__ import control; control()", *words]
    return subprocess.run(
        command, env=mount.environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_status_tells_what_a_person_and_a_program_want(mount: Mount, folder: str) -> None:
    text = mount.control("status", str(mount.path))
    assert text.startswith(f"vos:{folder} on {mount.path} (read-write, pid ")
    state = mount.status()
    assert state["source"] == f"vos:{folder}"
    assert state["cache"]["directory"] == str(mount.cache_dir)
    assert (state["errors"], state["pending"], state["writing"]) == (0, [], [])
    everything = json.loads(mount.control("status", "--json"))
    assert [one["pid"] for one in everything] == [state["pid"]]


def test_warmed_files_are_read_without_the_wire(mount: Mount) -> None:
    assert mount.control("warm", str(mount.path)).startswith("warm: 3 files, 3.0 MiB")
    before = mount.status()["wire_bytes"]
    assert {name: (mount.path / name).read_bytes() for name in DATA} == DATA
    assert mount.status()["wire_bytes"] - before < 100_000
    assert mount.status()["hit_rate"] > 0.5


def test_evicted_files_are_fetched_again(mount: Mount) -> None:
    mount.control("warm", str(mount.path / "f0"))
    assert mount.status()["cache"]["stored_bytes"] >= len(DATA["f0"])
    assert mount.control("evict", str(mount.path / "f0")).startswith("evict: 1 files, 1.0 MiB")
    assert (mount.path / "f0").read_bytes() == DATA["f0"]


def test_pinned_files_are_fetched_and_can_be_unpinned(mount: Mount) -> None:
    path = str(mount.path / "f1")
    assert mount.control("pin", path).startswith("pin: 1 files, 1.0 MiB")
    assert mount.control("unpin", path) == "unpin: 1 files\n"


def test_what_is_not_in_a_mount_is_refused(mount: Mount, tmp_path: Path) -> None:
    done = _control(mount, "warm", str(tmp_path))
    assert (done.returncode, done.stderr) == (
        1,
        f"vofs: {tmp_path} is not in a mount of this user\n",
    )
    done = _control(mount, "warm", str(mount.path / "missing"))
    assert done.returncode == 1
    assert done.stderr.startswith("vofs: NodeNotFound")
    assert _control(mount, "dance").returncode == 2


def test_check_says_that_the_mount_answers(mount: Mount) -> None:
    done = _control(mount, "check")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "ok       FUSE is there",
        f"ok       {mount.path} answers",
    ]
    assert str(mount.cache_dir) in _control(mount, "cache").stdout


def test_environment_of_hst_points_into_the_mount(mount: Mount) -> None:
    for name in ("iref", "oref"):
        (mount.path / "hst-refer" / name).mkdir(parents=True)
    base = mount.path / "hst-refer"
    lines = mount.control("env", "--hst", str(mount.path)).splitlines()
    assert lines == [f"export iref={base}/iref/", f"export oref={base}/oref/"]
    shell = ["/bin/sh", "-c", f'eval "{lines[1]}"; ls -d "$oref"']
    assert subprocess.run(shell, check=True, capture_output=True, text=True).stdout == (
        f"{base}/oref/\n"
    )


def test_forgetting_looks_at_everything_again(mount: Mount, store: Store, folder: str) -> None:
    assert len(list(mount.path.iterdir())) == 3
    store.put(f"{folder}/new", b"x")
    mount.control("forget", str(mount.path))
    assert len(list(mount.path.iterdir())) == 4
