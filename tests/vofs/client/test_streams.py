"""Listings and bundles as they arrive in pieces: whole, or an error."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vofs.entries import entry_of
from vofs.client.bundles import BundledContent, BundleItem, MissingFromBundle, read_bundle
from vofs.client.errors import MalformedAnswer, Unreachable
from vofs.client.json_listing import read_listing
from vospace_model.api import (
    BundledFault,
    BundledFile,
    BundleEnd,
    Entry,
    ListingEnd,
    encode_line,
)
from vospace_model.faults import NodeNotFound
from vospace_model.nodes import NodeType
from vospace_model.uris import NodePath


def _entry(name: str, kind: NodeType = NodeType.DATA) -> Entry:
    return entry_of(name, type=kind, path=name)


LISTING = b"".join(
    [
        encode_line(_entry("", NodeType.CONTAINER).to_json()),
        encode_line(_entry("a é").to_json()),
        encode_line(_entry("b").to_json()),
        encode_line(ListingEnd(count=2).to_json()),
    ]
)
BUNDLE = b"".join(
    [
        encode_line(BundledFile(path=NodePath(("a",)), content="c1", length=3).to_json()),
        b"x\ny\n",
        encode_line(BundledFault(path=NodePath(("b",)), fault=NodeNotFound("/b")).to_json()),
        encode_line(BundledFile(path=NodePath(("c",)), content="c2", length=0).to_json()),
        b"\n",
        encode_line(BundleEnd(count=3).to_json()),
    ]
)


def _pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return (data[a:b] for a, b in itertools.pairwise(places))


@given(cuts=st.lists(st.integers(0, 10_000), max_size=20))
def test_listing_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    names = [entry.name for entry in read_listing(_pieces(LISTING, cuts))]
    assert names == ["", "a é", "b"]


@given(cuts=st.lists(st.integers(0, 10_000), max_size=20))
def test_bundle_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    items = list(read_bundle(_pieces(BUNDLE, cuts)))
    assert items[0] == BundledContent(path="/a", content="c1", data=b"x\ny")
    assert isinstance(items[1], MissingFromBundle)
    assert isinstance(items[1].fault, NodeNotFound)
    assert items[2] == BundledContent(path="/c", content="c2", data=b"")


def _given(items: Iterator[BundleItem] | Iterator[Entry]) -> int:
    return sum(1 for _ in items)


@given(length=st.integers(0, len(LISTING) - 2))
def test_listing_that_breaks_off_is_never_a_short_folder(length: int) -> None:
    with pytest.raises((Unreachable, MalformedAnswer)):
        _given(read_listing(iter([LISTING[:length]])))


@given(length=st.integers(0, len(BUNDLE) - 2))
def test_bundle_that_breaks_off_is_noticed(length: int) -> None:
    with pytest.raises((Unreachable, MalformedAnswer)):
        _given(read_bundle(iter([BUNDLE[:length]])))


def test_wrong_counts_are_noticed() -> None:
    wrong = encode_line(ListingEnd(count=7).to_json())
    with pytest.raises(MalformedAnswer, match="a listing of 7"):
        _given(read_listing(iter([encode_line(_entry("").to_json()), wrong])))
    with pytest.raises(MalformedAnswer, match="a bundle of 7"):
        _given(read_bundle(iter([encode_line(BundleEnd(count=7).to_json())])))


def test_file_in_a_bundle_that_is_longer_than_it_says_is_noticed() -> None:
    head = encode_line(BundledFile(path=NodePath(("a",)), content="c", length=1).to_json())
    with pytest.raises(MalformedAnswer, match="longer than it says"):
        _given(read_bundle(iter([head + b"xyz\n"])))
