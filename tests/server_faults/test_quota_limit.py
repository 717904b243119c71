"""The quota at its limit: never exceeded, and nobody who fits is refused."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import pytest

from tests.support.space import Space
from tests.vospace_server.http.wire import Wire

Allocate = Callable[[str], str]


def pieces(content: bytes) -> Iterator[bytes]:
    """A body that does not say how long it will be."""
    yield content


def used(client: httpx.Client, path: str) -> int:
    report: dict[str, int] = client.get(f"/api/v1/quota/{path}").raise_for_status().json()
    return report["used"]


@pytest.mark.parametrize("declared", [True, False])
def test_what_does_not_fit_is_refused_and_what_fits_exactly_is_not(
    owner: httpx.Client, allocation: Allocate, declared: bool
) -> None:
    path = allocation("1000")

    def put(name: str, size: int) -> httpx.Response:
        content = b"x" * size
        return owner.put(
            f"/vault/files/{path}/{name}", content=content if declared else pieces(content)
        )

    over = put("f", 1001)
    exact = put("f", 1000)
    one_more = put("g", 1)
    empty = put("g", 0)

    assert over.status_code == one_more.status_code == 413
    assert over.text.startswith("QuotaExceeded: ")
    for word in ("quota", "1000", *(["1001"] if declared else [])):
        assert word in over.text
    assert (exact.status_code, empty.status_code) == (201, 201)
    assert used(owner, path) == 1000


@pytest.mark.parametrize("declared", [True, False])
def test_replacing_is_charged_by_the_difference(
    owner: httpx.Client, allocation: Allocate, declared: bool
) -> None:
    path = allocation("1000")
    address = f"/vault/files/{path}/f"

    def put(letter: bytes, size: int) -> int:
        content = letter * size
        return owner.put(address, content=content if declared else pieces(content)).status_code

    assert put(b"a", 900) == 201
    assert put(b"b", 1000) == 200
    assert put(b"c", 1001) == 413
    assert owner.get(address, follow_redirects=True).content == b"b" * 1000
    assert put(b"d", 10) == 200
    assert used(owner, path) == 10


@pytest.mark.parametrize("declared", [True, False])
def test_of_sixteen_writers_at_the_limit_exactly_those_succeed_that_fit(
    shared_space: Space, owner: httpx.Client, allocation: Allocate, declared: bool
) -> None:
    """Contract 5 rows 81 and 82: the use is exact, whoever writes beside one."""
    size, fitting = 50_000, 7
    quota = size * fitting + size // 2
    path = allocation(str(quota))
    most = [0]
    finished = threading.Event()
    together = threading.Barrier(16)

    def watch() -> None:
        with shared_space.client(shared_space.owner) as client:
            while not finished.is_set():
                most.append(used(client, path))

    def put(n: int) -> int:
        content = bytes([n]) * size
        with shared_space.client(shared_space.owner) as client:
            together.wait(30)
            return client.put(
                f"/vault/files/{path}/f{n}", content=content if declared else pieces(content)
            ).status_code

    watching = threading.Thread(target=watch)
    watching.start()
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(put, range(16)))
    finished.set()
    watching.join(30)

    assert statuses.count(201) == fitting
    assert statuses.count(413) == 16 - fitting
    assert max(most) <= quota
    assert used(owner, path) == fitting * size
    names = owner.get(f"/api/v1/children/{path}").text.splitlines()[1:-1]
    assert len(names) == fitting


def test_uploads_of_unknown_length_do_not_refuse_one_another_room_that_is_there(
    shared_space: Space, owner: httpx.Client, allocation: Allocate
) -> None:
    path = allocation("1000")
    head = (
        f"Authorization: Bearer {shared_space.owner.token}\r\nHost: x\r\n"
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    )
    wires = [Wire(port=shared_space.server.port) for _ in range(5)]
    for n, wire in enumerate(wires):
        wire.send(f"PUT /vault/files/{path}/f{n} HTTP/1.1\r\n{head}".encode())
    time.sleep(0.5)
    for wire in wires:
        wire.send(b"0\r\n\r\n")
    statuses = []
    for wire in wires:
        with closing(wire):
            statuses.append(wire.read().status)

    assert statuses == [201] * 5
    assert used(owner, path) == 25


def test_a_move_into_a_full_allocation_is_refused(
    owner: httpx.Client, allocation: Allocate
) -> None:
    roomy, full = allocation("5000"), allocation("1000")
    owner.put(f"/vault/files/{roomy}/f", content=b"x" * 600).raise_for_status()
    owner.put(f"/vault/files/{full}/g", content=b"x" * 600).raise_for_status()

    answer = owner.post(
        "/api/v1/move", json={"source": f"/{roomy}/f", "destination": f"/{full}/f"}
    )

    assert (answer.status_code, answer.text.split(":")[0]) == (413, "QuotaExceeded")
    assert owner.get(f"/vault/nodes/{roomy}/f").status_code == 200
    assert (used(owner, roomy), used(owner, full)) == (600, 600)


def test_deleting_gives_room_back_at_once(owner: httpx.Client, allocation: Allocate) -> None:
    path = allocation("1000")
    for letter in (b"a", b"b", b"c"):
        assert owner.put(f"/vault/files/{path}/f", content=letter * 1000).status_code == 201
        owner.delete(f"/vault/nodes/{path}/f").raise_for_status()
    assert used(owner, path) == 0


@pytest.mark.parametrize(
    "ending",
    ["the client closes", "a wrong digest", "too few bytes", "broken chunks"],
)
def test_an_upload_that_fails_gives_its_room_back(
    shared_space: Space, owner: httpx.Client, allocation: Allocate, ending: str
) -> None:
    path = allocation("1000")
    owner.put(f"/vault/files/{path}/f", content=b"o" * 100).raise_for_status()
    lines = {
        "the client closes": "Content-Length: 900\r\n\r\n" + "x" * 400,
        "a wrong digest": "Digest: md5=" + "A" * 22 + "==\r\nContent-Length: 3\r\n\r\nabc",
        "too few bytes": "Content-Length: 900\r\n\r\n" + "x" * 899,
        "broken chunks": "Transfer-Encoding: chunked\r\n\r\n190\r\n" + "x" * 400 + "\r\nzz\r\n",
    }[ending]
    login = f"Authorization: Bearer {shared_space.owner.token}"
    wire = Wire(port=shared_space.server.port)
    wire.send(f"PUT /vault/files/{path}/f HTTP/1.1\r\nHost: x\r\n{login}\r\n{lines}".encode())
    if ending == "a wrong digest":
        assert wire.read().status == 412
    wire.close()

    deadline = time.monotonic() + 15
    while used(owner, path) != 100 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert used(owner, path) == 100
    read = owner.get(f"/vault/files/{path}/f", follow_redirects=True)
    assert read.content == b"o" * 100
    assert owner.put(f"/vault/files/{path}/g", content=b"x" * 900).status_code == 201
