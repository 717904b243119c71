"""Which properties a document shows of a node."""

from tests.vospace_server.domain.records import record
from vospace_model.nodes import NodeType
from vospace_model.properties import Cadc, Core
from vospace_model.uris import NodePath
from vospace_server.domain.allocation import Usage
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.node_view import NodeView, properties_of, shown_values


def view(node: NodeRecord, usage: Usage | None = None, **own: str) -> NodeView:
    return NodeView(
        path=NodePath.parse("/x"),
        record=node,
        readable=True,
        writable=False,
        own_properties=own,
        usage=usage,
    )


def test_every_node_shows_its_date_creator_and_publicity() -> None:
    shown = shown_values(view(record(2, "x", owner_name="alice", modified_ns=10**9)))

    assert shown[Core.DATE] == "1970-01-01T00:00:01.000"
    assert (shown[Core.CREATOR], shown[Core.ISPUBLIC]) == ("alice", "false")


def test_containers_show_their_length_and_links_do_not() -> None:
    assert shown_values(view(record(2, "x", length=7)))[Core.LENGTH] == "7"
    assert Core.LENGTH not in shown_values(view(record(2, "x", NodeType.LINK)))


def test_content_shows_its_digest_type_and_date() -> None:
    node = record(2, "x", NodeType.DATA, md5="0f", media_type="a/b", encoding="gzip", length=3)

    shown = shown_values(view(node))

    assert (shown[Core.MD5], shown[Core.TYPE], shown[Core.ENCODING]) == ("0f", "a/b", "gzip")
    assert shown[Core.CONTENT_DATE] == shown[Core.DATE]


def test_a_data_node_without_bytes_has_no_digest() -> None:
    shown = shown_values(view(record(2, "x", NodeType.DATA)))

    assert shown[Core.LENGTH] == "0"
    assert Core.MD5 not in shown


def test_flags_and_groups_are_shown_when_set() -> None:
    plain = shown_values(view(record(2, "x")))
    flagged = record(
        2,
        "x",
        locked=True,
        inherit=True,
        immutable=True,
        read_groups=("ivo://a/g?1", "ivo://a/g?2"),
        write_groups=("ivo://a/g?3",),
    )
    full = shown_values(view(flagged))

    assert full[Core.GROUPREAD] == "ivo://a/g?1 ivo://a/g?2"
    flags = {Cadc.ISLOCKED, Cadc.INHERIT, Core.IMMUTABLE, Core.GROUPREAD, Core.GROUPWRITE}
    assert flags <= set(full)
    assert not flags & set(plain)


def test_the_top_of_an_allocation_shows_what_is_left() -> None:
    usage = Usage(used_bytes=30, used_files=1, quota_bytes=100, quota_files=None)

    shown = shown_values(view(record(2, "x"), usage))

    assert (shown[Core.QUOTA], shown[Core.AVAILABLESPACE]) == ("100", "70")


def test_access_is_shown_when_asked_for() -> None:
    node = view(record(2, "x"), custom="1")

    plain = {each.uri for each in properties_of(node)}
    full = {each.uri: each.value for each in properties_of(node, with_access=True)}

    assert Cadc.READABLE not in plain
    assert (full[Cadc.READABLE], full[Cadc.WRITABLE], full["custom"]) == ("true", "false", "1")


def test_what_users_can_not_set_is_marked_read_only() -> None:
    marks = {
        each.uri: each.read_only for each in properties_of(view(record(2, "x"), custom="1"))
    }

    assert marks[Core.LENGTH]
    assert marks[Core.CREATOR]
    assert not marks[Core.ISPUBLIC]
    assert not marks["custom"]
