"""/async-delete: trees deleted as jobs, with exact counts (contract 1.7)."""

import httpx
import pytest

from tests.conformance.trees import Tree, phase_of, results_of
from tests.support.space import Space
from tests.vospace_server.http.documents import CORE, uri


@pytest.fixture
def tree(owner: httpx.Client, folder: str) -> Tree:
    """`t` with a file, and a container `t/sub` with a file."""
    made = Tree(owner, folder)
    made.folder("t")
    made.file("t/file1")
    made.folder("t/sub")
    made.file("t/sub/file2")
    return made


def _job_of(client: httpx.Client, target: str) -> str:
    posted = client.post("/vault/async-delete", data={"target": target})
    assert posted.status_code == 303, posted.text
    return posted.headers["location"]


def _done(client: httpx.Client, target: str) -> httpx.Response:
    """Do as the `vos` client does: create, run, wait; gives the job that has ended."""
    job = _job_of(client, target)
    run = client.post(f"{job}/phase", data={"phase": "RUN"})
    assert run.status_code == 303
    ended = client.get(job, params={"WAIT": 6})
    while phase_of(ended.text) in {"QUEUED", "EXECUTING"}:
        ended = client.get(job, params={"WAIT": 6})
    return ended


def _outcome(job: httpx.Response) -> tuple[str, dict[str, str]]:
    return phase_of(job.text), results_of(job.text)


def test_a_whole_tree_is_counted_with_its_root(tree: Tree) -> None:
    """Contract 5 row 64: all deleted: COMPLETED with only successcount, the root included."""
    tree.link("t/link", tree.path("t/file1"))

    assert _outcome(_done(tree.client, uri(tree.path("t"), "localhost!vault"))) == (
        "COMPLETED",
        {"successcount": "final:5"},
    )
    assert not tree.exists("t")


@pytest.mark.parametrize("place", ["query", "form"])
def test_a_deletion_is_started_and_named_where_it_is_asked_for(tree: Tree, place: str) -> None:
    """UWS 1.1 2.2.3.1: PHASE=RUN and RUNID count in the query and in the form."""
    said = {"PHASE": "RUN", "RUNID": "clean-up"}
    form = {"target": uri(tree.path("t"))}
    query = said if place == "query" else {}

    made = tree.client.post(
        "/vault/async-delete", params=query, data=form if query else {**form, **said}
    )

    job = tree.client.get(made.headers["location"], params={"WAIT": 6})
    while phase_of(job.text) in {"QUEUED", "EXECUTING"}:
        job = tree.client.get(made.headers["location"], params={"WAIT": 6})
    assert _outcome(job) == ("COMPLETED", {"successcount": "final:4"})
    assert "<uws:runId>clean-up</uws:runId>" in job.text


def test_an_empty_container_counts_one(tree: Tree) -> None:
    """Contract 7-21: recursive delete of an empty container: COMPLETED, final:1."""
    tree.folder("empty")

    assert _outcome(_done(tree.client, uri(tree.path("empty")))) == (
        "COMPLETED",
        {"successcount": "final:1"},
    )


@pytest.mark.parametrize("name", ["t/file1", "t/link"])
def test_a_single_node_counts_one(tree: Tree, name: str) -> None:
    """Contract 1.7: a file or a link is deleted by itself, never what a link leads to."""
    tree.link("t/link", tree.path("t/file1"))

    assert _outcome(_done(tree.client, uri(tree.path(name))))[1] == {"successcount": "final:1"}
    assert tree.exists("t/file1") == (name == "t/link")


def test_a_locked_child_is_kept_with_its_ancestors(tree: Tree) -> None:
    """Contract 7-21: one locked child: ABORTED, both counts, the ancestors of it kept."""
    tree.lock("t/sub/file2", "DataNode")

    assert _outcome(_done(tree.client, uri(tree.path("t")))) == (
        "ABORTED",
        {"successcount": "final:1", "errorcount": "final:1"},
    )
    assert tree.names("t") == ["sub"]
    assert tree.names("t/sub") == ["file2"]


def test_a_locked_container_keeps_what_is_in_it(tree: Tree) -> None:
    """Contract 7-21: a lock on a branch makes it an error count, siblings go on."""
    tree.lock("t/sub")

    assert _outcome(_done(tree.client, uri(tree.path("t/sub/file2"))))[0] == "ERROR"
    assert _outcome(_done(tree.client, uri(tree.path("t")))) == (
        "ABORTED",
        {"successcount": "final:1", "errorcount": "final:1"},
    )
    assert tree.exists("t/sub/file2")


def test_what_a_member_may_not_write_is_kept(
    tree: Tree, member: httpx.Client, shared_space: Space
) -> None:
    """Contract 1.7: missing write permission on a branch is an error count, siblings go on."""
    group = shared_space.group_uri
    tree.client.patch("/api/v1/nodes/durand", json={"public": True}).raise_for_status()
    try:
        tree.share("", group)
        denied = _done(member, uri(tree.path("t")))
        tree.share("t", group)
        partly = _done(member, uri(tree.path("t")))
        tree.share("t/sub", group)
        whole = _done(member, uri(tree.path("t")))
    finally:
        tree.client.patch("/api/v1/nodes/durand", json={"public": False}).raise_for_status()

    assert _outcome(denied) == ("ERROR", {})
    assert _outcome(partly) == (
        "ABORTED",
        {"successcount": "final:1", "errorcount": "final:1"},
    )
    assert _outcome(whole) == ("COMPLETED", {"successcount": "final:3"})


def test_nothing_deleted_is_an_error_without_results(
    tree: Tree, stranger: httpx.Client
) -> None:
    """Contract 7-21: recursive delete of an unreadable root: ERROR, no results."""
    denied = _done(stranger, uri(tree.path("t")))
    missing = _done(tree.client, uri(tree.path("no")))
    root = _done(tree.client, "vos://localhost~vault/")

    for job, error in ((denied, "PermissionDenied"), (missing, "NodeNotFound")):
        assert _outcome(job) == ("ERROR", {})
        client = stranger if job is denied else tree.client
        assert client.get(f"{job.url.copy_with(query=None)}/error").text == error
    assert _outcome(root)[0] == "ERROR"
    assert tree.exists("t/sub/file2")


def test_more_than_a_hundred_errors_stop_the_job(tree: Tree) -> None:
    """Contract 1.7: more than 100 errors stop the job."""
    tree.folder("many")
    tree.file("many/a")
    for number in range(103):
        path = tree.path(f"many/l{number:03}")
        tree.link(f"many/l{number:03}", path)
        tree.lock(f"many/l{number:03}", "LinkNode")
    tree.file("many/z")

    assert _outcome(_done(tree.client, uri(tree.path("many")))) == (
        "ABORTED",
        {"successcount": "final:1", "errorcount": "final:101"},
    )
    assert "z" in tree.names("many")


def test_a_job_waits_until_it_is_run_and_is_seen_by_its_owner(
    tree: Tree, stranger: httpx.Client, anonymous: httpx.Client
) -> None:
    """Contract 1.7: the job has the resources of UWS, and is its owner's."""
    job = _job_of(tree.client, uri(tree.path("t")))

    assert tree.client.get(f"{job}/phase").text == "PENDING"
    assert "target" in tree.client.get(f"{job}/parameters").text
    assert job.rpartition("/")[2] in tree.client.get("/vault/async-delete").text
    assert stranger.get(job).status_code == 403
    assert stranger.post(f"{job}/phase", data={"PHASE": "RUN"}).status_code == 403
    assert anonymous.get(job).status_code == 401
    assert tree.client.post(f"{job}/phase", data={"PHASE": "ABORT"}).status_code == 303
    assert tree.client.get(f"{job}/phase").text == "ABORTED"
    assert tree.client.delete(job).headers["location"].endswith("/vault/async-delete")
    assert tree.exists("t/sub/file2")


@pytest.mark.parametrize("form", [{}, {"target": "durand"}, {"target": "vos://x~y/durand"}])
def test_a_target_that_is_none_is_refused(owner: httpx.Client, form: dict[str, str]) -> None:
    """Contract 1.7: `target` is a URI of this service."""
    answer = owner.post("/vault/async-delete", data=form)

    assert answer.status_code == 400
    assert answer.text.partition(":")[0] in {"InvalidArgument", "InvalidURI"}


def test_nobody_deletes_nothing(anonymous: httpx.Client) -> None:
    """Contract 1.5: a job needs somebody who asks for it."""
    answer = anonymous.post("/vault/async-delete", data={"target": uri("durand")})

    assert answer.status_code == 401
    assert "www-authenticate" in answer.headers


def test_the_size_of_what_is_left_is_right(tree: Tree) -> None:
    """Contract 7-21: sizes are exact after a tree was deleted in part."""
    tree.file("t/sub/large", bytes(5000))
    tree.file("t/kept", bytes(300))
    tree.lock("t/kept", "DataNode")
    _done(tree.client, uri(tree.path("t")))

    shown = tree.client.get(f"/vault/nodes/{tree.path('t')}?limit=0").text
    assert f'<vos:property uri="{CORE}length" readOnly="true">300<' in shown
