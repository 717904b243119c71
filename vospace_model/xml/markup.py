"""Writing XML as text. Everything written passes through `escape`.

Strings are joined rather than trees built: the prefixes must come out literally as clients
compare them, and a listing of 10^5 nodes has to stream at tens of thousands a second.
"""

import re
from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from vospace_model.faults import InvalidData

DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
NIL: Final = 'xsi:nil="true"'

# White space is escaped too: raw, an attribute would lose it and text would lose "\r".
_SPECIAL: Final = re.compile('[&<>"\x00-\x1f\ud800-\udfff\ufffe\uffff]')
_REFERENCES: Final = MappingProxyType(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\t": "&#9;",
        "\n": "&#10;",
        "\r": "&#13;",
    }
)


def escape(text: str) -> str:
    """`text` as it may stand between tags and between double quotes.

    Raises InvalidData for a character that no XML document can hold, so that one hostile
    value can never make a whole listing unreadable unnoticed.
    """
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(_reference, text)


def attribute(name: str, value: str) -> str:
    """name="value", with the space before it."""
    return f' {name}="{escape(value)}"'


def element(name: str, text: str, attributes: str = "") -> str:
    """An element that holds text."""
    return f"<{name}{attributes}>{escape(text)}</{name}>"


def wrap(name: str, parts: Iterable[str], attributes: str = "") -> str:
    """An element that holds these pieces of markup."""
    content = "".join(parts)
    if not content:
        return f"<{name}{attributes}/>"
    return f"<{name}{attributes}>{content}</{name}>"


def boolean(value: bool) -> str:  # noqa: FBT001 - the value is what is converted
    """The XSD spelling."""
    return "true" if value else "false"


def document(markup: str) -> bytes:
    """The bytes of a whole document with this root element."""
    return (DECLARATION + markup + "\n").encode()


def _reference(found: re.Match[str]) -> str:
    reference = _REFERENCES.get(found[0])
    if reference is None:
        raise InvalidData(f"XML cannot hold the character U+{ord(found[0]):04X}")
    return reference
