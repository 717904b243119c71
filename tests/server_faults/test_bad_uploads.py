"""Uploads whose headers lie, and a collector that comes in the middle of one."""

import base64
import gzip
import hashlib

import httpx
import pytest

from tests.server_faults.aftermath import incoming, objects
from tests.support.space import Space
from tests.vospace_server.http.documents import endpoints_of, property_of, transfer
from tests.vospace_server.http.wire import Wire

MD5 = base64.b64encode(hashlib.md5(b"new", usedforsecurity=False).digest()).decode()
WRONG = base64.b64encode(bytes(16)).decode()


@pytest.mark.parametrize(
    "header",
    [
        {"Digest": f"md5={WRONG}"},
        {"Content-MD5": WRONG},
        {"Repr-Digest": f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"},
        {"Digest": f"MD5={WRONG}"},
        {"Digest": f"md5={MD5}, sha-256={base64.b64encode(bytes(32)).decode()}"},
    ],
)
def test_a_digest_of_other_bytes_is_412_and_names_both(
    owner: httpx.Client, folder: str, header: dict[str, str]
) -> None:
    """Contract 7-14: both digests are named."""
    address = f"/vault/files/{folder}/f"
    owner.put(address, content=b"old").raise_for_status()

    answer = owner.put(address, content=b"new", headers=header)

    assert (answer.status_code, answer.text.split(":")[0]) == (412, "PreconditionFailed")
    assert len(answer.text.splitlines()) == 1
    assert owner.get(address, follow_redirects=True).content == b"old"


@pytest.mark.parametrize(
    "header",
    [
        {"Digest": "md5="},
        {"Digest": "md5"},
        {"Digest": "md5=!!!!"},
        {"Digest": "md5=AAAA"},
        {"Digest": f"md5={MD5},md5={WRONG}"},
        {"Digest": f"md5={MD5}", "Content-MD5": WRONG},
        {"Digest": "sha-256=" + "0" * 63},
        {"Repr-Digest": "sha-256=::"},
        {"Content-MD5": ""},
    ],
)
def test_a_digest_that_is_none_is_refused_and_not_passed_over(
    owner: httpx.Client, folder: str, header: dict[str, str]
) -> None:
    address = f"/vault/files/{folder}/f"
    answer = owner.put(address, content=b"new", headers=header)

    assert (answer.status_code, answer.text.split(":")[0]) == (400, "InvalidArgument")
    assert owner.get(f"/vault/nodes/{folder}/f").status_code == 404


def test_the_collector_leaves_an_upload_under_way_alone(fresh_space: Space) -> None:
    space = fresh_space
    wire = Wire(port=space.server.port)
    head = (
        "PUT /vault/files/durand/f HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n"
        f"Authorization: Bearer {space.owner.token}\r\n\r\n"
    )
    wire.send(head.encode() + b"x" * 200_000)
    with space.client(space.owner) as client:
        client.put("/vault/files/durand/g", content=b"gone").raise_for_status()
        client.put("/vault/files/durand/g", content=b"kept").raise_for_status()
        assert len(incoming(space)) == 1

        printed = space.server.administer("gc", "--grace", "0s")
        wire.send(b"x" * 200_000)
        answer = wire.read()
        wire.close()

        assert "removed 1 objects" in printed
        assert answer.status == 201
        read = client.get("/vault/files/durand/f", follow_redirects=True)
        assert read.content == b"x" * 400_000
    assert len(objects(space)) == 2
    assert space.server.administer("fsck") == "nothing is wrong\n"


@pytest.mark.parametrize("at", ["path", "address"])
def test_a_part_of_a_file_does_not_replace_the_whole(
    owner: httpx.Client, folder: str, at: str
) -> None:
    """RFC 9110, 14.5: what `curl --continue-at` sends is refused, and nothing is changed."""
    path = f"/vault/files/{folder}/f"
    owner.put(path, content=b"old and whole").raise_for_status()
    pushed = transfer(f"{folder}/f", "pushToVoSpace", protocols=("httpput",))
    details = owner.post("/vault/synctrans", content=pushed, follow_redirects=True).text
    url = path if at == "path" else endpoints_of(details)[0]

    answer = owner.put(url, content=b"ole", headers={"Content-Range": "bytes 10-12/13"})

    assert (answer.status_code, answer.text.split(":")[0]) == (400, "InvalidArgument")
    assert owner.get(path, follow_redirects=True).content == b"old and whole"


def test_an_upload_over_what_was_modified_since_is_refused(
    owner: httpx.Client, folder: str
) -> None:
    """RFC 9110, 13.1.4: If-Unmodified-Since guards a write where there is no If-Match."""
    path = f"/vault/files/{folder}/f"
    etag = owner.put(path, content=b"old").raise_for_status().headers["etag"]
    before = {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}

    assert owner.put(path, content=b"new", headers=before).status_code == 412
    assert owner.get(path, follow_redirects=True).content == b"old"
    both = {**before, "If-Match": etag}
    assert owner.put(path, content=b"2nd", headers=both).status_code == 200
    late = {"If-Unmodified-Since": "Fri, 01 Jan 2999 00:00:00 GMT"}
    assert owner.put(path, content=b"3rd", headers=late).status_code == 200


def test_packed_bytes_are_kept_as_they_come_and_said_to_be_packed(
    owner: httpx.Client, folder: str
) -> None:
    """Contract 1.2: core#encoding tells the Content-Encoding of the upload, and no other."""
    path = f"{folder}/f"
    packed = gzip.compress(b"spectrum")

    def put(**headers: str) -> str | None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        owner.put(f"/vault/files/{path}", content=packed, headers=named).raise_for_status()
        return property_of(owner.get(f"/vault/nodes/{path}").text, "encoding")

    assert put(Content_Encoding="gzip") == "gzip"
    got = owner.get(f"/vault/files/{path}", follow_redirects=True)
    assert (got.content, got.headers.get("content-encoding")) == (packed, None)
    assert put() is None
    assert put(Content_Encoding="identity") is None


def test_what_curl_sends_by_itself_says_nothing_of_the_file(
    owner: httpx.Client, folder: str
) -> None:
    """`curl -X PUT --data-binary @spectrum.txt` calls any file a form; POST is answered."""
    path = f"{folder}/spectrum.txt"
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    owner.put(f"/vault/files/{path}", content=b"1 2", headers=form).raise_for_status()
    posted = owner.post(f"/vault/files/{path}", content=b"3 4", headers=form)

    assert property_of(owner.get(f"/vault/nodes/{path}").text, "type") is None
    assert posted.status_code == 400
    assert posted.text.startswith("InvalidArgument: files are sent by PUT")
    assert owner.get(f"/vault/files/{path}", follow_redirects=True).content == b"1 2"
