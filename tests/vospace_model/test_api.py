"""The JSON of our own extension."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vospace_model.strategies import changes, keys, paths, texts
from vospace_model import (
    AttributeChange,
    BundledFault,
    BundledFile,
    BundleEnd,
    BundleRequest,
    Entry,
    InternalFault,
    InvalidData,
    ListingEnd,
    MoveRequest,
    NodeNotFound,
    NodePath,
    NodeType,
    PropertyChange,
    QuotaReport,
    RemoveProperty,
    SetProperty,
    decode_json,
    encode_json,
    encode_line,
    read_bundle_line,
    read_listing_line,
)

FILE = Entry(
    name="k5h1101io_bia.fits",
    type=NodeType.DATA,
    id=42,
    content="0123456789abcdef0123456789abcdef",
    length=8640,
    mtime_ns=1_700_000_000_123_456_789,
    ctime_ns=1_700_000_001_000_000_000,
    owner="durand",
    public=True,
    read_groups=("ivo://localhost/gms?readers",),
    readable=True,
    writable=False,
    md5="d41d8cd98f00b204e9800998ecf8427e",
    media_type="application/fits",
    version=7,
)
REQUIRED = [
    "name",
    "type",
    "id",
    "length",
    "mtime_ns",
    "ctime_ns",
    "owner",
    "public",
    "readable",
    "writable",
    "version",
]

integers = st.integers(-(2**62), 2**62)
groups = st.lists(keys, max_size=2).map(tuple)
entries = st.builds(
    Entry,
    name=texts,
    type=st.sampled_from(NodeType),
    id=integers,
    length=integers,
    mtime_ns=integers,
    ctime_ns=integers,
    owner=texts,
    public=st.booleans(),
    readable=st.booleans(),
    writable=st.booleans(),
    version=integers,
    content=st.none() | texts,
    files=st.none() | integers,
    read_groups=groups,
    write_groups=groups,
    inherit=st.booleans(),
    locked=st.booleans(),
    target=st.none() | texts,
    md5=st.none() | texts,
    media_type=st.none() | texts,
    path=st.none() | texts,
    listed=st.none() | st.booleans(),
    data=st.none() | texts,
    expires_ns=st.none() | integers,
)


def test_entry_is_the_object_of_the_agreement() -> None:
    assert json.loads(encode_json(FILE.to_json())) == {
        "name": "k5h1101io_bia.fits",
        "type": "data",
        "id": 42,
        "content": "0123456789abcdef0123456789abcdef",
        "length": 8640,
        "mtime_ns": 1_700_000_000_123_456_789,
        "ctime_ns": 1_700_000_001_000_000_000,
        "owner": "durand",
        "public": True,
        "read_groups": ["ivo://localhost/gms?readers"],
        "write_groups": [],
        "inherit": False,
        "locked": False,
        "readable": True,
        "writable": False,
        "md5": "d41d8cd98f00b204e9800998ecf8427e",
        "media_type": "application/fits",
        "version": 7,
    }


@given(entries)
def test_every_entry_survives_a_line(entry: Entry) -> None:
    line = encode_line(entry.to_json())

    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert read_listing_line(line) == entry


@pytest.mark.parametrize("key", REQUIRED)
def test_entry_without_a_required_key_is_refused_by_its_name(key: str) -> None:
    document = json.loads(encode_json(FILE.to_json()))
    del document[key]

    with pytest.raises(InvalidData, match=f"'{key}'"):
        Entry.from_json(document)


@pytest.mark.parametrize("key", FILE.to_json())
def test_entry_with_a_wrong_value_is_refused_by_its_name(key: str) -> None:
    document = {**json.loads(encode_json(FILE.to_json())), key: {}}

    with pytest.raises(InvalidData, match=f"'{key}'"):
        Entry.from_json(document)


def test_unknown_keys_of_a_newer_server_are_passed_over() -> None:
    document = {**json.loads(encode_json(FILE.to_json())), "colour": "blue"}

    assert Entry.from_json(document) == FILE


def test_unknown_node_type_is_refused() -> None:
    with pytest.raises(InvalidData, match="the value of 'type' is not a node type"):
        Entry.from_json({**FILE.to_json(), "type": "DataNode"})


def test_entries_are_small_and_share_their_common_words() -> None:
    first = read_listing_line(encode_line(FILE.to_json()))
    second = read_listing_line(encode_line(FILE.to_json()))

    assert isinstance(first, Entry)
    assert isinstance(second, Entry)
    assert sys.getsizeof(first) <= 256
    assert not hasattr(first, "__dict__")
    assert first.owner is second.owner
    assert first.media_type is second.media_type


def test_last_line_of_a_listing_is_its_end() -> None:
    line = encode_line(ListingEnd(count=3).to_json())

    assert line == b'{"end":true,"count":3}\n'
    assert read_listing_line(line) == ListingEnd(count=3)


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b"null", b"NaN", b'{"end":true}', b"\xff", b"[" * 10**5, b"9" * 5000],
)
def test_broken_line_of_a_listing_is_invalid_data(line: bytes) -> None:
    with pytest.raises(InvalidData):
        read_listing_line(line)


@pytest.mark.parametrize("text", [b"NaN", b"Infinity", b'{"a":-Infinity}'])
def test_numbers_that_json_does_not_have_are_refused(text: bytes) -> None:
    with pytest.raises(InvalidData, match=r"not JSON: -?[A-Za-z]+ is not a JSON value"):
        decode_json(text)


@given(paths, paths, st.booleans())
def test_every_move_survives_its_json(
    source: NodePath, destination: NodePath, overwrite: bool
) -> None:
    request = MoveRequest(source=source, destination=destination, overwrite=overwrite)

    assert MoveRequest.from_json(decode_json(encode_json(request.to_json()))) == request


def test_move_does_not_overwrite_unless_told() -> None:
    request = MoveRequest.from_json({"source": "/a", "destination": "/b"})

    assert request == MoveRequest(source=NodePath(("a",)), destination=NodePath(("b",)))
    assert not request.overwrite


def test_move_with_an_illegal_path_is_refused_by_its_key() -> None:
    with pytest.raises(InvalidData) as refused:
        MoveRequest.from_json({"source": "/a", "destination": "/../b"})

    assert refused.value.detail == (
        "the value of 'destination' is not a path: '..' is not a node name"
    )


@given(
    changes,
    st.none() | integers,
    st.none() | st.booleans(),
    st.none() | groups,
)
def test_every_attribute_change_survives_its_json(
    properties: tuple[PropertyChange, ...],
    mtime_ns: int | None,
    flag: bool | None,
    members: tuple[str, ...] | None,
) -> None:
    change = AttributeChange(
        mtime_ns=mtime_ns,
        public=flag,
        read_groups=members,
        write_groups=members,
        inherit=flag,
        locked=flag,
        properties=properties,
    )

    assert AttributeChange.from_json(decode_json(encode_json(change.to_json()))) == change


def test_attribute_change_holds_only_what_changes() -> None:
    change = AttributeChange(
        public=False, properties=(SetProperty(uri="a", value=""), RemoveProperty(uri="b"))
    )

    assert change.to_json() == {"public": False, "properties": {"a": "", "b": None}}
    assert AttributeChange().to_json() == {}


@pytest.mark.parametrize(
    "report",
    [
        QuotaReport(quota=None, used=5, available=None, files=1),
        QuotaReport(quota=10, used=5, available=5, files=1, allocation=NodePath(("durand",))),
    ],
)
def test_quota_report_survives_its_json(report: QuotaReport) -> None:
    assert QuotaReport.from_json(decode_json(encode_json(report.to_json()))) == report


@given(st.lists(paths, max_size=5).map(tuple))
def test_every_bundle_request_survives_its_json(asked: tuple[NodePath, ...]) -> None:
    request = BundleRequest(paths=asked)

    assert BundleRequest.from_json(decode_json(encode_json(request.to_json()))) == request


def test_bundle_of_too_many_paths_is_refused() -> None:
    assert len(BundleRequest.from_json({"paths": ["/a"] * 1000}).paths) == 1000
    with pytest.raises(InvalidData, match="'paths' has 1001 entries; 1000 are allowed"):
        BundleRequest.from_json({"paths": ["/a"] * 1001})


def test_frames_of_a_bundle_survive_their_lines() -> None:
    file = BundledFile(path=NodePath(("a",)), content="0" * 32, length=5)
    end = BundleEnd(count=1)

    assert read_bundle_line(encode_line(file.to_json())) == file
    assert read_bundle_line(encode_line(end.to_json())) == end


def test_fault_in_a_bundle_keeps_its_name_and_detail() -> None:
    frame = BundledFault(path=NodePath(("a",)), fault=NodeNotFound("gone"))

    line = encode_line(frame.to_json())
    read = read_bundle_line(line)

    assert line == b'{"path":"/a","fault":"NodeNotFound","detail":"gone"}\n'
    assert isinstance(read, BundledFault)
    assert (type(read.fault), read.fault.detail) == (NodeNotFound, "gone")


def test_unknown_fault_in_a_bundle_is_internal() -> None:
    read = read_bundle_line(b'{"path":"/a","fault":"Nonsense"}')

    assert isinstance(read, BundledFault)
    assert type(read.fault) is InternalFault


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b'{"path":"/a"}',
        b'{"path":"/a","content":"x","length":-1}',
        b'{"path":"//","content":"x","length":1}',
        b'{"end":true,"count":"1"}',
    ],
)
def test_broken_frame_of_a_bundle_is_invalid_data(line: bytes) -> None:
    with pytest.raises(InvalidData):
        read_bundle_line(line)
