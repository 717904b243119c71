"""/api/v1: our own extension, checked against the types of vospace_model.api."""

import json

import httpx
import pytest

from tests.vospace_server.http.documents import container, data, link, uri
from tests.vospace_server.http.people import GROUP_URI
from tests.vospace_server.http.test_upload_wire import eventually
from vospace_model.api import (
    BundledFault,
    BundledFile,
    BundleEnd,
    Entry,
    ListingEnd,
    QuotaReport,
    read_bundle_line,
    read_listing_line,
)
from vospace_model.nodes import NodeType


def put(client: httpx.Client, path: str, content: bytes = b"bytes") -> None:
    client.put(f"/vault/files/{path}", content=content).raise_for_status()


def put_folder(client: httpx.Client, path: str) -> None:
    client.put(f"/vault/nodes/{path}", content=container(path)).raise_for_status()


def entry(client: httpx.Client, path: str, **parameters: str) -> Entry:
    response = client.get(f"/api/v1/nodes/{path}", params=parameters)
    assert response.headers["content-type"] == "application/json"
    return Entry.from_json(response.raise_for_status().json())


def children(client: httpx.Client, path: str, **parameters: str | int) -> list[Entry]:
    """The entries of a listing, which must be whole."""
    response = client.get(f"/api/v1/children/{path}", params=parameters)
    assert response.headers["content-type"] == "application/x-ndjson"
    lines = [read_listing_line(line) for line in response.content.splitlines()]
    assert lines[-1] == ListingEnd(count=len(lines) - 2)
    return [line for line in lines if isinstance(line, Entry)]


def bundle(client: httpx.Client, *paths: str) -> list[tuple[object, bytes]]:
    """The frames of a bundle with their bytes; the end line must be right."""
    response = client.post("/api/v1/bundle", json={"paths": [f"/{path}" for path in paths]})
    assert response.headers["content-type"] == "application/vnd.vospace.bundle"
    frames: list[tuple[object, bytes]] = []
    rest = response.content
    while rest:
        line, _, rest = rest.partition(b"\n")
        frame = read_bundle_line(line)
        size = frame.length if isinstance(frame, BundledFile) else 0
        frames.append((frame, rest[:size]))
        rest = rest[size + 1 :] if isinstance(frame, BundledFile) else rest
    assert frames.pop()[0] == BundleEnd(count=len(frames))
    return frames


def test_an_entry_tells_all_of_a_file(alice: httpx.Client, folder: str) -> None:
    put(alice, f"{folder}/f", b"12345")

    shown = entry(alice, f"{folder}/f")

    assert (shown.name, shown.type, shown.length) == ("f", NodeType.DATA, 5)
    assert (shown.owner, shown.public, shown.readable, shown.writable) == (
        "alice",
        False,
        True,
        True,
    )
    assert shown.content is not None
    assert shown.md5 == "827ccb0eea8a706c4c34a16891f84e7b"
    assert shown.data is None
    assert shown.files is None


def test_a_ticket_makes_bytes_readable_without_login(
    alice: httpx.Client, anonymous: httpx.Client, folder: str
) -> None:
    put(alice, f"{folder}/f", b"12345")

    shown = entry(alice, f"{folder}/f", ticket="true")

    assert shown.data is not None
    assert shown.expires_ns is not None
    assert shown.expires_ns > shown.mtime_ns
    response = anonymous.get(shown.data, headers={"Range": "bytes=1-2"})
    assert (response.status_code, response.content) == (206, b"23")
    assert response.headers["etag"] == f'"{shown.content}"'


def test_there_is_no_ticket_for_what_has_no_bytes(alice: httpx.Client, folder: str) -> None:
    alice.put(f"/vault/nodes/{folder}/n", content=data(f"{folder}/n"))
    alice.put(f"/vault/nodes/{folder}/l", content=link(f"{folder}/l", uri(folder)))

    for path in (folder, f"{folder}/n", f"{folder}/l"):
        assert entry(alice, path, ticket="true").data is None


def test_a_link_is_shown_with_its_target(alice: httpx.Client, folder: str) -> None:
    alice.put(f"/vault/nodes/{folder}/l", content=link(f"{folder}/l", "https://x.org/"))

    shown = entry(alice, f"{folder}/l")

    assert (shown.type, shown.target) == (NodeType.LINK, "https://x.org/")


def test_a_listing_begins_with_the_container_and_ends_with_its_count(
    alice: httpx.Client, folder: str
) -> None:
    put_folder(alice, f"{folder}/d")
    put(alice, f"{folder}/d/deep")
    put(alice, f"{folder}/a")

    assert eventually(lambda: children(alice, folder)[0].files == 2)
    top, *rest = children(alice, folder)

    assert (top.path, top.listed, top.length) == ("", True, 10)
    assert [(e.path, e.listed) for e in rest] == [("a", None), ("d", False)]


def test_a_deep_listing_has_everything_below(alice: httpx.Client, folder: str) -> None:
    put_folder(alice, f"{folder}/d")
    put_folder(alice, f"{folder}/d/e")
    put(alice, f"{folder}/d/e/f")
    put(alice, f"{folder}/z")

    whole = children(alice, folder, depth="all")
    two = children(alice, folder, depth=2)

    assert [e.path for e in whole] == ["", "d", "d/e", "d/e/f", "z"]
    assert [e.path for e in two] == ["", "d", "d/e", "z"]
    assert [e.listed for e in two] == [True, True, False, None]


def test_a_listing_goes_on_after_a_name(alice: httpx.Client, folder: str) -> None:
    for name in "abcd":
        put(alice, f"{folder}/{name}")

    assert [e.path for e in children(alice, folder, after="b")] == ["", "c", "d"]
    assert [e.path for e in children(alice, folder, limit=2)] == ["", "a", "b"]
    assert [e.path for e in children(alice, folder, limit=0)] == [""]


@pytest.mark.parametrize("parameters", [{"depth": "0"}, {"depth": "x"}, {"limit": "-1"}])
def test_impossible_listings_are_refused(
    alice: httpx.Client, folder: str, parameters: dict[str, str]
) -> None:
    response = alice.get(f"/api/v1/children/{folder}", params=parameters)

    assert (response.status_code, response.text.split(":")[0]) == (400, "InvalidArgument")


def test_faults_come_before_the_first_line(bob: httpx.Client, folder: str) -> None:
    for path, status in ((folder, 403), ("none", 404), ("a%2Fb", 400)):
        response = bob.get(f"/api/v1/children/{path}")
        assert response.status_code == status
        assert response.headers["content-type"] == "text/plain"


def test_a_move_is_exactly_to_the_name_given(alice: httpx.Client, folder: str) -> None:
    put(alice, f"{folder}/a")
    put_folder(alice, f"{folder}/d")

    body = {"source": f"/{folder}/a", "destination": f"/{folder}/d/b"}
    moved = alice.post("/api/v1/move", json=body)

    assert moved.status_code == 200
    assert Entry.from_json(moved.json()).name == "b"
    assert alice.get(f"/vault/nodes/{folder}/a").status_code == 404


@pytest.mark.parametrize(
    ("source", "destination", "overwrite", "status"),
    [
        ("f", "g", True, 200),
        ("f", "g", False, 409),
        ("d", "empty", True, 200),
        ("d", "full", True, 409),
        ("f", "empty", True, 409),
        ("d", "f", True, 409),
        ("f", "f", True, 200),
        ("full", "full/x", True, 400),
    ],
)
def test_a_move_overwrites_as_posix_rename_does(
    alice: httpx.Client,
    folder: str,
    source: str,
    destination: str,
    overwrite: bool,
    status: int,
) -> None:
    for name in ("f", "g"):
        put(alice, f"{folder}/{name}", name.encode())
    for name in ("d", "empty", "full"):
        put_folder(alice, f"{folder}/{name}")
    put(alice, f"{folder}/full/x")

    body = {
        "source": f"/{folder}/{source}",
        "destination": f"/{folder}/{destination}",
        "overwrite": overwrite,
    }
    response = alice.post("/api/v1/move", json=body)

    assert response.status_code == status, response.text
    if (source, status) == ("f", 200):
        read = alice.get(f"/vault/files/{folder}/{destination}", follow_redirects=True)
        assert read.content == b"f"


def test_attributes_change_and_the_rest_stays(alice: httpx.Client, folder: str) -> None:
    alice.put(f"/vault/nodes/{folder}/f", content=data(f"{folder}/f", title="t"))
    change = {
        "mtime_ns": 1234567890123456789,
        "public": True,
        "read_groups": [GROUP_URI, "ivo://cadc.nrc.ca/gms#readers"],
        "write_groups": [],
        "locked": True,
        "properties": {"ivo://ivoa.net/vospace/core#subject": "s", "custom:x": "1"},
    }

    response = alice.patch(f"/api/v1/nodes/{folder}/f", json=change)

    shown = Entry.from_json(response.raise_for_status().json())
    assert shown.mtime_ns == 1234567890123456789
    assert (shown.public, shown.locked, shown.read_groups) == (True, True, (GROUP_URI,))
    text = alice.get(f"/vault/nodes/{folder}/f").text
    assert "core#title" in text
    assert "core#subject" in text
    removed = {"locked": False, "properties": {"custom:x": None}}
    alice.patch(f"/api/v1/nodes/{folder}/f", json=removed).raise_for_status()
    assert "custom:x" not in alice.get(f"/vault/nodes/{folder}/f").text


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        ("{", 400, "InvalidData"),
        ("[]", 400, "InvalidData"),
        ('{"public": "yes"}', 400, "InvalidData"),
        ('{"mtime_ns": 1e400}', 400, "InvalidData"),
        (
            '{"properties": {"ivo://ivoa.net/vospace/core#nonsense": "x"}}',
            400,
            "InvalidArgument",
        ),
        ("[" * 50_000, 400, "InvalidData"),
        (" " * 70_000, 413, "RequestEntityTooLarge"),
    ],
)
def test_impossible_changes_are_refused(
    alice: httpx.Client, folder: str, body: str, status: int, name: str
) -> None:
    response = alice.patch(f"/api/v1/nodes/{folder}", content=body)

    assert (response.status_code, response.text.split(":")[0]) == (status, name)


def test_only_owners_change_attributes(bob: httpx.Client, folder: str) -> None:
    response = bob.patch(f"/api/v1/nodes/{folder}", json={"public": True})

    assert response.status_code == 403


def test_the_quota_is_that_of_the_allocation(alice: httpx.Client) -> None:
    put(alice, "small/f", b"x" * 100)

    shown = QuotaReport.from_json(alice.get("/api/v1/quota/small/f").json())
    outside = QuotaReport.from_json(alice.get("/api/v1/quota/").json())
    alice.delete("/vault/nodes/small/f").raise_for_status()

    assert (shown.quota, shown.used, shown.available, shown.files) == (1000, 100, 900, 1)
    assert str(shown.allocation) == "/small"
    assert (outside.quota, outside.available, outside.allocation) == (None, None, None)


def test_a_bundle_has_the_bytes_of_many_files(alice: httpx.Client, folder: str) -> None:
    contents = {f"{folder}/f{n}": b"\n" * n + b"x" * (n * 1000) for n in range(5)}
    for path, content in contents.items():
        put(alice, path, content)

    frames = bundle(alice, *contents)

    for (frame, content), (path, expected) in zip(frames, contents.items(), strict=True):
        assert isinstance(frame, BundledFile)
        assert (str(frame.path), content) == (f"/{path}", expected)
        assert frame.content == entry(alice, path).content


def test_a_bundle_says_what_it_could_not_read(
    alice: httpx.Client, bob: httpx.Client, folder: str
) -> None:
    put(alice, f"{folder}/f")

    frames = [frame for frame, _ in bundle(alice, f"{folder}/none", f"{folder}/f", folder)]
    foreign = [frame for frame, _ in bundle(bob, f"{folder}/f")]

    faults = [f.fault.name if isinstance(f, BundledFault) else "" for f in frames + foreign]
    assert faults == ["NodeNotFound", "", "InvalidArgument", "PermissionDenied"]


def test_a_bundle_ends_before_it_is_too_large(alice: httpx.Client, folder: str) -> None:
    for number in range(4):
        put(alice, f"{folder}/f{number}", bytes(25 << 20))

    frames = bundle(alice, *(f"{folder}/f{n}" for n in range(4)))

    assert len(frames) == 2


def test_a_bundle_of_too_many_paths_is_refused(alice: httpx.Client) -> None:
    response = alice.post("/api/v1/bundle", json={"paths": ["/x"] * 1001})

    assert (response.status_code, response.text.split(":")[0]) == (400, "InvalidData")


def test_json_answers_are_json(alice: httpx.Client, folder: str) -> None:
    put(alice, f"{folder}/名 前")

    text = alice.get(f"/api/v1/nodes/{folder}/名 前").content

    assert json.loads(text)["name"] == "名 前"
    assert "名 前".encode() in text
