"""One file, several writers and readers: whoever reads sees one version, whole."""

import base64
import hashlib
import random
import threading
import time
from abc import abstractmethod

import httpx
import pytest
from typing_extensions import override

from tests.server_faults.self_describing import content_of, version_of
from tests.support.space import Space

SECONDS = 6.0
SMALL, LARGE = 400, 1_500_000


class Worker(threading.Thread):
    """Does one thing again and again until told to stop; keeps what went wrong."""

    def __init__(self, space: Space, path: str, seed: int) -> None:
        super().__init__()
        self._space = space
        self.path = path
        self.random = random.Random(seed)
        self.stopping = threading.Event()
        self.failure: BaseException | None = None
        self.done = 0

    @override
    def run(self) -> None:
        try:
            with self._space.client(self._space.owner) as client:
                while not self.stopping.is_set():
                    self.step(client)
                    self.done += 1
        except BaseException as error:
            self.failure = error
            raise

    @abstractmethod
    def step(self, client: httpx.Client) -> None:
        """Do it once."""


class Replacer(Worker):
    """Puts versions with numbers of its own; notes the content id of each."""

    def __init__(self, space: Space, path: str, seed: int) -> None:
        super().__init__(space, path, seed)
        self.version = seed * 1_000_000
        self.written: dict[str, int] = {}

    @override
    def step(self, client: httpx.Client) -> None:
        self.version += 1
        size = self.random.choice([SMALL, 70_000, LARGE]) + self.random.randrange(1000)
        answer = client.put(
            f"/vault/files/{self.path}", content=content_of(self.path, self.version, size)
        )
        assert answer.status_code in {200, 201}, answer.text
        self.written[answer.headers["etag"]] = self.version


class WholeReader(Worker):
    """Reads the whole file and compares it with all that the answer says of it."""

    def __init__(self, space: Space, path: str, seed: int) -> None:
        super().__init__(space, path, seed)
        self.seen: dict[str, int] = {}

    @override
    def step(self, client: httpx.Client) -> None:
        answer = client.get(f"/vault/files/{self.path}", follow_redirects=True)
        assert answer.status_code == 200, answer.text
        version = version_of(answer.content, self.path)
        digest = hashlib.md5(answer.content, usedforsecurity=False).digest()
        assert answer.headers["content-length"] == str(len(answer.content))
        assert _base64(digest) == answer.headers["digest"].removeprefix("md5=")
        self.seen.setdefault(answer.headers["etag"], version)
        assert self.seen[answer.headers["etag"]] == version


class RangeReader(Worker):
    """Reads the file in pieces over one ticket, as a mount does, while it is replaced."""

    @override
    def step(self, client: httpx.Client) -> None:
        entry = client.get(f"/api/v1/nodes/{self.path}?ticket=true").json()
        pieces, at = [], 0
        while at < entry["length"]:
            stop = min(at + 400_000, entry["length"])
            answer = client.get(entry["data"], headers={"Range": f"bytes={at}-{stop - 1}"})
            assert answer.status_code == 206, answer.text
            assert answer.headers["etag"] == f'"{entry["content"]}"'
            pieces.append(answer.content)
            at = stop
        content = b"".join(pieces)
        version_of(content, self.path)
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        assert (len(content), digest) == (entry["length"], entry["md5"])


class Lister(Worker):
    """Lists the folder; what a line says of the file belongs together."""

    def __init__(self, space: Space, path: str, seed: int) -> None:
        super().__init__(space, path, seed)
        self.seen: dict[str, tuple[int, str]] = {}

    @override
    def step(self, client: httpx.Client) -> None:
        folder = self.path.rpartition("/")[0]
        lines = client.get(f"/api/v1/children/{folder}").text.splitlines()
        assert lines[-1] == '{"end":true,"count":1}'
        entry = httpx.Response(200, text=lines[1]).json()
        facts = (entry["length"], entry["md5"])
        assert self.seen.setdefault(entry["content"], facts) == facts


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


@pytest.mark.timeout(120)
def test_readers_see_one_version_whole_while_writers_replace_it(
    shared_space: Space, owner: httpx.Client, folder: str
) -> None:
    path = f"{folder}/f"
    owner.put(f"/vault/files/{path}", content=content_of(path, 1, SMALL)).raise_for_status()
    writers = [Replacer(shared_space, path, seed) for seed in (1, 2, 3)]
    whole = [WholeReader(shared_space, path, seed) for seed in (4, 5)]
    ranged = [RangeReader(shared_space, path, 6)]
    listers = [Lister(shared_space, path, 7)]
    workers: list[Worker] = [*writers, *whole, *ranged, *listers]
    for worker in workers:
        worker.start()
    time.sleep(SECONDS)
    for worker in workers:
        worker.stopping.set()
    for worker in workers:
        worker.join(60)

    assert [worker.failure for worker in workers] == [None] * len(workers)
    assert all(worker.done > 2 for worker in workers)
    tags = {tag: version for writer in writers for tag, version in writer.written.items()}
    for reader in whole:
        for tag, version in reader.seen.items():
            assert tags.get(tag, 1) == version
    last = owner.get(f"/vault/files/{path}", follow_redirects=True)
    assert version_of(last.content, path) in {writer.version for writer in writers}


@pytest.mark.timeout(120)
def test_of_many_writers_with_a_condition_one_wins_each_time(
    shared_space: Space, owner: httpx.Client, folder: str
) -> None:
    path = f"/vault/files/{folder}/counter"
    owner.put(path, content=b"0").raise_for_status()
    failures: list[BaseException] = []

    def count() -> None:
        try:
            with shared_space.client(shared_space.owner) as client:
                for _ in range(5):
                    while not increment(client, path):
                        pass
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)

    assert failures == []
    assert owner.get(path, follow_redirects=True).content == b"20"


def increment(client: httpx.Client, path: str) -> bool:
    """Read, add one, write if nobody else has; says whether it was written."""
    read = client.get(path, follow_redirects=True)
    changed = str(int(read.content) + 1).encode()
    answer = client.put(path, content=changed, headers={"If-Match": read.headers["etag"]})
    assert answer.status_code in {200, 412}, answer.text
    return answer.status_code == 200


def test_of_many_creators_one_creates(
    shared_space: Space, owner: httpx.Client, folder: str
) -> None:
    path = f"/vault/files/{folder}/first"
    together = threading.Barrier(8)
    statuses: list[int] = []

    def create(n: int) -> None:
        with shared_space.client(shared_space.owner) as client:
            together.wait(30)
            answer = client.put(path, content=bytes([n]), headers={"If-None-Match": "*"})
            statuses.append(answer.status_code)

    threads = [threading.Thread(target=create, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(statuses) == [201] + [412] * 7
    assert len(owner.get(path, follow_redirects=True).content) == 1
