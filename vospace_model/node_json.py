"""Node documents as JSON: the same tree as the XML, in the form that CADC's services give it.

An element is an object: `@name` are its attributes, `$` its text, or its children where the
element is a list; other children stand under their names. Names keep their prefixes. Unlike
CADC's, the text of a property is always a string, since `007` and `1e5` may be titles.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from vospace_model.capabilities import Capability
from vospace_model.nodes import ContainerNode, DataNode, Detail, LinkNode, Node
from vospace_model.views import Param, View

_CHUNK_CHARACTERS: Final = 64 * 1024
_NAMESPACES: Final = {
    "@xmlns:vos": "http://www.ivoa.net/xml/VOSpace/v2.0",
    "@xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "@version": "2.1",
}

JsonElement = dict[str, object]


def write_node_json(node: Node, *, detail: Detail = Detail.MAX) -> bytes:
    """The document of a node; `detail` as in XML."""
    return _encode({"vos:node": _NAMESPACES | _node(node, detail)}).encode() + b"\n"


def iter_node_json(
    container: ContainerNode, children: Iterable[Node], *, detail: Detail = Detail.MAX
) -> Iterator[bytes]:
    """The same document in pieces, for a listing of any length.

    The children are taken from `children` as they are written, not from the container; the
    first piece comes before the first child is asked for.
    """
    whole = _NAMESPACES | _element(container, detail)
    head = _encode({"vos:node": whole}).removesuffix("}}")
    yield f'{head},"vos:nodes":{{"$":['.encode()
    pending: list[str] = []
    size = 0
    separator = "\n"
    for child in children:
        text = separator + _encode(_node(child, detail))
        separator = ",\n"
        pending.append(text)
        size += len(text)
        if size >= _CHUNK_CHARACTERS:
            yield "".join(pending).encode()
            pending.clear()
            size = 0
    pending.append("]}}}\n")
    yield "".join(pending).encode()


def _node(node: Node, detail: Detail) -> JsonElement:
    element = _element(node, detail)
    if isinstance(node, ContainerNode):
        element["vos:nodes"] = _list([_node(child, detail) for child in node.nodes])
    elif isinstance(node, LinkNode):
        element["vos:target"] = {"$": node.target}
    return element


def _element(node: Node, detail: Detail) -> JsonElement:
    """A node without what follows its properties and views."""
    element: JsonElement = {
        "@uri": str(node.uri),
        "@xsi:type": f"vos:{node.node_type.wire}",
    }
    if isinstance(node, DataNode):
        element["@busy"] = node.busy
    shown = () if detail is Detail.MIN else node.properties
    element["vos:properties"] = _list(
        [{"@uri": each.uri, "@readOnly": each.read_only, "$": each.value} for each in shown]
    )
    if detail is Detail.MAX and isinstance(node, DataNode | ContainerNode):
        element |= _offers(node)
    return element


def _offers(node: DataNode | ContainerNode) -> JsonElement:
    offers: JsonElement = {}
    if node.accepts:
        offers["vos:accepts"] = _list([_view(view) for view in node.accepts])
    if node.provides:
        offers["vos:provides"] = _list([_view(view) for view in node.provides])
    if node.capabilities:
        offers["vos:capabilities"] = _list([_capability(each) for each in node.capabilities])
    return offers


def _view(view: View) -> JsonElement:
    shown: JsonElement = {"@uri": view.uri, "@original": view.original}
    return shown | _params(view.params)


def _capability(capability: Capability) -> JsonElement:
    shown: JsonElement = {"@uri": capability.uri}
    if capability.endpoint is not None:
        shown["vos:endpoint"] = {"$": capability.endpoint}
    return shown | _params(capability.params)


def _params(params: Iterable[Param]) -> JsonElement:
    shown = [{"@uri": each.uri, "$": each.value} for each in params]
    return {"vos:param": _list(shown)} if shown else {}


def _list(items: Sequence[Mapping[str, object]]) -> JsonElement:
    return {"$": items}


def _encode(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
