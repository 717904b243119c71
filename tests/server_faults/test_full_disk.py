"""Disks that fill up under a running server: said, nothing lost, and on it goes."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.server_faults.aftermath import collect_garbage, incoming, objects
from tests.server_faults.conftest import Copier
from tests.support.space import Space

MIB = 1 << 20
Starter = Callable[[str], Space]


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """A file system in memory, gone when the block ends whatever happens in it."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    subprocess.run(command, check=True, timeout=10)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, timeout=10)


@pytest.fixture
def with_storage(tmp_path: Path, furnished_copy: Copier) -> Iterator[Starter]:
    """Starts a space whose storage lies on a disk of the size given."""
    with ExitStack() as stack:

        def start(options: str) -> Space:
            data_dir = tmp_path / "data"
            stack.enter_context(small_disk(data_dir / "storage", options))
            space = furnished_copy(data_dir, [])
            stack.enter_context(space.server)
            return space

        yield start


def put(client: httpx.Client, name: str, content: bytes) -> httpx.Response:
    return client.put(f"/vault/files/durand/{name}", content=content)


def get(client: httpx.Client, name: str) -> bytes:
    answer = client.get(f"/vault/files/durand/{name}", follow_redirects=True)
    return answer.raise_for_status().content


@pytest.mark.timeout(120)
def test_an_upload_that_does_not_fit_on_the_disk_is_refused_and_leaves_nothing(
    with_storage: Starter,
) -> None:
    space = with_storage("size=8m")
    with space.client(space.owner) as client:
        old = b"o" * MIB
        put(client, "f", old).raise_for_status()
        used = client.get("/api/v1/quota/durand").json()["used"]
        for _ in range(3):
            for body in (b"n" * 20 * MIB, iter([b"n" * MIB] * 20)):
                answer = client.put("/vault/files/durand/f", content=body)
                assert answer.status_code == 503
                assert answer.text.startswith("ServiceBusy: the store is full (No space left")
                assert answer.text.endswith("; nothing was stored\n")
                assert int(answer.headers["retry-after"]) > 0

        assert incoming(space) == []
        assert get(client, "f") == old
        assert client.get("/api/v1/quota/durand").json()["used"] == used
        assert put(client, "g", b"small").status_code == 201
        assert get(client, "g") == b"small"
        assert client.get("/readyz").status_code == 200
    assert "Traceback" not in space.server.log


@pytest.mark.timeout(120)
def test_a_full_disk_can_be_read_deleted_from_and_collected(with_storage: Starter) -> None:
    space = with_storage("size=8m")
    with space.client(space.owner) as client:
        stored = []
        for n in range(20):
            if put(client, f"f{n}", bytes([n]) * MIB).status_code != 201:
                break
            stored.append(n)
        assert 5 <= len(stored) < 9
        for n in stored:
            assert get(client, f"f{n}") == bytes([n]) * MIB
        client.delete("/vault/nodes/durand/f0").raise_for_status()
        collect_garbage(space)

        assert put(client, "again", b"a" * MIB).status_code == 201
        assert get(client, "again") == b"a" * MIB
    assert len(objects(space)) == len(stored)
    assert space.server.administer("fsck") == "nothing is wrong\n"
    assert "Traceback" not in space.server.log


@pytest.mark.timeout(120)
def test_a_disk_without_inodes_is_a_full_disk(with_storage: Starter) -> None:
    space = with_storage("size=8m,nr_inodes=40")
    with space.client(space.owner) as client:
        answers = [put(client, f"f{n}", b"x") for n in range(40)]

        assert {answer.status_code for answer in answers} == {201, 503}
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert refused.text.startswith("ServiceBusy: the store is full")
        assert get(client, "f0") == b"x"
        names = client.get("/api/v1/children/durand").text.splitlines()[1:-1]
        assert len(names) == sum(answer.status_code == 201 for answer in answers)
    assert incoming(space) == []
    assert "Traceback" not in space.server.log


@pytest.mark.timeout(120)
def test_a_full_disk_of_the_database_is_said_and_loses_nothing(
    tmp_path: Path, furnished_copy: Copier
) -> None:
    data_dir = tmp_path / "data"
    with small_disk(data_dir, "size=24m") as disk:
        elsewhere = ["--storage-url", f"file://{tmp_path / 'storage'}"]
        space = furnished_copy(data_dir, elsewhere)
        with space.server, space.client(space.owner) as client:
            put(client, "f", b"old").raise_for_status()
            assert get(client, "f") == b"old"
            filler = disk / "filler"
            fill(filler)
            answers = [put(client, f"g{n}", b"x" * 1000) for n in range(60)]
            refused = [answer for answer in answers if answer.status_code != 201]

            assert refused
            for answer in refused:
                assert answer.status_code == 503
                assert answer.text == (
                    "ServiceBusy: the disk of the database is full; nothing was changed\n"
                )
            assert get(client, "f") == b"old"
            assert client.get("/vault/nodes/durand").status_code == 200
            filler.unlink()
            assert put(client, "f", b"new").status_code == 200
            assert get(client, "f") == b"new"
            for n, answer in enumerate(answers):
                found = client.get(f"/vault/nodes/durand/g{n}").status_code
                assert found == (200 if answer.status_code == 201 else 404)
        assert "Traceback" not in (tmp_path / "data.log").read_text()


def fill(file: Path) -> None:
    """Write until the disk is full."""
    with file.open("wb", buffering=0) as output:
        try:
            while True:
                output.write(b"x" * 4096)
        except OSError:
            return
