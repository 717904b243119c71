"""A server that stands still for a while (SIGSTOP): it goes on as if nothing had been."""

import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support.space import Space

HALF = b"x" * 100_000


@pytest.mark.timeout(120)
def test_uploads_and_downloads_outlive_a_pause_of_the_server(fresh_space: Space) -> None:
    space, answers = fresh_space, []
    paused = threading.Event()

    def body() -> Iterator[bytes]:
        yield HALF
        paused.wait(20)
        yield HALF

    def upload() -> None:
        with space.client(space.owner) as client:
            answers.append(client.put("/vault/files/durand/f", content=body()))

    uploading = threading.Thread(target=upload)
    uploading.start()
    time.sleep(0.3)
    space.server.freeze()
    paused.set()
    time.sleep(1)
    assert answers == []
    space.server.thaw()
    uploading.join(30)

    assert [answer.status_code for answer in answers] == [201]
    with space.client(space.owner) as client:
        read = client.get("/vault/files/durand/f", follow_redirects=True)
        assert read.content == HALF + HALF


@pytest.mark.timeout(120)
def test_a_client_that_gave_up_on_a_frozen_server_changes_nothing_afterwards(
    fresh_space: Space,
) -> None:
    space = fresh_space
    with space.client(space.owner) as client:
        client.put("/vault/files/durand/f", content=b"old").raise_for_status()

        def body() -> Iterator[bytes]:
            yield HALF
            space.server.freeze()
            yield HALF * 100

        with pytest.raises(httpx.TransportError):
            client.put(
                "/vault/files/durand/f",
                content=body(),
                headers={"Content-Length": str(200 * len(HALF))},
                timeout=1,
            )
        space.server.thaw()
        space.server.stop()
        space.server.start()

        assert client.get("/vault/files/durand/f", follow_redirects=True).content == b"old"
        assert client.get("/api/v1/quota/durand").json()["used"] == 3
    assert "Traceback" not in space.server.log
