"""Transfer documents, both ways (contract 1.6)."""

from typing import Final

from lxml import etree

from vospace_model.faults import InvalidArgument, InvalidURI
from vospace_model.transfers import Direction, ExternalTransfer, InternalTransfer, Transfer
from vospace_model.uris import VosUri
from vospace_model.xml import fragments
from vospace_model.xml.elements import Children, boolean_of, check_root, token_of
from vospace_model.xml.markup import attribute, boolean, document, element, wrap
from vospace_model.xml.namespaces import VOSPACE, VOSPACE_VERSION
from vospace_model.xml.parser import MAX_DOCUMENT_BYTES, parse_document

_ATTRIBUTES: Final = attribute("xmlns:vos", VOSPACE) + attribute("version", VOSPACE_VERSION)
_PARTS: Final = frozenset({"target", "direction", "view", "protocol", "keepBytes", "param"})
_DIRECTIONS: Final = {direction.value: direction for direction in Direction}


def write_transfer(transfer: Transfer) -> bytes:
    """The document of a transfer."""
    return document(write_transfer_element(transfer))


def write_transfer_element(transfer: Transfer) -> str:
    """The root element alone, to stand in a job."""
    if isinstance(transfer, InternalTransfer):
        return wrap("vos:transfer", _internal_parts(transfer), _ATTRIBUTES)
    return wrap("vos:transfer", _external_parts(transfer), _ATTRIBUTES)


def read_transfer(data: bytes, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> Transfer:
    """The transfer that a document describes.

    A direction that is a VOSpace URI makes it internal; then `keepBytes` must say whether it
    is a copy, for a guess could delete. Raises InvalidArgument, InvalidURI or
    RequestEntityTooLarge.
    """
    return read_transfer_element(parse_document(data, max_bytes=max_bytes))


def read_transfer_element(root: etree._Element) -> Transfer:
    """The transfer of an element that is parsed already."""
    check_root(root, VOSPACE, "transfer")
    fragments.check_version(root)
    parts = Children(root, VOSPACE, _PARTS)
    targets = tuple(VosUri.parse(token_of(target)) for target in parts.every("target"))
    if not targets:
        raise InvalidArgument("the transfer has no target")
    word = token_of(parts.required("direction"))
    direction = _DIRECTIONS.get(word)
    if direction is None:
        return _read_internal(parts, targets, word)
    view = parts.only("view")
    return ExternalTransfer(
        targets=targets,
        direction=direction,
        view=None if view is None else fragments.read_view(view),
        protocols=tuple(map(fragments.read_protocol, parts.every("protocol"))),
        params=tuple(map(fragments.read_param, parts.every("param"))),
    )


def _internal_parts(transfer: InternalTransfer) -> list[str]:
    return [
        element("vos:target", str(transfer.source)),
        element("vos:direction", str(transfer.destination)),
        element("vos:keepBytes", boolean(transfer.keep_bytes)),
    ]


def _external_parts(transfer: ExternalTransfer) -> list[str]:
    parts = [element("vos:target", str(target)) for target in transfer.targets]
    parts.append(element("vos:direction", transfer.direction.value))
    if transfer.view is not None:
        parts.append(fragments.write_view(transfer.view))
    parts += map(fragments.write_protocol, transfer.protocols)
    parts += map(fragments.write_param, transfer.params)
    return parts


def _read_internal(parts: Children, targets: tuple[VosUri, ...], word: str) -> InternalTransfer:
    try:
        destination = VosUri.parse(word)
    except InvalidURI as error:
        words = ", ".join(_DIRECTIONS)
        raise InvalidArgument(
            f"the direction is not one of {words}, and {error.detail}"
        ) from error
    if len(targets) != 1:
        raise InvalidArgument("a move or copy has exactly one target")
    keep_bytes = parts.required("keepBytes")
    return InternalTransfer(
        source=targets[0],
        destination=destination,
        keep_bytes=boolean_of(keep_bytes, token_of(keep_bytes)),
    )
