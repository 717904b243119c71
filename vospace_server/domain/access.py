"""Who may do what to a node: one pure decision, and the reason for it.

The rules are those of contract 1.4. To reach a node, each container above it must be readable.
Owner, owner of the enclosing allocation and administrators pass every rule of permission; no
one passes a lock, not even they.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from vospace_model.faults import NotAuthenticated, PermissionDenied
from vospace_model.uris import NodePath
from vospace_server.domain.identity import Anonymous, Caller
from vospace_server.domain.node_record import NodeRecord


class Action(enum.Enum):
    """What somebody wants to do to a node."""

    # See that it is there, its metadata, a link's target.
    SEE = "see"
    # Read its bytes, list its children, go through it.
    READ = "read"
    # Replace its bytes, add children to it or remove them.
    WRITE = "write"
    # Change its properties, permissions and lock. A lock does not prevent that: this is how
    # one unlocks.
    SET = "change properties of"
    # Delete it, move it away or replace it by another node.
    REMOVE = "remove"


class Rule(enum.Enum):
    """Why the answer is what it is; the value is the end of the sentence `it is so because`."""

    ADMINISTRATOR = "the caller is an administrator"
    OWNER = "the caller owns the node"
    ALLOCATION_OWNER = "the caller owns the allocation"
    WRITE_GROUP = "the caller belongs to a read-write group"
    READ_GROUP = "the caller belongs to a read group"
    PUBLIC = "the node is public"
    REACHABLE = "everything above the node is readable"
    ANCESTOR_UNREADABLE = "a container above it may not be read"
    NOT_LOGGED_IN = "nobody is logged in"
    READ_ONLY_SCOPE = "the credential is for reading only"
    NO_PERMISSION = "no permission is given"
    LOCKED = "the node is locked"
    IMMUTABLE = "the node is immutable"
    PARENT_LOCKED = "the container is locked"
    PARENT_IMMUTABLE = "the container is immutable"
    ROOT = "the root stays where it is"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Yes or no, by which rule, and what the rule found: a group URI or a node's name."""

    allowed: bool
    rule: Rule
    subject: str = ""


def authorize(caller: Caller, lineage: Sequence[NodeRecord], action: Action) -> Verdict:
    """Whether the caller may do this to the last node of `lineage`.

    `lineage` holds the nodes from the root (or the root alone) down to the node. Never raises.
    """
    landlord_id = None
    for record in lineage[:-1]:
        landlord_id = _landlord(record, landlord_id)
        if not reading_verdict(caller, record, landlord_id).allowed:
            return Verdict(False, Rule.ANCESTOR_UNREADABLE, record.name)
    node = lineage[-1]
    parent_landlord_id, landlord_id = landlord_id, _landlord(node, landlord_id)
    if action is Action.SEE:
        seen = reading_verdict(caller, node, landlord_id)
        return seen if seen.allowed else Verdict(True, Rule.REACHABLE)
    if action is Action.READ:
        return reading_verdict(caller, node, landlord_id)
    if action is Action.REMOVE:
        return _removal_verdict(caller, lineage, parent_landlord_id)
    return writing_verdict(caller, node, landlord_id, despite_lock=action is Action.SET)


def require(
    caller: Caller, lineage: Sequence[NodeRecord], action: Action, path: NodePath
) -> None:
    """Return if `authorize` says yes; else raise PermissionDenied, or NotAuthenticated.

    NotAuthenticated is for callers who have not said who they are: they may try again.
    `path` is for the sentence alone.
    """
    verdict = authorize(caller, lineage, action)
    if not verdict.allowed:
        refuse(caller, verdict, f"{action.value} {path}")


def refuse(caller: Caller, verdict: Verdict, deed: str) -> None:
    """Raise the fault of a verdict that says no to `deed` ("write /a/b")."""
    if isinstance(caller, Anonymous):
        raise NotAuthenticated(f"log in to {deed}")
    raise PermissionDenied(f"can't {deed}: {verdict.rule.value}")


def landlord_of(lineage: Sequence[NodeRecord]) -> int | None:
    """User id of the owner of the allocation that a node lies in; None outside of all."""
    landlord_id = None
    for record in lineage:
        landlord_id = _landlord(record, landlord_id)
    return landlord_id


def reading_verdict(caller: Caller, node: NodeRecord, landlord_id: int | None) -> Verdict:
    """Whether the caller may read this node, if they can reach it."""
    granted = _full_access(caller, node, landlord_id)
    if granted is not None:
        return granted
    if node.public:
        return Verdict(True, Rule.PUBLIC)
    if isinstance(caller, Anonymous):
        return Verdict(False, Rule.NOT_LOGGED_IN)
    for group in node.read_groups:
        if group in caller.groups:
            return Verdict(True, Rule.READ_GROUP, group)
    return Verdict(False, Rule.NO_PERMISSION)


def writing_verdict(
    caller: Caller, node: NodeRecord, landlord_id: int | None, *, despite_lock: bool = False
) -> Verdict:
    """Whether the caller may write this node, if they can reach it."""
    if isinstance(caller, Anonymous):
        return Verdict(False, Rule.NOT_LOGGED_IN)
    if not caller.may_write:
        return Verdict(False, Rule.READ_ONLY_SCOPE)
    granted = _full_access(caller, node, landlord_id)
    if granted is None:
        return Verdict(False, Rule.NO_PERMISSION)
    if not despite_lock and node.locked:
        return Verdict(False, Rule.LOCKED, node.name)
    if not despite_lock and node.immutable:
        return Verdict(False, Rule.IMMUTABLE, node.name)
    return granted


def _full_access(caller: Caller, node: NodeRecord, landlord_id: int | None) -> Verdict | None:
    """The rule by which the caller may both read and write; None if there is none."""
    if isinstance(caller, Anonymous):
        return None
    if caller.user_id == node.owner_id:
        return Verdict(True, Rule.OWNER)
    if caller.user_id == landlord_id:
        return Verdict(True, Rule.ALLOCATION_OWNER)
    if caller.acts_as_admin:
        return Verdict(True, Rule.ADMINISTRATOR)
    for group in node.write_groups:
        if group in caller.groups:
            return Verdict(True, Rule.WRITE_GROUP, group)
    return None


def _removal_verdict(
    caller: Caller, lineage: Sequence[NodeRecord], parent_landlord_id: int | None
) -> Verdict:
    if len(lineage) == 1:
        return Verdict(False, Rule.ROOT)
    parent, node = lineage[-2], lineage[-1]
    verdict = writing_verdict(caller, parent, parent_landlord_id)
    if verdict.rule is Rule.LOCKED:
        return Verdict(False, Rule.PARENT_LOCKED, parent.name)
    if verdict.rule is Rule.IMMUTABLE:
        return Verdict(False, Rule.PARENT_IMMUTABLE, parent.name)
    if verdict.allowed and node.locked:
        return Verdict(False, Rule.LOCKED, node.name)
    if verdict.allowed and node.immutable:
        return Verdict(False, Rule.IMMUTABLE, node.name)
    return verdict


def _landlord(record: NodeRecord, above: int | None) -> int | None:
    return above if record.allocation_id is None else record.owner_id
