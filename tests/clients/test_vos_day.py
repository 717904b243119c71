"""The `vos` client as its users have it, on its own paths, over plain HTTP with a token."""

import os
import re
from pathlib import Path

import pytest

from tests.support.space import Space
from tests.support.vos import VosClient

pytestmark = pytest.mark.timeout(300)


def test_a_day_with_the_vos_client(vos: VosClient, folder: str, tmp_path: Path) -> None:
    root = f"vos://localhost~vault/{folder}"
    original = os.urandom(300_000)
    local, back = tmp_path / "o4sp040b0_raw.fits", tmp_path / "back.fits"
    local.write_bytes(original)

    vos("vmkdir", f"{root}/raw")
    vos("vcp", str(local), f"{root}/raw/o4sp040b0_raw.fits")
    assert vos("vls", f"{root}/raw").split() == ["o4sp040b0_raw.fits"]
    long = vos("vls", "-l", f"{root}/raw")
    assert re.search(r"300000 .*o4sp040b0_raw\.fits", long)
    vos("vcp", f"{root}/raw/o4sp040b0_raw.fits", str(back))
    assert back.read_bytes() == original

    local.write_bytes(b"changed")
    vos("vcp", str(local), f"{root}/raw/o4sp040b0_raw.fits")
    vos("vmv", f"{root}/raw/o4sp040b0_raw.fits", f"{root}/raw/new.fits")
    assert vos("vls", f"{root}/raw").split() == ["new.fits"]
    vos("vln", f"{root}/raw/new.fits", f"{root}/latest")
    vos("vcp", "-L", f"{root}/latest", str(back))
    assert back.read_bytes() == b"changed"

    vos("vrm", f"{root}/latest")
    assert vos("vls", f"{root}/raw").split() == ["new.fits"]
    vos("vrm", f"{root}/raw/new.fits")
    vos("vrmdir", f"{root}/raw")
    assert vos("vls", root).split() == []


def test_vcat_prints_a_public_file(vos: VosClient, folder: str, shared_space: Space) -> None:
    # vcat of vos 3.7 does not pass the token on (contract 2.8), so it reads what is public.
    with shared_space.client(shared_space.owner) as client:
        client.put(f"/vault/files/{folder}/f", content=b"some text\n").raise_for_status()
        for path in ("durand", folder, f"{folder}/f"):
            client.patch(f"/api/v1/nodes/{path}", json={"public": True}).raise_for_status()
        try:
            printed = vos("vcat", f"vos://localhost~vault/{folder}/f")
            assert printed.rstrip("\n") == "some text"
        finally:
            client.patch("/api/v1/nodes/durand", json={"public": False}).raise_for_status()


def test_an_empty_and_a_large_file_travel_too(
    vos: VosClient, folder: str, tmp_path: Path
) -> None:
    root = f"vos://localhost~vault/{folder}"
    # Above 5 MiB the client begins a transaction, and commits it.
    for name, content in (("empty", b""), ("large", os.urandom(6 << 20))):
        local, back = tmp_path / name, tmp_path / f"{name}.back"
        local.write_bytes(content)
        vos("vcp", str(local), f"{root}/{name}")
        vos("vcp", f"{root}/{name}", str(back))
        assert back.read_bytes() == content


def test_failures_are_said_in_one_line(vos: VosClient, folder: str, tmp_path: Path) -> None:
    local = tmp_path / "f"
    local.write_bytes(b"x")
    root = f"vos://localhost~vault/{folder}"

    missing = vos.run("vls", f"{root}/no")
    no_parent = vos.run("vcp", str(local), f"{root}/no/such/f")
    again = vos.run("vmkdir", f"vos://localhost~vault/{folder}")

    assert missing.returncode != 0
    assert "NodeNotFound" in missing.stderr + missing.stdout
    assert no_parent.returncode != 0
    assert again.returncode != 0
    for done in (missing, no_parent, again):
        assert "Traceback" not in done.stderr + done.stdout


def test_a_wrong_token_is_refused(vos: VosClient, folder: str) -> None:
    stranger = VosClient(home=vos.home, words=("--token", "vost_wrong"))
    done = stranger.run("vls", f"vos://localhost~vault/{folder}")

    assert done.returncode == 13
    assert "the token is unknown" in done.stderr + done.stdout
