"""How names come through the address: decoded once, per segment, or refused."""

import secrets
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote, quote_from_bytes

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vospace_server.http.conftest import ServerThread
from tests.vospace_server.http.documents import data, property_of, uri
from tests.vospace_server.http.people import People
from tests.vospace_server.http.wire import Wire


@pytest.fixture
def wire(server: ServerThread) -> Iterator[Wire]:
    with closing(Wire(port=server.port)) as opened:
        yield opened


@pytest.fixture(scope="session")
def login(people: People) -> str:
    return f"Authorization: Bearer {people.alice}"


REFUSED = [
    b"%2e%2e",
    b"%2E%2e/x",
    b"..",
    b"../alice",
    b"a/../b",
    b".",
    b"a/./b",
    b"%2e",
    b"a%2Fb",
    b"a%2fb",
    b"%2F",
    b"%00",
    b"a%00b",
    b"a//b",
    b"/a",
    b"a//",
    b"%0A",
    b"a%0d%0aX-Injected:%20yes",
    b"%1b",
    b"%7f",
    b"%c2%85",
    b"%ff",
    b"%fe%ff",
    b"%c3",
    b"%c3%28",
    b"%c0%af",
    b"%ed%a0%80",
    b"%f4%90%80%80",
    b"%",
    b"%2",
    b"%zz",
    b"a%",
    b"%u0041",
    b"x" * 256,
    b"%c3%a9" * 128,
    b"x/" + b"%2e%2e" + b"/y",
]


@pytest.mark.parametrize("raw", REFUSED)
@pytest.mark.parametrize("door", [b"/vault/nodes", b"/vault/files", b"/api/v1/nodes"])
def test_an_address_that_is_no_path_is_an_invalid_uri(
    wire: Wire, login: str, door: bytes, raw: bytes
) -> None:
    """Compliance rows 14 and 56; Contract 7-22: dots, escaped slashes, bad escapes."""
    answer = wire.ask("GET", door + b"/alice/" + raw, login)

    assert (answer.status, answer.text.split(":")[0]) == (400, "InvalidURI")


@pytest.mark.parametrize("raw", [b"\xff", b"\xc3\xa9", b"a b", b"\x00", b"\n"])
def test_bytes_that_no_address_may_hold_are_refused_before_us(
    wire: Wire, login: str, raw: bytes
) -> None:
    answer = wire.ask("GET", b"/vault/nodes/alice/" + raw, login)

    assert answer.status == 400


ACCEPTED = [
    (b"plain", "plain"),
    (b"a%20b", "a b"),
    (b"a+b", "a+b"),
    (b"a%2Bb", "a+b"),
    (b"%23", "#"),
    (b"%3F", "?"),
    (b"%5B1%5D", "[1]"),
    (b"[1]", "[1]"),
    (b"%C3%A9", "é"),
    (b"e%CC%81", "e\u0301"),
    (b"%25", "%"),
    (b"%252F", "%2F"),
    (b"%2525", "%25"),
    (b"...", "..."),
    (b"..a", "..a"),
    (b".hidden", ".hidden"),
    (b"%5C", "\\"),
    (b"..%5C..", "..\\.."),
    (b"~user", "~user"),
    (b"a:b@c", "a:b@c"),
    (b"semi;colon=1", "semi;colon=1"),
    (b"%E5%90%8D", "名"),
    (b"%F0%9F%94%AD", "🔭"),
    (b"%26%3C%3E%22%27", "&<>\"'"),
    (b"%EF%BF%BD", "\ufffd"),
    (b"x" * 255, "x" * 255),
]


@pytest.mark.parametrize(("raw", "name"), ACCEPTED)
def test_an_address_is_decoded_once(  # the name is read back through the JSON and the XML
    alice: httpx.Client, wire: Wire, login: str, folder: str, raw: bytes, name: str
) -> None:
    """Contract 7-22: percent escapes once, never twice."""
    target = folder.encode() + b"/" + raw
    stored = wire.ask("PUT", b"/vault/files/" + target, login, "Content-Length: 1", body=b"x")

    assert stored.status == 201
    entry = alice.get(f"/api/v1/children/{folder}").text.splitlines()[1]
    assert httpx.Response(200, text=entry).json()["name"] == name
    answer = wire.ask("GET", b"/vault/nodes/" + target, login)
    assert answer.status == 200
    assert property_of(answer.text, "length") == "1"


def test_a_slash_at_the_end_does_not_matter(wire: Wire, login: str) -> None:
    """Contract 7-22: one node, one slash more."""
    for target in (b"/vault/nodes/alice/", b"/vault/nodes/", b"/vault/nodes"):
        assert wire.ask("GET", target + b"?limit=0", login).status == 200


def test_the_service_itself_has_one_spelling(wire: Wire) -> None:
    for target in (
        b"/vault/..%2Fvault/nodes",
        b"/vault%2Fnodes",
        b"//vault/nodes",
        b"/vault//nodes",
        b"/vault/nodesx",
        b"/vault/../vault/nodes",
        b"/VAULT/nodes",
        b"*",
    ):
        assert wire.ask("GET", target).status in {400, 404}


def test_an_address_with_a_host_in_it_means_its_path(wire: Wire, login: str) -> None:
    answer = wire.ask("GET", b"http://localhost/vault/nodes/alice?limit=0", login)

    assert answer.status == 200


@pytest.mark.parametrize(
    "query", [b"uri=%ff", b"uri=%00", b"limit=%31&limit=2", b"&&&&=", b"limit=1;2"]
)
def test_hostile_queries_are_refused(wire: Wire, login: str, query: bytes) -> None:
    assert wire.ask("GET", b"/vault/nodes/alice?" + query, login).status in {200, 400}


NAMES = st.text(
    alphabet=st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\ufffe\uffff"),
    min_size=1,
    max_size=40,
).filter(lambda name: name not in {".", ".."} and len(name.encode()) <= 255)


@given(name=NAMES)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_legal_name_survives_the_round_trip(alice: httpx.Client, name: str) -> None:
    """Contract 7-22: any legal name, in by address and out by document."""
    path = f"alice/{secrets.token_hex(6)}{name}"[:250]
    while len(path.rpartition("/")[2].encode()) > 255:
        path = path[:-1]

    made = alice.put(f"/vault/nodes/{quote(path)}", content=data(quote(path, safe="/")))

    assert made.status_code == 201, made.text
    entry = alice.get(f"/api/v1/nodes/{quote(path)}").json()
    assert f"alice/{entry['name']}" == path


@given(raw=st.binary(min_size=1, max_size=30))
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_bytes_in_an_address_cause_an_internal_fault(
    server: ServerThread, login: str, raw: bytes
) -> None:
    with closing(Wire(port=server.port)) as wire:
        answer = wire.ask(
            "GET", b"/vault/nodes/alice/" + quote_from_bytes(raw, safe="/%").encode(), login
        )

    assert answer.status in {200, 400, 404}


def test_a_document_names_its_node_raw_or_escaped(alice: httpx.Client, folder: str) -> None:
    for written in ("a b#c", "a%20b%23d"):
        decoded = written.replace("%20", " ").replace("%23", "#")
        target = f"/vault/nodes/{folder}/{quote(decoded)}"
        escaped = decoded.replace("#", "%23")
        response = alice.put(target, content=data(f"{folder}/{escaped}"))
        assert response.status_code == 201, written
        assert uri(f"{folder}/{escaped}") in response.text
