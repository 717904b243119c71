"""Who may do what, and why."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.vospace_server.domain.records import ROOT, record, user
from vospace_model.faults import NotAuthenticated, PermissionDenied
from vospace_model.nodes import NodeType
from vospace_model.uris import NodePath
from vospace_server.domain.access import Action, Rule, Verdict, authorize, require
from vospace_server.domain.identity import ANONYMOUS, Caller
from vospace_server.domain.places import Found
from vospace_server.domain.token_scope import TokenScope

OWNER, STRANGER, LANDLORD = user(1), user(2), user(3)
ADMIN = user(9, is_admin=True)
READERS, WRITERS = "ivo://localhost/gms?readers", "ivo://localhost/gms?writers"
PATH = NodePath.parse("/top/file")
THE_ROOT = Found(path=NodePath.root(), records=(ROOT,))


def lineage(*, top: Mapping[str, Any] | None = None, **of_file: Any) -> Found:
    """A root, a public container /top of nobody, and a data node /top/file of OWNER."""
    above = record(2, "top", **{"public": True, **(top or {})})
    file = record(3, "file", NodeType.DATA, **{"owner_id": 1, **of_file})
    return Found(path=PATH, records=(ROOT, above, file))


@pytest.mark.parametrize(
    ("caller", "of_file", "rule"),
    [
        (OWNER, {}, Rule.OWNER),
        (ADMIN, {}, Rule.ADMINISTRATOR),
        (STRANGER, {"public": True}, Rule.PUBLIC),
        (ANONYMOUS, {"public": True}, Rule.PUBLIC),
        (user(2, READERS), {"read_groups": (READERS,)}, Rule.READ_GROUP),
        (user(2, WRITERS), {"write_groups": (WRITERS,)}, Rule.WRITE_GROUP),
    ],
)
def test_reading_is_allowed_by_each_rule(
    caller: Caller, of_file: dict[str, Any], rule: Rule
) -> None:
    verdict = authorize(caller, lineage(**of_file), Action.READ)

    assert (verdict.allowed, verdict.rule) == (True, rule)


def test_owner_of_the_allocation_may_do_everything_below_it() -> None:
    top = {"allocation_id": 7, "owner_id": LANDLORD.user_id, "public": False}

    verdicts = [authorize(LANDLORD, lineage(top=top), action) for action in Action]

    assert all(verdict.allowed for verdict in verdicts)
    assert verdicts[1] == Verdict(True, Rule.ALLOCATION_OWNER)


def test_owner_of_the_allocation_may_not_remove_its_top() -> None:
    top = record(2, "top", allocation_id=7, owner_id=LANDLORD.user_id)

    verdict = authorize(LANDLORD, Found(path=PATH.parent, records=(ROOT, top)), Action.REMOVE)

    assert verdict == Verdict(False, Rule.NO_PERMISSION)


@pytest.mark.parametrize("action", [Action.READ, Action.WRITE, Action.SET])
def test_strangers_are_refused(action: Action) -> None:
    verdict = authorize(STRANGER, lineage(), action)

    assert verdict == Verdict(False, Rule.NO_PERMISSION)


def test_a_public_node_is_not_writable_by_all() -> None:
    assert not authorize(STRANGER, lineage(public=True), Action.WRITE).allowed


def test_readers_may_not_write() -> None:
    verdict = authorize(user(2, READERS), lineage(read_groups=(READERS,)), Action.WRITE)

    assert verdict == Verdict(False, Rule.NO_PERMISSION)


def test_a_group_verdict_names_the_group() -> None:
    verdict = authorize(user(2, READERS), lineage(read_groups=("x", READERS)), Action.READ)

    assert verdict.subject == READERS


def test_a_node_is_seen_without_being_readable() -> None:
    assert authorize(STRANGER, lineage(), Action.SEE) == Verdict(True, Rule.REACHABLE)


@pytest.mark.parametrize("action", list(Action))
def test_nothing_is_allowed_below_an_unreadable_container(action: Action) -> None:
    verdict = authorize(OWNER, lineage(top={"public": False, "owner_id": 5}), action)

    assert verdict == Verdict(False, Rule.ANCESTOR_UNREADABLE, "top")


@pytest.mark.parametrize("caller", [OWNER, ADMIN, LANDLORD])
def test_nobody_writes_a_locked_node(caller: Caller) -> None:
    top = {"allocation_id": 7, "owner_id": LANDLORD.user_id, "public": True}

    verdict = authorize(caller, lineage(top=top, locked=True), Action.WRITE)

    assert verdict == Verdict(False, Rule.LOCKED, "file")


def test_a_locked_node_can_be_unlocked() -> None:
    assert authorize(OWNER, lineage(locked=True), Action.SET).allowed


def test_a_locked_node_is_not_removed() -> None:
    mine = {"owner_id": 1, "public": True}

    assert authorize(OWNER, lineage(top=mine), Action.REMOVE).allowed
    locked = authorize(OWNER, lineage(top=mine, locked=True), Action.REMOVE)
    assert locked == Verdict(False, Rule.LOCKED, "file")


@pytest.mark.parametrize(
    ("flag", "rule"), [("locked", Rule.PARENT_LOCKED), ("immutable", Rule.PARENT_IMMUTABLE)]
)
def test_a_locked_or_immutable_container_keeps_its_entries(flag: str, rule: Rule) -> None:
    top = {"owner_id": 1, "public": True, flag: True}

    assert authorize(OWNER, lineage(top=top), Action.REMOVE) == Verdict(False, rule, "top")


def test_an_immutable_node_is_neither_written_nor_removed_but_can_be_freed() -> None:
    nodes = lineage(top={"owner_id": 1, "public": True}, immutable=True)

    assert authorize(OWNER, nodes, Action.WRITE).rule is Rule.IMMUTABLE
    assert authorize(OWNER, nodes, Action.REMOVE).rule is Rule.IMMUTABLE
    assert authorize(OWNER, nodes, Action.SET).allowed


def test_removal_needs_the_container_and_not_the_node() -> None:
    mine = {"owner_id": STRANGER.user_id, "public": True}

    assert authorize(STRANGER, lineage(top=mine), Action.REMOVE).allowed
    assert not authorize(OWNER, lineage(), Action.REMOVE).allowed


def test_the_root_is_never_removed() -> None:
    assert authorize(ADMIN, THE_ROOT, Action.REMOVE) == Verdict(False, Rule.ROOT)


def test_a_token_for_reading_never_writes() -> None:
    reader = user(1, scope=TokenScope.READ)

    assert authorize(reader, lineage(), Action.READ).allowed
    assert authorize(reader, lineage(), Action.WRITE).rule is Rule.READ_ONLY_SCOPE


def test_an_administrator_without_the_scope_is_anybody() -> None:
    plain = user(9, is_admin=True, scope=TokenScope.WRITE)

    assert authorize(plain, lineage(), Action.WRITE) == Verdict(False, Rule.NO_PERMISSION)


def test_a_refusal_is_permission_denied_with_path_and_reason() -> None:
    with pytest.raises(PermissionDenied, match="can't write /top/file: the node is locked"):
        require(OWNER, lineage(locked=True), Action.WRITE)


def test_somebody_unknown_is_asked_to_log_in() -> None:
    with pytest.raises(NotAuthenticated, match="log in to read /top/file"):
        require(ANONYMOUS, lineage(), Action.READ)


LIMITED = user(1, scope=TokenScope.parse("read:/top/file"))


def test_a_limited_token_is_for_its_path_alone() -> None:
    """The token of a pipeline opens nothing beside the folder that it was made for."""
    mine = {"owner_id": 1, "public": True}
    elsewhere = user(1, scope=TokenScope.parse("write:/top/other"))

    assert authorize(LIMITED, lineage(top=mine), Action.READ).allowed
    for action in Action:
        verdict = authorize(elsewhere, lineage(top=mine, public=True), action)
        assert verdict == Verdict(False, Rule.OUTSIDE_SCOPE, "write:/top/other")


def test_what_is_above_the_path_of_a_token_may_be_passed_and_not_looked_at() -> None:
    above = lineage(top={"owner_id": 1}).parent()

    assert {authorize(LIMITED, above, action).allowed for action in Action} == {False}
    assert authorize(LIMITED, lineage(top={"owner_id": 1}), Action.READ).allowed


def test_a_token_writes_below_its_path_and_reads_where_else_it_may() -> None:
    mixed = user(1, scope=TokenScope.parse("read write:/top/file"))
    mine = lineage(top={"owner_id": 1})

    assert authorize(mixed, mine, Action.WRITE).allowed
    assert authorize(mixed, mine.parent(), Action.READ).allowed
    for found, action in ((mine.parent(), Action.WRITE), (mine, Action.REMOVE)):
        verdict = authorize(mixed, found, action)
        assert (verdict.rule, verdict.subject) == (Rule.OUTSIDE_SCOPE, "read write:/top/file")


def test_a_refusal_says_what_the_token_is_limited_to() -> None:
    with pytest.raises(PermissionDenied) as raised:
        require(LIMITED, lineage().parent(), Action.READ)

    assert raised.value.detail == "can't read /top: the credential is limited to read:/top/file"
