"""The recursive statements on the tree: along a path, up to the root, over all below."""

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Integer,
    Select,
    and_,
    bindparam,
    cast,
    func,
    literal,
    select,
)

from vospace_model.nodes import NodeType
from vospace_server.database.columns import constant
from vospace_server.database.names import name_at, names_parameter
from vospace_server.database.node_rows import KIND_CODES, RECORD_COLUMNS, RECORD_SOURCE
from vospace_server.database.schema import ROOT_ID, node, node_group


def walk_statement() -> Select[Any]:
    """All nodes on the path `names`, from the root down, as far as there are any."""
    start = select(constant(0).label("depth"), cast(constant(ROOT_ID), BigInteger).label("id"))
    walk = start.cte("walk", recursive=True)
    child = node.alias("child")
    step = select(walk.c.depth + constant(1), child.c.id).select_from(
        walk.join(
            child,
            and_(
                child.c.parent_id == walk.c.id,
                child.c.name == name_at(names_parameter(), walk.c.depth),
            ),
        )
    )
    walk = walk.union_all(step)
    return (
        select(*RECORD_COLUMNS)
        .select_from(walk.join(RECORD_SOURCE, node.c.id == walk.c.id))
        .order_by(walk.c.depth)
    )


def climb_statement() -> Select[Any]:
    """Names and parents from the node `node_id` up to the root."""
    columns = (node.c.parent_id, node.c.name)
    start = select(literal(0, Integer).label("height"), *columns).where(
        node.c.id == bindparam("node_id", type_=BigInteger)
    )
    climb = start.cte("climb", recursive=True)
    above = node.alias("above")
    step = select(climb.c.height + 1, above.c.parent_id, above.c.name).join(
        above, above.c.id == climb.c.parent_id
    )
    climb = climb.union_all(step)
    return select(climb.c.parent_id, climb.c.name).order_by(climb.c.height.desc())


def count_below_statement() -> Select[Any]:
    """The number of nodes below the node `top_id`."""
    return select(func.count()).select_from(_below())


def groups_below_statement() -> Select[Any]:
    """Every group that the node `top_id` or a node below it names."""
    start = select(node.c.id).where(node.c.id == bindparam("top_id", type_=BigInteger))
    tree = start.cte("tree", recursive=True)
    child = node.alias("child")
    tree = tree.union_all(select(child.c.id).join(tree, child.c.parent_id == tree.c.id))
    return (
        select(node_group.c.group_uri).distinct().join(tree, tree.c.id == node_group.c.node_id)
    )


def kinds_of_access_statement() -> Select[Any]:
    """One node id for each combination of what decides access, below the node `top_id`."""
    below = _below()
    return (
        select(func.min(node.c.id))
        .join(below, below.c.id == node.c.id)
        .group_by(
            node.c.kind == KIND_CODES[NodeType.CONTAINER],
            node.c.owner_id,
            node.c.write_groups,
            node.c.locked,
            node.c.immutable,
            node.c.allocation_id,
        )
    )


def _below() -> CTE:
    """The ids of all nodes below the node `top_id`."""
    start = select(node.c.id).where(node.c.parent_id == bindparam("top_id", type_=BigInteger))
    below = start.cte("below", recursive=True)
    child = node.alias("child")
    step = select(child.c.id).join(below, child.c.parent_id == below.c.id)
    return below.union_all(step)
