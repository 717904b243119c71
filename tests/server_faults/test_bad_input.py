"""What is wrong with a request, and the exact sentence with which it is refused."""

import base64
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import httpx
import pytest

from tests.support.space import Space, add_user
from tests.vospace_server.http.documents import CORE, container, data, transfer
from tests.vospace_server.http.wire import Wire

# As the database keeps it, in microseconds.
LEAP_DAY = int(datetime(2020, 2, 29, 12, tzinfo=UTC).timestamp()) * 10**6


def basic(name: bytes, password: bytes) -> str:
    return "Basic " + base64.b64encode(name + b":" + password).decode()


# ------------------------------------------------------------------ who asks


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (basic(b"durand", b"wrong"), "wrong user name or password"),
        (basic(b"nobody", b"wrong"), "wrong user name or password"),
        (basic(b"DURAND", b"durand-secret-1"), "wrong user name or password"),
        (basic(b"\xff", b"x"), "the user name is not UTF-8"),
        (basic(b"\x00", b"\x00"), "wrong user name or password"),
        (basic(b"durand", b"\xfe\xff"), "wrong user name or password"),
        (basic(b"durand", b"x" * 5000), "wrong user name or password"),
        ("Basic !!!", "the Basic credentials are not base64"),
        (
            "Basic " + base64.b64encode(b"durand").decode(),
            "the Basic credentials hold no colon",
        ),
        ("Bearer vost_unknown", "the token is unknown"),
        ("Basic", "the Basic credentials hold no colon"),
        ("Negotiate abc", "the Authorization header must be Basic or Bearer"),
    ],
)
def test_wrong_credentials_are_refused_with_the_reason(
    anonymous: httpx.Client, header: str, sentence: str
) -> None:
    answer = anonymous.get("/vault/nodes/durand", headers={"Authorization": header})

    assert (answer.status_code, answer.text) == (401, f"NotAuthenticated: {sentence}\n")
    assert answer.headers["www-authenticate"].startswith('Basic realm="VOSpace"')


def test_an_expired_token_says_when_it_expired(shared_space: Space) -> None:
    server = shared_space.server
    user = add_user(server, "past")
    with closing(sqlite3.connect(server.data_dir / "vospace.sqlite")) as database, database:
        changed = database.execute(
            "UPDATE token SET expires_at = ? WHERE user_id = "
            "(SELECT id FROM app_user WHERE name = 'past')",
            [LEAP_DAY],
        )
        assert changed.rowcount == 1

    with shared_space.client(user) as client:
        answer = client.get("/vault/nodes")

    assert answer.status_code == 401
    assert answer.text == "NotAuthenticated: the token expired at 2020-02-29T12:00:00Z\n"


def test_two_authorization_headers_are_refused(wire: Wire, login: str) -> None:
    answer = wire.ask("GET", b"/vault/nodes", login, login)

    assert answer.status == 401
    assert answer.text == "NotAuthenticated: there is more than one Authorization header\n"


# ------------------------------------------------------------------ where

FOREIGN = "this address for bytes was not made by this service"
NO_BYTES = "is a container; it can't hold bytes"
NOWHERE = [
    ("GET", "nodes/durand/no/such", 404, "NodeNotFound: /durand/no does not exist"),
    ("DELETE", "nodes/durand/no", 404, "NodeNotFound: /durand/no"),
    ("GET", "files/durand/no", 404, "NodeNotFound: /durand/no"),
    ("HEAD", "files/durand/no", 404, ""),
    ("PUT", "files/durand/no/f", 404, "ContainerNotFound: /durand/no does not exist"),
    ("PUT", "files/durand", 400, f"InvalidArgument: /durand {NO_BYTES}"),
    ("PUT", "files", 400, f"InvalidArgument: / {NO_BYTES}"),
    ("PUT", "files/f", 403, "PermissionDenied: can't write /: no permission is given"),
    ("GET", "transfers/nosuchjob", 404, "NodeNotFound: there is no job nosuchjob"),
    ("GET", "data/x/y", 403, f"PermissionDenied: {FOREIGN}"),
    ("GET", "nosuch", 404, "NotFound: there is nothing at this address"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "status", "sentence"), NOWHERE)
def test_what_is_not_there_is_named(
    owner: httpx.Client, method: str, path: str, status: int, sentence: str
) -> None:
    answer = owner.request(method, f"/vault/{path}", content=b"x" if method == "PUT" else None)

    assert (answer.status_code, answer.text.removesuffix("\n")) == (status, sentence)


def test_a_file_is_no_container(owner: httpx.Client, folder: str) -> None:
    owner.put(f"/vault/files/{folder}/f", content=b"x").raise_for_status()
    below = f"{folder}/f/g"
    writing = [
        owner.put(f"/vault/files/{below}", content=b"x"),
        owner.put(f"/vault/nodes/{below}", content=container(below)),
        owner.delete(f"/vault/nodes/{below}"),
    ]
    reading = owner.get(f"/vault/nodes/{below}")

    sentence = f"/{folder}/f is not a container\n"
    assert {each.text for each in writing} == {f"ContainerNotFound: {sentence}"}
    assert {each.status_code for each in writing} == {404}
    assert (reading.status_code, reading.text) == (404, f"NodeNotFound: {sentence}")


NO_SLASH = "a node name cannot hold an escaped slash (%2F)"
NO_PATHS = [
    (b"..", "'..' is not a node name"),
    (b"%2e%2e", "'..' is not a node name"),
    (b"%2E%2E/durand", "'..' is not a node name"),
    (b".", "'.' is not a node name"),
    (b"a%2Fb", NO_SLASH),
    (b"a%00b", r"the node name 'a\x00b' holds U+0000"),
    (b"a%0d%0ab", r"the node name 'a\r\nb' holds U+000D"),
    (b"%ff", "the path is not UTF-8"),
    (b"%c0%ae%c0%ae", "the path is not UTF-8"),
    (b"%ed%a0%80", "the path is not UTF-8"),
    (b"a//b", "a node name is empty"),
]


@pytest.mark.parametrize(
    ("method", "door"),
    [
        ("GET", b"/vault/nodes"),
        ("PUT", b"/vault/nodes"),
        ("DELETE", b"/vault/nodes"),
        ("PUT", b"/vault/files"),
        ("GET", b"/vault/files"),
        ("PATCH", b"/api/v1/nodes"),
        ("GET", b"/api/v1/children"),
        ("GET", b"/api/v1/quota"),
    ],
)
@pytest.mark.parametrize(("raw", "sentence"), NO_PATHS)
def test_no_door_takes_a_path_that_is_none(
    wire: Wire, login: str, method: str, door: bytes, raw: bytes, sentence: str
) -> None:
    body = b"" if method in {"GET", "DELETE"} else b"{}"
    answer = wire.ask(
        method, door + b"/durand/" + raw, login, f"Content-Length: {len(body)}", body=body
    )

    assert (answer.status, answer.text) == (400, f"InvalidURI: {sentence}\n")


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("vos://localhost~vault/durand/../x", "'..' is not a node name"),
        ("vos://localhost~vault/durand/%2e%2e", "'..' is not a node name"),
        (
            "vos://localhost~vault/durand/a%2Fb",
            NO_SLASH,
        ),
        ("vos://localhost~vault/durand//x", "a node name is empty"),
        ("vos://localhost~vault/durand/%ff", "the escape %ff is not UTF-8"),
        (
            "file:///etc/passwd",
            "'file:///etc/passwd' is not a VOSpace URI (vos://authority~service/path)",
        ),
    ],
)
def test_a_transfer_of_no_path_is_refused(owner: httpx.Client, uri: str, sentence: str) -> None:
    asked = transfer("durand/f", "pullFromVoSpace", protocols=("httpget",))
    answer = owner.post(
        "/vault/synctrans", content=asked.replace("vos://localhost!vault/durand/f", uri)
    )

    assert (answer.status_code, answer.text) == (400, f"InvalidURI: {sentence}\n")


# ------------------------------------------------------------------ documents

XXE = '<!DOCTYPE n [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
NO_DTD = "InvalidArgument: a document type declaration (DTD) is not allowed"
TOO_LARGE = "RequestEntityTooLarge: the request's document may have 32768 bytes at most"
NO_DOCUMENTS = [
    (b"", "InvalidArgument: line 1: Document is empty"),
    (b"hello", "InvalidArgument: line 1: Start tag expected, '<' not found"),
    (
        b"<a>\n<b>\n</a>\n",
        "InvalidArgument: line 3: Opening and ending tag mismatch: b line 2 and a",
    ),
    (b"<a>&nosuch;</a>", "InvalidArgument: line 1: Entity 'nosuch' not defined"),
    (b"<a>\xff</a>", "InvalidArgument: line 1: Invalid bytes in character encoding"),
    (
        b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>',
        "InvalidArgument: line 1: send UTF-8; this says it is ISO-8859-1",
    ),
    (b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', NO_DTD),
    (XXE.encode() + b"<a>&e;</a>", NO_DTD),
    (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>', NO_DTD),
    (b'<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><a/>', NO_DTD),
    ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a><a/>'.encode("utf-16"), NO_DTD),
    (b"<a>" * 100 + b"</a>" * 100, "InvalidArgument: elements are nested more than 64 deep"),
    (b"<a>" + b"x" * 32768 + b"</a>", TOO_LARGE),
    (b"<a>" * 10_000 + b"</a>" * 10_000, TOO_LARGE),
]


@pytest.mark.parametrize(("document", "line"), NO_DOCUMENTS)
@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("PUT", "/vault/nodes/durand/x"),
        ("POST", "/vault/nodes/durand"),
        ("POST", "/vault/synctrans"),
        ("POST", "/vault/transfers"),
    ],
)
def test_a_document_that_is_none_is_refused_in_one_line(
    owner: httpx.Client, method: str, address: str, document: bytes, line: str
) -> None:
    """Contract 7-23: every door, every kind of broken document."""
    answer = owner.request(method, address, content=document)

    assert answer.text == f"{line}\n"
    assert answer.status_code == (413 if line is TOO_LARGE else 400)
    assert answer.headers["content-type"] == "text/plain"


def test_an_entity_never_brings_a_file_into_a_node(owner: httpx.Client, folder: str) -> None:
    """Contract 7-23: no entity is expanded."""
    wanted = data(f"{folder}/x", title="&e;").replace("&amp;e;", "&e;")
    answer = owner.put(f"/vault/nodes/{folder}/x", content=XXE + wanted)

    assert answer.status_code == 400
    assert "root:" not in answer.text
    assert owner.get(f"/vault/nodes/{folder}/x").status_code == 404


# ------------------------------------------------------------------ numbers and times


@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000, str(1 << 63), str((1 << 63) - 1)])
@pytest.mark.parametrize(
    "address",
    [
        "/vault/nodes/durand?limit=",
        "/vault/transfers?LAST=",
        "/api/v1/children/durand?limit=",
        "/api/v1/children/durand?depth=",
    ],
)
def test_a_bound_beyond_every_number_bounds_nothing(
    owner: httpx.Client, address: str, number: str
) -> None:
    assert owner.get(address + number).status_code == 200


@pytest.mark.parametrize(
    "number", ["1_0", "\u0663", "+1", " 1", "1.0", "0x1", "", "-1", "-" + "9" * 40]
)
@pytest.mark.parametrize(
    "address", ["/vault/nodes/durand?limit=", "/api/v1/children/durand?depth="]
)
def test_a_number_is_digits_alone(owner: httpx.Client, address: str, number: str) -> None:
    answer = owner.get(address + number.replace("+", "%2B"))

    assert (answer.status_code, answer.text.split(":")[0]) == (400, "InvalidArgument")


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00", "9999-12-31T23:59:59"])
def test_a_time_that_no_file_system_holds_is_refused(
    owner: httpx.Client, folder: str, time: str
) -> None:
    answer = owner.post(f"/vault/nodes/{folder}", content=container(folder, mtime=time))

    assert answer.status_code == 400
    assert answer.text == (
        f"InvalidArgument: '{time}' is not between the years 1678 and 2262\n"
    )


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "1e3", "\u0663"])
def test_an_announced_length_that_is_none_is_the_error_of_the_job(
    owner: httpx.Client, folder: str, length: str
) -> None:
    asked = transfer(
        f"{folder}/f", "pushToVoSpace", protocols=("httpput",), params={CORE + "length": length}
    )
    answer = owner.post("/vault/synctrans", content=asked.encode(), follow_redirects=True)

    assert (answer.status_code, "<vos:endpoint>" in answer.text) == (200, False)
    job = str(answer.url).removesuffix("/results/transferDetails")
    assert owner.get(f"{job}/error").text == "InvalidArgument"


def test_what_is_wrong_with_json_is_said_without_the_inside_of_python(
    owner: httpx.Client, folder: str
) -> None:
    address = f"/api/v1/nodes/{folder}"
    said = {
        "[" * 20_000: "it nests too deeply",
        '{"mtime_ns":' + "9" * 5000 + "}": "a number has too many digits",
        '{"mtime_ns":NaN}': "NaN is not a JSON value",
    }
    for body, line in said.items():
        answer = owner.patch(address, content=body)
        assert (answer.status_code, answer.text) == (400, f"InvalidData: not JSON: {line}\n")


def test_the_log_never_shows_a_credential(shared_space: Space) -> None:
    log = shared_space.server.log

    assert shared_space.owner.token not in log
    assert shared_space.owner.password not in log
