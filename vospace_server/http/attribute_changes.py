"""From the attributes of our JSON to the properties of the standard that they stand for."""

from vospace_model.api import AttributeChange
from vospace_model.nodes import NodeType, NodeUpdate
from vospace_model.properties import Cadc, Core, PropertyChange, SetProperty, format_groups
from vospace_model.uris import VosUri


def update_of(uri: VosUri, node_type: NodeType, change: AttributeChange) -> NodeUpdate:
    """The update that a change asks for; mtime_ns goes beside it, as text would cut it."""
    changes: list[PropertyChange] = list(change.properties)
    for property_uri, flag in (
        (Core.ISPUBLIC, change.public),
        (Cadc.INHERIT, change.inherit),
        (Cadc.ISLOCKED, change.locked),
    ):
        if flag is not None:
            changes.append(SetProperty(uri=property_uri, value="true" if flag else "false"))
    for property_uri, groups in (
        (Core.GROUPREAD, change.read_groups),
        (Core.GROUPWRITE, change.write_groups),
    ):
        if groups is not None:
            changes.append(SetProperty(uri=property_uri, value=format_groups(groups)))
    return NodeUpdate(uri=uri, node_type=node_type, changes=tuple(changes))
