"""Mounts that are killed at any moment: nothing wrong is read, nothing acknowledged is lost."""

import os
import random
import threading
import time
from pathlib import Path

import pytest

from tests.support.content import MEBIBYTE, noise
from tests.support.mounts import Mounts
from tests.support.store import Store

FILES = {f"f{number}": noise(2 * MEBIBYTE + number, seed=number) for number in range(4)}


def _read_at_random(folder: Path, seed: int, wrong: list[str]) -> None:
    """Read until the mount is gone; a byte that is not the server's is noted."""
    chance = random.Random(seed)
    while True:
        name = chance.choice(sorted(FILES))
        offset = chance.randrange(len(FILES[name]))
        try:
            with (folder / name).open("rb", buffering=0) as file:
                file.seek(offset)
                found = file.read(65536)
        except OSError:
            return
        if found != FILES[name][offset : offset + len(found)]:
            wrong.append(f"{name} at {offset}")


def _write_and_acknowledge(folder: Path, done: dict[str, bytes]) -> None:
    """Write small files until the mount is gone; those whose close succeeded are noted."""
    for number in range(10_000):
        data = noise(5000 + number, seed=number)
        try:
            (folder / f"new{number}").write_bytes(data)
        except OSError:
            return
        done[f"new{number}"] = data


@pytest.mark.parametrize("seed", range(3))
def test_a_mount_killed_under_load_loses_and_invents_nothing(
    mounts: Mounts, store: Store, folder: str, seed: int
) -> None:
    for name, data in FILES.items():
        store.put(f"{folder}/{name}", data)
    owner = mounts.space.owner
    mount = mounts.mount(f"vos:{folder}", user=owner, cache="kept")
    wrong: list[str] = []
    acknowledged: dict[str, bytes] = {}
    workers = [
        threading.Thread(target=_read_at_random, args=(mount.path, seed, wrong)),
        threading.Thread(target=_write_and_acknowledge, args=(mount.path, acknowledged)),
    ]
    for worker in workers:
        worker.start()
    time.sleep(0.3 + random.Random(seed).random())
    mount.kill()
    for worker in workers:
        worker.join(60)
    mount.abandon()
    assert wrong == []
    assert {name: store.get(f"{folder}/{name}") for name in acknowledged} == acknowledged
    began = time.monotonic()
    again = mounts.mount(f"vos:{folder}", user=owner, cache="kept")
    assert {name: (again.path / name).read_bytes() for name in FILES} == FILES
    found = {name: (again.path / name).read_bytes() for name in acknowledged}
    assert found == acknowledged
    assert time.monotonic() - began < 60


def test_an_unfinished_change_is_sent_by_flush_after_a_kill(
    mounts: Mounts, store: Store, folder: str
) -> None:
    store.put(f"{folder}/f", FILES["f0"])
    owner = mounts.space.owner
    mount = mounts.mount(f"vos:{folder}", user=owner, cache="kept")
    editor = os.open(mount.path / "f", os.O_RDWR)
    os.pwrite(editor, b"precious", MEBIBYTE)
    mount.kill()
    with pytest.raises(OSError, match=r"\[Errno"):
        os.close(editor)
    mount.abandon()
    again = mounts.mount(f"vos:{folder}", user=owner, cache="kept")
    assert (again.path / "f").read_bytes() == FILES["f0"]
    again.control("flush", str(again.path))
    expected = FILES["f0"][:MEBIBYTE] + b"precious" + FILES["f0"][MEBIBYTE + 8 :]
    assert store.get(f"{folder}/f") == expected
    assert (again.path / "f").read_bytes() == expected
