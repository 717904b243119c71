"""Links in every place of a path: followed, refused, endless (contract 1.4, 7-5 to 7-7)."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.vospace_server.http.conftest import ServerThread
from tests.vospace_server.http.documents import (
    children_of,
    container,
    data,
    link,
    node,
    uri,
)
from tests.vospace_server.http.people import make_people
from vospace_server.config import ServerConfig, ServiceSection


def assert_fault(response: httpx.Response, status: int, name: str) -> None:
    assert (response.status_code, response.text.split(":")[0]) == (status, name), response.text


def make(client: httpx.Client, path: str, document: str) -> httpx.Response:
    return client.put(f"/vault/nodes/{path}", content=document)


def make_link(client: httpx.Client, path: str, target: str) -> None:
    make(client, path, link(path, uri(target))).raise_for_status()


@pytest.fixture
def home(owner: httpx.Client, folder: str) -> str:
    """A folder with a container `d` that holds a file `f`."""
    make(owner, f"{folder}/d", container(f"{folder}/d")).raise_for_status()
    owner.put(f"/vault/files/{folder}/d/f", content=b"bytes").raise_for_status()
    return folder


def pulled(client: httpx.Client, path: str) -> httpx.Response:
    """Bytes by negotiation in the parameter form."""
    return client.get(
        "/vault/synctrans",
        params={
            "TARGET": uri(path),
            "DIRECTION": "pullFromVoSpace",
            "PROTOCOL": "ivo://ivoa.net/vospace/core#httpget",
            "REQUEST": "redirect",
        },
        follow_redirects=True,
    )


def test_get_post_and_delete_concern_a_link_itself(owner: httpx.Client, home: str) -> None:
    """Compliance rows 9 and 10; Contract 5 row 2 and 7-5: the target survives and is
    unchanged."""
    path = f"{home}/l"
    make_link(owner, path, f"{home}/d")
    before = owner.get(f"/vault/nodes/{home}/d?detail=properties").text

    shown = owner.get(f"/vault/nodes/{path}").text
    titled = node(
        path,
        "LinkNode",
        properties={"ivo://ivoa.net/vospace/core#title": "t"},
        inner=f"<vos:target>{uri('durand')}</vos:target>",
    )
    posted = owner.post(f"/vault/nodes/{path}", content=titled)

    assert 'xsi:type="vos:LinkNode"' in shown
    assert f"<vos:target>{uri(f'{home}/d')}</vos:target>" in shown
    assert "<vos:accepts" not in shown
    # A posted target is ignored, as is everything but properties.
    assert f"<vos:target>{uri(f'{home}/d')}</vos:target>" in posted.text
    assert owner.delete(f"/vault/nodes/{path}").status_code == 200
    assert owner.get(f"/vault/nodes/{home}/d?detail=properties").text == before


def test_paths_and_transfers_go_through_links(owner: httpx.Client, home: str) -> None:
    """Contract 5 row 5 and 7-5: in the middle of a path, and at its end where bytes are
    meant."""
    make_link(owner, f"{home}/l", f"{home}/d")
    make_link(owner, f"{home}/lf", f"{home}/l/f")

    through = owner.get(f"/vault/nodes/{home}/l/f")

    assert through.status_code == 200
    # Shown where it really is.
    assert f'uri="{uri(f"{home}/d/f")}"' in through.text
    for path in (f"{home}/l/f", f"{home}/lf"):
        assert pulled(owner, path).content == b"bytes"
        assert owner.get(f"/vault/files/{path}", follow_redirects=True).content == b"bytes"
    made = make(owner, f"{home}/l/new", data(f"{home}/l/new"))
    assert made.status_code == 201
    assert children_of(owner.get(f"/vault/nodes/{home}/d").text) == ["f", "new"]
    assert owner.delete(f"/vault/nodes/{home}/l/new").status_code == 200
    assert children_of(owner.get(f"/vault/nodes/{home}/d").text) == ["f"]


def test_what_looks_like_a_circle_may_lead_somewhere(owner: httpx.Client, home: str) -> None:
    """Contract 7-6: the same target twice on one path is no cycle."""
    make_link(owner, f"{home}/l", f"{home}/d")
    make_link(owner, f"{home}/d/l", f"{home}/d")

    assert owner.get(f"/vault/nodes/{home}/l/l/l/l/f").status_code == 200


def test_circles_and_long_chains_end_in_a_clear_fault(owner: httpx.Client, home: str) -> None:
    """Contract 5 row 6 and 7-6: 20 links are followed; the 21st, and circles, are a 404."""
    make_link(owner, f"{home}/a", f"{home}/b")
    make_link(owner, f"{home}/b", f"{home}/a")
    make_link(owner, f"{home}/self", f"{home}/self")
    make_link(owner, f"{home}/c1", f"{home}/d")
    for number in range(2, 22):
        make_link(owner, f"{home}/c{number}", f"{home}/c{number - 1}")

    for path in (f"{home}/a/x", f"{home}/self/x", f"{home}/c21/f"):
        assert_fault(owner.get(f"/vault/nodes/{path}"), 404, "UnreadableLinkTarget")
        assert_fault(pulled(owner, path), 404, "UnreadableLinkTarget")
    for path in (f"{home}/a", f"{home}/self"):
        assert_fault(pulled(owner, path), 404, "UnreadableLinkTarget")
    assert owner.get(f"/vault/nodes/{home}/c20/f").status_code == 200


def test_a_link_to_nothing_is_made_and_leads_nowhere(owner: httpx.Client, home: str) -> None:
    """Contract 1.4: a target is not resolved when the link is made; a push makes it."""
    make_link(owner, f"{home}/broken", f"{home}/later")

    assert_fault(owner.get(f"/vault/nodes/{home}/broken/x"), 404, "UnreadableLinkTarget")
    assert_fault(pulled(owner, f"{home}/broken"), 404, "UnreadableLinkTarget")
    owner.put(f"/vault/files/{home}/broken", content=b"made").raise_for_status()
    assert pulled(owner, f"{home}/later").content == b"made"


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:1/x",
        "https://example.org/a?b=c#d",
        "file:///etc/passwd",
        "vos://other.org~vault/d",
        "any text at all",
    ],
)
def test_links_to_elsewhere_are_kept_as_written_and_never_followed(
    owner: httpx.Client, home: str, target: str
) -> None:
    """Contract 5 row 3 and 7-7: 400 that names the target; nothing is fetched."""
    path = f"{home}/ext"
    make(owner, path, link(path, target)).raise_for_status()

    assert f"<vos:target>{target}</vos:target>" in owner.get(f"/vault/nodes/{path}").text
    for answer in (
        owner.get(f"/vault/nodes/{path}/x"),
        owner.get(f"/vault/files/{path}"),
        make(owner, f"{path}/x", data(f"{path}/x")),
        owner.delete(f"/vault/nodes/{path}/x"),
        pulled(owner, path),
    ):
        assert_fault(answer, 400, "InvalidArgument")
        assert target in answer.text


def test_a_link_is_no_way_around_permissions(
    owner: httpx.Client, stranger: httpx.Client, home: str
) -> None:
    """Contract 1.4: whoever follows a link is authorised anew at every hop."""
    make_link(owner, f"{home}/l", f"{home}/d")
    top = "/vault/nodes/durand"
    owner.post(top, content=container("durand", ispublic="true")).raise_for_status()
    try:
        owner.post(f"/vault/nodes/{home}", content=container(home, ispublic="true"))
        public_link = node(
            f"{home}/l",
            "LinkNode",
            properties={"ivo://ivoa.net/vospace/core#ispublic": "true"},
            inner=f"<vos:target>{uri(f'{home}/d')}</vos:target>",
        )
        private = stranger.get(f"/vault/nodes/{home}/l/f")
        owner.post(f"/vault/nodes/{home}/l", content=public_link).raise_for_status()
        followed = stranger.get(f"/vault/nodes/{home}/l/f")
    finally:
        owner.post(top, content=container("durand", ispublic="false")).raise_for_status()

    assert_fault(private, 403, "PermissionDenied")
    assert_fault(followed, 404, "UnreadableLinkTarget")


# ------------------------------------------------------------------ the operator's choices


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """alice on a server that follows the letter of the standard."""
    folder: Path = tmp_path_factory.mktemp("strict") / "data"
    folder.mkdir()
    service = ServiceSection(strict_links=True, delete_non_empty=True)
    config = ServerConfig(data_dir=folder, service=service)
    people = make_people(config)
    server = ServerThread(config)
    server.start()
    headers = {"authorization": f"Bearer {people.alice}"}
    with closing(
        httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=headers, timeout=30)
    ) as client:
        make(client, "alice/d", container("alice/d")).raise_for_status()
        client.put("/vault/files/alice/d/f", content=b"bytes").raise_for_status()
        make_link(client, "alice/l", "alice/d")
        make_link(client, "alice/lf", "alice/d/f")
        yield client
    server.stop()


def test_in_strict_mode_a_link_among_the_ancestors_is_a_fault(strict: httpx.Client) -> None:
    """Compliance row 62; Contract 5 row 11 and 7-5: LinkFound for every operation on nodes."""
    for answer in (
        strict.get("/vault/nodes/alice/l/f"),
        make(strict, "alice/l/x", data("alice/l/x")),
        strict.post("/vault/nodes/alice/l/f", content=data("alice/l/f")),
        strict.delete("/vault/nodes/alice/l/f"),
    ):
        assert_fault(answer, 400, "LinkFound")
    # A link at the end of a transfer's path is its target all the same.
    assert pulled(strict, "alice/lf").content == b"bytes"
    assert strict.get("/vault/nodes/alice/l").status_code == 200


def test_where_the_operator_says_so_a_whole_tree_is_deleted(strict: httpx.Client) -> None:
    """Compliance row 44; Contract 5 row 65: deleteNode of a container with children."""
    for path, document in (
        ("alice/t", container("alice/t")),
        ("alice/t/u", container("alice/t/u")),
        ("alice/t/u/f", data("alice/t/u/f")),
    ):
        make(strict, path, document).raise_for_status()

    answer = strict.delete("/vault/nodes/alice/t")

    assert (answer.status_code, answer.content) == (200, b"")
    assert_fault(strict.get("/vault/nodes/alice/t/u/f"), 404, "NodeNotFound")
    assert_fault(strict.delete("/vault/nodes/alice/t"), 404, "NodeNotFound")
