"""Copying nodes: rows that refer to the same stored bytes as those they are made from."""

from collections.abc import Sequence

from vospace_model.nodes import NodeType
from vospace_model.uris import NodePath
from vospace_server.database.conflicts import ConflictError
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access import reading_verdict, refuse
from vospace_server.domain.content import Content
from vospace_server.domain.identity import Caller
from vospace_server.domain.node_record import NewNode, NodeRecord
from vospace_server.domain.places import landlord_below
from vospace_server.services.tree import actor_id


def copy_nodes(
    unit: UnitOfWork,
    caller: Caller,
    sources: Sequence[NodeRecord],
    *,
    parent_id: int,
    now_ns: int,
) -> list[int]:
    """Make copies of nodes in a container, without what is below them; returns their numbers.

    What travels: type, name, bytes (shared, not copied), target of a link, media type and
    encoding, groups, publicity, inheritance and all other properties. What is new: creator and
    times. Locks and immutability stay with the originals, which they protect. The top of an
    allocation becomes an ordinary container.

    The names must be free. ConflictError when bytes were given up since the nodes were read.
    """
    contents = _kept_contents(unit, sources)
    new = [_copy_of(each, caller, parent_id, contents) for each in sources]
    ids = unit.nodes.add_all(new, now_ns)
    pairs = list(zip(sources, ids, strict=True))
    unit.sizes.add_all([node_id for source, node_id in pairs if source.is_container])
    unit.properties.copy({s.node_id: node_id for s, node_id in pairs if s.has_properties})
    return ids


def require_readable(
    caller: Caller, above: NodePath, sources: Sequence[NodeRecord], landlord_id: int | None
) -> None:
    """Raise PermissionDenied for the first node that the caller may not read.

    `above` is where their container stands, `landlord_id` the owner of the allocation that it
    lies in.
    """
    for source in sources:
        path = above.child(source.name)
        verdict = reading_verdict(caller, path, source, landlord_below(source, landlord_id))
        if not verdict.allowed:
            refuse(caller, verdict, f"copy {path}")


def _kept_contents(unit: UnitOfWork, sources: Sequence[NodeRecord]) -> dict[str, Content]:
    content_ids = sorted({s.content_id for s in sources if s.content_id is not None})
    kept = unit.blobs.keep(content_ids) if content_ids else {}
    if len(kept) < len(content_ids):
        raise ConflictError("bytes were removed since their node was read")
    return kept


def _copy_of(
    source: NodeRecord, caller: Caller, parent_id: int, contents: dict[str, Content]
) -> NewNode:
    return NewNode(
        parent_id=parent_id,
        name=source.name,
        kind=source.kind,
        owner_id=actor_id(caller),
        public=source.public,
        inherit=source.inherit and source.kind is NodeType.CONTAINER,
        read_groups=source.read_groups,
        write_groups=source.write_groups,
        target=source.target,
        media_type=source.media_type,
        encoding=source.encoding,
        has_properties=source.has_properties,
        content=None if source.content_id is None else contents[source.content_id],
    )
