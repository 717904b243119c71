"""/async-setprops: properties set on whole trees as jobs (contract 1.7)."""

import httpx
import pytest

from tests.conformance.trees import CADC_CORE, Tree, phase_of, results_of
from tests.support.space import Space
from tests.vospace_server.http.documents import CORE, node, property_of


@pytest.fixture
def tree(owner: httpx.Client, folder: str) -> Tree:
    """`t` with a file, a link, and a container `t/sub` with a file."""
    made = Tree(owner, folder)
    made.folder("t")
    made.file("t/file1")
    made.link("t/link", folder)
    made.folder("t/sub")
    made.file("t/sub/file2")
    return made


def _done(
    client: httpx.Client, path: str, properties: dict[str, str], kind: str = "ContainerNode"
) -> httpx.Response:
    posted = client.post(
        "/vault/async-setprops",
        content=node(path, kind, properties=properties),
        headers={"Content-Type": "text/xml"},
    )
    assert posted.status_code == 303, posted.text
    job = posted.headers["location"]
    assert client.post(f"{job}/phase", data={"phase": "RUN"}).status_code == 303
    ended = client.get(job, params={"WAIT": 6})
    while phase_of(ended.text) in {"QUEUED", "EXECUTING"}:
        ended = client.get(job, params={"WAIT": 6})
    return ended


def _outcome(job: httpx.Response) -> tuple[str, dict[str, str]]:
    return phase_of(job.text), results_of(job.text)


def _shown(tree: Tree, name: str, prop: str) -> str | None:
    return property_of(tree.client.get(f"/vault/nodes/{tree.path(name)}?limit=0").text, prop)


def test_every_node_gets_the_properties(tree: Tree, shared_space: Space) -> None:
    """Contract 5 row 17: async-setprops changes the root and all below it, and counts them."""
    changes = {
        f"{CORE}ispublic": "true",
        f"{CORE}groupread": shared_space.group_uri,
        "custom:campaign": "2026A",
    }

    assert _outcome(_done(tree.client, tree.path("t"), changes)) == (
        "COMPLETED",
        {"successcount": "final:5"},
    )
    for name in ("t", "t/file1", "t/link", "t/sub", "t/sub/file2"):
        assert _shown(tree, name, "ispublic") == "true"
        assert _shown(tree, name, "groupread") == shared_space.group_uri
        assert "2026A" in tree.client.get(f"/vault/nodes/{tree.path(name)}?limit=0").text
    assert _shown(tree, "", "ispublic") == "false"


def test_a_single_file_counts_one(tree: Tree) -> None:
    """Contract 1.7: a root that is no container is changed by itself."""
    done = _done(tree.client, tree.path("t/file1"), {f"{CORE}title": "x"}, "DataNode")

    assert _outcome(done) == ("COMPLETED", {"successcount": "final:1"})
    assert _shown(tree, "t/file1", "title") == "x"


def test_inheritance_is_set_on_containers_alone(tree: Tree) -> None:
    """Contract 1.7: a property of containers does not make an error of every file."""
    done = _done(tree.client, tree.path("t"), {f"{CADC_CORE}inheritPermissions": "true"})

    assert _outcome(done) == ("COMPLETED", {"successcount": "final:5"})
    shown = tree.client.get(f"/vault/nodes/{tree.path('t/sub')}?limit=0").text
    assert "inheritPermissions" in shown


def test_locks_are_set_and_taken_off_whole_trees(tree: Tree) -> None:
    """Contract 1.4: locked nodes may be updated; this is how one unlocks, trees as well."""
    locked = f"{CADC_CORE}islocked"

    assert _outcome(_done(tree.client, tree.path("t"), {locked: "true"}))[0] == "COMPLETED"
    assert tree.client.delete(f"/vault/nodes/{tree.path('t/file1')}").status_code == 403
    assert _outcome(_done(tree.client, tree.path("t"), {locked: "false"}))[0] == "COMPLETED"
    assert tree.client.delete(f"/vault/nodes/{tree.path('t/file1')}").status_code == 200


@pytest.mark.parametrize(
    ("properties", "error"),
    [
        ({f"{CORE}quota": "1000"}, "PermissionDenied"),
        ({f"{CORE}MD5": "1"}, "PermissionDenied"),
        ({f"{CORE}creator": "member"}, "PermissionDenied"),
        ({f"{CORE}ispublic": "perhaps"}, "InvalidArgument"),
        ({f"{CORE}nonsense": "1"}, "InvalidArgument"),
    ],
)
def test_what_can_not_be_set_on_many_is_an_error(
    tree: Tree, properties: dict[str, str], error: str
) -> None:
    """Contract 1.7: quota set recursively by a non-admin: ERROR, no results."""
    done = _done(tree.client, tree.path("t"), {**properties, f"{CORE}title": "changed"})

    assert _outcome(done) == ("ERROR", {})
    assert tree.client.get(f"{done.url.copy_with(query=None)}/error").text == error
    assert _shown(tree, "t", "title") is None


def test_what_a_member_may_not_write_is_left_out(
    tree: Tree, member: httpx.Client, shared_space: Space
) -> None:
    """Contract 1.7: missing write permission on a branch is one error, siblings go on."""
    group = shared_space.group_uri
    tree.client.patch("/api/v1/nodes/durand", json={"public": True}).raise_for_status()
    try:
        tree.client.patch(
            f"/api/v1/nodes/{tree.root}", json={"public": True}
        ).raise_for_status()
        nothing = _done(member, tree.path("t"), {f"{CORE}title": "mine"})
        tree.share("t", group)
        tree.share("t/file1", group, "DataNode")
        partly = _done(member, tree.path("t"), {f"{CORE}title": "mine"})
    finally:
        tree.client.patch("/api/v1/nodes/durand", json={"public": False}).raise_for_status()

    assert _outcome(nothing) == ("ERROR", {})
    # The link and the container `sub`, which is not gone into, are the two.
    assert _outcome(partly) == (
        "ABORTED",
        {"successcount": "final:2", "errorcount": "final:2"},
    )
    assert _shown(tree, "t/file1", "title") == "mine"
    assert _shown(tree, "t/sub/file2", "title") is None


def test_a_removed_property_goes_everywhere(tree: Tree) -> None:
    """Contract 7-9: xsi:nil deletes, in whole trees as well."""
    _done(tree.client, tree.path("t"), {f"{CORE}title": "x"})
    document = node(tree.path("t"), "ContainerNode").replace(
        "<vos:properties>",
        f'<vos:properties><vos:property uri="{CORE}title" xsi:nil="true"/>',
    )
    posted = tree.client.post("/vault/async-setprops?PHASE=RUN", content=document)
    ended = tree.client.get(posted.headers["location"], params={"WAIT": 20})
    while phase_of(ended.text) in {"QUEUED", "EXECUTING"}:
        ended = tree.client.get(posted.headers["location"], params={"WAIT": 20})

    assert _outcome(ended) == ("COMPLETED", {"successcount": "final:5"})
    assert _shown(tree, "t/sub/file2", "title") is None


@pytest.mark.parametrize("document", ["", "<x/>", node("durand", "NoNode")])
def test_a_document_that_is_no_node_is_refused(owner: httpx.Client, document: str) -> None:
    """Contract 7-23: malformed documents are 400, with the reason."""
    answer = owner.post("/vault/async-setprops", content=document)

    assert answer.status_code == 400
    assert answer.text.partition(":")[0] in {"InvalidArgument", "TypeNotSupported"}


def test_the_jobs_are_announced(anonymous: httpx.Client) -> None:
    """Contract 1.2: capabilities name both services under CADC's identifiers."""
    capabilities = anonymous.get("/vault/capabilities").text

    for name, path in (("delete", "async-delete"), ("nodeprops", "async-setprops")):
        assert f"ivo://ivoa.net/std/VOSpace#recursive-{name}-proto" in capabilities
        assert f"/vault/{path}</accessURL>" in capabilities
