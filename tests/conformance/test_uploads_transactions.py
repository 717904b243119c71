"""Uploads in several requests on a real server (contract 2.5, upload data endpoint)."""

import base64
import hashlib
import os
import secrets
from collections.abc import Iterator

import httpx
import pytest

from tests.server_faults.aftermath import incoming, objects
from tests.support.space import Space
from tests.vospace_server.http.documents import (
    children_of,
    endpoints_of,
    property_of,
    transfer,
)

# Segments that are not the last have at least this.
SEGMENT = 5 << 20
FIRST, SECOND, LAST = os.urandom(SEGMENT), os.urandom(SEGMENT + 1), b"and the rest"
WHOLE = FIRST + SECOND + LAST


def digest(content: bytes) -> str:
    value = hashlib.md5(content, usedforsecurity=False).digest()
    return f"md5={base64.b64encode(value).decode()}"


@pytest.fixture
def owner(shared_space: Space) -> Iterator[httpx.Client]:
    with shared_space.client(shared_space.owner) as client:
        yield client


@pytest.fixture(params=["files", "data"])
def url(request: pytest.FixtureRequest, owner: httpx.Client, folder: str) -> str:
    """Where a new file may be written: by its path, and by a pre-authorised address."""
    path = f"{folder}/{secrets.token_hex(4)}"
    if request.param == "files":
        return f"/vault/files/{path}"
    document = transfer(path, "pushToVoSpace", protocols=("httpput",))
    answer = owner.post("/vault/synctrans", content=document, follow_redirects=True)
    return endpoints_of(answer.text)[0]


def txn(op: str | None = None, known: str | None = None, **headers: str) -> dict[str, str]:
    """The headers of one request of a transaction."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if op is not None:
        named["x-put-txn-op"] = op
    if known is not None:
        named["x-put-txn-id"] = known
    return named


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.text.partition(":")[0]


def stored(owner: httpx.Client, folder: str) -> list[str]:
    """The names in a folder."""
    return children_of(owner.get(f"/vault/nodes/{folder}").raise_for_status().text)


def read(owner: httpx.Client, folder: str) -> bytes:
    """The bytes of the one file in a folder."""
    (name,) = stored(owner, folder)
    answer = owner.get(f"/vault/files/{folder}/{name}", follow_redirects=True)
    return answer.raise_for_status().content


def started(owner: httpx.Client, url: str, total: int | None = None) -> str:
    headers = {} if total is None else {"x_total_length": str(total)}
    answer = owner.put(url, headers=txn("start", **headers))
    assert answer.status_code == 202
    return answer.headers["x-put-txn-id"]


def test_a_whole_body_waits_for_its_commit(owner: httpx.Client, url: str, folder: str) -> None:
    """Contract 7-15: 6 MiB with `start` is 202 with `digest` and an id; commit counts."""
    begun = owner.put(url, content=WHOLE, headers=txn("start"))
    known = begun.headers["x-put-txn-id"]

    assert begun.status_code == 202
    assert begun.headers["digest"] == digest(WHOLE)
    assert stored(owner, folder) == []
    committed = owner.put(url, headers=txn("commit", known))

    assert committed.status_code == 201
    assert committed.headers["digest"] == digest(WHOLE)
    assert read(owner, folder) == WHOLE
    md5 = hashlib.md5(WHOLE, usedforsecurity=False).hexdigest()
    assert f">{md5}<" in owner.get(f"/vault/nodes/{folder}").text


@pytest.mark.parametrize("segmented", [False, True], ids=["whole", "segments"])
def test_an_upload_in_several_requests_says_how_it_is_packed(
    owner: httpx.Client, url: str, folder: str, segmented: bool
) -> None:
    """Contract 1.2: core#encoding tells the Content-Encoding with which an upload starts."""
    packed = {"Content-Type": "text/plain", "Content-Encoding": "gzip"}
    start = {**txn("start"), **packed}
    begun = (
        owner.put(url, headers=start)
        if segmented
        else owner.put(url, content=WHOLE, headers=start)
    )
    known = begun.headers["x-put-txn-id"]
    if segmented:
        assert owner.put(url, content=WHOLE, headers=txn(known=known)).status_code == 202
    assert owner.put(url, headers=txn("commit", known)).status_code == 201

    (name,) = stored(owner, folder)
    document = owner.get(f"/vault/nodes/{folder}/{name}").text
    assert property_of(document, "encoding") == "gzip"
    assert property_of(document, "type") == "text/plain"
    assert read(owner, folder) == WHOLE


def test_a_file_comes_in_segments(owner: httpx.Client, url: str, folder: str) -> None:
    """Contract 5 row 58: start with x-total-length, segments with their digests, commit."""
    begun = owner.put(url, headers=txn("start", x_total_length=str(len(WHOLE))))
    known = begun.headers["x-put-txn-id"]
    assert begun.status_code == 202
    assert "digest" not in begun.headers
    assert int(begun.headers["x-put-segment-minbytes"]) == SEGMENT
    assert int(begun.headers["x-put-segment-maxbytes"]) >= 2 << 30

    sent = b""
    for segment in (FIRST, SECOND, LAST):
        sent += segment
        answer = owner.put(url, content=segment, headers=txn(known=known))
        assert (answer.status_code, answer.headers["digest"]) == (202, digest(sent))
    assert stored(owner, folder) == []
    assert owner.put(url, headers=txn("commit", known)).status_code == 201
    assert read(owner, folder) == WHOLE


def test_an_interrupted_upload_is_resumed(owner: httpx.Client, url: str, folder: str) -> None:
    """Contract 5 row 58: HEAD with the id returns progress, and a client goes on from there."""
    known = started(owner, url, len(WHOLE))
    fresh = owner.head(url, headers=txn(known=known))
    owner.put(url, content=FIRST, headers=txn(known=known)).raise_for_status()
    progress = owner.head(url, headers=txn(known=known))

    assert (fresh.status_code, fresh.headers["content-length"]) == (200, "0")
    assert "digest" not in fresh.headers
    assert (progress.status_code, progress.headers["digest"]) == (200, digest(FIRST))
    assert int(progress.headers["content-length"]) == len(FIRST)
    assert int(progress.headers["x-total-length"]) == len(WHOLE)
    rest = SECOND + LAST
    placed = f"bytes {len(FIRST)}-{len(WHOLE) - 1}/{len(WHOLE)}"
    answer = owner.put(url, content=rest, headers=txn(known=known, content_range=placed))
    assert answer.headers["digest"] == digest(WHOLE)
    owner.put(url, headers=txn("commit", known)).raise_for_status()
    assert read(owner, folder) == WHOLE


def test_a_segment_can_be_taken_back(owner: httpx.Client, url: str, folder: str) -> None:
    """Contract 2.5: POST revert takes the last segment back and gives the digest before it."""
    known = started(owner, url)
    owner.put(url, content=FIRST, headers=txn(known=known)).raise_for_status()
    owner.put(url, content=b"w" * SEGMENT, headers=txn(known=known)).raise_for_status()

    reverted = owner.post(url, headers=txn("revert", known))
    assert (reverted.status_code, reverted.headers["digest"]) == (202, digest(FIRST))
    to_start = owner.post(url, headers=txn("revert", known))
    assert (to_start.status_code, "digest" in to_start.headers) == (202, False)
    assert refusal(owner.post(url, headers=txn("revert", known))) == (400, "InvalidArgument")
    owner.put(url, content=LAST, headers=txn(known=known)).raise_for_status()
    owner.put(url, headers=txn("commit", known)).raise_for_status()
    assert read(owner, folder) == LAST


def test_an_aborted_upload_leaves_nothing(
    owner: httpx.Client, url: str, folder: str, shared_space: Space
) -> None:
    """Contract 2.5: POST abort ends the transaction; node, quota and store are as before."""
    before = owner.get("/api/v1/quota/durand").json()["used"]
    known = started(owner, url, len(WHOLE))
    held = owner.put(url, content=WHOLE, headers=txn("start")).headers["x-put-txn-id"]
    owner.put(url, content=FIRST, headers=txn(known=known)).raise_for_status()
    assert owner.get("/api/v1/quota/durand").json()["used"] == before + 2 * len(WHOLE)
    kept = set(objects(shared_space))

    for each in (known, held):
        assert owner.post(url, headers=txn("abort", each)).status_code == 204
        for gone in (
            owner.head(url, headers=txn(known=each)),
            owner.put(url, content=LAST, headers=txn(known=each)),
            owner.put(url, headers=txn("commit", each)),
            owner.post(url, headers=txn("abort", each)),
        ):
            assert gone.status_code == 404
    assert owner.get("/api/v1/quota/durand").json()["used"] == before
    assert stored(owner, folder) == []
    assert len(kept - set(objects(shared_space))) == 1
    growing = shared_space.server.data_dir / "storage" / "growing"
    assert [*growing.iterdir(), *incoming(shared_space)] == []


def test_a_lost_answer_to_a_commit_does_no_harm(
    owner: httpx.Client, url: str, folder: str
) -> None:
    """Contract 2.5: a commit that is repeated is 201 again."""
    known = owner.put(url, content=WHOLE, headers=txn("start")).headers["x-put-txn-id"]
    first = owner.put(url, headers=txn("commit", known))
    again = owner.put(url, headers=txn("commit", known))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.headers["etag"] == again.headers["etag"]
    assert len(stored(owner, folder)) == 1


@pytest.mark.parametrize("url", ["files"], indirect=True)
def test_what_can_not_be_is_refused_by_name(owner: httpx.Client, url: str, folder: str) -> None:
    """Contract 2.5: wrong headers, lengths, digests and states are faults a client can read."""
    known = started(owner, url, len(FIRST) + len(LAST))
    wrong = txn(known=known, digest=digest(b"other"))
    placed = txn(known=known, content_range=f"bytes 7-{SEGMENT + 6}/*")
    whole = txn("start", digest=digest(b"other"))

    def put(content: bytes, headers: dict[str, str]) -> tuple[int, str]:
        return refusal(owner.put(url, content=content, headers=headers))

    assert put(b"short", txn(known=known)) == (400, "InvalidArgument")
    assert put(WHOLE, txn(known=known)) == (400, "InvalidArgument")
    assert put(b"", txn(known=known)) == (400, "InvalidArgument")
    assert put(FIRST, wrong) == (412, "PreconditionFailed")
    assert put(FIRST, placed) == (416, "RangeNotSatisfiable")
    assert put(FIRST, txn(known=known, content_range="bytes 0-1/2")) == (400, "InvalidArgument")
    assert put(b"", txn("commit", known)) == (400, "InvalidArgument")
    assert put(b"", txn("start", known)) == (400, "InvalidArgument")
    assert put(b"", txn("abort", known)) == (400, "InvalidArgument")
    assert put(b"", txn("commit")) == (400, "InvalidArgument")
    assert put(b"", txn("nonsense", known)) == (400, "InvalidArgument")
    assert put(FIRST, txn("start", x_total_length="9")) == (400, "InvalidArgument")
    assert put(b"", txn("start", x_total_length="many")) == (400, "InvalidArgument")
    assert put(b"", txn(x_total_length="9")) == (400, "InvalidArgument")
    assert put(WHOLE, whole) == (412, "PreconditionFailed")
    assert put(b"", txn("start", x_total_length=str(1 << 50))) == (413, "QuotaExceeded")
    assert refusal(owner.post(url)) == (400, "InvalidArgument")
    assert refusal(owner.post(url, headers=txn("commit", known))) == (400, "InvalidArgument")
    progress = owner.head(url, headers=txn(known=known))
    assert (progress.status_code, progress.headers["content-length"]) == (200, "0")
    assert owner.post(url, headers=txn("abort", known)).status_code == 204
    assert stored(owner, folder) == []


@pytest.mark.parametrize("url", ["files"], indirect=True)
def test_a_transaction_is_of_its_owner_and_its_node(
    owner: httpx.Client, url: str, shared_space: Space
) -> None:
    """Contract 2.5: the id of a transaction is no credential, and writes one node only."""
    known = started(owner, url, len(WHOLE))
    with (
        shared_space.client(shared_space.stranger) as stranger,
        shared_space.client(None) as nobody,
    ):
        for method, op in (("PUT", "commit"), ("HEAD", None), ("POST", "abort")):
            asked = stranger.request(method, url, headers=txn(op, known))
            assert asked.status_code == 403
            anonymous = nobody.request(method, url, headers=txn(op, known))
            assert anonymous.status_code in {401, 403}
    elsewhere = owner.put(f"{url}-other", content=FIRST, headers=txn(known=known))
    assert refusal(elsewhere) == (404, "NodeNotFound")
    assert owner.post(url, headers=txn("abort", known)).status_code == 204


def test_a_transaction_outlives_a_killed_server(own_space: Space) -> None:
    """Contract 5 row 58: what a client was told to be there is there after a restart."""
    url = "/vault/files/durand/f"
    with own_space.client(own_space.owner) as client:
        known = started(client, url, len(WHOLE))
        client.put(url, content=FIRST, headers=txn(known=known)).raise_for_status()
    own_space.server.kill()
    own_space.server.start()
    with own_space.client(own_space.owner) as client:
        progress = client.head(url, headers=txn(known=known))
        assert progress.headers["digest"] == digest(FIRST)
        client.put(url, content=SECOND, headers=txn(known=known)).raise_for_status()
    own_space.server.stop()
    own_space.server.start()
    with own_space.client(own_space.owner) as client:
        last = client.put(url, content=LAST, headers=txn(known=known))
        assert last.headers["digest"] == digest(WHOLE)
        client.put(url, headers=txn("commit", known)).raise_for_status()
        answer = client.get(url, follow_redirects=True)
        assert answer.content == WHOLE
    assert own_space.server.administer("fsck") == "nothing is wrong\n"
