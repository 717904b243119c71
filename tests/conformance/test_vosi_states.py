"""VOSI: the states of the service, which an administrator sets and every process follows."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import httpx
import pytest

from tests.conformance.conftest import SecureSpace, make_secure_server
from tests.vospace_server.http.documents import CORE, container, transfer, uri
from vospace_model.xml.vosi import read_availability
from vospace_server.database.engine import Database
from vospace_server.domain.identity import Identity
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.jobs import JobService

WITHIN_SECONDS = 10.0
LOOKS = 8
PASSWORD = "ann-secret-1"


def asked(direction: str, protocol: str) -> dict[str, str]:
    """A transfer as parameters."""
    return {
        "TARGET": uri("ann/f"),
        "DIRECTION": direction,
        "PROTOCOL": CORE + protocol,
        "REQUEST": "redirect",
    }


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureSpace]:
    """Two processes over one database."""
    made = make_secure_server(tmp_path_factory.mktemp("states"), extra=("--workers", "2"))
    with made.server:
        yield made


@pytest.fixture(autouse=True)
def restored(space: SecureSpace) -> Iterator[None]:
    """Each test begins and ends with a service that works."""
    yield
    put_into(space, "ReadWrite")
    everywhere(space, lambda client: probe(client).is_success)


def put_into(space: SecureSpace, state: str) -> httpx.Response:
    with space.plain(space.root) as client:
        return client.post("/vault/availability", data={"state": state})


def probe(client: httpx.Client) -> httpx.Response:
    return client.put("/vault/files/ann/probe", content=b"x")


def everywhere(space: SecureSpace, holds: Callable[[httpx.Client], bool]) -> None:
    """Waits until whichever process answers a new connection says so, many times in a row."""
    deadline = time.monotonic() + WITHIN_SECONDS
    in_a_row = 0
    while in_a_row < LOOKS:
        assert time.monotonic() < deadline, "not every process has followed"
        with space.plain(space.ann) as client:
            in_a_row = in_a_row + 1 if holds(client) else 0


def test_read_only_refuses_what_writes_and_serves_what_reads(space: SecureSpace) -> None:
    """Contract 5 row 97; Contract 1.5, 1.8: 503 with `read-only` and Retry-After 180; reading
    goes on."""
    with space.plain(space.ann) as client:
        client.put("/vault/files/ann/f", content=b"kept").raise_for_status()

    changed = put_into(space, "ReadOnly")
    everywhere(space, lambda client: probe(client).status_code == 503)

    with space.plain(space.ann) as client:
        refused = [
            client.put("/vault/files/ann/f", content=b"new"),
            client.delete("/vault/nodes/ann/f"),
            client.post("/vault/nodes/ann/f", content=b"<x/>"),
            client.post("/vault/transfers", content=b"<x/>"),
            client.patch("/api/v1/nodes/ann/f", json={"public": True}),
            client.put("/gms/groups", content=b"<x/>"),
            client.post(
                "/vault/synctrans",
                content=transfer("ann/f", "pushToVoSpace", protocols=("httpput",)),
            ),
            client.get("/vault/synctrans", params=asked("pushToVoSpace", "httpput")),
        ]
        pulled = client.get("/vault/synctrans", params=asked("pullFromVoSpace", "httpget"))
        read = client.get("/vault/files/ann/f", follow_redirects=True)
        listed = client.get("/vault/nodes/ann")
        login = client.post("/ac/login", data={"username": "ann", "password": PASSWORD})
        told = read_availability(client.get("/vault/availability").content)
        package = client.post("/vault/pkg", content=b"<x/>")
    assert package.status_code == 400
    assert pulled.status_code == 303
    assert changed.status_code == 303
    for each in refused:
        assert (each.status_code, each.headers["retry-after"]) == (503, "180")
        assert each.text == "ServiceBusy: service in read-only mode\n"
    assert (read.content, listed.status_code, login.status_code) == (b"kept", 200, 200)
    assert (told.available, told.notes) == (True, ("service in read-only mode",))


def test_offline_serves_nothing_but_what_says_so(space: SecureSpace) -> None:
    """Contract 5 row 97; Contract 1.5, 1.8: everything is 503 but VOSI and the probes; an
    administrator may."""
    put_into(space, "Offline")
    everywhere(space, lambda client: client.get("/vault/nodes").status_code == 503)

    with space.plain(space.ann) as client:
        refused = client.get("/vault/nodes/ann")
        told = read_availability(client.get("/vault/availability").content)
        heartbeat = client.get("/vault/availability?detail=min")
        others = {
            path: client.get(path).status_code
            for path in ("/vault/capabilities", "/healthz", "/readyz", "/metrics", "/ac/whoami")
        }

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "180")
    assert refused.text == "ServiceBusy: service is offline\n"
    assert (told.available, told.notes) == (False, ("service is offline",))
    assert told.down_at is not None
    assert (heartbeat.status_code, heartbeat.headers["retry-after"]) == (503, "180")
    assert others == {
        "/vault/capabilities": 200,
        "/healthz": 200,
        "/readyz": 503,
        "/metrics": 200,
        "/ac/whoami": 503,
    }


def test_only_administrators_change_the_state(space: SecureSpace) -> None:
    """Contract 1.8: an authorised identity switches the service, nobody else does."""
    form = {"state": "Offline"}
    with space.plain() as anonymous, space.plain(space.ann) as ann:
        statuses = [
            each.post("/vault/availability", data=form).status_code for each in (anonymous, ann)
        ]
        still = ann.get("/vault/availability?detail=min").status_code
    with space.plain(space.root) as root:
        nonsense = root.post("/vault/availability", data={"state": "Sleepy"})
        nothing = root.post("/vault/availability")

    assert statuses == [401, 403]
    assert still == 200
    assert (nonsense.status_code, nothing.status_code) == (400, 400)
    assert "'Sleepy' is none of ReadWrite, ReadOnly and Offline" in nonsense.text


def test_the_command_shows_and_changes_the_state(space: SecureSpace) -> None:
    """Contract 1.8: the operator's way, while the server runs."""
    said = space.server.administer("state", "read-only")
    everywhere(space, lambda client: probe(client).status_code == 503)
    shown = space.server.administer("state")

    assert said == "the service is read-only; every process follows within a second\n"
    assert shown.startswith("the service is read-only since ")
    assert shown.endswith(", by operator\n")


def test_jobs_wait_while_the_service_is_read_only(space: SecureSpace) -> None:
    """Contract 1.8: what was queued before is done when the service takes changes again."""
    with space.plain(space.ann) as client:
        client.put("/vault/nodes/ann/gone", content=container("ann/gone")).raise_for_status()
        target = {"target": "vos://localhost~vault/ann/gone"}
        job = client.post("/vault/async-delete", data=target).headers["location"]
    put_into(space, "ReadOnly")
    everywhere(space, lambda client: probe(client).status_code == 503)

    # As by a request that was faster than the change.
    queue(space, job.rpartition("/")[2])

    def phase() -> str:
        with space.plain(space.ann) as client:
            return client.get(f"{job}/phase").text

    # Each runner looks every two seconds.
    for _ in range(10):
        assert phase() == "QUEUED"
        time.sleep(0.5)
    put_into(space, "ReadWrite")
    deadline = time.monotonic() + WITHIN_SECONDS
    while phase() != "COMPLETED":
        assert time.monotonic() < deadline, phase()
        time.sleep(0.1)


def queue(space: SecureSpace, job_id: str) -> None:
    """Let a job begin, past the server."""
    with closing(Database(f"sqlite:///{space.server.data_dir / 'vospace.sqlite'}")) as database:
        with database.read() as unit:
            ann = unit.users.by_name("ann")
        assert ann is not None
        caller = Identity(
            user_id=ann.user_id,
            name="ann",
            groups=frozenset(),
            is_admin=False,
            scope=TokenScope.WRITE,
        )
        JobService(database=database, wake_runner=lambda: None).run(caller, job_id)
