"""Many clients make nodes in one container at one time: each is answered for its own."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.support.space import Space
from tests.vospace_server.http.documents import data

CLIENTS = 16
NAMES = 40


def test_of_two_who_make_the_same_node_one_is_told_that_it_is_there(
    shared_space: Space, folder: str
) -> None:
    together = threading.Barrier(CLIENTS)

    def make_all(number: int) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        with shared_space.client(shared_space.owner) as client:
            together.wait(30)
            for n in range(NAMES):
                # Every second client makes the same ones, at about the same time.
                name = f"n{n}-{number // 2}"
                path = f"{folder}/{name}"
                put = client.put(f"/vault/nodes/{path}", content=data(path))
                assert put.status_code == 201 or put.text.startswith("DuplicateNode: ")
                found.append((name, put.status_code))
        return found

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = [each for found in pool.map(make_all, range(CLIENTS)) for each in found]

    assert Counter(answers) == Counter(
        (f"n{n}-{pair}", status)
        for n in range(NAMES)
        for pair in range(CLIENTS // 2)
        for status in (201, 409)
    )
    with shared_space.client(shared_space.owner) as client:
        lines = client.get(f"/api/v1/children/{folder}").text.splitlines()[1:-1]
    assert len(lines) == NAMES * CLIENTS // 2
