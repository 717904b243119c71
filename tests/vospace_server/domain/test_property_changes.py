"""What posted properties do, and which are refused."""

import pytest

from vospace_model.faults import InvalidArgument, PermissionDenied
from vospace_model.properties import (
    Cadc,
    Core,
    PropertyChange,
    RemoveProperty,
    SetProperty,
)
from vospace_server.domain.group import GroupNaming
from vospace_server.domain.property_changes import (
    PropertyRules,
    QuotaChange,
    RequestedChange,
)

NAMING = GroupNaming(service_id="ivo://localhost/gms", aliases=["ivo://cadc.nrc.ca/gms"])


def read(
    *changes: PropertyChange,
    shown: dict[str, str] | None = None,
    is_admin: bool = False,
    is_container: bool = False,
    is_new: bool = False,
) -> RequestedChange:
    rules = PropertyRules(
        normalise=NAMING.normalise,
        is_admin=is_admin,
        is_container=is_container,
        is_new=is_new,
        shown=shown or {},
    )
    return rules.read(changes)


def put(uri: str, value: str) -> SetProperty:
    return SetProperty(uri=uri, value=value)


@pytest.mark.parametrize(
    ("uri", "value", "field", "expected"),
    [
        (Core.ISPUBLIC, "true", "public", True),
        (Core.PUBLICREAD, "TRUE", "public", True),
        (Core.ISPUBLIC, "false", "public", False),
        (Core.IMMUTABLE, "1", "immutable", True),
        (Cadc.ISLOCKED, "true", "locked", True),
        (Core.TYPE, "image/fits", "media_type", "image/fits"),
        (Core.ENCODING, "gzip", "encoding", "gzip"),
        (Core.MTIME, "1970-01-01T00:00:01.5", "mtime_ns", 1_500_000_000),
        (Core.GROUPREAD, "ivo://x/gms?a ivo://x/gms?b", "read_groups", ("ivo://x/gms?a", "ivo://x/gms?b")),
        (Core.GROUPWRITE, "ivo://cadc.nrc.ca/gms?a,ivo://localhost/gms#a", "write_groups", ("ivo://localhost/gms?a",)),
        (Core.GROUPREAD, "", "read_groups", ()),
    ],
)  # fmt: skip
def test_known_properties_are_fields(
    uri: str, value: str, field: str, expected: object
) -> None:
    assert read(put(uri, value)).fields == {field: expected}


def test_removing_a_known_property_gives_its_default() -> None:
    shown = {Core.ISPUBLIC: "true", Core.GROUPREAD: "ivo://x/gms?a", Core.TYPE: "a/b"}

    asked = read(*(RemoveProperty(uri=uri) for uri in shown), shown=shown)

    assert asked.fields == {"public": False, "read_groups": (), "media_type": None}


def test_other_properties_are_kept_as_they_are() -> None:
    asked = read(put("custom:x", "1"), put("word", ""), RemoveProperty(uri="custom:gone"))

    assert asked.own == {"custom:x": "1", "word": ""}


def test_an_own_property_is_removed() -> None:
    asked = read(RemoveProperty(uri="custom:x"), shown={"custom:x": "1"})

    assert asked.own == {"custom:x": None}


def test_what_is_as_it_was_is_no_change() -> None:
    shown = {Core.LENGTH: "10", Core.MTIME: "2026-01-01T00:00:00.000", "custom:x": "1"}

    asked = read(*(put(uri, value) for uri, value in shown.items()), shown=shown)

    assert asked == RequestedChange()


@pytest.mark.parametrize("uri", [Core.LENGTH, Core.MD5, Core.DATE, Core.CREATOR, Core.QUOTA])
def test_a_read_only_property_with_a_new_value_is_refused(uri: str) -> None:
    with pytest.raises(PermissionDenied, match="is read-only"):
        read(put(uri, "11"), shown={uri: "10"})


def test_removing_a_read_only_property_is_refused_unless_it_is_not_there() -> None:
    assert read(RemoveProperty(uri=Core.MD5)) == RequestedChange()
    with pytest.raises(PermissionDenied):
        read(RemoveProperty(uri=Core.MD5), shown={Core.MD5: "0"})


def test_what_changes_by_itself_on_containers_is_ignored_there() -> None:
    asked = read(
        put(Core.LENGTH, "11"),
        put(Core.DATE, "2020-01-01T00:00:00"),
        shown={Core.LENGTH: "10"},
        is_container=True,
    )

    assert asked == RequestedChange()


def test_read_only_properties_of_a_new_node_are_ignored() -> None:
    asked = read(put(Core.LENGTH, "11"), put(Core.CREATOR, "bob"), is_new=True)

    assert asked == RequestedChange()


def test_an_administrator_sets_owner_and_quota() -> None:
    asked = read(put(Core.CREATOR, "bob"), put(Core.QUOTA, "1000"), is_admin=True)

    assert (asked.owner_name, asked.quota) == ("bob", QuotaChange(1000))


def test_an_administrator_lifts_a_quota() -> None:
    asked = read(RemoveProperty(uri=Core.QUOTA), shown={Core.QUOTA: "5"}, is_admin=True)

    assert asked.quota == QuotaChange(None)


@pytest.mark.parametrize(
    ("uri", "value"),
    [
        (Core.ISPUBLIC, "maybe"),
        (Core.GROUPREAD, "no-group"),
        (Core.MTIME, "yesterday"),
        (Core.TYPE, "a/b\nX-Header: 1"),
        (Core.TYPE, "é"),
        (Cadc.INHERIT, "true"),
        ("ivo://ivoa.net/vospace/core#nonsense", "1"),
        ("ivo://ivoa.net/vospacecore#make-stuff-up", "1"),
        ("custom:x", "\x00"),
        ("", "1"),
    ],
)
def test_impossible_properties_are_invalid(uri: str, value: str) -> None:
    with pytest.raises(InvalidArgument):
        read(put(uri, value))


@pytest.mark.parametrize("value", ["-1", "ten", "", "9" * 20, "1" * 5000, "٣"])
def test_an_impossible_quota_is_invalid(value: str) -> None:
    with pytest.raises(InvalidArgument):
        read(put(Core.QUOTA, value), is_admin=True)


def test_containers_inherit() -> None:
    assert read(put(Cadc.INHERIT, "true"), is_container=True).fields == {"inherit": True}


def test_the_last_of_several_values_counts() -> None:
    assert read(put("custom:x", "1"), put("custom:x", "2")).own == {"custom:x": "2"}
