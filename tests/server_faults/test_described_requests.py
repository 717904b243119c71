"""Requests made from our own OpenAPI document are answered, without a 5xx."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok

from tests.server_faults.conftest import Copier
from tests.support.space import Space
from tests.vospace_server.http.documents import container, link, transfer

PATHS = ["durand", "durand/d", "durand/d/e", "durand/f", "durand/new", "durand/d/new/deeper"]
DIRECTIONS = ["pushToVoSpace", "pullFromVoSpace", "pullToVoSpace", "pushFromVoSpace"]
DOCUMENTS = Path(__file__).parents[1] / "documents"
LEAKS = re.compile(r"Traceback|sqlalchemy|sqlite|File \"|<class |object at 0x")
# Too many wrong passwords from one address: an honest 503.
GUESSES = "ServiceBusy: too many wrong passwords"


@pytest.fixture(scope="module")
def described_space(
    tmp_path_factory: pytest.TempPathFactory, furnished_copy: Copier
) -> Iterator[Space]:
    """A space of this module's own."""
    space = furnished_copy(tmp_path_factory.mktemp("described") / "data", [])
    with space.server, space.client(space.owner) as client:
        for path in ("durand/d", "durand/d/e"):
            client.put(f"/vault/nodes/{path}", content=container(path)).raise_for_status()
        client.put("/vault/files/durand/f", content=b"content").raise_for_status()
        yield space


def documents() -> st.SearchStrategy[bytes]:
    """Documents that are right, and the same with a part replaced by something else."""
    right = [path.read_bytes() for path in sorted(DOCUMENTS.glob("*.xml"))]
    right += [container(path).encode() for path in PATHS]
    right += [link(path, "vos://localhost~vault/durand/f").encode() for path in PATHS]
    right += [transfer(path, way).encode() for path in PATHS for way in DIRECTIONS]
    return st.builds(
        spliced,
        st.sampled_from(right),
        st.integers(0, 2000),
        st.integers(0, 40),
        st.one_of(st.just(b""), st.binary(max_size=20), st.text(max_size=20).map(str.encode)),
    )


def spliced(document: bytes, start: int, length: int, instead: bytes) -> bytes:
    """A document in which some bytes are replaced; unchanged when the place lies behind it."""
    if start >= len(document):
        return document
    return document[:start] + instead + document[start + length :]


def aim(case: schemathesis.Case[Any], path: str | None) -> None:
    """Let parameters that name a node name one that is there, or could be."""
    if path is None:
        return
    uri = f"vos://localhost~vault/{path}"
    for place in (case.query, case.body):
        if isinstance(place, dict) and "TARGET" in place:
            place["TARGET"] = [uri] if isinstance(place["TARGET"], list) else uri
    if isinstance(case.body, dict) and "target" in case.body:
        case.body["target"] = uri


def send(space: Space, examples: int) -> int:
    """Send so many requests to each operation; says how many went out."""
    schema = schemathesis.openapi.from_url(f"{space.server.root_url}/api/v1/openapi.json")
    sent = 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(
            case=operation.as_strategy(),
            document=documents(),
            path=st.none() | st.sampled_from(PATHS),
        )
        def call(case: schemathesis.Case[Any], document: bytes, path: str | None) -> None:
            nonlocal sent
            if path is not None and "path" in case.path_parameters:
                case.path_parameters["path"] = path
            aim(case, path)
            if case.media_type == "text/xml":
                case.body = document
            response = case.call(headers=space.owner.bearer, allow_redirects=False, timeout=30)
            sent += 1
            honest = response.status_code == 503 and response.text.startswith(GUESSES)
            assert response.status_code < 500 or honest, (case.as_curl_command(), response.text)
            assert not LEAKS.search(response.text), case.as_curl_command()

        call()
    assert "Traceback" not in space.server.log
    assert space.server.administer("fsck") == "nothing is wrong\n"
    return sent


@pytest.mark.timeout(300)
def test_requests_that_fit_the_description_are_never_a_fault_of_the_server(
    described_space: Space,
) -> None:
    assert send(described_space, 10) >= 400


@pytest.mark.stress
@pytest.mark.timeout(3600)
def test_ten_thousand_requests_that_fit_the_description(described_space: Space) -> None:
    assert send(described_space, 110) >= 10_000
