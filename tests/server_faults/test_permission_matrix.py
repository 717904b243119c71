"""Every operation at every door for every kind of caller; a route without a row fails."""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.server_faults.permission_rows import group_document, made_group
from tests.server_faults.served import served_methods
from tests.support.space import Space, User, add_user
from tests.vospace_server.http.documents import (
    CORE,
    container,
    data,
    endpoints_of,
    move,
    node,
    transfer,
)

READERS: Final = "ivo://localhost/gms?HST-RO"
WRITERS: Final = "ivo://localhost/gms?HST-RW"
CALLERS: Final = ("anonymous", "stranger", "reader", "writer", "owner", "admin", "read-only")
Clients = Mapping[str, httpx.Client]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder that readers may read and writers may write, nobody else; made anew each time.

    In it: the file `f`, the file `gone` to be deleted or moved. `job` is the owner's.
    """

    path: str
    archive_address: str
    read_address: str
    write_address: str
    job: str
    owner: httpx.Client


@dataclass(frozen=True, kw_only=True)
class Row:
    """One operation: how it is asked for, and the status for each of CALLERS in turn."""

    route: str
    method: str
    ask: Callable[[httpx.Client, Place], httpx.Response]
    statuses: str
    note: str = ""


def plain(
    address: str, body: Callable[[Place], str] | None = None
) -> Callable[..., httpx.Response]:
    """A request to an address in which `{p}` is the folder, with the method of its row."""

    def ask(client: httpx.Client, place: Place, method: str = "") -> httpx.Response:
        content = None if body is None else body(place)
        return client.request(method, address.format(p=place.path), content=content)

    return ask


def row(
    method: str,
    route: str,
    rest: str,
    statuses: str,
    body: Callable[[Place], str] | None = None,
    note: str = "",
) -> Row:
    """A row whose request is `route` followed by `rest`."""
    ask = plain(route + rest, body)
    return Row(
        route=route,
        method=method,
        ask=lambda client, place: ask(client, place, method),
        statuses=statuses,
        note=note,
    )


def negotiation(place: Place, direction: str, name: str, protocol: str) -> str:
    target = f"vos://localhost~vault/{place.path}/{name}"
    return (
        f"TARGET={target}&DIRECTION={direction}&PROTOCOL={CORE.replace('#', '%23')}{protocol}"
        "&REQUEST=redirect"
    )


def ask_sync(
    method: str, direction: str, name: str, protocol: str
) -> Callable[..., httpx.Response]:
    def ask(client: httpx.Client, place: Place) -> httpx.Response:
        asked = negotiation(place, direction, name, protocol)
        if method == "GET":
            return client.get(f"/vault/synctrans?{asked}")
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return client.post("/vault/synctrans", content=asked, headers=form)

    return ask


def bundle(client: httpx.Client, place: Place) -> httpx.Response:
    """The status that stands inside the answer."""
    answer = client.post("/api/v1/bundle", json={"paths": [f"/{place.path}/f"]})
    for fault, status in (("NotAuthenticated", 401), ("PermissionDenied", 403)):
        if f'"fault":"{fault}"' in answer.text:
            return httpx.Response(status)
    return answer


def login(client: httpx.Client, _place: Place) -> httpx.Response:
    return client.post("/ac/login", data={"username": "durand", "password": "durand-secret-1"})


EVERYBODY: Final = "200 200 200 200 200 200 200"
READING: Final = "401 403 200 200 200 200 200"
WRITING: Final = "401 403 403 200 200 200 403"
MAKING: Final = "401 403 403 201 201 201 403"
JOB: Final = "401 403 403 403 200 200 200"
_OLDER: Final = [
    row("GET", "/vault/nodes", "/{p}/f", READING),
    row("HEAD", "/vault/nodes", "/{p}/f", READING),
    row("PUT", "/vault/nodes", "/{p}/n", MAKING, lambda p: data(f"{p.path}/n")),
    row("POST", "/vault/nodes", "/{p}/f", WRITING, lambda p: data(f"{p.path}/f", title="t")),
    row("DELETE", "/vault/nodes", "/{p}/gone", WRITING),
    row("GET", "/vault/files", "/{p}/f", "401 403 303 303 303 303 303"),
    row("HEAD", "/vault/files", "/{p}/f", READING),
    row("PUT", "/vault/files", "/{p}/f", WRITING, lambda _: "new"),
    row("PUT", "/vault/files", "/{p}/n", MAKING, lambda _: "new", note="a new file"),
    Row(
        route="/vault/data", method="GET", statuses=EVERYBODY,
        ask=lambda client, place: client.get(place.read_address),
        note="whoever has the address",
    ),
    Row(
        route="/vault/data", method="PUT", statuses="201 201 201 201 201 201 201",
        ask=lambda client, place: client.put(place.write_address, content=b"x"),
        note="whoever has the address",
    ),
    Row(
        route="/vault/data", method="PUT", statuses="403 403 403 403 403 403 403",
        ask=lambda client, place: client.put(place.read_address, content=b"x"),
        note="an address for reading",
    ),
    Row(
        route="/vault/data", method="POST", statuses="400 400 400 400 400 400 400",
        ask=lambda client, place: client.post(place.write_address), note="not offered",
    ),
    Row(
        route="/vault/data", method="GET", statuses=EVERYBODY,
        ask=lambda client, place: client.get(place.archive_address),
        note="an archive; whoever has the address",
    ),
    Row(
        route="/vault/data", method="PUT", statuses="403 403 403 403 403 403 403",
        ask=lambda client, place: client.put(place.archive_address, content=b"x"),
        note="an address of an archive",
    ),
    row("GET", "/vault/transfers", "", "401 200 200 200 200 200 200"),
    row(
        "POST", "/vault/transfers", "", "303 303 303 303 303 303 303",
        lambda p: transfer(f"{p.path}/f", "pullFromVoSpace"), note="fails when it is run",
    ),
    Row(
        route="/vault/transfers", method="GET", statuses=JOB,
        ask=lambda client, place: client.get(place.job), note="a job of the owner",
    ),
    Row(
        route="/vault/transfers", method="POST", statuses="401 403 403 403 303 303 403",
        ask=lambda client, place: client.post(f"{place.job}/phase", data={"PHASE": "ABORT"}),
        note="a job of the owner",
    ),
    Row(
        route="/vault/transfers", method="DELETE", statuses="401 403 403 403 303 303 403",
        ask=lambda client, place: client.delete(place.job), note="a job of the owner",
    ),
    Row(
        route="/vault/synctrans", method="GET", statuses="401 403 303 303 303 303 303",
        ask=ask_sync("GET", "pullFromVoSpace", "f", "httpget"),
    ),
    Row(
        route="/vault/synctrans", method="POST", statuses="401 403 403 303 303 303 403",
        ask=ask_sync("POST", "pushToVoSpace", "n", "httpput"),
    ),
    row("GET", "/vault/properties", "", EVERYBODY),
    row("GET", "/vault/views", "", EVERYBODY),
    row("GET", "/vault/protocols", "", EVERYBODY),
    row("GET", "/vault/capabilities", "", EVERYBODY),
    row("GET", "/vault/availability", "", EVERYBODY),
    row("GET", "/reg/resource-caps", "", EVERYBODY),
    row("GET", "/healthz", "", EVERYBODY),
    row("GET", "/readyz", "", EVERYBODY),
    row("GET", "/metrics", "", EVERYBODY),
    Row(route="/ac/login", method="POST", statuses=EVERYBODY, ask=login),
    row("GET", "/ac/whoami", "", "401 302 302 302 302 302 302"),
    row("GET", "/ac/users", "/durand", "401 403 403 403 200 200 200"),
    row("GET", "/api/v1/nodes", "/{p}/f", READING),
    row("GET", "/api/v1/nodes", "/{p}/f?ticket=true", READING, note="with a ticket"),
    row("PATCH", "/api/v1/nodes", "/{p}/f", WRITING, lambda _: '{"public":false}'),
    row("GET", "/api/v1/children", "/{p}", READING),
    row(
        "POST", "/api/v1/move", "", WRITING,
        lambda p: f'{{"source":"/{p.path}/gone","destination":"/{p.path}/n"}}',
    ),
    row("GET", "/api/v1/quota", "/{p}/f", READING),
    Row(route="/api/v1/bundle", method="POST", statuses=READING, ask=bundle),
]  # fmt: skip


def _of_owner(
    address: str, then: Callable[[httpx.Client, str], httpx.Response]
) -> Callable[[httpx.Client, Place], httpx.Response]:
    """What somebody may do to a job of the owner's on the folder's file `gone`."""

    def ask(client: httpx.Client, place: Place) -> httpx.Response:
        made = place.owner.post(address, data=_aimed_at(f"{place.path}/gone"))
        return then(client, made.headers["location"].removesuffix("/run"))

    return ask


def _aimed_at(path: str) -> dict[str, str]:
    return {"target": f"vos://localhost~vault/{path}"}


def _change_group(client: httpx.Client, place: Place) -> httpx.Response:
    name = made_group(place.owner)
    return client.post(f"/gms/groups/{name}", content=group_document(name))


def _restore(client: httpx.Client, place: Place) -> httpx.Response:
    place.owner.delete(f"/api/v1/details/{place.path}/gone").raise_for_status()
    kept = place.owner.get("/api/v1/trash").json()["kept"]
    [mine] = [each["id"] for each in kept if each["path"] == f"/{place.path}/gone"]
    return client.post("/api/v1/trash", json={"id": mine})


LIST: Final = "401 200 200 200 200 200 200"
STATE: Final = "401 403 403 403 403 303 403"
JOB_CHANGE: Final = "401 403 403 403 303 303 403"
OWN_GROUP: Final = "401 403 403 403 200 200 403"
NEWER: Final = [
    *(row("GET", f"{root}/{name}", "", EVERYBODY)
      for root in ("/ac", "/cred", "/gms") for name in ("availability", "capabilities")),
    *(Row(
        route=f"{root}/availability", method="POST", statuses=STATE,
        ask=lambda client, _place, root=root: client.post(  # type: ignore[misc]
            f"{root}/availability", data={"state": "ReadWrite"}
        ),
    ) for root in ("/vault", "/ac", "/cred", "/gms")),
    row("POST", "/ac/token", "", LIST, note="never for more than was shown"),
    row("GET", "/cred/priv", "", LIST, note="never for more than was shown"),
    row("GET", "/cred/ca", "", EVERYBODY),
    row("GET", "/api/v1/openapi.json", "", EVERYBODY),
    row("GET", "/api/v1/access", "/{p}/f", READING),
    row("GET", "/api/v1/folder", "/{p}", READING),
    row("GET", "/api/v1/details", "/{p}/f", READING),
    row(
        "PUT", "/api/v1/details", "/{p}/n", MAKING,
        lambda _: '{"type":"container"}',
    ),
    row("DELETE", "/api/v1/details", "/{p}/gone", WRITING),
    row("GET", "/api/v1/groups", "", LIST),
    row("GET", "/api/v1/groups/members", "?group=HST-RW", "401 403 403 200 200 200 200"),
    row("GET", "/api/v1/jobs", "", LIST),
    row("GET", "/api/v1/trash", "", LIST),
    Row(
        route="/api/v1/trash", method="POST", statuses="401 403 403 403 200 403 403",
        ask=_restore, note="by whoever has deleted it",
    ),
    row("GET", "/gms/search", "", LIST),
    row("GET", "/gms/groups", "", LIST),
    Row(
        route="/gms/groups", method="GET", statuses="401 403 403 403 200 200 200",
        ask=lambda client, place: client.get(f"/gms/groups/{made_group(place.owner)}"),
        note="a group of the owner",
    ),
    row(
        "PUT", "/gms/groups", "", "401 200 200 200 200 200 403",
        lambda _: group_document(f"N-{secrets.token_hex(6)}"),
    ),
    Row(route="/gms/groups", method="POST", statuses=OWN_GROUP, ask=_change_group),
    Row(
        route="/gms/groups", method="DELETE", statuses=OWN_GROUP,
        ask=lambda client, place: client.delete(f"/gms/groups/{made_group(place.owner)}"),
    ),
    *(row("GET", address, "", LIST)
      for address in ("/vault/async-delete", "/vault/async-setprops", "/vault/pkg")),
    *(Row(
        route=address, method="DELETE", statuses=JOB_CHANGE, note="a job of the owner",
        ask=_of_owner(address, lambda client, job: client.delete(job)),
    ) for address in ("/vault/async-delete", "/vault/pkg")),
    Row(
        route="/vault/async-delete", method="GET", statuses=JOB, note="a job of the owner",
        ask=_of_owner("/vault/async-delete", lambda client, job: client.get(job)),
    ),
    Row(
        route="/vault/async-delete", method="POST", statuses=JOB_CHANGE,
        ask=_of_owner(
            "/vault/async-delete",
            lambda client, job: client.post(f"{job}/phase", data={"PHASE": "RUN"}),
        ),
        note="a job of the owner",
    ),
    Row(
        route="/vault/async-setprops", method="POST", statuses="401 303 303 303 303 303 303",
        ask=lambda client, place: client.post(
            "/vault/async-setprops", content=data(f"{place.path}/f", title="t")
        ),
        note="fails when it is run",
    ),
    Row(
        route="/vault/async-setprops", method="DELETE", statuses=JOB_CHANGE,
        ask=lambda client, place: client.delete(
            place.owner.post(
                "/vault/async-setprops", content=data(f"{place.path}/f", title="t")
            ).headers["location"]
        ),
        note="a job of the owner",
    ),
    Row(
        route="/vault/files", method="POST", statuses="401 403 403 404 404 404 403",
        ask=lambda client, place: client.post(
            f"/vault/files/{place.path}/f",
            headers={"x-put-txn-id": "none", "x-put-txn-op": "abort"},
        ),
        note="no such upload",
    ),
    Row(
        route="/vault/pkg", method="POST", statuses="303 303 303 303 303 303 303",
        ask=lambda client, place: client.post("/vault/pkg", data=_aimed_at(place.path)),
        note="what may not be read is not in it",
    ),
    row("PUT", "/vault/unpack", "/nothing", " ".join(["403"] * 7), lambda _: "x"),
]  # fmt: skip
TABLE: Final = [*_OLDER, *NEWER]


@pytest.fixture(scope="module")
def clients(shared_space: Space) -> Iterator[Clients]:
    """A client for each kind of caller."""
    server = shared_space.server
    server.administer("group", "add", "HST-RW", "--owner", "durand")
    writer = add_user(server, "matrix-writer")
    server.administer("group", "add-member", "HST-RW", "matrix-writer")
    add_user(server, "matrix-admin", "--admin")
    users: dict[str, User | None] = {
        "anonymous": None,
        "stranger": shared_space.stranger,
        "reader": shared_space.member,
        "writer": writer,
        "owner": shared_space.owner,
        "admin": _with_scope(shared_space, "matrix-admin", "admin"),
        "read-only": _with_scope(shared_space, "durand", "read"),
    }
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(shared_space.client(user)) for name, user in users.items()
        }


def _with_scope(space: Space, name: str, scope: str) -> User:
    printed = space.server.administer("user", "token", name, "--scope", scope)
    return User(name=name, password="", token=printed.splitlines()[-1])


def make_place(owner: httpx.Client) -> Place:
    path = f"durand/{secrets.token_hex(6)}"
    groups = {"groupread": READERS, "groupwrite": WRITERS}
    owner.put(f"/vault/nodes/{path}", content=container(path, **groups)).raise_for_status()
    for name in ("f", "gone"):
        owner.put(f"/vault/files/{path}/{name}", content=b"content").raise_for_status()
        document = data(f"{path}/{name}", **groups)
        owner.post(f"/vault/nodes/{path}/{name}", content=document).raise_for_status()
    asked = transfer(f"{path}/f", "pullFromVoSpace", protocols=("httpget",))
    push = ask_sync("GET", "pushToVoSpace", "pushed", "httpput")
    place = Place(
        path=path, archive_address="", read_address="", write_address="", job="", owner=owner
    )
    archive = ask_sync(
        "GET", "pullFromVoSpace", "", "httpget&VIEW=" + CORE.replace("#", "%23") + "tar"
    )
    return Place(
        path=path,
        archive_address=archive(owner, place).headers["location"],
        read_address=owner.get(f"/vault/files/{path}/f").headers["location"],
        write_address=push(owner, place).headers["location"],
        job=owner.post("/vault/transfers", content=asked).headers["location"],
        owner=owner,
    )


@pytest.fixture(scope="module", autouse=True)
def reachable(shared_space: Space) -> Iterator[None]:
    """While this module runs, `/durand` can be passed by whoever is in one of the groups."""
    document = node(
        "durand",
        "ContainerNode",
        properties={CORE + "groupread": f"{READERS} {WRITERS}"},
        inner="<vos:nodes/>",
    )
    closed = document.replace(f"{READERS} {WRITERS}", "")
    with shared_space.client(shared_space.owner) as client:
        client.post("/vault/nodes/durand", content=document).raise_for_status()
        yield
        client.post("/vault/nodes/durand", content=closed).raise_for_status()


def _title(row_: Row) -> str:
    return f"{row_.method} {row_.route} {row_.note}".strip()


@pytest.mark.parametrize("operation", TABLE, ids=_title)
def test_an_operation_is_for_those_whom_the_table_names(
    clients: Clients, operation: Row
) -> None:
    """Contract 5 row 73: owners of allocations among everybody else, at every door."""
    found = {}
    for caller in CALLERS:
        place = make_place(clients["owner"])
        answer = operation.ask(clients[caller], place)
        found[caller] = answer.status_code
        if answer.status_code == 401:
            assert clients["owner"].get(f"/vault/nodes/{place.path}/n").status_code == 404
    expected = dict(zip(CALLERS, map(int, operation.statuses.split()), strict=True))

    assert found == expected


def test_a_credential_for_reading_gets_no_address_for_writing_out_of_a_job(
    clients: Clients,
) -> None:
    place = make_place(clients["owner"])
    asked = transfer(f"{place.path}/n", "pushToVoSpace", protocols=("httpput",))
    made = clients["owner"].post("/vault/synctrans", content=asked)
    details = made.headers["location"]

    assert len(endpoints_of(clients["owner"].get(details).text)) == 1
    assert endpoints_of(clients["read-only"].get(details).text) == []


def test_a_credential_for_reading_runs_no_job_that_writes(clients: Clients) -> None:
    """Contract 5 row 95: a token for reading begins nothing that writes."""
    place = make_place(clients["owner"])
    asked = move(f"{place.path}/f", f"{place.path}/n")
    job = clients["owner"].post("/vault/transfers", content=asked).headers["location"]

    refused = clients["read-only"].post(f"{job}/phase", data={"PHASE": "RUN"})

    assert (refused.status_code, refused.text) == (
        403,
        "PermissionDenied: this job is not for a credential that may only read\n",
    )
    assert clients["owner"].get(f"{job}/phase").text == "PENDING"


def test_a_credential_for_reading_works_on_its_own_jobs(clients: Clients) -> None:
    place, reader = make_place(clients["owner"]), clients["read-only"]
    asked = transfer(f"{place.path}/f", "pullFromVoSpace", protocols=("httpget",))
    job = reader.post("/vault/transfers", content=asked).headers["location"]

    assert reader.post(f"{job}/phase", data={"PHASE": "RUN"}).status_code == 303
    phase = "QUEUED"
    while phase in {"QUEUED", "EXECUTING"}:
        # It returns at each change of the phase, not at the end alone.
        reader.get(f"{job}?WAIT=10&PHASE={phase}")
        phase = reader.get(f"{job}/phase").text
    assert phase == "COMPLETED"
    assert len(endpoints_of(reader.get(f"{job}/results/transferDetails").text)) == 1
    assert reader.delete(job).status_code == 303


# The pages: each looks at its viewer, and changes something only for a form of its own origin
# that carries the token of a session (tests/web has what each of them does).
PAGES: Final = (
    "/account", "/admin", "/assets", "/groups", "/jobs", "/login", "/logout", "/preferences",
    "/register", "/storage", "/about",
)  # fmt: skip


def _is_page(route: str) -> bool:
    return route == "/" or any(route == page or route.startswith(f"{page}/") for page in PAGES)


def test_every_route_has_a_row_for_each_of_its_methods(tmp_path: Path) -> None:
    known = {
        (route, method)
        for route, methods in served_methods(tmp_path / "data").items()
        for method in methods - {"HEAD"}
        if not _is_page(route)
    }
    rows = {(each.route, each.method) for each in TABLE if each.method != "HEAD"}

    assert rows == known


def test_no_page_changes_anything_for_a_form_of_another_site(
    clients: Clients, tmp_path: Path
) -> None:
    """Contract 5 row 92: a cookie alone is no leave to change something."""
    changing = [
        route
        for route, methods in served_methods(tmp_path / "data").items()
        if _is_page(route) and "POST" in methods
    ]
    assert len(changing) > 20
    form = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site"}
    for route in changing:
        address = re.sub(r"\{[^}]*\}", "x", route)
        answer = clients["anonymous"].post(address, content=b"a=b", headers=form)
        assert answer.status_code in {401, 403, 404}, (route, answer.status_code)


def test_no_page_shows_an_account_or_the_administration_to_nobody(
    clients: Clients, tmp_path: Path
) -> None:
    """Contract 5 row 92: whoever is not logged in is led to the login."""
    for route, methods in served_methods(tmp_path / "data").items():
        if not route.startswith(("/account", "/admin", "/jobs")) or "GET" not in methods:
            continue
        browser = {"Accept": "text/html"}
        answer = clients["anonymous"].get(route.replace("{user}", "durand"), headers=browser)
        assert (answer.status_code, answer.headers["location"][:6]) == (303, "/login"), route
