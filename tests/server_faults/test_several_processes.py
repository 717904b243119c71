"""Two servers over one data directory, and one of two workers: one space, whatever dies."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.server_faults.aftermath import check_nothing_is_left
from tests.server_faults.conftest import Copier
from tests.server_faults.self_describing import content_of, version_of
from tests.server_faults.test_killed_server import histories_in
from tests.server_faults.writers import FileHistory, check_all, writing
from tests.support.space import Space, SpaceServer

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def pair(tmp_path: Path, furnished_copy: Copier) -> Iterator[tuple[Space, Space]]:
    """Two servers over one SQLite database and one folder of objects."""
    first = furnished_copy(tmp_path / "data", [])
    second = replace(first, server=SpaceServer(data_dir=first.server.data_dir))
    with ExitStack() as stack:
        stack.enter_context(first.server)
        stack.enter_context(second.server)
        yield first, second


def test_what_one_server_acknowledged_the_other_shows(pair: tuple[Space, Space]) -> None:
    first, second = pair
    with first.client(first.owner) as one, second.client(first.owner) as other:
        for version in range(1, 20):
            writer, reader = (one, other) if version % 2 else (other, one)
            content = content_of("f", version, 400 + version * 1000)
            writer.put("/vault/files/durand/f", content=content).raise_for_status()
            read = reader.get("/vault/files/durand/f", follow_redirects=True)
            assert version_of(read.content, "f") == version
        one.delete("/vault/nodes/durand/f").raise_for_status()
        assert other.get("/vault/nodes/durand/f").status_code == 404


def test_two_servers_together_never_exceed_the_quota(pair: tuple[Space, Space]) -> None:
    first, second = pair
    first.server.administer(
        "allocation", "add", "small", "--owner", "durand", "--quota", "100000"
    )
    statuses: list[int] = []

    def put(space: Space, name: str) -> None:
        with space.client(space.owner) as client:
            answer = client.put(f"/vault/files/small/{name}", content=b"x" * 15_000)
            statuses.append(answer.status_code)

    threads = [
        threading.Thread(target=put, args=(space, f"{n}-{m}"))
        for n in range(6)
        for m, space in enumerate(pair)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(statuses) == [201] * 6 + [413] * 6
    with second.client(second.owner) as client:
        assert client.get("/api/v1/quota/small").json()["used"] == 90_000


def test_one_server_goes_on_when_the_other_is_killed(pair: tuple[Space, Space]) -> None:
    first, second = pair
    mine, theirs = histories_in("durand")[:2], histories_in("durand")[2:]
    moments, total = random.Random(3), 0
    for number in range(4):
        with writing(second, theirs, 50 + number) as others:
            with writing(first, mine, 10 + number):
                time.sleep(moments.uniform(0.1, 0.8))
                first.server.kill()
            before = sum(writer.acknowledged for writer in others)
            time.sleep(0.7)
            after = sum(writer.acknowledged for writer in others)
            for writer in others:
                writer.stop()
        assert after > before
        total = check_all(second, mine) + check_all(second, theirs)
        first.server.start()
    files = sum(present(group) for group in (*mine, *theirs))
    check_nothing_is_left(second, "durand", total, files)
    for space in pair:
        assert "Traceback" not in space.server.log


def present(group: list[FileHistory]) -> int:
    """How many files of a writer there are."""
    return sum(history.acknowledged > 0 for history in group)


def test_two_workers_make_one_space_and_survive_a_kill(
    tmp_path: Path, furnished_copy: Copier
) -> None:
    space = furnished_copy(tmp_path / "data", ["--workers", "2"])
    histories, total = histories_in("durand"), 0
    with space.server:
        for number in range(3):
            with writing(space, histories, number):
                time.sleep(0.6)
                space.server.kill()
            wait_until_nobody_listens(space)
            space.server.start()
            total = check_all(space, histories)
        files = sum(present(group) for group in histories)
        check_nothing_is_left(space, "durand", total, files)
        assert "Traceback" not in space.server.log


def wait_until_nobody_listens(space: Space) -> None:
    """Workers of a killed server end by themselves; until then the port is theirs."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{space.server.root_url}/healthz", timeout=2)
        except httpx.TransportError:
            return
        time.sleep(0.1)
    raise AssertionError("workers outlive their server")
