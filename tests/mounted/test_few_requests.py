"""What a walk and a copy cost on the wire."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.content import noise
from tests.support.mounts import Mounts
from tests.support.store import Store


def test_walk_of_a_tree_costs_few_requests(mounts: Mounts, store: Store, folder: str) -> None:
    maker = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    for number in range(30):
        (maker.path / f"d{number:02}").mkdir()
    for number in range(30):
        store.put(f"{folder}/d{number:02}/f", b"x" * number)
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    before = mount.status()["requests"]
    command = ["ls", "-lR", str(mount.path)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert lines.count(" f\n") == 30
    assert mount.status()["requests"] - before <= 12


def test_many_small_files_cost_few_requests(
    mounts: Mounts, store: Store, folder: str, tmp_path: Path
) -> None:
    data = {f"f{number:03}": noise(3000 + number, seed=number) for number in range(200)}
    for name, content in data.items():
        store.put(f"{folder}/{name}", content)
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    before = mount.status()["requests"]
    shutil.copytree(mount.path, tmp_path / "copy")
    assert {p.name: p.read_bytes() for p in (tmp_path / "copy").iterdir()} == data
    assert mount.status()["requests"] - before <= 40


def test_listing_a_folder_answers_for_all_its_children(
    mounts: Mounts, store: Store, folder: str
) -> None:
    for number in range(50):
        store.put(f"{folder}/f{number:02}", b"x")
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    before = mount.status()["requests"]
    names = os.listdir(mount.path)
    assert [(mount.path / name).stat().st_size for name in names] == [1] * 50
    assert not (mount.path / "missing").exists()
    assert mount.status()["requests"] - before <= 4
