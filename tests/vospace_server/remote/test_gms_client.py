"""The client of other group services, against services that behave badly."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from typing_extensions import override

from vospace_server.remote.gms_client import (
    MAX_ANSWER_BYTES,
    Asker,
    Credential,
    GmsClient,
    RemoteGroupsError,
)

SERVICE = "ivo://other.org/gms"
ASKER = Asker(name="bob", bearer="bobs-token")
Answer = Callable[[BaseHTTPRequestHandler], None]


class BadService:
    """An HTTP server that answers as a test says, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: Answer = lambda handler: reply(handler, 200, b"")
        self.asked: list[tuple[str, str | None]] = []
        self.forwards: list[str | None] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.asked.append((self.path, self.headers.get("authorization")))
                service.forwards.append(self.headers.get("max-forwards"))
                service.answer(self)

            @override
            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/gms/search"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def reply(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def service() -> Iterator[BadService]:
    service = BadService()
    yield service
    service.stop()


MakeClient = Callable[..., GmsClient]


@pytest.fixture
def make_client(service: BadService) -> Iterator[MakeClient]:
    made: list[GmsClient] = []

    def make(url: str | None = None, **settings: Any) -> GmsClient:
        chosen: dict[str, Any] = {
            "credential": Credential.CALLER,
            "timeout_seconds": 5.0,
            "concurrent": 4,
        }
        made.append(GmsClient(services={SERVICE: url or service.url}, **chosen | settings))
        return made[-1]

    yield make
    for client in made:
        client.close()


def test_the_callers_token_is_forwarded(service: BadService, make_client: MakeClient) -> None:
    service.answer = lambda handler: reply(handler, 200, b"a\r\nb\r\n")

    assert make_client().groups_of(SERVICE, ASKER) == {f"{SERVICE}?a", f"{SERVICE}?b"}
    assert service.asked == [("/gms/search", "Bearer bobs-token")]
    # Which shall not ask us in turn.
    assert service.forwards == ["0"]


def test_our_own_token_names_the_caller(service: BadService, make_client: MakeClient) -> None:
    client = make_client(credential=Credential.SERVICE, token="ours")

    assert client.groups_of(SERVICE, ASKER) == frozenset()
    assert service.asked == [("/gms/search?userID=bob&idType=HTTP", "Bearer ours")]


def test_without_a_token_to_forward_nothing_can_be_asked(make_client: MakeClient) -> None:
    nobody = Asker(name="bob", bearer=None)

    assert not make_client().can_ask_for(nobody)
    assert make_client(credential=Credential.SERVICE, token="ours").can_ask_for(nobody)


def test_lines_may_end_as_the_reference_service_ends_them(
    service: BadService, make_client: MakeClient
) -> None:
    """CADC's service writes LF, the standard says CRLF."""
    service.answer = lambda handler: reply(handler, 200, b"a\nb\n\n")

    assert len(make_client().groups_of(SERVICE, ASKER)) == 2


@pytest.mark.parametrize(
    "answer",
    [
        lambda handler: reply(handler, 500, b"a\r\n"),
        lambda handler: reply(handler, 401, b""),
        lambda handler: reply(handler, 302, b"a\r\n", location="/elsewhere"),
        lambda handler: reply(handler, 200, b"<html><body>Welcome</body></html>"),
        lambda handler: reply(handler, 200, b"\xff\xfe"),
        lambda handler: reply(handler, 200, b"a\n" * MAX_ANSWER_BYTES),
        lambda handler: handler.wfile.write(b"nonsense\r\n\r\n"),
        lambda handler: handler.connection.close(),
    ],
)
def test_what_is_no_list_of_groups_is_an_error_and_never_a_membership(
    service: BadService, make_client: MakeClient, answer: Answer
) -> None:
    service.answer = answer

    with pytest.raises(RemoteGroupsError):
        make_client().groups_of(SERVICE, ASKER)

    assert "/elsewhere" not in [path for path, _ in service.asked]


def test_a_service_that_is_not_there_is_an_error(make_client: MakeClient) -> None:
    with pytest.raises(RemoteGroupsError):
        make_client("http://127.0.0.1:9/gms/search").groups_of(SERVICE, ASKER)


def test_an_answer_that_does_not_end_is_given_up(
    service: BadService, make_client: MakeClient
) -> None:
    """Also one of which a little comes again and again."""
    over = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not over.wait(0.05):
            try:
                handler.wfile.write(b"a\r\n")
            except OSError:
                return

    service.answer = drip
    try:
        with pytest.raises(RemoteGroupsError, match="too long"):
            make_client(timeout_seconds=0.3).groups_of(SERVICE, ASKER)
    finally:
        over.set()


def test_only_so_many_questions_are_asked_at_one_time(
    service: BadService, make_client: MakeClient
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def hold(handler: BaseHTTPRequestHandler) -> None:
        asked.set()
        go_on.wait(20)
        reply(handler, 200, b"a\r\n")

    service.answer = hold
    client = make_client(concurrent=1, timeout_seconds=20)
    first = threading.Thread(target=client.groups_of, args=(SERVICE, ASKER))
    first.start()
    assert asked.wait(20)
    impatient = make_client(concurrent=1, timeout_seconds=0.1)
    impatient._permits = client._permits

    with pytest.raises(RemoteGroupsError, match="too many"):
        impatient.groups_of(SERVICE, ASKER)

    go_on.set()
    first.join(20)


CAPABILITIES = """<vosi:capabilities xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0">
<capability standardID="{}"><interface><accessURL use="full">{}</accessURL></interface>
</capability></vosi:capabilities>"""


@pytest.mark.parametrize("spelling", ["gms", "GMS"])
def test_the_search_is_found_by_the_capabilities(
    service: BadService, make_client: MakeClient, spelling: str
) -> None:
    document = CAPABILITIES.format(f"ivo://ivoa.net/std/{spelling}#search-1.0", service.url)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = document.encode() if "capabilities" in handler.path else b"a\r\n"
        reply(handler, 200, body)

    service.answer = answer
    client = make_client(service.url.replace("search", "capabilities"))

    for _ in range(2):
        assert client.groups_of(SERVICE, ASKER) == {f"{SERVICE}?a"}
    # The token goes to the search alone, and the capabilities are read once.
    assert service.asked == [
        ("/gms/capabilities", None),
        ("/gms/search", "Bearer bobs-token"),
        ("/gms/search", "Bearer bobs-token"),
    ]


@pytest.mark.parametrize(
    "document",
    [
        CAPABILITIES.format("ivo://ivoa.net/std/GMS#search-1.0", "http://example.org/search"),
        CAPABILITIES.format("ivo://ivoa.net/std/VOSI#availability", "http://127.0.0.1/a"),
        "<nonsense/>",
    ],
)
def test_capabilities_lead_to_no_other_host(
    service: BadService, make_client: MakeClient, document: str
) -> None:
    service.answer = lambda handler: reply(handler, 200, document.encode())

    with pytest.raises(RemoteGroupsError):
        make_client(service.url.replace("search", "capabilities")).groups_of(SERVICE, ASKER)

    assert [path for path, _ in service.asked] == ["/gms/capabilities"]
