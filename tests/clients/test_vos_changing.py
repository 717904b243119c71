"""vmkdir, vrm, vrmdir, vchmod and vlock of the unmodified client."""

from pathlib import Path

import pytest

from tests.support.space import Space
from tests.support.vos import VosClient

pytestmark = pytest.mark.timeout(300)

GROUP = "ivo://localhost/gms?HST-RO"


def mode_of(vos: VosClient, node: str) -> str:
    """The letters of `vls -l`."""
    return vos("vls", "-l", node).split()[0]


@pytest.fixture
def file(vos: VosClient, root: str, tmp_path: Path) -> str:
    """A small file in the folder."""
    local = tmp_path / "f"
    local.write_bytes(b"bytes")
    vos("vcp", str(local), f"{root}/f")
    return f"{root}/f"


def test_vmkdir_makes_parents_when_asked(vos: VosClient, root: str) -> None:
    """Contract 5 row 7: -p walks up, and what exists is a clear refusal without it."""
    assert "ContainerNotFound" in vos.refused("vmkdir", f"{root}/a/b", code=2)

    vos("vmkdir", "-p", f"{root}/a/b")

    assert "DuplicateNode" in vos.refused("vmkdir", f"{root}/a", code=17)


def test_vrm_removes_files_and_links_but_not_their_targets(
    vos: VosClient, root: str, file: str
) -> None:
    """Contract 7-5: DELETE of a link removes the link."""
    vos("vln", file, f"{root}/link")

    vos("vrm", f"{root}/link")
    assert vos("vls", root).split() == ["f"]
    vos("vrm", file)

    assert vos("vls", root).split() == []


def test_vrmdir_removes_only_an_empty_container(vos: VosClient, root: str) -> None:
    """Contract 0.3: DELETE of a container with children is refused with its name."""
    vos("vmkdir", "-p", f"{root}/a/b")

    assert "is not empty" in vos.refused("vrmdir", f"{root}/a", code=255)
    vos("vrmdir", f"{root}/a/b")
    vos("vrmdir", f"{root}/a")

    assert "NodeNotFound" in vos.refused("vls", f"{root}/a", code=2)


def test_vchmod_gives_and_takes_permissions(vos: VosClient, file: str) -> None:
    """Contract 2.6: ispublic, groupread and groupwrite, the groups by CADC's prefix."""
    vos("vchmod", "o+r", file)
    vos("vchmod", "g+r", file, "HST-RO")
    assert mode_of(vos, file) == "-rw-r--r--"

    vos("vchmod", "g+w", file, "HST-RO")
    assert GROUP in vos("vls", "-lg", file)
    assert mode_of(vos, file) == "-rw-rw-r--"

    vos("vchmod", "g-w", file)
    vos("vchmod", "g-r", file)
    vos("vchmod", "o-r", file)
    assert mode_of(vos, file) == "-rw-------"


def test_vchmod_of_a_group_lets_its_members_in(
    vos: VosClient, root: str, file: str, shared_space: Space, tmp_path: Path
) -> None:
    """Contract 7-25: ivo://cadc.nrc.ca/gms?g is our group g."""
    member = VosClient.led_to(shared_space.server.url, tmp_path / "member")
    member = member.with_token(shared_space.member)
    top = "vos://localhost~vault/durand"
    for node in (top, root, file):
        vos("vchmod", "g+r", node, "HST-RO")
    try:
        member("vcp", file, str(tmp_path / "theirs"))
    finally:
        vos("vchmod", "g-r", top)

    assert (tmp_path / "theirs").read_bytes() == b"bytes"


def test_vlock_keeps_a_node_as_it_is(vos: VosClient, file: str, tmp_path: Path) -> None:
    """Contract 7-10: a locked node is neither written nor removed until it is unlocked."""
    local = tmp_path / "other"
    local.write_bytes(b"other bytes")

    vos("vlock", "--lock", file)
    vos("vlock", file)
    assert "LOCKED" in vos("vls", "-l", file)
    assert "locked" in vos.refused("vrm", file, code=255)
    assert "PermissionDenied" in vos.refused("vcp", str(local), file, code=13)

    vos("vlock", "--unlock", file)
    vos("vcp", str(local), file)
