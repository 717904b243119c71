"""Thousands of damaged requests over bare sockets: answered or closed, never with a 5xx."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.server_faults.conftest import Copier
from tests.server_faults.hostile_requests import RawRequest, damaged, deliver, valid_requests
from tests.support.space import Space
from tests.vospace_server.http.documents import container, endpoints_of, link, transfer

# The one honest 503: somebody guesses passwords, which some of the damage amounts to.
TOO_MANY_GUESSES = b"ServiceBusy: too many wrong passwords"
# Many at once, because some make the server wait for more.
TOGETHER = 40
LEAKS = (b"Traceback", b"sqlalchemy", b"sqlite", b'File "', b"<class ", b"object at 0x")


@pytest.fixture(scope="module")
def besieged(
    tmp_path_factory: pytest.TempPathFactory, furnished_copy: Copier
) -> Iterator[Space]:
    """A space of this module's own."""
    space = furnished_copy(tmp_path_factory.mktemp("besieged") / "data", [])
    with space.server:
        yield space


@pytest.fixture(scope="module")
def corpus(besieged: Space) -> list[RawRequest]:
    """Valid requests, and all that they are about."""
    with besieged.client(besieged.owner) as client:
        client.put("/vault/nodes/durand/d", content=container("durand/d")).raise_for_status()
        client.put("/vault/files/durand/f", content=b"content" * 100).raise_for_status()
        client.put(
            "/vault/nodes/durand/l", content=link("durand/l", "vos://localhost~vault/durand/f")
        ).raise_for_status()
        job = client.post(
            "/vault/transfers", content=transfer("durand/f", "pullFromVoSpace")
        ).headers["location"]
        pull = client.get("/vault/files/durand/f").headers["location"]
        push = client.post(
            "/vault/synctrans",
            content=transfer("durand/f", "pushToVoSpace", protocols=("httpput",)),
            follow_redirects=True,
        )
    job_id = job.rpartition("/")[2]
    return valid_requests(job_id, path_of(pull), path_of(endpoints_of(push.text)[0]))


def path_of(url: str) -> str:
    return httpx.URL(url).raw_path.decode()


def besiege(space: Space, corpus: list[RawRequest], examples: int) -> None:
    """Send so many damaged requests, and look at what came of it."""
    login = f"Authorization: Bearer {space.owner.token}"

    @settings(
        max_examples=examples // TOGETHER,
        deadline=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.lists(damaged(corpus), min_size=TOGETHER, max_size=TOGETHER))
    def send_some(requests: list[RawRequest]) -> None:
        taken = list(pool.map(lambda each: deliver(space.server.port, each, login), requests))
        for request, each in zip(requests, taken, strict=True):
            guessing = each.status == 503 and each.body.startswith(TOO_MANY_GUESSES)
            assert each.status < 500 or guessing, (request, each)
            assert not any(leak in each.body for leak in LEAKS), (request, each)
            assert "x-injected" not in each.header_names, (request, each)

    with ThreadPoolExecutor(TOGETHER) as pool:
        send_some()
    assert "status=500" not in space.server.log
    assert "Traceback" not in space.server.log
    with space.client(space.owner) as client:
        began = time.monotonic()
        assert client.get("/readyz").status_code == 200
        assert client.put("/vault/files/durand/after", content=b"well").status_code < 300
        read = client.get("/vault/files/durand/after", follow_redirects=True)
        assert read.content == b"well"
        assert time.monotonic() - began < 5
    assert space.server.administer("fsck") == "nothing is wrong\n"


def test_every_valid_request_is_taken_well(besieged: Space, corpus: list[RawRequest]) -> None:
    login = f"Authorization: Bearer {besieged.owner.token}"
    statuses = {
        (request.method, request.target): deliver(besieged.server.port, request, login).status
        for request in corpus
    }

    good = [status for status in statuses.values() if 200 <= status < 400]
    assert len(good) >= 0.75 * len(statuses), statuses


@pytest.mark.timeout(300)
def test_damaged_requests_are_answered_or_closed_and_never_a_fault_of_the_server(
    besieged: Space, corpus: list[RawRequest]
) -> None:
    besiege(besieged, corpus, 2000)


@pytest.mark.stress
@pytest.mark.timeout(3600)
def test_a_long_siege_of_damaged_requests(besieged: Space, corpus: list[RawRequest]) -> None:
    besiege(besieged, corpus, 20_000)
