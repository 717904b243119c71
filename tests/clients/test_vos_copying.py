"""vcp, vsync, vcat and vmv of the unmodified client."""

import hashlib
import os
import re
from pathlib import Path

import pytest

from tests.support.space import Space
from tests.support.vos import VosClient

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with two files, one of them in a folder of its own, and an empty one."""
    top = tmp_path / "tree"
    (top / "sub").mkdir(parents=True)
    (top / "x.fits").write_bytes(os.urandom(3000))
    (top / "sub" / "y.txt").write_bytes(b"some text\n")
    (top / "sub" / "empty").touch()
    return top


def contents(top: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path from there."""
    files = (path for path in top.rglob("*") if path.is_file())
    return {str(path.relative_to(top)): path.read_bytes() for path in files}


def test_vcp_takes_a_tree_there_and_back(
    vos: VosClient, root: str, tree: Path, tmp_path: Path
) -> None:
    """Contract 2.5: containers made, files pushed, empty files as nodes without bytes."""
    vos("vcp", str(tree), f"{root}/copy")
    vos("vcp", f"{root}/copy", str(tmp_path / "back"))

    assert contents(tmp_path / "back") == contents(tree)


def test_vcp_takes_what_include_and_exclude_leave(
    vos: VosClient, root: str, tree: Path
) -> None:
    """Contract 2.5: a recursive copy with patterns."""
    vos("vcp", "--exclude", "txt", str(tree), f"{root}/copy")

    assert vos("vls", f"{root}/copy/sub").split() == ["empty"]


def test_vcp_copies_several_files_and_wildcards(
    vos: VosClient, root: str, tree: Path, tmp_path: Path
) -> None:
    """Contract 2.5: files into a container under their own names."""
    back = tmp_path / "back"
    back.mkdir()

    vos("vcp", str(tree / "x.fits"), str(tree / "sub" / "y.txt"), root)
    vos("vcp", f"{root}/*.txt", str(back))

    assert contents(back) == {"y.txt": b"some text\n"}


def test_vcp_of_the_same_bytes_sends_none(vos: VosClient, root: str, tree: Path) -> None:
    """Contract 2.5: the MD5 property is compared, and the node is touched instead."""
    local = str(tree / "x.fits")
    vos("vcp", local, f"{root}/x.fits")
    before = vos("vtag", f"{root}/x.fits")

    vos("vcp", local, f"{root}/x.fits")

    assert before.split("MD5")[1][:40] == vos("vtag", f"{root}/x.fits").split("MD5")[1][:40]


def test_vcp_goes_on_with_a_download_that_broke_off(
    vos: VosClient, root: str, tmp_path: Path, shared_space: Space
) -> None:
    """Contract 2.5: Range from the end of the .part file, answered 206."""
    original = os.urandom(400_000)
    local = tmp_path / "whole"
    local.write_bytes(original)
    vos("vcp", str(local), f"{root}/f")
    digest = hashlib.md5(original, usedforsecurity=False).hexdigest()
    (tmp_path / f"back-{digest}.part").write_bytes(original[:150_000])
    logged = len(shared_space.server.log)

    vos("vcp", f"{root}/f", str(tmp_path / "back"))

    assert (tmp_path / "back").read_bytes() == original
    lines = shared_space.server.log[logged:].splitlines()
    # It asks for the whole, closes that, and asks for the rest with a Range.
    assert [out_of(line) for line in lines if " status=206 " in line] == [250_000]


def out_of(line: str) -> int:
    """The bytes of an answer, as the request log has them."""
    found = re.search(r" out=(\d+) ", line)
    return 0 if found is None else int(found[1])


def test_vcp_follows_a_link_when_asked(
    vos: VosClient, root: str, tree: Path, tmp_path: Path
) -> None:
    """Contract 0.3: a link as leaf of a transfer is resolved."""
    vos("vcp", str(tree / "x.fits"), f"{root}/x.fits")
    vos("vln", f"{root}/x.fits", f"{root}/link")

    vos("vcp", "-L", f"{root}/link", str(tmp_path / "back"))

    assert (tmp_path / "back").read_bytes() == (tree / "x.fits").read_bytes()


def test_vcp_says_what_does_not_fit_the_quota(
    vos: VosClient, root: str, tmp_path: Path
) -> None:
    """Contract 7-20: the word quota reaches the person."""
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(21 << 30)

    done = vos.run("vcp", str(huge), f"{root}/huge")

    assert done.returncode != 0
    assert "quota" in (done.stdout + done.stderr).lower()


def test_vsync_brings_only_what_changed(
    vos: VosClient, root: str, tree: Path, tmp_path: Path
) -> None:
    """Contract 2.5: folders made (409 tolerated), files compared and pushed in parallel."""
    vos("vsync", "-r", str(tree), root)
    (tree / "x.fits").write_bytes(b"changed")
    vos("vsync", "-r", "-n", "2", str(tree), root)

    vos("vcp", f"{root}/tree", str(tmp_path / "back"))
    assert contents(tmp_path / "back") == contents(tree)


def test_vmv_renames_and_moves_into_containers(vos: VosClient, root: str, tree: Path) -> None:
    """Contract 5 rows 12 and 36; Contract 1.6: the destination is a new name, or a container
    that takes the node in."""
    vos("vcp", str(tree), f"{root}/tree")

    vos("vmv", f"{root}/tree/x.fits", f"{root}/renamed.fits")
    vos("vmv", f"{root}/renamed.fits", f"{root}/tree/sub")

    assert vos("vls", f"{root}/tree/sub").split() == ["empty", "renamed.fits", "y.txt"]


def test_vmv_says_why_it_can_not(vos: VosClient, root: str, tree: Path) -> None:
    """Contract 7-18: the fault of the job reaches the person by its name.

    14 is EFAULT, the client's word for a fault that it has no number for: it knows
    `DuplicateNode.` with a full stop alone, which neither the standard nor CADC sends
    (decision 0007).
    """
    vos("vcp", str(tree), f"{root}/tree")

    onto_a_file = vos.refused("vmv", f"{root}/tree/x.fits", f"{root}/tree/sub/y.txt", code=14)
    into_itself = vos.refused("vmv", f"{root}/tree", f"{root}/tree/sub", code=22)

    assert onto_a_file.rstrip().endswith(": DuplicateNode")
    assert "InvalidArgument" in into_itself


def test_vcat_prints_several_files_with_a_password(
    vos: VosClient, root: str, tree: Path, shared_space: Space
) -> None:
    """Contract 5 row 91; Contract 2.4: Basic from ~/.netrc, which vcat uses though it ignores
    tokens."""
    vos("vcp", str(tree / "sub" / "y.txt"), f"{root}/y.txt")
    netrc = VosClient(home=vos.home).with_netrc(shared_space.owner, shared_space.server.url)

    printed = netrc("vcat", f"{root}/y.txt", f"{root}/y.txt")
    missing = netrc.run("vcat", f"{root}/no.txt")

    assert printed.count("some text") == 2
    assert "NodeNotFound" in missing.stdout + missing.stderr
