"""Every operation at every door for every kind of caller; a route without a row fails."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

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
    read_address: str
    write_address: str
    job: str


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
TABLE: Final = [
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
    place = Place(path=path, read_address="", write_address="", job="")
    return Place(
        path=path,
        read_address=owner.get(f"/vault/files/{path}/f").headers["location"],
        write_address=push(owner, place).headers["location"],
        job=owner.post("/vault/transfers", content=asked).headers["location"],
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
    assert "COMPLETED" in reader.get(f"{job}?WAIT=10").text
    assert len(endpoints_of(reader.get(f"{job}/results/transferDetails").text)) == 1
    assert reader.delete(job).status_code == 303


def test_every_route_has_a_row_for_each_of_its_methods(tmp_path: Path) -> None:
    known = {
        (route, method)
        for route, methods in served_methods(tmp_path / "data").items()
        for method in methods - {"HEAD"}
    }
    rows = {(each.route, each.method) for each in TABLE if each.method != "HEAD"}

    assert rows == known
