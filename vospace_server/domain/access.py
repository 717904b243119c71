"""Who may do what to a node: one pure decision, and the reason for it.

The rules are those of contract 1.4. To reach a node, each container above it must be readable.
Owner, owner of the enclosing allocation and administrators pass every rule of permission; no
one passes a lock, not even they.

What a credential is limited to comes before all rules, so every verdict asks where the node is.
Containers above the place that a credential is for may be passed on the way there, and no more.
"""

import enum
from dataclasses import dataclass

from vospace_model.faults import NotAuthenticated, PermissionDenied
from vospace_model.uris import NodePath
from vospace_server.domain.identity import Anonymous, Caller
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.places import Found, landlord_below


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
    OUTSIDE_SCOPE = "the credential is limited to"
    NO_PERMISSION = "no permission is given"
    LOCKED = "the node is locked"
    IMMUTABLE = "the node is immutable"
    PARENT_LOCKED = "the container is locked"
    PARENT_IMMUTABLE = "the container is immutable"
    ROOT = "the root stays where it is"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Yes or no, by which rule, and what it found: a group URI, a node's name, or a scope."""

    allowed: bool
    rule: Rule
    subject: str = ""

    @property
    def reason(self) -> str:
        """Why it is so, as the end of a sentence."""
        named = self.rule is Rule.OUTSIDE_SCOPE
        return f"{self.rule.value} {self.subject}" if named else self.rule.value


def authorize(caller: Caller, found: Found, action: Action) -> Verdict:
    """Whether the caller may do this to a node. Never raises."""
    if not caller.reaches(found.path):
        return _outside(caller)
    landlord_id = None
    for record in found.records[:-1]:
        landlord_id = landlord_below(record, landlord_id)
        if not passing_verdict(caller, record, landlord_id).allowed:
            return Verdict(False, Rule.ANCESTOR_UNREADABLE, record.name)
    node = found.node
    parent_landlord_id, landlord_id = landlord_id, landlord_below(node, landlord_id)
    if action is Action.SEE:
        seen = passing_verdict(caller, node, landlord_id)
        return seen if seen.allowed else Verdict(True, Rule.REACHABLE)
    if action is Action.READ:
        return passing_verdict(caller, node, landlord_id)
    if action is Action.REMOVE:
        return _removal_verdict(caller, found, parent_landlord_id)
    return writing_verdict(
        caller, found.path, node, landlord_id, despite_lock=action is Action.SET
    )


def require(caller: Caller, found: Found, action: Action) -> None:
    """Return if `authorize` says yes; else raise PermissionDenied, or NotAuthenticated.

    NotAuthenticated is for callers who have not said who they are: they may try again.
    """
    verdict = authorize(caller, found, action)
    if not verdict.allowed:
        refuse(caller, verdict, f"{action.value} {found.path}")


def require_reach(caller: Caller, path: NodePath) -> None:
    """Raise PermissionDenied if the caller's credential is good for nothing at this path."""
    if not caller.reaches(path):
        refuse(caller, _outside(caller), f"reach {path}")


def require_whole_reach(caller: Caller, deed: str) -> None:
    """Raise PermissionDenied if the caller's credential is limited to some paths.

    For what is about no node, such as groups and accounts, and so outside of all limits.
    """
    if not caller.reaches(NodePath.root()):
        refuse(caller, _outside(caller), deed)


def refuse(caller: Caller, verdict: Verdict, deed: str) -> None:
    """Raise the fault of a verdict that says no to `deed` ("write /a/b")."""
    if isinstance(caller, Anonymous):
        raise NotAuthenticated(f"log in to {deed}")
    raise PermissionDenied(f"can't {deed}: {verdict.reason}")


def passing_verdict(caller: Caller, node: NodeRecord, landlord_id: int | None) -> Verdict:
    """Whether the permissions of a node let the caller read it, wherever it is.

    That is enough to pass it on the way to another one; to read it, see `reading_verdict`.
    """
    granted = full_access(caller, node, landlord_id)
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


def reading_verdict(
    caller: Caller, path: NodePath, node: NodeRecord, landlord_id: int | None
) -> Verdict:
    """Whether the caller may read the node at this path, if they can get to it."""
    if not caller.reaches(path):
        return _outside(caller)
    return passing_verdict(caller, node, landlord_id)


def writing_verdict(
    caller: Caller,
    path: NodePath,
    node: NodeRecord,
    landlord_id: int | None,
    *,
    despite_lock: bool = False,
) -> Verdict:
    """Whether the caller may write the node at this path, if they can get to it."""
    if isinstance(caller, Anonymous):
        return Verdict(False, Rule.NOT_LOGGED_IN)
    if not caller.may_write_at(path):
        return _not_for_writing(caller, path)
    granted = full_access(caller, node, landlord_id)
    if granted is None:
        return Verdict(False, Rule.NO_PERMISSION)
    if not despite_lock and node.locked:
        return Verdict(False, Rule.LOCKED, node.name)
    if not despite_lock and node.immutable:
        return Verdict(False, Rule.IMMUTABLE, node.name)
    return granted


def _outside(caller: Caller) -> Verdict:
    assert not isinstance(caller, Anonymous), "nobody has a credential that is limited"
    return Verdict(False, Rule.OUTSIDE_SCOPE, caller.scope.label)


def _not_for_writing(caller: Caller, path: NodePath) -> Verdict:
    if caller.reaches(path) and not caller.may_write:
        return Verdict(False, Rule.READ_ONLY_SCOPE)
    return _outside(caller)


def full_access(caller: Caller, node: NodeRecord, landlord_id: int | None) -> Verdict | None:
    """The rule by which permissions let the caller both read and write; None: by none."""
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


def _removal_verdict(caller: Caller, found: Found, parent_landlord_id: int | None) -> Verdict:
    if found.path.is_root:
        return Verdict(False, Rule.ROOT)
    node, parent = found.node, found.parent()
    verdict = writing_verdict(caller, parent.path, parent.node, parent_landlord_id)
    if verdict.rule is Rule.LOCKED:
        return Verdict(False, Rule.PARENT_LOCKED, parent.node.name)
    if verdict.rule is Rule.IMMUTABLE:
        return Verdict(False, Rule.PARENT_IMMUTABLE, parent.node.name)
    if verdict.allowed and node.locked:
        return Verdict(False, Rule.LOCKED, node.name)
    if verdict.allowed and node.immutable:
        return Verdict(False, Rule.IMMUTABLE, node.name)
    return verdict
