"""/files and the byte endpoints: reading, ranges, conditions, digests, replacement."""

import base64
import hashlib
import secrets
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.vospace_server.http.documents import (
    container,
    data,
    link,
    property_of,
    transfer,
    uri,
)

CONTENT = bytes(range(256)) * 40  # 10,240 bytes


def md5_of(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def put(client: httpx.Client, path: str, content: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.put(f"/vault/files/{path}", content=content, headers=named)


def get(client: httpx.Client, path: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(f"/vault/files/{path}", headers=named, follow_redirects=True)


def endpoint(client: httpx.Client, path: str) -> str:
    response = client.get(f"/vault/files/{path}")
    assert response.status_code == 303
    return response.headers["location"]


def node_text(client: httpx.Client, path: str) -> str:
    return client.get(f"/vault/nodes/{path}").text


def test_what_is_put_is_got(alice: httpx.Client, folder: str) -> None:
    """Contract 5 row 40: PUT creates, GET redirects to the bytes."""
    stored = put(alice, f"{folder}/f.fits", CONTENT, Content_Type="application/fits")
    response = get(alice, f"{folder}/f.fits")

    assert stored.status_code == 201
    assert stored.headers["digest"] == f"md5={md5_of(CONTENT)}"
    assert response.content == CONTENT
    headers = response.headers
    assert headers["content-length"] == "10240"
    assert headers["content-type"] == "application/fits"
    assert headers["digest"] == f"md5={md5_of(CONTENT)}"
    assert headers["content-md5"] == md5_of(CONTENT)
    assert headers["etag"] == stored.headers["etag"]
    assert headers["accept-ranges"] == "bytes"
    assert headers["content-disposition"] == 'attachment; filename="f.fits"'
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "sandbox"
    assert headers["cache-control"] == "private, no-store"
    assert "last-modified" in headers
    sha256 = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    assert headers["repr-digest"] == f"sha-256=:{sha256}:"


def test_a_redirect_names_an_address_that_needs_no_login(
    alice: httpx.Client, anonymous: httpx.Client, bob: httpx.Client, folder: str
) -> None:
    put(alice, f"{folder}/f", CONTENT)

    url = endpoint(alice, f"{folder}/f")

    assert anonymous.get(url).content == CONTENT
    assert bob.get(url).content == CONTENT
    odd = anonymous.get(url, headers={"Authorization": "Bearer of-somebody-else"})
    assert odd.content == CONTENT


def test_an_altered_or_foreign_ticket_is_refused(
    alice: httpx.Client, anonymous: httpx.Client, folder: str
) -> None:
    put(alice, f"{folder}/f", CONTENT)
    url = endpoint(alice, f"{folder}/f")
    start, _, ticket = url.rpartition("/data/")

    for altered in ("x" + ticket, ticket.replace(".", "A."), "a.b/f", "é/f", "/f", "%00/f"):
        response = anonymous.get(f"{start}/data/{altered}")
        assert response.status_code == 403, altered
        assert response.text.startswith("PermissionDenied: "), altered


def test_replacing_keeps_the_node_and_gives_new_content(
    alice: httpx.Client, folder: str
) -> None:
    first = put(alice, f"{folder}/f", b"old")
    old_url = endpoint(alice, f"{folder}/f")

    second = put(alice, f"{folder}/f", b"newer")

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.headers["etag"] != second.headers["etag"]
    assert get(alice, f"{folder}/f").content == b"newer"
    # Whoever holds a ticket goes on reading the content it was made for.
    assert alice.get(old_url).content == b"old"


@pytest.mark.parametrize(
    ("asked", "expected", "content_range"),
    [
        ("bytes=0-9", CONTENT[:10], "bytes 0-9/10240"),
        ("bytes=5-5", CONTENT[5:6], "bytes 5-5/10240"),
        ("bytes=10000-", CONTENT[10000:], "bytes 10000-10239/10240"),
        ("bytes=10000-99999", CONTENT[10000:], "bytes 10000-10239/10240"),
        ("bytes=-100", CONTENT[-100:], "bytes 10140-10239/10240"),
        ("bytes=-99999", CONTENT, "bytes 0-10239/10240"),
    ],
)
def test_a_range_is_partial_content(
    alice: httpx.Client, folder: str, asked: str, expected: bytes, content_range: str
) -> None:
    """Contract 5 row 56; Contract 7-16: 206 with Content-Range."""
    put(alice, f"{folder}/f", CONTENT)

    response = get(alice, f"{folder}/f", Range=asked)

    assert response.status_code == 206
    assert response.content == expected
    assert response.headers["content-range"] == content_range
    assert response.headers["content-length"] == str(len(expected))
    assert response.headers["digest"] == f"md5={md5_of(CONTENT)}"
    assert "content-md5" not in response.headers


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=99999-99999", "bytes=-0"])
def test_a_range_behind_the_end_is_not_satisfiable(
    alice: httpx.Client, folder: str, asked: str
) -> None:
    """Contract 7-16: 416 beyond the end."""
    put(alice, f"{folder}/f", CONTENT)

    response = get(alice, f"{folder}/f", Range=asked)

    assert response.status_code == 416
    assert response.headers["content-range"] == "bytes */10240"
    assert response.text.startswith("RangeNotSatisfiable: ")


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "lines=0-1", "bytes=5-1", "bytes=x-", "bytes=-", "bytes"]
)
def test_other_ranges_mean_the_whole(alice: httpx.Client, folder: str, asked: str) -> None:
    put(alice, f"{folder}/f", CONTENT)

    response = get(alice, f"{folder}/f", Range=asked)

    assert (response.status_code, response.content) == (200, CONTENT)


def test_if_range_guards_a_resumed_download(alice: httpx.Client, folder: str) -> None:
    """Contract 5 row 57: If-Range: the rest of the same content, or all of the new one."""
    tag = put(alice, f"{folder}/f", CONTENT).headers["etag"]
    modified = get(alice, f"{folder}/f").headers["last-modified"]

    same = get(alice, f"{folder}/f", Range="bytes=0-1", If_Range=tag)
    by_date = get(alice, f"{folder}/f", Range="bytes=0-1", If_Range=modified)
    other = get(alice, f"{folder}/f", Range="bytes=0-1", If_Range='"other"')
    earlier = get(
        alice, f"{folder}/f", Range="bytes=0-1", If_Range="Mon, 01 Jan 2001 00:00:00 GMT"
    )

    assert [r.status_code for r in (same, by_date, other, earlier)] == [206, 206, 200, 200]


def test_reading_conditions_are_honoured(alice: httpx.Client, folder: str) -> None:
    """Contract 5 row 61: If-None-Match, If-Match and the dates."""
    tag = put(alice, f"{folder}/f", CONTENT).headers["etag"]
    modified = get(alice, f"{folder}/f").headers["last-modified"]

    unchanged = get(alice, f"{folder}/f", If_None_Match=f'"x", {tag}')
    weak = get(alice, f"{folder}/f", If_None_Match=f"W/{tag}")
    since = get(alice, f"{folder}/f", If_Modified_Since=modified)
    changed = get(alice, f"{folder}/f", If_None_Match='"x"', If_Modified_Since=modified)
    mismatch = get(alice, f"{folder}/f", If_Match='"x"')
    match = get(alice, f"{folder}/f", If_Match=tag)

    statuses = [r.status_code for r in (unchanged, weak, since, changed, mismatch, match)]
    assert statuses == [304, 304, 304, 200, 412, 200]
    assert unchanged.content == b""
    assert unchanged.headers["etag"] == tag
    assert mismatch.text.startswith("PreconditionFailed: ")


def test_writing_conditions_are_honoured(alice: httpx.Client, folder: str) -> None:
    """Contract 5 row 61: If-Match and If-None-Match on PUT."""
    created = put(alice, f"{folder}/f", b"1", If_None_Match="*")
    again = put(alice, f"{folder}/f", b"2", If_None_Match="*")
    matching = put(alice, f"{folder}/f", b"3", If_Match=created.headers["etag"])
    outdated = put(alice, f"{folder}/f", b"4", If_Match=created.headers["etag"])
    missing = put(alice, f"{folder}/none", b"5", If_Match="*")
    same = put(alice, f"{folder}/f", b"6", If_None_Match=matching.headers["etag"])

    statuses = [r.status_code for r in (created, again, matching, outdated, missing, same)]
    assert statuses == [201, 412, 200, 412, 412, 412]
    assert get(alice, f"{folder}/f").content == b"3"


def objects_in(objects: Path) -> set[str]:
    return {path.name for path in objects.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "headers",
    [
        {"Digest": f"md5={md5_of(b'other')}"},
        {"Content-MD5": md5_of(b"other")},
        {"Digest": f"SHA-256={base64.b64encode(hashlib.sha256(b'other').digest()).decode()}"},
        {
            "Repr-Digest": "sha-256=:"
            f"{base64.b64encode(hashlib.sha256(b'other').digest()).decode()}:"
        },
    ],
)
def test_a_wrong_digest_keeps_the_old_bytes_and_leaves_nothing_behind(
    alice: httpx.Client, folder: str, objects: Path, headers: dict[str, str]
) -> None:
    """Contract 5 row 59; Contract 7-14: 412, the old bytes, no orphan."""
    put(alice, f"{folder}/f", b"old bytes")
    before = objects_in(objects)
    assert before

    response = alice.put(f"/vault/files/{folder}/f", content=b"0123456789", headers=headers)

    assert response.status_code == 412
    assert response.text.startswith("PreconditionFailed: ")
    received = hashlib.md5(b"0123456789", usedforsecurity=False).hexdigest()
    assert "was announced" in response.text
    assert received in response.text or "sha-256" in response.text
    assert get(alice, f"{folder}/f").content == b"old bytes"
    assert objects_in(objects) == before
    assert 'busy="true"' not in node_text(alice, f"{folder}/f")


def test_a_right_digest_is_accepted_and_repeated(alice: httpx.Client, folder: str) -> None:
    """Contract 5 row 60; Contract 7-14: 201 with the same digest."""
    digest = f"md5={md5_of(CONTENT)}"

    response = put(alice, f"{folder}/f", CONTENT, Digest=digest)

    assert response.status_code == 201
    assert response.headers["digest"] == digest
    expected = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    assert property_of(node_text(alice, f"{folder}/f"), "MD5") == expected


@pytest.mark.parametrize("digest", ["md5=short", "md5=" + "A" * 30, "sha-256=AAAA"])
def test_a_malformed_digest_is_an_invalid_argument(
    alice: httpx.Client, folder: str, digest: str
) -> None:
    response = put(alice, f"{folder}/f", b"x", Digest=digest)

    assert response.status_code == 400
    assert response.text.startswith("InvalidArgument: ")


def test_digests_of_other_kinds_are_ignored(alice: httpx.Client, folder: str) -> None:
    assert put(alice, f"{folder}/f", b"x", Digest="unixsum=30637, crc32c=AAAA").is_success


def test_an_empty_file_has_no_content(alice: httpx.Client, folder: str) -> None:
    """Contract 5 row 63; Contract 7-16: 204, and HEAD 200 with length 0."""
    stored = put(alice, f"{folder}/empty", b"")
    response = alice.get(f"/vault/files/{folder}/empty")
    head = alice.head(f"/vault/files/{folder}/empty")

    assert stored.status_code == 201
    assert (response.status_code, response.content) == (204, b"")
    assert (head.status_code, head.headers["content-length"]) == (200, "0")
    assert stored.headers["digest"] == f"md5={md5_of(b'')}"
    assert property_of(node_text(alice, f"{folder}/empty"), "length") == "0"


def test_a_node_without_bytes_has_no_content_and_no_digest(
    alice: httpx.Client, folder: str
) -> None:
    alice.put(f"/vault/nodes/{folder}/n", content=data(f"{folder}/n")).raise_for_status()

    response = alice.get(f"/vault/files/{folder}/n")

    assert response.status_code == 204
    assert "digest" not in response.headers
    assert "etag" not in response.headers


def test_head_needs_no_permission_on_the_file_itself(
    alice: httpx.Client, bob: httpx.Client, folder: str
) -> None:
    """Contract 5 row 39; Contract 7-16: 200 to HEAD although GET is 403."""
    alice.post("/vault/nodes/alice", content=container("alice", ispublic="true"))
    alice.post(f"/vault/nodes/{folder}", content=container(folder, ispublic="true"))
    put(alice, f"{folder}/f", CONTENT)

    head, refused = bob.head(f"/vault/files/{folder}/f"), bob.get(f"/vault/files/{folder}/f")
    alice.post("/vault/nodes/alice", content=container("alice", ispublic="false"))

    assert (head.status_code, head.headers["content-length"]) == (200, "10240")
    assert head.headers["digest"] == f"md5={md5_of(CONTENT)}"
    assert (refused.status_code, refused.text.split(":")[0]) == (403, "PermissionDenied")
    assert bob.head(f"/vault/files/{folder}/f").status_code == 403


def test_private_bytes_ask_anonymous_callers_to_log_in(
    alice: httpx.Client, anonymous: httpx.Client, folder: str
) -> None:
    put(alice, f"{folder}/f", CONTENT)

    response = anonymous.get(f"/vault/files/{folder}/f")

    assert (response.status_code, response.text.split(":")[0]) == (401, "NotAuthenticated")


def test_readers_may_not_write(alice: httpx.Client, bob: httpx.Client, folder: str) -> None:
    put(alice, f"{folder}/f", b"old")

    response = put(bob, f"{folder}/f", b"new")

    assert (response.status_code, response.text.split(":")[0]) == (403, "PermissionDenied")
    assert get(alice, f"{folder}/f").content == b"old"


def test_links_are_followed_to_bytes(alice: httpx.Client, folder: str) -> None:
    put(alice, f"{folder}/f", b"old")
    alice.put(
        f"/vault/nodes/{folder}/l", content=link(f"{folder}/l", uri(f"{folder}/f"))
    ).raise_for_status()

    assert get(alice, f"{folder}/l").content == b"old"
    assert put(alice, f"{folder}/l", b"new").status_code == 200
    assert get(alice, f"{folder}/f").content == b"new"


def test_containers_hold_no_bytes(alice: httpx.Client, folder: str) -> None:
    for response in (alice.get(f"/vault/files/{folder}"), put(alice, folder, b"x")):
        assert (response.status_code, response.text.split(":")[0]) == (400, "InvalidArgument")
    missing = put(alice, f"{folder}/no/f", b"x")
    assert (missing.status_code, missing.text.split(":")[0]) == (404, "ContainerNotFound")


def test_a_chunked_upload_needs_no_length(alice: httpx.Client, folder: str) -> None:
    pieces = [secrets.token_bytes(100_000) for _ in range(30)]

    response = alice.put(f"/vault/files/{folder}/f", content=iter(pieces))

    assert response.status_code == 201
    assert get(alice, f"{folder}/f").content == b"".join(pieces)


def test_the_stated_time_of_a_file_is_kept(alice: httpx.Client, folder: str) -> None:
    put(alice, f"{folder}/f", b"x", X_VOSpace_Mtime_Ns="1234567890123456789")
    entry = alice.get(f"/api/v1/nodes/{folder}/f").json()
    refused = put(alice, f"{folder}/g", b"x", X_VOSpace_Mtime_Ns="yesterday")

    assert entry["mtime_ns"] == 1234567890123456789
    assert (refused.status_code, refused.text.split(":")[0]) == (400, "InvalidArgument")


def test_the_node_is_answered_to_whoever_wants_json(alice: httpx.Client, folder: str) -> None:
    response = put(alice, f"{folder}/f", b"12345", Accept="application/json")

    entry = response.json()
    assert response.headers["content-type"] == "application/json"
    assert (entry["name"], entry["length"], entry["type"]) == ("f", 5, "data")
    assert response.headers["etag"] == f'"{entry["content"]}"'


@pytest.mark.parametrize(("declared", "name"), [(True, "announced"), (False, "unannounced")])
def test_a_file_larger_than_the_quota_is_refused_and_the_old_one_kept(
    alice: httpx.Client, declared: bool, name: str
) -> None:
    """Contract 5 row 80: 413 with the word quota, before the first byte."""
    put(alice, f"small/{name}", b"x" * 400)
    body = b"y" * 2000

    content = body if declared else iter([body])
    response = alice.put(f"/vault/files/small/{name}", content=content)

    assert response.status_code == 413
    assert response.text.startswith("QuotaExceeded: ")
    assert "quota" in response.text.lower().partition(":")[2]
    assert get(alice, f"small/{name}").content == b"x" * 400
    alice.delete(f"/vault/nodes/small/{name}").raise_for_status()
    assert alice.get("/api/v1/quota/small").json()["used"] == 0


def test_a_large_file_arrives_whole(alice: httpx.Client, folder: str) -> None:
    content = secrets.token_bytes(1 << 20) * 9 + b"tail"

    put(alice, f"{folder}/large", content).raise_for_status()

    assert get(alice, f"{folder}/large").content == content
    part = get(alice, f"{folder}/large", Range="bytes=1048570-7340100")
    assert part.content == content[1048570:7340101]


@pytest.mark.parametrize(
    "name", ["sp ace", "ünï.fits", "q'uote", 'dou"ble', "semi;colon", "名前", "a%b", "a+b"]
)
def test_names_survive_in_content_disposition(
    alice: httpx.Client, folder: str, name: str
) -> None:
    quoted = f"/{quote(name)}"
    alice.put(f"/vault/files/{folder}{quoted}", content=b"x").raise_for_status()

    response = alice.get(f"/vault/files/{folder}{quoted}", follow_redirects=True)

    assert response.content == b"x"
    disposition = response.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="')
    if not name.isascii() or name in {'dou"ble', "semi;colon", "a%b"}:
        assert "filename*=UTF-8''" in disposition


def test_a_write_address_serves_one_upload(
    alice: httpx.Client, anonymous: httpx.Client, folder: str
) -> None:
    document = transfer(f"{folder}/f", "pushToVoSpace", protocols=("httpput",))
    details = alice.post("/vault/synctrans", content=document, follow_redirects=True).text
    url = details.partition("<vos:endpoint>")[2].partition("<")[0]

    before = anonymous.head(url)
    failed = anonymous.put(url, content=b"abc", headers={"Digest": f"md5={md5_of(b'x')}"})
    stored = anonymous.put(url, content=b"abc", headers={"Authorization": "Bearer foreign"})
    after = anonymous.head(url)
    again = anonymous.put(url, content=b"def")

    assert before.status_code == 404
    assert failed.status_code == 412
    assert (stored.status_code, stored.headers["digest"]) == (201, f"md5={md5_of(b'abc')}")
    assert (after.status_code, after.headers["digest"]) == (200, f"md5={md5_of(b'abc')}")
    assert (again.status_code, again.text.split(":")[0]) == (403, "PermissionDenied")
    assert anonymous.get(url).status_code == 403
    assert get(alice, f"{folder}/f").content == b"abc"
