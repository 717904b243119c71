"""Long answers: they start at once, take no memory, and end when the client does."""

import socket
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.vospace_server.http.conftest import ServerThread
from tests.vospace_server.http.documents import container
from tests.vospace_server.http.people import make_people
from tests.vospace_server.http.test_upload_wire import eventually
from tests.vospace_server.http.wire import Wire
from vospace_server.app import create_app
from vospace_server.config import ServerConfig, ServerSection, ServiceSection, StorageSection

SIZE = 48 << 20


@pytest.fixture(scope="module")
def large_file(alice: httpx.Client) -> str:
    """The address of 48 MiB."""
    alice.put("/vault/files/alice/large", content=bytes(SIZE)).raise_for_status()
    return alice.get("/vault/files/alice/large").headers["location"]


def open_objects(objects: Path) -> int:
    """How many objects this process, which is the server as well, has open."""
    count = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            count += str(descriptor.readlink()).startswith(str(objects))
        except FileNotFoundError:
            continue
    return count


def test_a_download_leaves_nothing_open(
    anonymous: httpx.Client, large_file: str, objects: Path
) -> None:
    assert len(anonymous.get(large_file).content) == SIZE

    assert eventually(lambda: open_objects(objects) == 0)


def test_a_download_ends_when_its_reader_leaves(
    server: ServerThread, large_file: str, objects: Path
) -> None:
    target = large_file.partition(f":{server.port}")[2].encode()
    with closing(Wire(port=server.port)) as wire:
        wire.send(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % target)
        # The reader takes the head and no more: the rest fills the connection and waits.
        wire.read_head()
        assert eventually(lambda: open_objects(objects) == 1)

    assert eventually(lambda: open_objects(objects) == 0)


def test_a_slow_client_costs_no_memory(large_file: str) -> None:
    tracemalloc.start()
    try:
        with httpx.stream("GET", large_file) as response:
            next(response.iter_raw())
            time.sleep(0.5)
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 12 << 20


def test_a_listing_begins_before_it_is_complete(
    alice: httpx.Client, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        alice.put(f"/vault/files/{folder}/f{number}", content=b"x").raise_for_status()
    monkeypatch.setattr("vospace_server.http.threads._FIRST_BATCH_BYTES", 100)
    monkeypatch.setattr("vospace_server.http.threads._BATCH_BYTES", 100)

    with alice.stream("GET", f"/api/v1/children/{folder}") as response:
        pieces = list(response.iter_raw())

    assert len(pieces) > 1
    assert len(b"".join(pieces).splitlines()) == 10


def test_closing_is_prompt(tmp_path: Path) -> None:
    config = ServerConfig(data_dir=tmp_path)
    running = ServerThread(config)
    running.start()
    httpx.get(f"http://127.0.0.1:{running.port}/readyz").raise_for_status()

    began = time.monotonic()
    running.stop()

    assert time.monotonic() - began < 2


def test_a_store_in_memory_serves_one_process_only(tmp_path: Path) -> None:
    storage, section = StorageSection(url="memory:"), ServerSection(workers=2)

    with pytest.raises(ValueError, match=r"server\.workers"):
        create_app(ServerConfig(data_dir=tmp_path, storage=storage, server=section))


def test_a_service_may_delete_whole_trees(tmp_path: Path) -> None:
    config = ServerConfig(data_dir=tmp_path, service=ServiceSection(delete_non_empty=True))
    token = make_people(config).alice
    running = ServerThread(config)
    running.start()
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{running.port}",
            headers={"Authorization": f"Bearer {token}"},
        ) as client:
            for path in ("alice/d", "alice/d/e"):
                client.put(f"/vault/nodes/{path}", content=container(path)).raise_for_status()
            client.put("/vault/files/alice/d/e/f", content=b"12345").raise_for_status()

            response = client.delete("/vault/nodes/alice/d")

            assert (response.status_code, response.content) == (200, b"")
            assert client.get("/vault/nodes/alice/d/e/f").status_code == 404
            assert client.get("/api/v1/quota/alice").json()["used"] == 0
    finally:
        running.stop()


def test_an_upload_that_stalls_is_given_up(tmp_path: Path) -> None:
    section = ServerSection(body_timeout_seconds=0.3)
    config = ServerConfig(data_dir=tmp_path, server=section)
    token = make_people(config).alice
    running = ServerThread(config)
    running.start()
    try:
        with closing(Wire(port=running.port)) as wire:
            wire.send(
                b"PUT /vault/files/alice/f HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
                + f"Authorization: Bearer {token}\r\n\r\nhalf".encode()
            )
            answer = wire.read()

            assert (answer.status, answer.text) == (
                400,
                "TransferFailed: nothing was received for 0.3 seconds\n",
            )
            assert wire.is_closed_by_server()
    finally:
        running.stop()
    store = Path(config.storage_url.removeprefix("file://"))
    assert [path for path in store.rglob("*") if path.is_file()] == []


@contextmanager
def reader_of(
    config: ServerConfig, size: int, *, send_buffer_bytes: int | None = None
) -> Iterator[socket.socket]:
    """A connection, with room for little, on which a file of that size has been asked for."""
    token = make_people(config).alice
    running = ServerThread(config, send_buffer_bytes=send_buffer_bytes)
    running.start()
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{running.port}",
            headers={"Authorization": f"Bearer {token}"},
        ) as client:
            client.put("/vault/files/alice/f", content=bytes(size)).raise_for_status()
            location = client.get("/vault/files/alice/f").headers["location"]
        target = location.partition(f":{running.port}")[2]
        with socket.socket() as reader:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            reader.settimeout(20)
            reader.connect(("127.0.0.1", running.port))
            reader.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            yield reader
    finally:
        running.stop()


def taken_to_the_end(reader: socket.socket) -> int:
    """How many bytes still come before the connection ends."""
    taken = 0
    with suppress(ConnectionResetError):
        while chunk := reader.recv(1 << 16):
            taken += len(chunk)
    return taken


def test_a_reader_that_stalls_is_cut_off(tmp_path: Path) -> None:
    config = ServerConfig(data_dir=tmp_path, server=ServerSection(send_timeout_seconds=1.0))
    objects = Path(config.storage_url.removeprefix("file://")) / "objects"
    with reader_of(config, SIZE) as reader:
        assert eventually(lambda: open_objects(objects) == 1)
        # Connected all the time, and taking nothing.
        assert eventually(lambda: open_objects(objects) == 0)

        assert taken_to_the_end(reader) < SIZE


def test_a_slow_reader_that_moves_gets_everything(tmp_path: Path) -> None:
    size = 2 << 20
    config = ServerConfig(data_dir=tmp_path, server=ServerSection(send_timeout_seconds=2.0))
    with reader_of(config, size, send_buffer_bytes=8192) as reader:
        begun, taken = time.monotonic(), 0
        # More than twice as long as a reader may stand still, and a small part of the file.
        while time.monotonic() - begun < 5.0:
            taken += len(reader.recv(4096))
            time.sleep(0.1)
        assert taken < size // 4

        while taken < size:
            chunk = reader.recv(1 << 16)
            assert chunk, "the slow reader was cut off"
            taken += len(chunk)


def test_what_is_left_of_an_answer_does_not_keep_its_connection(tmp_path: Path) -> None:
    size = 48 << 10
    config = ServerConfig(
        data_dir=tmp_path,
        server=ServerSection(send_timeout_seconds=1.0, keep_alive_seconds=1),
    )
    with reader_of(config, size, send_buffer_bytes=4096) as reader:
        # Little enough that the server is done with it, more than the kernel takes.
        assert eventually(lambda: is_given_up(reader))

        assert taken_to_the_end(reader) < size


def is_given_up(reader: socket.socket) -> bool:
    """Whether the other side has let go of a connection from which not all was taken."""
    (_, ours), (_, theirs) = reader.getsockname(), reader.getpeername()
    for line in Path("/proc/self/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        local, remote, state = line.split()[1:4]
        if local.endswith(f":{theirs:04X}") and remote.endswith(f":{ours:04X}"):
            return state == "04"  # FIN_WAIT1
    return False


def test_a_short_listing_has_a_length_and_a_long_one_is_made_while_it_is_sent(
    alice: httpx.Client,
) -> None:
    for folder, number in (("few", 20), ("many", 300)):
        for at in range(number + 1):
            path = f"alice/{folder}" + (f"/{at}" if at else "")
            alice.put(f"/vault/nodes/{path}", content=container(path)).raise_for_status()

    for root in ("/vault/nodes", "/api/v1/children"):
        few, many = (alice.get(f"{root}/alice/{folder}") for folder in ("few", "many"))

        assert int(few.headers["content-length"]) == len(few.content)
        assert "content-length" not in many.headers
        assert many.text.count("alice/many/300") == few.text.count("alice/few/20")
