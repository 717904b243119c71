"""Names, paths and URIs."""

import pytest
from hypothesis import example, given

from tests.vospace_model.strategies import names, paths, vos_uris
from vospace_model import GroupUri, InvalidURI, NodePath, VosUri, check_name


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "a b",
        "a+b",
        "[1]",
        "é",
        "…",
        ".auto",
        "...",
        "a%2Fb",
        "#",
        "~",
        "a" * 255,
        "é" * 127,
    ],
)
def test_name_of_legal_characters_is_accepted(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "a node name is empty"),
        (".", "'.' is not a node name"),
        ("..", "'..' is not a node name"),
        ("a/b", "the node name 'a/b' holds U+002F"),
        ("a\0", "the node name 'a\\x00' holds U+0000"),
        ("a\n", "the node name 'a\\n' holds U+000A"),
        ("\x7f", "the node name '\\x7f' holds U+007F"),
        ("\x85", "the node name '\\x85' holds U+0085"),
        ("\ud800", "the node name '\\ud800' holds U+D800"),
        ("é" * 128, f"the node name {'é' * 80 + '…'!r} has 256 bytes; 255 are allowed"),
    ],
)
def test_illegal_name_is_refused_with_the_reason(name: str, reason: str) -> None:
    with pytest.raises(InvalidURI) as refused:
        check_name(name)

    assert refused.value.detail == reason


@pytest.mark.parametrize("text", ["", "/"])
def test_empty_path_is_the_root(text: str) -> None:
    path = NodePath.parse(text)

    assert path == NodePath.root()
    assert path.is_root
    assert (path.name, path.parent, len(path), str(path)) == ("", path, 0, "/")
    assert path, "the root is a path like others where a path may be None"


@pytest.mark.parametrize("text", ["/a/b", "a/b", "/a/b/", "a/b/"])
def test_path_is_split_at_slashes_and_the_outer_ones_do_not_matter(text: str) -> None:
    assert NodePath.parse(text).names == ("a", "b")


@pytest.mark.parametrize("text", ["//", "/a//b", "//a", "/a//", "/../a", "/a/./b"])
def test_path_with_an_empty_or_dotted_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidURI):
        NodePath.parse(text)


def test_path_made_of_an_illegal_name_is_refused() -> None:
    with pytest.raises(InvalidURI):
        NodePath(("a/b",))


def test_path_is_walked_by_parent_and_child() -> None:
    path = NodePath.root().child("a").child("b c")

    assert str(path) == "/a/b c"
    assert (path.name, len(path)) == ("b c", 2)
    assert path.parent == NodePath(("a",))


def test_path_within_is_decided_by_names_not_by_prefixes() -> None:
    assert NodePath.parse("/a/b").is_within(NodePath.parse("/a"))
    assert NodePath.parse("/a").is_within(NodePath.parse("/a"))
    assert not NodePath.parse("/ab/x").is_within(NodePath.parse("/a"))
    assert not NodePath.parse("/a").is_within(NodePath.parse("/a/b"))


def test_relative_path_is_the_names_below() -> None:
    below = NodePath.parse("/a/b/c")

    assert below.relative_to(NodePath.parse("/a")) == ("b", "c")
    with pytest.raises(InvalidURI, match="/a/b/c is not below /x"):
        below.relative_to(NodePath.parse("/x"))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", ()),
        (b"/", ()),
        (b"/a%20b/c", ("a b", "c")),
        (b"/a+b", ("a+b",)),
        (b"/a%252Fb", ("a%2Fb",)),
        (b"/%C3%A9", ("é",)),
        (b"/\xc3\xa9/", ("é",)),
        (b"/%23%3f", ("#?",)),
    ],
)
def test_raw_path_is_decoded_once_after_splitting(
    raw: bytes, expected: tuple[str, ...]
) -> None:
    assert NodePath.from_raw(raw).names == expected


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"/a%2Fb", "a node name cannot hold an escaped slash (%2F)"),
        (b"/a%2fb", "a node name cannot hold an escaped slash (%2F)"),
        (b"/a%2", "broken percent escape at byte 2 of the path"),
        (b"/%zz", "broken percent escape at byte 1 of the path"),
        (b"/%FF", "the path is not UTF-8"),
        (b"/\xff", "the path is not UTF-8"),
        (b"/%ED%A0%80", "the path is not UTF-8"),
        (b"/a/%2E%2E/b", "'..' is not a node name"),
        (b"/a%00", "the node name 'a\\x00' holds U+0000"),
        (b"/a//b", "a node name is empty"),
    ],
)
def test_hostile_raw_path_is_refused_with_the_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(InvalidURI) as refused:
        NodePath.from_raw(raw)

    assert refused.value.detail == reason


@given(paths)
def test_every_path_survives_quoting_in_a_url(path: NodePath) -> None:
    quoted = path.quoted()

    assert quoted.isascii()
    assert NodePath.from_raw(quoted.encode()) == path


@given(paths)
def test_every_path_survives_its_decoded_text(path: NodePath) -> None:
    assert NodePath.parse(str(path)) == path


def test_both_separators_are_read_and_equal_and_the_tilde_is_written() -> None:
    bang = VosUri.parse("vos://cadc.nrc.ca!vault/a")
    tilde = VosUri.parse("vos://cadc.nrc.ca~vault/a")

    assert bang == tilde
    assert hash(bang) == hash(tilde)
    assert str(bang) == "vos://cadc.nrc.ca~vault/a"
    assert bang.resource_id == "ivo://cadc.nrc.ca/vault"


@pytest.mark.parametrize("text", ["vos://a~s", "vos://a~s/", "VOS://a!s/"])
def test_uri_without_a_path_is_the_root(text: str) -> None:
    uri = VosUri.parse(text)

    assert uri.path.is_root
    assert str(uri) == "vos://a~s/"
    assert uri.parent == uri
    assert uri.name == ""


def test_uri_is_walked_by_parent_and_child() -> None:
    uri = VosUri("a!s").child("d").child("f")

    assert str(uri) == "vos://a~s/d/f"
    assert uri.name == "f"
    assert str(uri.parent) == "vos://a~s/d"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("vos://a~s/100%", "100%"),
        ("vos://a~s/100%25", "100%"),
        ("vos://a~s/%zz%41", "%zzA"),
        ("vos://a~s/a b", "a b"),
        ("vos://a~s/a%20b", "a b"),
        ("vos://a~s/a+b", "a+b"),
        ("vos://a~s/%C3%A9", "é"),
        ("vos://a~s/a%252Fb", "a%2Fb"),
        ("vos://a~s/f/", "f"),
    ],
)
def test_escapes_of_a_uri_are_decoded_once_and_other_per_cent_signs_stay(
    text: str, name: str
) -> None:
    assert VosUri.parse(text).name == name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://a/b", "'http://a/b' is not a VOSpace URI (vos://authority~service/path)"),
        ("", "'' is not a VOSpace URI (vos://authority~service/path)"),
        ("vos:a", "'vos:a' is not a VOSpace URI (vos://authority~service/path)"),
        ("vos:///a", "'' is not the authority of a VOSpace URI"),
        ("vos://a b/c", "'a b' is not the authority of a VOSpace URI"),
        ("vos://a~s/f?x", "'vos://a~s/f?x' has a query or fragment; escape ? and # in names"),
        ("vos://a~s/f#x", "'vos://a~s/f#x' has a query or fragment; escape ? and # in names"),
        ("vos://a~s/a%2Fb", "a node name cannot hold an escaped slash (%2F)"),
        ("vos://a~s/%FF", "the escape %FF is not UTF-8"),
        ("vos://a~s/a//b", "a node name is empty"),
        ("vos://a~s//", "the path '//' holds an empty name"),
        ("vos://a~s/..", "'..' is not a node name"),
        ("vos://a~s/a\nb", "the node name 'a\\nb' holds U+000A"),
    ],
)
def test_malformed_uri_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidURI) as refused:
        VosUri.parse(text)

    assert refused.value.detail == reason


def test_uri_writes_names_raw_but_for_what_a_uri_or_xml_cannot_hold() -> None:
    uri = VosUri("a~s", NodePath(("é (1)+[x]", "50%#?", "\ufffe")))

    assert str(uri) == "vos://a~s/é (1)+[x]/50%25%23%3F/%EF%BF%BE"


def test_last_blank_of_a_uri_is_escaped_because_readers_strip_it() -> None:
    assert str(VosUri("a~s").child("a  ")) == "vos://a~s/a %20"


@given(vos_uris)
@example(VosUri("a~s", NodePath(("%41", "%", "%%", " ", "a "))))
def test_every_uri_survives_its_text(uri: VosUri) -> None:
    assert VosUri.parse(str(uri)) == uri
    assert VosUri.parse(str(uri).replace("~", "!", 1)) == uri


@given(names)
def test_every_legal_name_survives_in_a_uri(name: str) -> None:
    assert VosUri.parse(str(VosUri("a~s").child(name))).name == name


@pytest.mark.parametrize("text", ["ivo://cadc.nrc.ca/gms?SKA", "ivo://cadc.nrc.ca/gms#SKA"])
def test_group_is_read_in_both_forms_and_written_with_a_question_mark(text: str) -> None:
    group = GroupUri.parse(text)

    assert group == GroupUri("cadc.nrc.ca", "gms", "SKA")
    assert str(group) == "ivo://cadc.nrc.ca/gms?SKA"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SKA",
        "ivo://cadc.nrc.ca/gms",
        "ivo://cadc.nrc.ca/gms?",
        "ivo://cadc.nrc.ca?SKA",
        "http://cadc.nrc.ca/gms?SKA",
        "ivo://cadc.nrc.ca/gms?a b",
        "ivo://cadc.nrc.ca/gms?a,b",
        "ivo://cadc.nrc.ca/gms?a\x01",
        "ivo://cadc.nrc.ca/gms?a?b",
    ],
)
def test_what_names_no_group_is_refused(text: str) -> None:
    with pytest.raises(InvalidURI, match="is not a group URI"):
        GroupUri.parse(text)
