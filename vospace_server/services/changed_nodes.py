"""ChangedNodes: properties set on nodes, all in one go."""

from dataclasses import replace

from vospace_model.faults import InvalidArgument
from vospace_server.database.changes import Operation
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.identity import Caller
from vospace_server.domain.places import Found
from vospace_server.domain.property_changes import RequestedChange
from vospace_server.services.new_nodes import log_changes


class ChangedNodes:
    """Collects changes to nodes that this transaction has locked, then writes them together.

    Not for quotas, which are set on one container alone.
    """

    def __init__(self, unit: UnitOfWork, caller: Caller, now_ns: int) -> None:
        self._unit = unit
        self._caller = caller
        self._now_ns = now_ns
        self._changed: list[tuple[Found, Found]] = []
        self._own: dict[int, dict[str, str | None]] = {}
        self._owners: dict[str, int] = {}

    def add(self, found: Found, asked: RequestedChange) -> None:
        """One more node; nothing happens to it if nothing is asked. InvalidArgument."""
        if asked == RequestedChange():
            return
        old = found.node
        new = replace(
            old,
            **asked.fields,
            owner_id=self._owner_id(asked.owner_name, old.owner_id),
            changed_ns=self._now_ns,
            has_properties=old.has_properties or bool(asked.own),
        )
        self._changed.append(
            (found, Found(path=found.path, records=(*found.records[:-1], new)))
        )
        if asked.own:
            self._own[old.node_id] = dict(asked.own)

    def write(self) -> None:
        """Write the nodes and their properties, and log the changes."""
        unit = self._unit
        unit.node_batches.save([(old.node, new.node) for old, new in self._changed])
        unit.properties.replace(self._own)
        changed = [new for _, new in self._changed]
        log_changes(unit, self._caller, Operation.PROPERTIES, changed, self._now_ns)

    def _owner_id(self, name: str | None, otherwise: int) -> int:
        if name is None:
            return otherwise
        if name not in self._owners:
            self._owners[name] = owner_id_of(self._unit, name)
        return self._owners[name]


def owner_id_of(unit: UnitOfWork, name: str) -> int:
    """The number of a user whom a document names as owner. Raises InvalidArgument."""
    user = unit.users.by_name(name)
    if user is None:
        raise InvalidArgument(f"there is no user {name[:80]!r}")
    return user.user_id
