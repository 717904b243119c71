"""Properties: which are whose, and which URIs may name one."""

import pytest

from vospace_model import (
    STANDARD_PROPERTIES,
    Cadc,
    Core,
    InvalidArgument,
    check_property_uri,
    check_property_value,
    format_groups,
    is_administered,
    is_read_only,
    parse_groups,
)

STANDARD_FRAGMENTS = (
    "title creator subject description publisher contributor date type format identifier "
    "source language relation coverage rights availableSpace groupread groupwrite publicread "
    "quota length mtime ctime btime immutable MD5 encoding ispublic content-date runid"
)


def test_all_properties_of_the_standard_are_known() -> None:
    core = {f"ivo://ivoa.net/vospace/core#{word}" for word in STANDARD_FRAGMENTS.split()}
    cadc = {
        f"ivo://cadc.nrc.ca/vospace/core#{word}"
        for word in ("islocked", "readable", "writable", "inheritPermissions")
    }

    assert core | cadc | {"ivo://opencadc.org/vospace/core#creatorJWT"} == STANDARD_PROPERTIES


@pytest.mark.parametrize(
    "uri",
    [
        Core.TITLE,
        Cadc.ISLOCKED,
        "ivo://cadc.nrc.ca/vospace/core#whatever",
        "custom:anything",
        "word",
        "two words",
        "http://example.org/p",
        "vos://a~s/p#q",
        "ivo://example.org/vospace/core#title",
    ],
)
def test_property_of_the_standard_or_of_anybody_else_is_accepted(uri: str) -> None:
    assert check_property_uri(uri) == uri


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("ivo://ivoa.net/vospacecore#make-stuff-up", "is not a property of the standard"),
        ("ivo://ivoa.net/vospace/core#nonsense", "is not a property of the standard"),
        ("ivo://ivoa.net/vospace", "is not a property of the standard"),
        ("", "a property has an empty uri"),
        ("  ", "a property has an empty uri"),
        ("a\nb", "holds a control character"),
        ("a\ufffe", "holds a control character"),
        ("a" * 1025, "is too long"),
    ],
)
def test_invented_standard_property_or_no_uri_at_all_is_refused(uri: str, reason: str) -> None:
    with pytest.raises(InvalidArgument, match=reason):
        check_property_uri(uri)


def test_value_that_no_document_can_hold_is_refused_by_name() -> None:
    assert check_property_value("custom:a", "é\t\n\r\x85") == "é\t\n\r\x85"
    with pytest.raises(InvalidArgument, match=r"the value of custom:a holds U\+0001"):
        check_property_value("custom:a", "a\x01")


def test_what_the_service_sets_is_read_only() -> None:
    for uri in (Core.LENGTH, Core.DATE, Core.MD5, Core.CTIME, Cadc.READABLE):
        assert is_read_only(uri)
    for uri in (Core.MTIME, Core.TITLE, Core.CREATOR, Cadc.ISLOCKED, "custom:x"):
        assert not is_read_only(uri)


def test_creator_and_quota_are_for_administrators() -> None:
    assert is_administered(Core.QUOTA)
    assert is_administered(Core.CREATOR)
    assert not is_administered(Core.TITLE)


@pytest.mark.parametrize(
    "text",
    [
        "ivo://a.b/gms?X ivo://a.b/gms?Y",
        "ivo://a.b/gms?X,ivo://a.b/gms?Y",
        " ivo://a.b/gms#X ,\n ivo://a.b/gms?Y ivo://a.b/gms?X ",
    ],
)
def test_groups_are_read_with_commas_or_spaces_and_kept_once(text: str) -> None:
    groups = parse_groups(text)

    assert groups == ("ivo://a.b/gms?X", "ivo://a.b/gms?Y")
    assert format_groups(groups) == "ivo://a.b/gms?X ivo://a.b/gms?Y"


def test_empty_list_of_groups_is_empty() -> None:
    assert parse_groups(" ") == ()
    assert format_groups(()) == ""


def test_list_with_something_else_than_groups_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="'staff' is not a group URI"):
        parse_groups("ivo://a.b/gms?X staff")
