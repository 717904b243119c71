"""vls and vtag of the unmodified client."""

import os
import re
from pathlib import Path

import pytest

from tests.support.space import Space
from tests.support.vos import VosClient

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def files(shared_space: Space, folder: str) -> None:
    """Three files and a folder, of different sizes and ages, b the oldest."""
    with shared_space.client(shared_space.owner) as client:
        for name, size in (("b.fits", 3000), ("a.txt", 100), ("c.fits", 20)):
            url = f"/vault/files/{folder}/{name}"
            client.put(url, content=os.urandom(size)).raise_for_status()


def names(listing: str) -> list[str]:
    """The last word of each line."""
    return [line.split()[-1] for line in listing.splitlines() if line]


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param("-l", ["a.txt", "b.fits", "c.fits"], id="by-name"),
        pytest.param("-lS", ["b.fits", "a.txt", "c.fits"], id="by-size"),
        pytest.param("-lSr", ["c.fits", "a.txt", "b.fits"], id="by-size-reversed"),
        pytest.param("-lt", ["c.fits", "a.txt", "b.fits"], id="by-time"),
        pytest.param("-r", ["c.fits", "b.fits", "a.txt"], id="reversed"),
    ],
)
def test_vls_sorts(vos: VosClient, root: str, options: str, expected: list[str]) -> None:
    """Contract 5 row 27: sort and order, which the client sends and CADC refuses."""
    assert names(vos("vls", options, root)) == expected


@pytest.mark.usefixtures("files")
def test_vls_shows_sizes_for_people(vos: VosClient, root: str) -> None:
    """Contract 2.5: length is a number on every entry."""
    assert re.search(r"\b3K\b.* b\.fits$", vos("vls", "-lh", root), flags=re.MULTILINE)


@pytest.mark.usefixtures("files")
def test_vls_expands_wildcards(vos: VosClient, root: str) -> None:
    """Contract 5 row 21: globs, which the client expands over our listing."""
    assert names(vos("vls", f"{root}/*.fits")) == ["b.fits", "c.fits"]


@pytest.mark.usefixtures("files")
def test_vls_follows_a_link_and_shows_it_with_l(vos: VosClient, root: str) -> None:
    """Contract 0.3: a link as leaf of /nodes is the link itself; the client follows it."""
    vos("vln", f"{root}/b.fits", f"{root}/link")
    vos("vln", "https://example.org/page", f"{root}/web")

    assert names(vos("vls", f"{root}/link")) == ["b.fits"]
    assert f"link -> {root}/b.fits" in vos("vls", "-l", root)
    assert "web -> https://example.org/page" in vos("vls", "-l", root)


def test_vls_of_a_folder_behind_a_link_lists_it(vos: VosClient, root: str) -> None:
    """Contract 1.4: links inside a path are followed."""
    vos("vmkdir", "-p", f"{root}/a/b")
    vos("vln", f"{root}/a", f"{root}/door")

    assert names(vos("vls", f"{root}/door/")) == ["b"]


def test_vtag_sets_shows_and_removes_properties(vos: VosClient, root: str) -> None:
    """Contract 5 rows 13 to 15: properties of any name, bare words too."""
    vos("vmkdir", f"{root}/d")

    vos("vtag", f"{root}/d", "colour=red", "ivo://example.org/std#kind=dark frame")
    assert "'red'" in vos("vtag", f"{root}/d", "colour")
    assert "dark frame" in vos("vtag", f"{root}/d")
    vos("vtag", "--remove", f"{root}/d", "colour")
    assert "colour" not in vos("vtag", f"{root}/d")


def test_an_empty_folder_lists_nothing(vos: VosClient, root: str) -> None:
    """Contract 7-1: limit=0 has no children, no limit has all of none."""
    assert vos("vls", root).split() == []


def test_a_stranger_sees_neither_names_nor_reasons_beyond_permission(
    vos: VosClient, root: str, shared_space: Space, tmp_path: Path
) -> None:
    """Contract 2.7: 403 is printed as one sentence (vls ends with 403 modulo 256)."""
    stranger = VosClient.led_to(shared_space.server.url, tmp_path / "other")

    said = stranger.with_token(shared_space.stranger).refused("vls", root, code=147)

    assert said.count("PermissionDenied") == 1
