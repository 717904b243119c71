"""Group documents of CADC's group service, both ways (contract 3.3). They have no namespace."""

from collections.abc import Iterable
from typing import Final

from lxml import etree

from vospace_model.faults import InvalidArgument
from vospace_model.groups import GroupDocument, GroupUser, PropertyOfGroup, UserIdentity
from vospace_model.timestamps import format_node_date
from vospace_model.xml.elements import (
    boolean_of,
    describe,
    required_attribute,
    text_of,
    token_of,
)
from vospace_model.xml.markup import attribute, boolean, document, element, wrap
from vospace_model.xml.parser import parse_document

MAX_GROUP_BYTES: Final = 4 * 1024 * 1024
"""Largest group document that is read: some ten thousand members."""

_ROOT: Final = "group"


def write_group(group: GroupDocument) -> bytes:
    """The document of a group.

    Every list has white space in it: CADC's client takes an element without text for empty.
    """
    parts = [
        _list("owner", [] if group.owner is None else [_user(group.owner)]),
        "" if group.description is None else element("description", group.description) + "\n",
        _last_modified(group),
        _list("properties", map(_property, group.properties)),
        _list("userMembers", map(_user, group.user_members)),
        _list("groupMembers", map(_group_reference, group.group_members)),
        _list("userAdmins", map(_user, group.user_admins)),
        _list("groupAdmins", map(_group_reference, group.group_admins)),
    ]
    return document(wrap(_ROOT, ["\n", *parts], attribute("uri", group.uri)))


def write_groups(uris: Iterable[str]) -> bytes:
    """The answer to a search: groups by their URIs."""
    return document(_list("groups", map(_group_reference, uris)).rstrip("\n"))


def read_group(data: bytes, *, max_bytes: int = MAX_GROUP_BYTES) -> GroupDocument:
    """The group that a document describes; what it does not mention is empty.

    Raises InvalidArgument or RequestEntityTooLarge. The owner and the time of the last change
    are not read: the service knows them better.
    """
    root = parse_document(data, max_bytes=max_bytes)
    if root.tag != _ROOT:
        raise InvalidArgument(
            f"{describe(root)} stands where a group without namespace belongs"
        )
    description = _only(root, "description")
    return GroupDocument(
        uri=required_attribute(root, "uri").strip(),
        description=None if description is None else text_of(description),
        properties=tuple(map(_read_property, _items(root, "properties", "property"))),
        user_members=tuple(map(_read_user, _items(root, "userMembers", "user"))),
        group_members=tuple(map(_read_reference, _items(root, "groupMembers", _ROOT))),
        user_admins=tuple(map(_read_user, _items(root, "userAdmins", "user"))),
        group_admins=tuple(map(_read_reference, _items(root, "groupAdmins", _ROOT))),
    )


def _list(name: str, items: Iterable[str]) -> str:
    lines = [f"{item}\n" for item in items]
    return wrap(name, ["\n", *lines] if lines else []) + "\n"


def _last_modified(group: GroupDocument) -> str:
    if group.last_modified is None:
        return ""
    return element("lastModified", format_node_date(group.last_modified)) + "\n"


def _user(user: GroupUser) -> str:
    parts = []
    if user.internal_id is not None:
        parts.append(wrap("internalID", [element("uri", user.internal_id)]))
    identities = [
        element("identity", each.name, attribute("type", each.type)) for each in user.identities
    ]
    parts.append(wrap("identities", identities))
    return wrap("user", parts)


def _group_reference(uri: str) -> str:
    return f"<group{attribute('uri', uri)}/>"


def _property(item: PropertyOfGroup) -> str:
    attributes = (
        attribute("key", item.key)
        + attribute("type", item.type)
        + attribute("readOnly", boolean(item.read_only))
    )
    return element("property", item.value, attributes)


def _only(parent: etree._Element, name: str) -> etree._Element | None:
    found = list(parent.iterchildren(name))
    if len(found) > 1:
        raise InvalidArgument(f"{describe(parent)} has more than one {name}")
    return found[0] if found else None


def _items(root: etree._Element, name: str, item: str) -> list[etree._Element]:
    holder = _only(root, name)
    return [] if holder is None else list(holder.iterchildren(item))


def _read_reference(source: etree._Element) -> str:
    return required_attribute(source, "uri").strip()


def _read_user(source: etree._Element) -> GroupUser:
    return GroupUser(
        identities=tuple(
            UserIdentity(type=required_attribute(each, "type"), name=token_of(each))
            for each in _items(source, "identities", "identity")
        )
    )


def _read_property(source: etree._Element) -> PropertyOfGroup:
    return PropertyOfGroup(
        key=required_attribute(source, "key"),
        value=text_of(source),
        type=source.get("type", "String"),
        read_only=boolean_of(source, source.get("readOnly", "false")),
    )
