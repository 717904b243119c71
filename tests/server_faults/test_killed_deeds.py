"""A server that dies with -9 while it deletes or moves a tree: all of it happened or none."""

import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from typing_extensions import override

from tests.server_faults.aftermath import check_nothing_is_left, quota_of
from tests.server_faults.conftest import Copier
from tests.support.space import Space
from tests.vospace_server.http.documents import container, data

# More than one batch of the collector, so that the server dies between two of them.
MANY = 1100
CONTENT = b"x" * 1000


@pytest.fixture
def deleting_space(tmp_path: Path, furnished_copy: Copier) -> Iterator[Space]:
    """A space in which DELETE removes whole trees."""
    settings = tmp_path / "space.toml"
    settings.write_text("[service]\ndelete_non_empty = true\n")
    arguments = ["--config", str(settings)]
    space = furnished_copy(tmp_path / "data", arguments)
    with space.server:
        yield space


def make_folder(client: httpx.Client, path: str) -> None:
    client.put(f"/vault/nodes/{path}", content=container(path)).raise_for_status()


def grow_tree(client: httpx.Client, top: str) -> None:
    """A folder with files, and a folder in it with very many nodes."""
    make_folder(client, top)
    make_folder(client, f"{top}/many")
    for n in range(5):
        client.put(f"/vault/files/{top}/f{n}", content=CONTENT).raise_for_status()

    def make(n: int) -> None:
        path = f"{top}/many/n{n}"
        client.put(f"/vault/nodes/{path}", content=data(path)).raise_for_status()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(MANY)))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("wait_seconds", [0.02, 0.6])
def test_a_tree_is_deleted_whole_or_not_at_all(
    deleting_space: Space, wait_seconds: float
) -> None:
    space = deleting_space
    with space.client(space.owner) as client:
        client.put("/vault/files/durand/kept", content=CONTENT).raise_for_status()
        grow_tree(client, "durand/tree")

        def delete() -> None:
            try:
                client.delete("/vault/nodes/durand/tree")
            except httpx.TransportError:
                return

        deleting = threading.Thread(target=delete)
        deleting.start()
        time.sleep(wait_seconds)
        space.server.kill()
        deleting.join(30)
        space.server.start()

        found = client.get("/api/v1/children/durand/tree?depth=all")
        if found.status_code == 200:
            assert found.text.splitlines()[-1] == f'{{"end":true,"count":{MANY + 6}}}'
            client.delete("/vault/nodes/durand/tree").raise_for_status()
        assert client.get("/vault/nodes/durand/tree").status_code == 404
        make_folder(client, "durand/tree")
        assert eventually_collected(space)
        check_nothing_is_left(space, "durand", len(CONTENT), 1)
    assert "Traceback" not in space.server.log


def eventually_collected(space: Space) -> bool:
    """Whether the rows of the deleted tree go, after a restart as well."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with closing(sqlite3.connect(space.server.data_dir / "vospace.sqlite")) as database:
            (trees,) = database.execute("SELECT count(*) FROM trash").fetchone()
            (nodes,) = database.execute("SELECT count(*) FROM node").fetchone()
        if trees == 0:
            return bool(nodes < MANY)
        time.sleep(0.2)
    return False


@pytest.mark.timeout(300)
def test_a_moved_tree_is_at_one_place_with_all_that_is_in_it(fresh_space: Space) -> None:
    space, moments = fresh_space, random.Random(7)
    space.server.administer(
        "allocation", "add", "other", "--owner", "durand", "--quota", "1GiB"
    )
    places = ["durand/here", "other/there", "durand/here2"]
    with space.client(space.owner) as client:
        make_folder(client, places[0])
        make_folder(client, f"{places[0]}/sub")
        for n in range(3):
            client.put(f"/vault/files/{places[0]}/sub/f{n}", content=CONTENT)
        at = 0
        for _ in range(5):
            moving = Mover(space, places, at)
            moving.start()
            time.sleep(moments.uniform(0.05, 0.4))
            space.server.kill()
            moving.join(30)
            space.server.start()
            at = where(client, places)
            assert at in {moving.at, (moving.at + 1) % len(places)}
            names = client.get(f"/api/v1/children/{places[at]}/sub").text.splitlines()
            assert len(names) == 5
        expected = (3 * len(CONTENT), 3)
        holds = places[at].partition("/")[0]
        assert quota_of(space, holds) == expected
        assert quota_of(space, {"durand": "other", "other": "durand"}[holds]) == (0, 0)
        check_nothing_is_left(space, holds, *expected)
    assert "Traceback" not in space.server.log


def where(client: httpx.Client, places: list[str]) -> int:
    """The one place that there is."""
    there = [client.get(f"/vault/nodes/{place}").status_code for place in places]
    assert sorted(there) == [200, 404, 404]
    return there.index(200)


class Mover(threading.Thread):
    """Moves a tree around until the server is gone; `at` is where it was last acknowledged."""

    def __init__(self, space: Space, places: list[str], at: int) -> None:
        super().__init__()
        self._space = space
        self._places = places
        self.at = at

    @override
    def run(self) -> None:
        """Move from place to place."""
        try:
            with self._space.client(self._space.owner) as client:
                while True:
                    self._move(client)
        except httpx.TransportError:
            return

    def _move(self, client: httpx.Client) -> None:
        following = (self.at + 1) % len(self._places)
        wanted = {
            "source": f"/{self._places[self.at]}",
            "destination": f"/{self._places[following]}",
        }
        client.post("/api/v1/move", json=wanted).raise_for_status()
        self.at = following
