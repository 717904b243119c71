"""The `vos` commands with a token that is for one folder alone."""

from pathlib import Path

import pytest

from tests.support.space import Space, User
from tests.support.vos import VosClient


@pytest.fixture
def limited(tmp_path: Path, shared_space: Space, folder: str) -> VosClient:
    """A client whose token is for the folder of the test."""
    printed = shared_space.server.administer(
        "user", "token", "durand", "--scope", f"write:/{folder}"
    )
    holder = User(name="durand", password="", token=printed.splitlines()[-1])
    client = VosClient.led_to(shared_space.server.url, tmp_path / "limited")
    return client.with_token(holder)


def test_a_day_in_one_folder(limited: VosClient, root: str, tmp_path: Path) -> None:
    """Contract 2.4: a limited token does the usual work within its folder."""
    (tmp_path / "here").write_text("bytes")

    limited("vmkdir", f"{root}/deep")
    limited("vcp", str(tmp_path / "here"), f"{root}/deep/there")
    limited("vmv", f"{root}/deep/there", f"{root}/moved")
    limited("vcp", f"{root}/moved", str(tmp_path / "back"))

    assert limited("vls", root).split() == ["deep", "moved"]
    assert (tmp_path / "back").read_text() == "bytes"
    limited("vrm", f"{root}/moved")
    limited("vrmdir", f"{root}/deep")


def test_nothing_outside_of_the_folder(
    limited: VosClient, vos: VosClient, root: str, tmp_path: Path
) -> None:
    (tmp_path / "here").write_text("bytes")
    above = root.rpartition("/")[0]
    vos("vcp", str(tmp_path / "here"), f"{root}/f")

    for words in (
        ("vls", above),
        ("vcp", str(tmp_path / "here"), f"{above}/stolen"),
        ("vmv", f"{root}/f", f"{above}/stolen"),
        ("vrmdir", root),
    ):
        assert limited.run(*words).returncode != 0, words
    assert "stolen" not in vos("vls", above).split()
    assert vos("vls", root).split() == ["f"]
