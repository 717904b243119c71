"""Range and the conditions that go with it, compared with slices of Python."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.space import Space

Fetch = Callable[..., httpx.Response]
LENGTHS = (1, 2, 999, 70_000, (1 << 20) + 1, (2 << 20) + 17)


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """Bytes, and the pre-authorised address under which a server holds them."""

    content: bytes
    path: str
    url: str
    etag: str


@pytest.fixture(scope="module")
def stored(shared_space: Space) -> list[StoredFile]:
    with shared_space.client(shared_space.owner) as client:
        return [_store(client, length) for length in LENGTHS]


def _store(client: httpx.Client, length: int) -> StoredFile:
    content = random.Random(length).randbytes(length)
    address = f"/vault/files/durand/range-{length}"
    etag = client.put(address, content=content).raise_for_status().headers["etag"]
    url = client.get(address).headers["location"]
    return StoredFile(content=content, path=address, url=url, etag=etag)


@pytest.fixture(scope="module")
def fetch(shared_space: Space) -> Iterator[Fetch]:
    """GET with headers, whose names are written with underscores."""
    with shared_space.client(None) as client:

        def get(url: str, **headers: str) -> httpx.Response:
            named = [
                (name.replace("_", "-").encode(), value.encode("latin-1"))
                for name, value in headers.items()
            ]
            return client.get(url, headers=named)

        yield get


def expected(header: str, content: bytes) -> tuple[int, bytes]:
    """What RFC 9110, 14.1.2 says of one byte range with digits in it."""
    first, _, last = header.removeprefix("bytes=").partition("-")
    length = len(content)
    if not first:
        part = content[max(0, length - int(last)) :] if int(last) else b""
        return (206, part) if part else (416, b"")
    if last and int(last) < int(first):
        return 200, content
    part = content[int(first) : int(last) + 1 if last else length]
    return (206, part) if part else (416, b"")


# Near the ends of files and of the server's chunks, and anywhere.
POSITIONS = (
    st.integers(0, 5)
    | st.sampled_from([n + d for n in (*LENGTHS, 1 << 20, 2 << 20) for d in (-2, -1, 0, 1)])
    | st.integers(0, 3 << 20)
).filter(lambda n: n >= 0)
RANGES = st.one_of(
    st.builds("bytes={}-{}".format, POSITIONS, POSITIONS),
    st.builds("bytes={}-".format, POSITIONS),
    st.builds("bytes=-{}".format, POSITIONS),
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(which=st.integers(0, len(LENGTHS) - 1), header=RANGES)
@example(which=0, header="bytes=0-0")
@example(which=0, header="bytes=-0")
@example(which=0, header="bytes=1-")
@example(which=2, header="bytes=0-9999999999999999999")
@example(which=2, header="bytes=-9999999999999999999")
@example(which=2, header="bytes=9999999999999999999-")
def test_a_range_is_a_slice(
    stored: list[StoredFile], fetch: Fetch, which: int, header: str
) -> None:
    """Contract 5 row 56: any range is that slice of the file."""
    file = stored[which]
    status, part = expected(header, file.content)
    answer = fetch(file.url, Range=header)

    assert answer.status_code == status
    length = len(file.content)
    if status == 416:
        assert answer.headers["content-range"] == f"bytes */{length}"
        return
    assert answer.content == part
    assert answer.headers["content-length"] == str(len(part))
    assert answer.headers["etag"] == file.etag
    assert answer.headers["accept-ranges"] == "bytes"
    if status == 206:
        start = file.content.index(part) if length < 1000 else None
        shown = answer.headers["content-range"]
        first, last = map(int, shown.removeprefix("bytes ").split("/")[0].split("-"))
        assert file.content[first : last + 1] == part
        assert shown == f"bytes {first}-{last}/{length}"
        assert start is None or first >= start
        assert "content-md5" not in answer.headers


@pytest.mark.parametrize(
    "header",
    [
        "bytes=", "bytes=-", "bytes=a-b", "bytes=1-2,5-6", "bytes=0-0,-1", "bytes=1-2,",
        "bytes 0-5", "lines=0-5", "bytes=5-2", "bytes=0x1-2", "bytes=--5", "bytes=1--2",
        "bytes=1-2-3", "", "bytes=99999999999999999999-", "bytes=\u00b2-", "=0-5", "bytes=+1-2",
    ],
)  # fmt: skip
def test_what_is_no_single_range_means_the_whole(
    stored: list[StoredFile], fetch: Fetch, header: str
) -> None:
    file = stored[2]
    answer = fetch(file.url, Range=header)

    assert (answer.status_code, answer.content) == (200, file.content)


ETAGS = ["{own}", "W/{own}", '"other"', '{own}, "other"', '"other", {own}', "*", "junk", ""]


def _matches(condition: str, *, weak: bool) -> bool:
    """Whether a list of entity tags names the content whose tag is `{own}`."""
    if condition == "*":
        return True
    members = [member.strip() for member in condition.split(",")]
    return "{own}" in members or (weak and "W/{own}" in members)


@pytest.mark.parametrize("condition", ETAGS)
@pytest.mark.parametrize("header", ["bytes=1-3", "bytes=5000-", None])
def test_if_none_match_comes_before_the_range(
    stored: list[StoredFile],
    fetch: Fetch,
    condition: str,
    header: str | None,
) -> None:
    file = stored[2]
    asked = {} if header is None else {"Range": header}
    answer = fetch(file.url, If_None_Match=condition.format(own=file.etag), **asked)

    if _matches(condition, weak=True):
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == file.etag
    else:
        assert answer.status_code == {"bytes=1-3": 206, "bytes=5000-": 416, None: 200}[header]


@pytest.mark.parametrize("condition", ETAGS)
def test_if_match_compares_strongly(
    stored: list[StoredFile], fetch: Fetch, condition: str
) -> None:
    file = stored[2]
    answer = fetch(file.url, If_Match=condition.format(own=file.etag), Range="bytes=1-3")

    if _matches(condition, weak=False):
        assert (answer.status_code, answer.content) == (206, file.content[1:4])
    else:
        assert (answer.status_code, answer.text.split(":")[0]) == (412, "PreconditionFailed")


@pytest.mark.parametrize("condition", ["{own}", "W/{own}", '"other"', "Mon, 01 Jan 1990", "x"])
def test_if_range_gives_the_part_only_of_the_same_content(
    stored: list[StoredFile], fetch: Fetch, condition: str
) -> None:
    file = stored[2]
    answer = fetch(file.url, If_Range=condition.format(own=file.etag), Range="bytes=1-3")

    if condition == "{own}":
        assert (answer.status_code, answer.content) == (206, file.content[1:4])
    else:
        assert (answer.status_code, answer.content) == (200, file.content)


def test_the_date_of_a_file_is_a_condition_too(stored: list[StoredFile], fetch: Fetch) -> None:
    file = stored[2]
    date = fetch(file.url).headers["last-modified"]

    assert fetch(file.url, If_Modified_Since=date).status_code == 304
    assert fetch(file.url, If_Range=date, Range="bytes=0-0").status_code == 206
    other = fetch(file.url, If_None_Match='"other"', If_Modified_Since=date)
    assert (other.status_code, other.content) == (200, file.content)


@pytest.mark.parametrize("at", ["address", "path"])
def test_head_answers_conditions_as_get_does(
    stored: list[StoredFile], shared_space: Space, at: str
) -> None:
    """RFC 9110, 13.2.1: a cache that asks with HEAD hears that nothing has changed."""
    file = stored[2]
    with shared_space.client(shared_space.owner) as client:
        url = file.url if at == "address" else file.path
        date = client.head(url).headers["last-modified"]
        for name, value, status in (
            ("If-None-Match", file.etag, 304),
            ("If-None-Match", '"other"', 200),
            ("If-Modified-Since", date, 304),
            ("If-Match", '"other"', 412),
            ("If-Match", file.etag, 200),
            ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT", 412),
            ("If-Unmodified-Since", date, 200),
        ):
            answer = client.head(url, headers={name: value})
            assert (answer.status_code, answer.content) == (status, b""), (name, value)


def test_what_must_be_so_comes_before_what_may_be_known(
    stored: list[StoredFile], fetch: Fetch
) -> None:
    """RFC 9110, 13.2.2: If-Match or If-Unmodified-Since first, then If-None-Match."""
    file = stored[2]
    old = "Thu, 01 Jan 1970 00:00:00 GMT"

    assert fetch(file.url, If_Match='"other"', If_None_Match=file.etag).status_code == 412
    assert fetch(file.url, If_Unmodified_Since=old).status_code == 412
    assert fetch(file.url, If_Match=file.etag, If_Unmodified_Since=old).status_code == 200
    assert fetch(file.url, If_Unmodified_Since="no date").status_code == 200
