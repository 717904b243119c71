"""A token that is limited to a path, at every door: good inside, good for nothing outside."""

import io
import json
import secrets
import tarfile
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server_faults.test_permission_matrix import CALLERS, TABLE, Place, Row, make_place
from tests.support.space import Space
from tests.vospace_server.http.documents import (
    CORE,
    children_of,
    container,
    data,
    endpoints_of,
    link,
    move,
    transfer,
    uri,
)

_OWNER: Final = CALLERS.index("owner")
# Rows that are not as the rest: the statuses inside and outside of the token's path.
_LISTS_OF_ONES_OWN: Final = dict.fromkeys(
    [
        ("GET", "/vault/transfers", ""), ("GET", "/vault/pkg", ""),
        ("GET", "/vault/async-delete", ""), ("GET", "/vault/async-setprops", ""),
        ("GET", "/api/v1/trash", ""),
        ("POST", "/ac/token", "never for more than was shown"),
        ("GET", "/cred/priv", "never for more than was shown"),
    ],
    (200, 200),
)  # fmt: skip
_ABOUT_NO_NODE: Final = dict.fromkeys(
    [
        ("GET", "/ac/users", ""), ("GET", "/api/v1/jobs", ""), ("GET", "/api/v1/groups", ""),
        ("GET", "/api/v1/groups/members", ""), ("GET", "/gms/search", ""),
        ("GET", "/gms/groups", ""), ("PUT", "/gms/groups", ""), ("POST", "/gms/groups", ""),
        ("GET", "/gms/groups", "a group of the owner"), ("DELETE", "/gms/groups", ""),
    ],
    (403, 403),
)  # fmt: skip
# What is summed up behind the answers.
_SUMS: Final = {"length", "files", "mtime_ns"}
_EXCEPTIONS: Final = {
    **_LISTS_OF_ONES_OWN,
    **_ABOUT_NO_NODE,
    ("GET", "/ac/whoami", ""): (302, 302),
    ("POST", "/vault/async-setprops", "fails when it is run"): (303, 303),
}


def key_of(row: Row) -> tuple[str, str, str]:
    return row.method, row.route, row.note


def expected(row: Row) -> tuple[int, int]:
    """Inside as the owner, outside not at all; what is for anybody is for this token too."""
    statuses = row.statuses.split()
    as_owner = int(statuses[_OWNER])
    if key_of(row) in _EXCEPTIONS:
        return _EXCEPTIONS[key_of(row)]
    if row.note == "a job of the owner":
        return 403, 403
    return as_owner, as_owner if len(set(statuses)) == 1 else 403


@pytest.fixture(scope="module")
def owner(shared_space: Space) -> Iterator[httpx.Client]:
    with shared_space.client(shared_space.owner) as client:
        yield client


def limited(owner: httpx.Client, scope: str) -> httpx.Client:
    """A client with a token of the owner's that is limited so."""
    made = owner.post("/ac/token", data={"scope": scope}).raise_for_status()
    return httpx.Client(
        base_url=owner.base_url, headers={"Authorization": f"Bearer {made.text}"}, timeout=30
    )


def everything(owner: httpx.Client, path: str) -> list[dict[str, object]]:
    """All that the owner sees of a tree, but for sizes of folders, which follow in a second."""
    listed = owner.get(f"/api/v1/children/{path}", params={"depth": "all"})
    return [settled(json.loads(line)) for line in listed.raise_for_status().text.splitlines()]


def settled(entry: dict[str, object]) -> dict[str, object]:
    """An entry without what follows in a second."""
    sums = _SUMS if entry.get("type") == "container" else set()
    return {name: value for name, value in entry.items() if name not in sums}


@pytest.mark.parametrize("operation", TABLE, ids=lambda row: " ".join(key_of(row)).strip())
def test_a_limited_token_does_inside_what_its_owner_may_and_nothing_outside(
    owner: httpx.Client, operation: Row
) -> None:
    """Contract 5 row 95: a token for one folder opens no other, at any door."""
    found = []
    for is_inside in (True, False):
        place = make_place(owner)
        reach = place.path if is_inside else "durand/elsewhere"
        before = everything(owner, place.path)
        with limited(owner, f"write:/{reach}") as client:
            answer = operation.ask(client, place)
        found.append(answer.status_code)
        if answer.status_code == 403 and operation.route != "/api/v1/trash":
            assert everything(owner, place.path) == before
    assert tuple(found) == expected(operation)


@pytest.fixture
def place(owner: httpx.Client) -> Place:
    return make_place(owner)


@pytest.fixture
def inside(owner: httpx.Client, place: Place) -> Iterator[httpx.Client]:
    """Whoever may write the folder `in` of the place, and do nothing else."""
    owner.put(f"/vault/nodes/{place.path}/in", content=container(f"{place.path}/in"))
    owner.put(f"/vault/files/{place.path}/in/mine", content=b"mine").raise_for_status()
    with limited(owner, f"write:/{place.path}/in") as client:
        yield client


def run(client: httpx.Client, document: str) -> tuple[str, str]:
    """Do a transfer to its end; its phase, and what it says of an error."""
    return ended(client, client.post("/vault/transfers", content=document))


def ended(client: httpx.Client, made: httpx.Response) -> tuple[str, str]:
    """The same of a job that has just been made."""
    assert made.status_code == 303, made.text
    job = made.headers["location"].removesuffix("/run")
    client.post(f"{job}/phase", data={"PHASE": "RUN"})
    phase = "QUEUED"
    while phase in {"PENDING", "QUEUED", "EXECUTING"}:
        client.get(f"{job}?WAIT=10&PHASE={phase}")
        phase = client.get(f"{job}/phase").text
    return phase, client.get(f"{job}/error").text


def copy(source: str, destination: str) -> str:
    return move(source, destination).replace("keepBytes>false", "keepBytes>true")


@pytest.mark.parametrize("document_of", [move, copy], ids=["move", "copy"])
@pytest.mark.parametrize(
    ("source", "destination"),
    [("in/mine", "out"), ("f", "in/stolen"), ("in", "elsewhere"), ("f", "g")],
)
def test_jobs_move_and_copy_nothing_across_the_edge_of_a_token(
    owner: httpx.Client,
    place: Place,
    inside: httpx.Client,
    document_of: Callable[[str, str], str],
    source: str,
    destination: str,
) -> None:
    """Contract 5 row 95: a job does what the token may with which it was made, and no more."""
    before = everything(owner, place.path)
    document = document_of(f"{place.path}/{source}", f"{place.path}/{destination}")

    phase, error = run(inside, document)

    assert (phase, error) == ("ERROR", "PermissionDenied")
    assert everything(owner, place.path) == before


@pytest.mark.parametrize("document_of", [move, copy], ids=["move", "copy"])
def test_jobs_move_and_copy_within_the_path_of_a_token(
    place: Place, inside: httpx.Client, document_of: Callable[[str, str], str]
) -> None:
    document = document_of(f"{place.path}/in/mine", f"{place.path}/in/new")

    assert run(inside, document) == ("COMPLETED", "")
    assert inside.get(f"/vault/files/{place.path}/in/new", follow_redirects=True).text == "mine"


def test_jobs_on_trees_go_no_further_than_the_token(
    owner: httpx.Client, place: Place, inside: httpx.Client
) -> None:
    before = everything(owner, place.path)
    for path in (place.path, f"{place.path}/f"):
        for job in (
            inside.post("/vault/async-delete", data={"target": uri(path)}),
            inside.post("/vault/async-setprops", content=data(path, title="t")),
        ):
            assert ended(inside, job) == ("ERROR", "PermissionDenied")
    assert everything(owner, place.path) == before

    emptied = inside.post("/vault/async-delete", data={"target": uri(f"{place.path}/in")})

    # Its place in the folder above is not the token's; what is in it is.
    assert ended(inside, emptied)[0] == "ABORTED"
    assert owner.get(f"/vault/nodes/{place.path}/in").status_code == 200
    assert owner.get(f"/vault/nodes/{place.path}/in/mine").status_code == 404


def test_a_link_does_not_lead_out_of_the_path_of_a_token(
    owner: httpx.Client, place: Place, inside: httpx.Client
) -> None:
    """Contract 1.4: whoever is limited to a folder follows no link out of it."""
    at = f"{place.path}/in"
    for name, target in (("up", place.path), ("file", f"{place.path}/f")):
        made = inside.put(
            f"/vault/nodes/{at}/{name}", content=link(f"{at}/{name}", uri(target))
        )
        assert made.status_code == 201
    before = everything(owner, place.path)

    answers = [
        inside.get(f"/vault/files/{at}/file"),
        inside.head(f"/vault/files/{at}/file"),
        inside.put(f"/vault/files/{at}/file", content=b"new"),
        inside.get(f"/vault/nodes/{at}/up/f"),
        inside.put(f"/vault/files/{at}/up/new", content=b"new"),
        inside.delete(f"/vault/nodes/{at}/up/f"),
        inside.get(f"/api/v1/folder/{at}/up"),
        inside.get(f"/api/v1/quota/{at}/up/f"),
    ]

    assert [each.status_code for each in answers] == [403] * len(answers)
    assert everything(owner, place.path) == before
    assert b"content" not in inside.get("/vault/pkg", params={"TARGET": uri(at)}).content
    bundle = inside.post("/api/v1/bundle", json={"paths": [f"/{at}/file", f"/{at}/mine"]})
    assert ('"fault":"PermissionDenied"' in bundle.text, "content\n" in bundle.text) == (
        True,
        False,
    )


def test_a_package_holds_what_the_token_may_read(place: Place, inside: httpx.Client) -> None:
    targets = [uri(f"{place.path}/{name}") for name in ("f", "in")] + [uri(place.path)]

    answer = inside.get("/vault/pkg", params={"TARGET": targets})

    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        assert sorted(archive.getnames()) == ["in", "in/mine"]


def test_an_address_for_bytes_is_made_for_what_the_token_may_alone(
    place: Place, inside: httpx.Client
) -> None:
    for direction, protocol in (("pullFromVoSpace", "httpget"), ("pushToVoSpace", "httpput")):
        found = []
        for name in ("in/mine", "f"):
            asked = transfer(f"{place.path}/{name}", direction, protocols=(protocol,))
            details = inside.post("/vault/synctrans", content=asked).headers["location"]
            found.append(len(endpoints_of(inside.get(details).text)))
        assert found == [1, 0]


def test_an_address_for_writing_stays_within_the_token_when_nodes_move(
    owner: httpx.Client, place: Place, inside: httpx.Client
) -> None:
    """The address says by which leave it was made, and that is asked when it is used."""
    asked = transfer(f"{place.path}/in/new", "pushToVoSpace", protocols=("httpput",))
    details = inside.post("/vault/synctrans", content=asked).headers["location"]
    [endpoint] = endpoints_of(inside.get(details).text)
    owner.delete(f"/vault/nodes/{place.path}/in/mine").raise_for_status()
    owner.delete(f"/vault/nodes/{place.path}/in").raise_for_status()
    lead = link(f"{place.path}/in", uri(place.path))
    owner.put(f"/vault/nodes/{place.path}/in", content=lead).raise_for_status()

    refused = inside.put(endpoint, content=b"x")

    assert (refused.status_code, "is limited to" in refused.text) == (403, True)
    assert owner.get(f"/vault/nodes/{place.path}/new").status_code == 404


def test_an_upload_in_several_requests_stays_within_the_token(
    place: Place, inside: httpx.Client
) -> None:
    start = {"x-put-txn-op": "start", "x-total-length": "4"}
    refused = inside.put(f"/vault/files/{place.path}/new", headers=start)
    begun = inside.put(f"/vault/files/{place.path}/in/new", headers=start)

    assert (refused.status_code, begun.status_code) == (403, 202)
    known = {"x-put-txn-id": begun.headers["x-put-txn-id"]}
    wrong = inside.put(f"/vault/files/{place.path}/new", headers=known, content=b"four")
    came = inside.put(f"/vault/files/{place.path}/in/new", headers=known, content=b"four")
    done = inside.put(
        f"/vault/files/{place.path}/in/new", headers={**known, "x-put-txn-op": "commit"}
    )
    assert (wrong.status_code, came.status_code, done.status_code) == (403, 202, 201)


def test_jobs_of_wider_tokens_are_not_told_of(
    owner: httpx.Client, place: Place, inside: httpx.Client
) -> None:
    asked = transfer(f"{place.path}/in/mine", "pullFromVoSpace", protocols=("httpget",))
    own = inside.post("/vault/transfers", content=asked).headers["location"]
    wider = owner.post("/vault/transfers", content=asked).headers["location"]

    listed = inside.get("/vault/transfers").text

    assert own.rpartition("/")[2] in listed
    assert wider.rpartition("/")[2] not in listed
    assert own.rpartition("/")[2] in owner.get("/vault/transfers").text
    refused = inside.get(wider)
    assert refused.status_code == 403
    assert refused.text == (
        "PermissionDenied: this job was made with a credential that reaches further; "
        f"yours is limited to write:/{place.path}/in\n"
    )


def test_the_trash_shows_and_gives_back_what_lay_within_the_token(
    owner: httpx.Client, place: Place, inside: httpx.Client
) -> None:
    for name in ("gone", "in/mine"):
        owner.delete(f"/api/v1/details/{place.path}/{name}").raise_for_status()
    kept = {each["path"]: each["id"] for each in owner.get("/api/v1/trash").json()["kept"]}
    shown = [each["path"] for each in inside.get("/api/v1/trash").json()["kept"]]
    outside, mine = (kept[f"/{place.path}/{name}"] for name in ("gone", "in/mine"))

    assert shown == [f"/{place.path}/in/mine"]
    for body in ({"id": outside}, {"id": outside, "purge": True}):
        assert inside.post("/api/v1/trash", json=body).status_code == 403
    assert inside.post("/api/v1/trash", json={"id": mine}).status_code == 200
    assert owner.post("/api/v1/trash", json={"id": outside}).status_code == 200


def test_above_its_path_a_token_passes_and_sees_nothing(
    place: Place, inside: httpx.Client
) -> None:
    above = f"/{place.path}"
    for address in ("/vault/nodes", "/api/v1/nodes", "/api/v1/children", "/api/v1/folder",
                    "/api/v1/details", "/api/v1/access", "/api/v1/quota"):  # fmt: skip
        for path in ("", "/durand", above):
            answer = inside.get(f"{address}{path}")
            assert answer.status_code == 403, (address, path)
        assert inside.get(f"{address}{above}/in").status_code == 200, address
    steps = inside.get(f"/api/v1/access{above}/in/mine").json()["steps"]
    assert [each["name"] for each in steps] == ["in", "mine"]
    # The same answer, whatever is there.
    there, missing = (inside.get(f"/vault/nodes/{place.path}/{name}") for name in ("f", "no"))
    assert there.text.replace("/f:", "/no:") == missing.text


def test_a_mixed_token_reads_here_and_writes_there(owner: httpx.Client, place: Place) -> None:
    """A pipeline reads its calibration files and writes its results."""
    for name in ("refer", "team"):
        path = f"{place.path}/{name}"
        owner.put(f"/vault/nodes/{path}", content=container(path)).raise_for_status()
    owner.put(f"/vault/files/{place.path}/refer/dark", content=b"dark").raise_for_status()
    scope = f"read:/{place.path}/refer write:/{place.path}/team"
    with limited(owner, scope) as client:
        copied = run(client, copy(f"{place.path}/refer/dark", f"{place.path}/team/d"))
        written = client.put(f"/vault/files/{place.path}/refer/new", content=b"x")
        shown = client.get(f"/api/v1/nodes/{place.path}/refer").json()

    assert copied == ("COMPLETED", "")
    assert written.status_code == 403
    assert written.text == (
        f"PermissionDenied: can't write /{place.path}/refer: the credential is limited to "
        f"{scope}\n"
    )
    assert (shown["readable"], shown["writable"]) == (True, False)


# ------------------------------------------------------------------ whatever is asked

Deed = Callable[[httpx.Client, str, str], httpx.Response]
_SECRET: Final = "s3cr3t"
_NAMES: Final = ("", "/in", "/in/mine", "/in/up", "/in/side", "/in/new", "/out", "/out/f",
                 "/out/new", "/in/up/out/f", "/in/side/f", "/in/side/new")  # fmt: skip
_VIEWS: Final = (
    "/vault/nodes", "/vault/files", "/api/v1/nodes", "/api/v1/children", "/api/v1/folder",
    "/api/v1/details", "/api/v1/access", "/api/v1/quota",
)  # fmt: skip


@pytest.fixture(scope="module")
def arena(owner: httpx.Client) -> Iterator[tuple[str, httpx.Client]]:
    """A folder with a token's folder `in`, and secrets in `out`, to which links lead."""
    path = f"durand/{secrets.token_hex(6)}"
    for name in ("", "/in", "/out", f"/out/{_SECRET}-name"):
        titled = {} if name == "/in" else {"title": _SECRET}
        document = container(path + name, **titled)
        owner.put(f"/vault/nodes/{path}{name}", content=document).raise_for_status()
    owner.put(f"/vault/files/{path}/out/f", content=_SECRET.encode()).raise_for_status()
    for name, target in (("up", path), ("side", f"{path}/out")):
        document = link(f"{path}/in/{name}", uri(target))
        owner.put(f"/vault/nodes/{path}/in/{name}", content=document).raise_for_status()
    with limited(owner, f"write:/{path}/in") as client:
        yield path, client


def _move(client: httpx.Client, one: str, two: str) -> httpx.Response:
    asked = {"source": f"/{one}", "destination": f"/{two}", "overwrite": True}
    return client.post("/api/v1/move", json=asked)


def _negotiate(client: httpx.Client, one: str, _two: str) -> httpx.Response:
    asked = {
        "TARGET": uri(one),
        "REQUEST": "redirect",
        "DIRECTION": "pullFromVoSpace",
        "PROTOCOL": f"{CORE}httpget",
    }
    return client.get("/vault/synctrans", params=asked, follow_redirects=True)


def _look(view: str) -> Deed:
    return lambda client, one, _two: client.get(f"{view}/{one}", follow_redirects=True)


_DEEDS: Final[Mapping[str, Deed]] = {
    **{view: _look(view) for view in _VIEWS},
    "put": lambda client, one, _: client.put(f"/vault/files/{one}", content=b"x"),
    "delete": lambda client, one, _: client.delete(f"/vault/nodes/{one}"),
    "discard": lambda client, one, _: client.delete(f"/api/v1/details/{one}"),
    "link": lambda client, one, two: client.put(
        f"/vault/nodes/{one}", content=link(one, uri(two))
    ),
    "publish": lambda client, one, _: client.patch(
        f"/api/v1/nodes/{one}", json={"public": True}
    ),
    "move": _move,
    "pack": lambda client, one, two: client.get(
        "/vault/pkg", params={"TARGET": [uri(one), uri(two)]}
    ),
    "bundle": lambda client, one, two: client.post(
        "/api/v1/bundle", json={"paths": [f"/{one}", f"/{two}"]}
    ),
    "negotiate": _negotiate,
}


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    deed=st.sampled_from(sorted(_DEEDS)),
    one=st.sampled_from(_NAMES),
    two=st.sampled_from(_NAMES),
)
def test_nothing_outside_is_changed_or_shown_whatever_is_asked(
    owner: httpx.Client, arena: tuple[str, httpx.Client], deed: str, one: str, two: str
) -> None:
    root, client = arena
    outside = everything(owner, f"{root}/out")
    above = settled(owner.get(f"/api/v1/nodes/{root}").json())

    answer = _DEEDS[deed](client, root + one, root + two)

    assert answer.status_code < 500
    assert _SECRET not in answer.text, (deed, one, two, answer.text)
    assert everything(owner, f"{root}/out") == outside
    assert settled(owner.get(f"/api/v1/nodes/{root}").json()) == above
    listed = owner.get(f"/vault/nodes/{root}?detail=min").text
    assert children_of(listed) == ["in", "out"]
