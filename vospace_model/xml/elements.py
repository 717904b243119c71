"""Taking values out of parsed elements. What does not fit is InvalidArgument."""

from collections.abc import Collection, Iterator
from typing import Final

from lxml import etree

from vospace_model.faults import InvalidArgument
from vospace_model.xml.namespaces import XSI_NIL, XSI_TYPE

_SHOWN: Final = 100
_XML_SPACE: Final = " \t\r\n"
_TRUE: Final = frozenset({"true", "1"})
_FALSE: Final = frozenset({"false", "0"})


def check_root(root: etree._Element, namespace: str, name: str) -> None:
    """Refuse a document whose root is another element, or of another namespace."""
    found = etree.QName(root)
    if found.localname != name:
        raise InvalidArgument(f"the document is a {found.localname[:_SHOWN]}, not a {name}")
    if found.namespace != namespace:
        raise InvalidArgument(_wrong_namespace(root, namespace))


class Children:
    """The child elements of an element, by name.

    Elements that the schema does not know are passed over, for a later version may add
    some. One that it does know, but in another namespace, is a mistake that would lose data.
    """

    __slots__ = ("_by_name", "_parent")

    def __init__(self, parent: etree._Element, namespace: str, known: Collection[str]) -> None:
        self._parent = parent
        self._by_name: dict[str, list[etree._Element]] = {}
        expected = "{" + namespace
        for child in parent:
            actual, _, name = child.tag.rpartition("}")
            if name not in known:
                continue
            if actual != expected:
                raise InvalidArgument(_wrong_namespace(child, namespace))
            self._by_name.setdefault(name, []).append(child)

    def every(self, name: str) -> list[etree._Element]:
        """All children of this name, in order."""
        return self._by_name.get(name, [])

    def only(self, name: str) -> etree._Element | None:
        """The child of this name, if any; there must not be two."""
        found = self.every(name)
        if len(found) > 1:
            raise InvalidArgument(f"{describe(self._parent)} has more than one {name}")
        return found[0] if found else None

    def within(self, name: str, item: str, namespace: str) -> Iterator[etree._Element]:
        """The elements `item` in the list element `name`, which may be missing."""
        holder = self.only(name)
        if holder is not None:
            yield from Children(holder, namespace, {item}).every(item)

    def required(self, name: str) -> etree._Element:
        """The one child of this name."""
        found = self.only(name)
        if found is None:
            raise InvalidArgument(f"{describe(self._parent)} has no {name}")
        return found

    def text(self, name: str) -> str | None:
        """The text of a child, without white space around; None if missing or nil."""
        found = self.only(name)
        if found is None or is_nil(found):
            return None
        return token_of(found)


def describe(element: etree._Element) -> str:
    """The element with its line, for a message."""
    return f"line {element.sourceline}: {etree.QName(element).localname[:_SHOWN]}"


def required_attribute(element: etree._Element, name: str) -> str:
    """The value of an attribute that must be there."""
    value = element.get(name)
    if value is None:
        raise InvalidArgument(f"{describe(element)} has no attribute {name}")
    return value


def required_token(element: etree._Element, name: str) -> str:
    """The same without white space around it: XML's alone, as names may end in any other."""
    return required_attribute(element, name).strip(_XML_SPACE)


def text_of(element: etree._Element) -> str:
    """The exact text of an element that holds nothing but text."""
    if len(element):
        raise InvalidArgument(f"{describe(element)} holds elements where text belongs")
    return element.text or ""


def token_of(element: etree._Element) -> str:
    """The text without the white space around it."""
    return text_of(element).strip(_XML_SPACE)


def is_nil(element: etree._Element) -> bool:
    """Whether the element is marked as having no value."""
    value = element.get(XSI_NIL)
    return value is not None and boolean_of(element, value)


def boolean_of(element: etree._Element, text: str) -> bool:
    """The boolean that XSD means by `text`."""
    word = text.strip(_XML_SPACE)
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise InvalidArgument(f"{describe(element)} has {text[:_SHOWN]!r} instead of true or false")


def type_of(element: etree._Element, namespace: str) -> str | None:
    """The local name of the element's `xsi:type`, or None if it has none.

    The prefix may be any that is bound to `namespace`, or none. One that is not declared at
    all is passed over, because clients write `vos:` whatever they declared.
    """
    value = element.get(XSI_TYPE)
    if value is None:
        return None
    prefix, colon, local = value.strip(_XML_SPACE).rpartition(":")
    bound = element.nsmap.get(prefix if colon else None, namespace)
    if bound != namespace:
        raise InvalidArgument(
            f"{describe(element)} has a type of the namespace {bound[:_SHOWN]}"
        )
    return local


def _wrong_namespace(element: etree._Element, namespace: str) -> str:
    actual = etree.QName(element).namespace or "no namespace"
    return f"{describe(element)} is of {actual[:_SHOWN]}; it belongs to {namespace}"
