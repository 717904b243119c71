"""Writers that remember what was acknowledged, for servers that die while they write."""

import hashlib
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx
from typing_extensions import override

from tests.server_faults.self_describing import SMALLEST, content_of, version_of
from tests.support.space import Space

FILES_OF_A_WRITER: Final = 3
LARGEST: Final = 1 << 20
PIECE: Final = 64 * 1024


@dataclass(kw_only=True)
class FileHistory:
    """What a file may hold: the version acknowledged last, or one never answered for."""

    path: str
    version: int = 0
    acknowledged: int = 0
    unanswered: list[int] = field(default_factory=list)

    def check(self, content: bytes | None) -> None:
        """Compare with what the server holds now (None: no such file), and start from there."""
        if content is None:
            assert self.acknowledged == 0, f"{self.path} v{self.acknowledged} was acknowledged"
            return
        found = version_of(content, self.path)
        assert found in {self.acknowledged, *self.unanswered}, (
            f"{self.path} is v{found}; v{self.acknowledged} was acknowledged last, "
            f"unanswered are {self.unanswered}"
        )
        self.acknowledged = found
        self.unanswered = []


class Writer(threading.Thread):
    """Replaces files of its own, one after another, until the server is gone."""

    def __init__(self, space: Space, histories: list[FileHistory], seed: int) -> None:
        super().__init__()
        self._space = space
        self._histories = histories
        self._random = random.Random(seed)
        self._stopped = threading.Event()
        self.failure: BaseException | None = None
        self.acknowledged = 0

    @override
    def run(self) -> None:
        """Write; a transport error is the end, an unexpected answer a failure."""
        try:
            with self._space.client(self._space.owner) as client:
                while not self._stopped.is_set():
                    self._replace(client, self._random.choice(self._histories))
        except httpx.TransportError:
            return
        except BaseException as error:
            self.failure = error
            raise

    def stop(self) -> None:
        """Let it end after the upload under way."""
        self._stopped.set()

    def _replace(self, client: httpx.Client, history: FileHistory) -> None:
        history.version += 1
        version = history.version
        size = int(SMALLEST * (LARGEST / SMALLEST) ** self._random.random())
        content = content_of(history.path, version, size)
        history.unanswered.append(version)
        body = content if self._random.random() < 0.5 else _in_pieces(content)
        answer = client.put(f"/vault/files/{history.path}", content=body)
        assert answer.status_code in {200, 201}, answer.text
        history.unanswered.remove(version)
        history.acknowledged = version
        self.acknowledged += 1


def _in_pieces(content: bytes) -> Iterator[bytes]:
    """A body of unknown length."""
    for start in range(0, len(content), PIECE):
        yield content[start : start + PIECE]


@contextmanager
def writing(
    space: Space, histories: list[list[FileHistory]], seed: int
) -> Iterator[list[Writer]]:
    """Writers at work, each on files of its own; when left, the server must be dead."""
    writers = [Writer(space, each, seed + n) for n, each in enumerate(histories)]
    for writer in writers:
        writer.start()
    try:
        yield writers
    finally:
        for writer in writers:
            writer.stop()
        for writer in writers:
            writer.join(60)
            assert not writer.is_alive()
    for writer in writers:
        assert writer.failure is None, writer.failure


def check_all(space: Space, histories: list[list[FileHistory]]) -> int:
    """Compare every file with its history; says how many bytes there are in all."""
    total = 0
    with space.client(space.owner) as client:
        for history in (each for group in histories for each in group):
            content = _read(client, history.path)
            history.check(content)
            total += len(content or b"")
    return total


def _read(client: httpx.Client, path: str) -> bytes | None:
    """What the server holds, after comparing it with the digests that the server tells."""
    answer = client.get(f"/vault/files/{path}", follow_redirects=True)
    if answer.status_code == 404:
        return None
    assert answer.status_code == 200, answer.text
    entry = client.get(f"/api/v1/nodes/{path}").json()
    assert entry["md5"] == hashlib.md5(answer.content, usedforsecurity=False).hexdigest()
    assert entry["length"] == len(answer.content)
    assert answer.headers["etag"] == f'"{entry["content"]}"'
    return answer.content
