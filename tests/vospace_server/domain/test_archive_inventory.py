"""What an archive may hold: names, links, sizes and numbers, before anything is made."""

import pytest

from vospace_model.faults import InvalidData
from vospace_server.domain import archive_inventory
from vospace_server.domain.archive_entries import EntryKind
from vospace_server.domain.archive_inventory import (
    ArchiveMember,
    Inventory,
    InventoryTaker,
    link_names,
    member_names,
)

FILE, FOLDER, LINK = EntryKind.FILE, EntryKind.FOLDER, EntryKind.LINK


def _taken(*members: ArchiveMember, packed_bytes: int = 1000) -> Inventory:
    taker = InventoryTaker(packed_bytes=packed_bytes)
    for member in members:
        taker.add(member)
    return taker.result()


def _member(
    ordinal: int, name: str, kind: EntryKind | None = FILE, length: int = 0, target: str = ""
) -> ArchiveMember:
    return ArchiveMember(
        ordinal=ordinal, kind=kind, name=name, length=length, target=target, oddity="a device"
    )


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("a/b", ("a", "b")),
        ("./a//b/", ("a", "b")),
        (".", ()),
        ("./", ()),
        ("...", ("...",)),
        ("12:30", ("12:30",)),
        ("é [1]", ("é [1]",)),
    ],
)
def test_names_lead_downwards(name: str, names: tuple[str, ...]) -> None:
    assert member_names(name) == names


@pytest.mark.parametrize(
    "name",
    [
        "/a",
        "..",
        "a/..",
        "a/../b",
        "\\a",
        "a\\b",
        "C:",
        "c:/a",
        "a/\0",
        "\udcff",
        "n" * 256,
        ".null",
        "a/.auto",
    ],
)
def test_names_that_lead_elsewhere_or_nowhere_are_refused(name: str) -> None:
    with pytest.raises(InvalidData):
        member_names(name)


@pytest.mark.parametrize(
    ("place", "target", "leads_to"),
    [
        (("l",), "a", ("a",)),
        (("d", "l"), "../a", ("a",)),
        (("d", "l"), "..", ()),
        (("d", "l"), "./e/../f", ("d", "f")),
    ],
)
def test_links_lead_where_they_are_read_from(
    place: tuple[str, ...], target: str, leads_to: tuple[str, ...]
) -> None:
    assert link_names(place, target) == leads_to


@pytest.mark.parametrize("target", ["", "/a", "..", "../..", "e/../../../a", "\\a", "C:x"])
def test_links_that_lead_out_are_refused(target: str) -> None:
    with pytest.raises(InvalidData, match="out of the archive"):
        link_names(("l",), target)


def test_the_later_of_two_entries_counts() -> None:
    found = _taken(_member(0, "a", length=5), _member(1, "b"), _member(2, "./a", length=7))

    assert sorted(found.nodes) == [1, 2]
    assert (found.size_bytes, found.files) == (7, 2)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (_member(0, "a"), _member(1, "a", FOLDER)),
        (_member(0, "a"), _member(1, "a/b")),
        (_member(0, "a/b"), _member(1, "a", LINK, target="c")),
        (_member(0, "a", LINK, target="c"), _member(1, "a/b/c")),
    ],
)
def test_a_name_is_one_thing(first: ArchiveMember, second: ArchiveMember) -> None:
    with pytest.raises(InvalidData, match="two different things"):
        _taken(first, second)


def test_too_many_entries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_inventory, "MAX_MEMBERS", 2)

    assert _taken(_member(0, "a"), _member(1, "b")).files == 2
    with pytest.raises(InvalidData, match="more than 2 entries"):
        _taken(_member(0, "a"), _member(1, "a"), _member(2, "a"))


def test_the_ratio_counts_from_some_size_on() -> None:
    assert _taken(_member(0, "a", length=64 << 20), packed_bytes=10).size_bytes == 64 << 20
    with pytest.raises(InvalidData, match="200 times"):
        _taken(_member(0, "a", length=(64 << 20) + 1), packed_bytes=10)
    # Entries that replace each other are unpacked by nobody, but looked through all the same.
    with pytest.raises(InvalidData, match="200 times"):
        _taken(*(_member(n, f"{n}", length=33 << 20) for n in range(2)), packed_bytes=10)


def test_what_no_space_holds_is_named() -> None:
    with pytest.raises(InvalidData, match=r"'odd' is a device; a space holds none"):
        _taken(_member(0, "odd", None))
