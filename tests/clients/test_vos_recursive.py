"""The unmodified `vos` client on whole trees: `vrm -R`, `vchmod -R`, `vtag -R`."""

from collections.abc import Iterator

import httpx
import pytest

from tests.conformance.trees import Tree
from tests.support.space import Space
from tests.support.vos import VosClient
from tests.vospace_server.http.documents import property_of


@pytest.fixture
def owner(shared_space: Space) -> Iterator[httpx.Client]:
    """The owner without the client."""
    with shared_space.client(shared_space.owner) as client:
        yield client


@pytest.fixture
def tree(owner: httpx.Client, folder: str) -> Tree:
    """`t` with a file, and a container `t/sub` with a file."""
    made = Tree(owner, folder)
    made.folder("t")
    made.file("t/file1")
    made.folder("t/sub")
    made.file("t/sub/file2")
    return made


def _shown(tree: Tree, name: str, prop: str) -> str | None:
    return property_of(tree.client.get(f"/vault/nodes/{tree.path(name)}?limit=0").text, prop)


def test_vchmod_vtag_and_vrm_work_on_whole_trees(vos: VosClient, tree: Tree) -> None:
    """Contract 2.5: vchmod -R, vtag -R and vrm -R run their jobs to the end and say so."""
    target = f"vos://localhost~vault/{tree.path('t')}"

    vos("vchmod", "-R", "o+r", target)
    vos("vchmod", "-R", "g+r", target, "HST-RO")
    vos("vtag", "-R", target, "campaign=2026A")
    for name in ("t", "t/file1", "t/sub", "t/sub/file2"):
        assert _shown(tree, name, "ispublic") == "true"
        assert _shown(tree, name, "groupread") == "ivo://localhost/gms?HST-RO"
        shown = tree.client.get(f"/vault/nodes/{tree.path(name)}?limit=0").text
        assert ">2026A<" in shown
    vos("vtag", "-R", target, "campaign=")
    assert "2026A" not in tree.client.get(f"/vault/nodes/{tree.path('t/sub/file2')}").text

    vos("vrm", "-R", target)
    assert not tree.exists("t")


def test_vrm_says_how_many_could_not_be_deleted(vos: VosClient, tree: Tree) -> None:
    """Contract 2.5: vrm -R shows the counts of a job that ended ABORTED, and fails."""
    tree.lock("t/sub")
    done = vos.run("vrm", "-R", f"vos://localhost~vault/{tree.path('t')}")

    assert done.returncode != 0
    assert "deleted count: 1, failed count: 1" in done.stdout + done.stderr
    assert tree.exists("t/sub/file2")
