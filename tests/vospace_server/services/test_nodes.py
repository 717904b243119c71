"""NodeService: get, create and set, and the order in which they refuse."""

from typing import Any

import pytest

from tests.vospace_server.services.tree_space import (
    AUTHORITY,
    GROUP,
    OTHER_GROUP,
    TreeSpace,
    at,
    uri,
)
from vospace_model.faults import (
    ContainerNotFound,
    DuplicateNode,
    InvalidArgument,
    InvalidURI,
    NodeNotFound,
    NotAuthenticated,
    PermissionDenied,
    QuotaExceeded,
    UnreadableLinkTarget,
)
from vospace_model.nodes import (
    ContainerNode,
    DataNode,
    LinkNode,
    NodeType,
    NodeUpdate,
    StructuredDataNode,
)
from vospace_model.properties import Cadc, Core, Property
from vospace_model.uris import VosUri
from vospace_server.domain.access import Action, Rule
from vospace_server.domain.identity import ANONYMOUS, OPERATOR
from vospace_server.domain.token_scope import TokenScope


def test_a_new_container_belongs_to_its_maker_and_is_private(each_space: TreeSpace) -> None:
    made = each_space.mkdir("/alice/d")

    assert made == each_space.get("/alice/d")
    assert (made.record.owner_name, made.record.public) == ("alice", False)
    assert (made.readable, made.writable) == (True, True)
    assert each_space.names("/alice") == ["d"]


@pytest.mark.parametrize("kind", [ContainerNode, DataNode, LinkNode])
@pytest.mark.parametrize("owner", ["alice", "bob"])
def test_what_making_a_node_answers_is_what_is_read_afterwards(
    each_space: TreeSpace, kind: type[Any], owner: str
) -> None:
    each_space.user("bob")
    each_space.mkdir("/alice/d")
    stated = {
        Core.GROUPREAD: GROUP,
        Core.GROUPWRITE: OTHER_GROUP,
        Core.ISPUBLIC: "true",
        Core.CREATOR: owner,
        "ivo://example.org/colour": "r\u00f6d",
    }
    properties = tuple(Property(uri=name, value=value) for name, value in stated.items())
    target = {"target": "vos://elsewhere.example/n"} if kind is LinkNode else {}
    node = kind(uri=uri("/alice/d/n"), properties=properties, **target)

    made = each_space.nodes.create(each_space.alice, node)

    assert made == each_space.get("/alice/d/n")


@pytest.mark.parametrize("kind", [DataNode, StructuredDataNode])
def test_a_data_node_is_made_without_bytes(space: TreeSpace, kind: type[DataNode]) -> None:
    made = space.nodes.create(space.alice, kind(uri=uri("/alice/f")))

    assert made.record.kind is kind.node_type
    assert (made.record.length, made.record.content_id) == (0, None)


def test_a_link_keeps_its_target_as_written(space: TreeSpace) -> None:
    made = space.link("/alice/l", "vos://localhost!vault/no/such")

    assert made.record.target == "vos://localhost!vault/no/such"


@pytest.mark.parametrize("target", ["", "x" * 5000, "vos://a~b//c"])
def test_an_impossible_target_is_invalid(space: TreeSpace, target: str) -> None:
    with pytest.raises(InvalidArgument):
        space.nodes.create(space.alice, LinkNode(uri=uri("/alice/l"), target=target))


@pytest.mark.parametrize("path", ["/no/such/x", "/alice/no/x"])
def test_create_below_a_missing_container_is_container_not_found(
    space: TreeSpace, path: str
) -> None:
    with pytest.raises(ContainerNotFound):
        space.touch(path)


def test_create_below_a_file_is_container_not_found(space: TreeSpace) -> None:
    space.touch("/alice/f")

    with pytest.raises(ContainerNotFound, match="not a container"):
        space.touch("/alice/f/x")


def test_get_below_a_missing_container_is_node_not_found(space: TreeSpace) -> None:
    with pytest.raises(NodeNotFound):
        space.get("/alice/no/such/x")


def test_create_of_what_exists_is_duplicate_whatever_its_type(each_space: TreeSpace) -> None:
    each_space.mkdir("/alice/d")

    for again in (each_space.mkdir, each_space.touch):
        with pytest.raises(DuplicateNode, match="/alice/d"):
            again("/alice/d")
    with pytest.raises(DuplicateNode):
        each_space.mkdir("/")


def test_duplicate_is_answered_before_permission_but_after_the_ancestors(
    space: TreeSpace,
) -> None:
    bob = space.user("bob")
    space.mkdir("/alice/private")
    space.touch("/alice/private/f")
    space.set("/alice", {Core.ISPUBLIC: "true"})

    with pytest.raises(DuplicateNode):
        space.touch("/alice/private", bob)
    with pytest.raises(PermissionDenied):
        space.touch("/alice/private/f", bob)
    with pytest.raises(PermissionDenied):
        space.touch("/alice/new", bob)


def test_nobody_makes_anything_at_the_root_but_administrators(space: TreeSpace) -> None:
    with pytest.raises(PermissionDenied):
        space.mkdir("/mine")
    with pytest.raises(NotAuthenticated):
        space.mkdir("/mine", ANONYMOUS)

    assert space.mkdir("/ours", space.user("root", is_admin=True)).record.name == "ours"


def test_a_token_for_reading_makes_nothing(space: TreeSpace) -> None:
    space.set("/alice", {Core.ISPUBLIC: "true"})
    reader = space.user("reader", scope=TokenScope.READ)

    with pytest.raises(PermissionDenied, match="reading only"):
        space.mkdir("/alice/d", reader)


def test_create_goes_through_links(space: TreeSpace) -> None:
    space.mkdir("/alice/d")
    space.link("/alice/l", "/alice/d")

    made = space.touch("/alice/l/f")

    assert str(made.path) == "/alice/d/f"


def test_a_uri_of_another_service_is_invalid(space: TreeSpace) -> None:
    foreign = VosUri("elsewhere~vault", at("/alice/x"))

    with pytest.raises(InvalidURI):
        space.nodes.create(space.alice, ContainerNode(uri=foreign))


def test_both_separators_name_this_service(space: TreeSpace) -> None:
    other = VosUri(AUTHORITY.replace("~", "!"), at("/alice/x"))

    assert space.nodes.create(space.alice, ContainerNode(uri=other)).record.name == "x"


# ---------------------------------------------------------------- inheritance


def test_unstated_permissions_are_inherited_from_a_container_that_says_so(
    space: TreeSpace,
) -> None:
    space.mkdir("/alice/d", ispublic="true", groupread=GROUP, groupwrite=OTHER_GROUP)
    space.set("/alice/d", {Cadc.INHERIT: "true"})

    below = space.mkdir("/alice/d/sub").record
    file = space.touch("/alice/d/sub/f").record

    assert (below.public, below.inherit, below.read_groups) == (True, True, (GROUP,))
    assert (file.public, file.inherit, file.write_groups) == (True, False, (OTHER_GROUP,))


def test_stated_permissions_are_not_inherited(space: TreeSpace) -> None:
    space.mkdir("/alice/d", ispublic="true", groupread=GROUP)
    space.set("/alice/d", {Cadc.INHERIT: "true"})

    made = space.touch("/alice/d/f", ispublic="false", groupread="").record

    assert (made.public, made.read_groups) == (False, ())


def test_without_inheritance_what_is_unstated_is_private(space: TreeSpace) -> None:
    space.mkdir("/alice/d", ispublic="true", groupread=GROUP)

    made = space.touch("/alice/d/f").record

    assert (made.public, made.read_groups) == (False, ())


# ---------------------------------------------------------------- properties


def test_properties_of_a_new_node_are_kept(each_space: TreeSpace) -> None:
    node = DataNode(
        uri=uri("/alice/f"),
        properties=(
            Property(uri="custom:a", value="1"),
            Property(uri=Core.TITLE, value=""),
            Property(uri=Core.TYPE, value="image/fits"),
            Property(uri=Core.LENGTH, value="99"),
        ),
    )

    made = each_space.nodes.create(each_space.alice, node)

    assert made.own_properties == {"custom:a": "1", Core.TITLE: ""}
    assert (made.record.media_type, made.record.length) == ("image/fits", 0)


def test_properties_are_set_and_removed_one_by_one(each_space: TreeSpace) -> None:
    each_space.touch("/alice/f")
    each_space.set("/alice/f", {"custom:a": "1", "custom:b": "2", "custom:c": "3"})

    changed = each_space.set("/alice/f", {"custom:a": None, "custom:b": "", "custom:d": "4"})

    assert changed.own_properties == {"custom:b": "", "custom:c": "3", "custom:d": "4"}
    assert each_space.get("/alice/f").own_properties == changed.own_properties


def test_names_and_values_are_kept_byte_for_byte(each_space: TreeSpace) -> None:
    name = "Ä a\u0308 %2F\\'\"{}<&>'; DROP TABLE node; -- \U0001f52d"
    each_space.mkdir(f"/alice/{name}", description=name)

    seen = each_space.get(f"/alice/{name}")

    assert (seen.record.name, seen.own_properties[Core.DESCRIPTION]) == (name, name)
    assert each_space.names("/alice") == [name]


def test_names_differ_by_their_bytes(each_space: TreeSpace) -> None:
    for name in ("a", "A", "\u00e4", "a\u0308"):
        each_space.mkdir(f"/alice/{name}")

    assert each_space.names("/alice") == ["A", "a", "a\u0308", "\u00e4"]


def test_setting_needs_write_permission_on_the_node(space: TreeSpace) -> None:
    space.touch("/alice/f")
    space.set("/alice", {Core.ISPUBLIC: "true"})
    bob = space.user("bob", groups=[GROUP])

    with pytest.raises(PermissionDenied):
        space.set("/alice/f", {"custom:a": "1"}, bob)
    space.set("/alice/f", {Core.GROUPWRITE: GROUP})

    assert space.set("/alice/f", {"custom:a": "1"}, bob).own_properties == {"custom:a": "1"}


def test_a_group_is_known_by_all_its_names(space: TreeSpace) -> None:
    space.touch("/alice/f")

    changed = space.set("/alice/f", {Core.GROUPREAD: "ivo://cadc.nrc.ca/gms?astronomers"})

    assert changed.record.read_groups == (GROUP,)


def test_setting_another_type_is_an_invalid_argument(space: TreeSpace) -> None:
    space.touch("/alice/f")

    with pytest.raises(InvalidArgument, match="is a DataNode, not a ContainerNode"):
        space.set("/alice/f", {}, node_type=NodeType.CONTAINER)


def test_a_document_posted_back_whole_changes_only_what_differs(space: TreeSpace) -> None:
    space.put("/alice/f", 10)
    before = space.get("/alice/f")
    from_document = {
        Core.LENGTH: "10",
        Core.MD5: before.record.md5 or "",
        Core.CREATOR: "alice",
        Core.ISPUBLIC: "false",
    }

    changed = space.set("/alice/f", {**from_document, Cadc.ISLOCKED: "true"})

    assert changed.record.locked
    assert (changed.record.length, changed.record.owner_name) == (10, "alice")


def test_a_changed_read_only_value_is_refused(space: TreeSpace) -> None:
    space.put("/alice/f", 10)

    with pytest.raises(PermissionDenied, match="length is read-only"):
        space.set("/alice/f", {Core.LENGTH: "11"})


def test_nothing_changed_leaves_the_version(space: TreeSpace) -> None:
    before = space.touch("/alice/f")

    assert space.set("/alice/f", {Core.ISPUBLIC: "false"}).record == before.record


def test_a_locked_node_is_unlocked_by_setting(space: TreeSpace) -> None:
    space.mkdir("/alice/d")
    space.set("/alice/d", {Cadc.ISLOCKED: "true"})

    with pytest.raises(PermissionDenied, match="locked"):
        space.touch("/alice/d/f")
    space.set("/alice/d", {Cadc.ISLOCKED: None})

    assert space.touch("/alice/d/f").record.name == "f"


def test_mtime_is_kept_to_the_nanosecond(each_space: TreeSpace) -> None:
    each_space.touch("/alice/f")
    update = NodeUpdate(uri=uri("/alice/f"), node_type=NodeType.DATA)

    changed = each_space.nodes.set(each_space.alice, update, mtime_ns=1_234_567_891_234_567_891)

    assert changed.record.shown_mtime_ns == 1_234_567_891_234_567_891


def test_a_link_itself_is_set_and_not_its_target(space: TreeSpace) -> None:
    space.touch("/alice/f")
    space.link("/alice/l", "/alice/f")

    space.set("/alice/l", {Core.ISPUBLIC: "true"})

    assert space.get("/alice/l").record.public
    assert not space.get("/alice/f").record.public


# ---------------------------------------------------------------- administrators


def test_an_administrator_changes_the_owner(each_space: TreeSpace) -> None:
    each_space.touch("/alice/f")
    bob = each_space.user("bob")

    changed = each_space.set("/alice/f", {Core.CREATOR: "bob"}, OPERATOR)

    assert (changed.record.owner_id, changed.record.owner_name) == (bob.user_id, "bob")


def test_an_unknown_owner_is_an_invalid_argument(space: TreeSpace) -> None:
    space.touch("/alice/f")

    with pytest.raises(InvalidArgument, match="no user 'nobody'"):
        space.set("/alice/f", {Core.CREATOR: "nobody"}, OPERATOR)


def test_an_owner_does_not_give_a_node_away(space: TreeSpace) -> None:
    space.touch("/alice/f")
    space.user("bob")

    with pytest.raises(PermissionDenied):
        space.set("/alice/f", {Core.CREATOR: "bob"})


def test_the_quota_property_makes_and_changes_an_allocation(each_space: TreeSpace) -> None:
    each_space.mkdir("/project", OPERATOR)

    made = each_space.set("/project", {Core.QUOTA: "1000"}, OPERATOR)
    assert made.usage is not None
    changed = each_space.set("/project", {Core.QUOTA: "2000"}, OPERATOR)

    assert changed.usage is not None
    assert (made.usage.quota_bytes, changed.usage.quota_bytes) == (1000, 2000)


def test_a_node_is_created_with_owner_and_quota_by_an_administrator(space: TreeSpace) -> None:
    bob = space.user("bob")

    made = space.mkdir("/bob", OPERATOR, creator="bob", quota="100")

    assert (made.record.owner_id, made.usage and made.usage.quota_bytes) == (bob.user_id, 100)
    with pytest.raises(QuotaExceeded):
        space.put("/bob/f", 101, bob)


def test_a_quota_inside_an_allocation_is_refused(space: TreeSpace) -> None:
    space.mkdir("/alice/d")

    with pytest.raises(InvalidArgument, match="lies in an allocation"):
        space.set("/alice/d", {Core.QUOTA: "10"}, OPERATOR)


# ---------------------------------------------------------------- links and access


def test_a_followed_link_is_its_target(space: TreeSpace) -> None:
    space.touch("/alice/f")
    space.link("/alice/l", "/alice/f")

    assert space.nodes.get(space.alice, at("/alice/l")).record.kind is NodeType.LINK
    followed = space.nodes.get(space.alice, at("/alice/l"), follow=True)
    assert str(followed.path) == "/alice/f"


def test_a_broken_link_can_not_be_followed(space: TreeSpace) -> None:
    space.link("/alice/l", "/alice/gone")

    with pytest.raises(UnreadableLinkTarget):
        space.nodes.get(space.alice, at("/alice/l"), follow=True)


def test_access_is_explained_by_rules(space: TreeSpace) -> None:
    space.set("/alice", {Core.ISPUBLIC: "true"})
    space.touch("/alice/f", groupread=GROUP)
    bob = space.user("bob", groups=[GROUP])

    why = space.nodes.explain(bob, at("/alice/f"))

    assert (why[Action.READ].rule, why[Action.READ].subject) == (Rule.READ_GROUP, GROUP)
    assert (why[Action.WRITE].allowed, why[Action.WRITE].rule) == (False, Rule.NO_PERMISSION)


def test_what_may_be_done_is_told_with_the_node(space: TreeSpace) -> None:
    space.set("/alice", {Core.ISPUBLIC: "true"})
    space.touch("/alice/f")

    seen = space.get("/alice/f", ANONYMOUS)

    assert (seen.readable, seen.writable) == (False, False)


def test_a_container_counts_at_once_what_was_put_into_it(each_space: TreeSpace) -> None:
    each_space.mkdir("/alice/d")
    each_space.put("/alice/d/f", 10)

    seen = each_space.get("/alice/d").record

    assert (seen.length, seen.files) == (10, 1)


def test_a_new_entry_changes_the_date_of_its_container(each_space: TreeSpace) -> None:
    before = each_space.mkdir("/alice/d").record.modified_ns
    each_space.mkdir("/alice/d/sub")
    at_once = each_space.get("/alice/d").record.modified_ns
    each_space.sizes.fold_all()

    folded = each_space.get("/alice/d").record.modified_ns

    assert before < at_once == folded
