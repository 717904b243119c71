"""Requests made of valid ones by damage, and how a server may take them."""

import http.client
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from hypothesis import strategies as st

from tests.vospace_server.http.documents import CORE, container, data, link, move, transfer

YEAR: Final = "2020-01-01T00:00:00"
PATIENCE_SECONDS: Final = 1
CLOSING_SECONDS: Final = 15

HOSTILE: Final = [
    b"", b"\x00", b"%00", b"..", b"%2e%2e", b"/../", b"%2F", b"//", b"\xff", b"\xed\xa0\x80",
    b"\xc3\xa9", b"%ff", b"%ed%a0%80", b"A" * 300, b"9" * 40, b"9" * 5000, b"-1", b"1e400",
    b"NaN", b"\xd9\xa3", b"'\"<>&", b"' OR 1=1--", b"\r\nX-Injected: 1", b"%0d%0aX-Injected:1",
    b"\xe2\x80\xae", b"\x7f", b"%C2%85", b"vos://localhost~vault/durand/f", b"null", b"[]",
    b"http://127.0.0.1:9/", b"true", b"]]>", b"<!DOCTYPE x>", b"&xxe;", b"&#0;", b"\\ud800",
    b"\\u0000", b"{}", b"?", b"#", b"&limit=", b"&WAIT=-1", b"&PHASE=RUN", b";", b",", b"=",
    b"0001-01-01T00:00:00", b"9999-12-31T23:59:59.999Z", b"<a/>", b" ", b"\t", b"\n", b"%",
]  # fmt: skip
HEADERS: Final = [
    b"Range: bytes=9999999999999999999-", b"Range: bytes=-0", b"Range: bytes=" + b"1-2," * 500,
    b"Range: lines=1-2", b"If-Range: Mon, 01 Jan 0000 99:99:99 GMT", b'If-Match: "' + b'"' * 99,
    b"If-Modified-Since: Thu, 31 Dec 99999 00:00:00 GMT", b"If-None-Match: *", b"If-Match: *",
    b"Content-Type: application/x-www-form-urlencoded", b"Content-Type: \xff/\xff",
    b"Content-Type: multipart/form-data; boundary=x", b"Content-Type: " + b"a" * 4000,
    b"Digest: md5=AAAA", b"Digest: sha-256=" + b"A" * 43 + b"=", b"Content-MD5: \xff",
    b"X-VOSpace-Mtime-Ns: 99999999999999999999999", b"X-VOSpace-Mtime-Ns: -9223372036854775808",
    b"x-put-txn-op: start", b"x-put-txn-op: commit", b"x-total-length: 9999999999999999999999",
    b"Expect: 100-continue", b"Expect: 200-maybe", b"Authorization: Basic /zr+",
    b"Authorization: Bearer", b"Authorization: Bearer \xff", b"X-CADC-DelegationToken: \x80",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Content-Length: 5",
    b"Content-Length: 99999999999999999999", b"Content-Length: -1", b"Host: \xff:99999",
    b"Host:", b"X-Forwarded-For: 1.2.3.4", b"X-Forwarded-Proto: gopher", b"Cookie: a=\xff",
    b"Accept: application/json", b"Accept: \xff", b"Connection: upgrade", b"Upgrade: h2c",
    b"Origin: null", b"Connection: close", b" folded: line", b"NoColon", b": empty",
]  # fmt: skip
METHODS: Final = [
    b"GET", b"HEAD", b"PUT", b"POST", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"PROPFIND",
    b"MOVE", b"get", b"FOO", b"",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RawRequest:
    """A request in the parts that can be damaged; the length is counted unless it is stated."""

    method: bytes
    target: bytes
    headers: tuple[bytes, ...] = ()
    body: bytes = b""
    length: int | None = None

    def encoded(self, login: str) -> bytes:
        """The bytes as they are sent."""
        length = len(self.body) if self.length is None else self.length
        lines = [
            self.method + b" " + self.target + b" HTTP/1.1",
            b"Host: localhost",
            login.encode(),
            *([b"Content-Length: %d" % length] if self.body or self.length else []),
            *self.headers,
        ]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


def valid_requests(job: str, read_ticket: str, write_ticket: str) -> list[RawRequest]:
    """A request for each thing that the service does."""
    form = b"Content-Type: application/x-www-form-urlencoded"
    negotiate = "TARGET=vos://localhost~vault/durand/f&DIRECTION=pullFromVoSpace&PROTOCOL="
    push = transfer("durand/f", "pushToVoSpace", protocols=("httpput",))
    asked = [
        ("GET", "/vault/nodes/durand?limit=2&detail=max", ""),
        ("GET", "/vault/nodes/durand?uri=vos://localhost~vault/durand/f&sort=x&order=asc", ""),
        ("PUT", "/vault/nodes/durand/new", container("durand/new", title="A title")),
        ("PUT", "/vault/nodes/durand/l2", link("durand/l2", "vos://localhost~vault/durand/f")),
        (
            "POST",
            "/vault/nodes/durand/f",
            data("durand/f", title="b", mtime=YEAR),
        ),
        ("POST", "/vault/nodes/durand/d", container("durand/d", groupread="ivo://x/gms?G")),
        ("DELETE", "/vault/nodes/durand/gone", ""),
        ("GET", "/vault/files/durand/f", ""),
        ("GET", "/vault/files/durand/l", ""),
        ("PUT", "/vault/files/durand/h", "content"),
        ("GET", read_ticket, ""),
        ("PUT", write_ticket, "content"),
        ("POST", write_ticket, ""),
        ("GET", f"/vault/synctrans?{negotiate}{CORE}httpget&REQUEST=redirect", ""),
        ("POST", "/vault/synctrans", push),
        ("POST", "/vault/transfers?PHASE=RUN", transfer("durand/f", "pullFromVoSpace")),
        ("POST", "/vault/transfers", move("durand/f", "durand/g")),
        ("GET", "/vault/transfers?PHASE=COMPLETED&LAST=3", ""),
        ("GET", f"/vault/transfers/{job}?WAIT=0", ""),
        ("GET", f"/vault/transfers/{job}/error", ""),
        ("GET", f"/vault/transfers/{job}/results/transferDetails", ""),
        ("DELETE", f"/vault/transfers/{job}", ""),
        ("GET", "/vault/properties", ""),
        ("GET", "/vault/views", ""),
        ("GET", "/vault/protocols", ""),
        ("GET", "/vault/capabilities", ""),
        ("GET", "/vault/availability?detail=min", ""),
        ("GET", "/reg/resource-caps", ""),
        ("GET", "/healthz", ""),
        ("GET", "/readyz", ""),
        ("GET", "/metrics", ""),
        ("GET", "/ac/whoami", ""),
        ("GET", "/ac/users/durand?idType=HTTP", ""),
        ("GET", "/api/v1/nodes/durand/f?ticket=true", ""),
        ("PATCH", "/api/v1/nodes/durand/f", '{"mtime_ns":5,"public":true,"read_groups":[]}'),
        ("PATCH", "/api/v1/nodes/durand/d", '{"properties":{"x:y":"z","a:b":null}}'),
        ("GET", "/api/v1/children/durand?depth=all&limit=5&after=a", ""),
        ("POST", "/api/v1/move", '{"source":"/durand/h","destination":"/durand/k"}'),
        ("GET", "/api/v1/quota/durand/f", ""),
        ("POST", "/api/v1/bundle", '{"paths":["/durand/f","/durand/no"]}'),
    ]
    requests = [
        RawRequest(method=method.encode(), target=target.encode(), body=body.encode())
        for method, target, body in asked
    ]
    forms = [
        ("/ac/login", b"username=durand&password=wrong&scope=read"),
        (f"/vault/transfers/{job}/phase", b"PHASE=RUN"),
        (f"/vault/transfers/{job}", b"ACTION=DELETE"),
        ("/vault/synctrans", f"{negotiate}{CORE}httpget".encode()),
    ]
    for target, body in forms:
        requests.append(
            RawRequest(method=b"POST", target=target.encode(), headers=(form,), body=body)
        )
    return requests


@dataclass(frozen=True)
class Damage:
    """One change of some bytes: what is cut out at a place, and what is put there instead."""

    place: float
    cut: int
    put: bytes

    def of(self, whole: bytes) -> bytes:
        """The damaged bytes."""
        start = int(self.place * (len(whole) + 1))
        return whole[:start] + self.put + whole[start + self.cut :]


_damages = st.builds(
    Damage,
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 12),
    st.sampled_from(HOSTILE) | st.binary(max_size=6),
)


@st.composite
def damaged(draw: st.DrawFn, valid: Sequence[RawRequest]) -> RawRequest:
    """One of the valid requests with one to three things wrong."""
    request = draw(st.sampled_from(valid))
    parts = st.sampled_from(["method", "target", "target", "query", "header", "body", "body"])
    for part in draw(st.lists(parts | st.just("length"), min_size=1, max_size=3)):
        if part == "method":
            request = replace(request, method=draw(st.sampled_from(METHODS)))
        elif part == "target":
            request = replace(request, target=draw(_damages).of(request.target))
        elif part == "query":
            request = replace(request, target=request.target + b"?a=1&" + draw(_damages).put)
        elif part == "header":
            request = replace(
                request, headers=(*request.headers, draw(st.sampled_from(HEADERS)))
            )
        elif part == "body":
            request = replace(request, body=draw(_damages).of(request.body))
        else:
            request = replace(request, length=draw(st.integers(0, 2 * len(request.body) + 9)))
    return request


@dataclass(frozen=True, kw_only=True)
class Taken:
    """How the server took a request; status 0: it closed the connection without an answer."""

    status: int
    body: bytes = b""
    header_names: tuple[str, ...] = ()


def deliver(port: int, request: RawRequest, login: str) -> Taken:
    """Send a request on a connection of its own. Fails if it is neither answered nor closed."""
    address = ("127.0.0.1", port)
    with socket.create_connection(address, PATIENCE_SECONDS) as connection:
        try:
            connection.sendall(request.encoded(login))
            return _answer(connection, request.method)
        except TimeoutError:
            # It waits for the rest of a body, or for a job: until nobody is there any more.
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(CLOSING_SECONDS)
            while connection.recv(65536):
                pass
        except (ConnectionError, http.client.HTTPException):
            pass
        return Taken(status=0)


def _answer(connection: socket.socket, method: bytes) -> Taken:
    response = http.client.HTTPResponse(connection, method=method.decode("latin-1"))
    try:
        response.begin()
        names = tuple(name.lower() for name, _ in response.getheaders())
        return Taken(status=response.status, body=response.read(), header_names=names)
    finally:
        response.close()
