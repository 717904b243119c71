"""The only place that parses bytes of XML. What comes in may be hostile.

No DTD, no entities, no network, bounded size and depth; the encoding is UTF-8, or UTF-16
with its byte order mark, and no other, because a rare encoding can hide what a check seeks.
"""

import codecs
import re
from typing import Final

from lxml import etree

from vospace_model.faults import InvalidArgument, RequestEntityTooLarge

MAX_DOCUMENT_BYTES: Final = 32 * 1024
"""Largest node or transfer document that a client may send (contract 1.5)."""

MAX_RESPONSE_BYTES: Final = 512 * 1024 * 1024
"""Largest document that a client of ours reads: a listing of some 10^6 nodes."""

MAX_DEPTH: Final = 64
"""Deepest nesting of elements; no document of the standard needs ten."""

_UTF_8: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_UTF_16: Final = frozenset({"utf-16", "utf-16le", "utf-16be"})
_DECLARED_ENCODING: Final = re.compile(
    rb"""<\?xml\s[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']"""
)
# Only white space, comments and instructions may precede it, so it is found before libxml2
# sees a byte. The groups never give back what they took: no input makes this slow.
_DOCUMENT_TYPE: Final = re.compile(rb"(?>\s+|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)
# True if anything lies one level deeper than allowed; runs in C over the parsed tree.
_too_deep: Final = etree.XPath("boolean(" + "/*" * (MAX_DEPTH + 1) + ")")


def parse_document(data: bytes, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> etree._Element:
    """The root element of an XML document, without comments and processing instructions.

    Raises RequestEntityTooLarge above `max_bytes`, and InvalidArgument, with the line and
    the reason, for what is not well-formed XML or has a document type declaration.
    """
    if len(data) > max_bytes:
        raise RequestEntityTooLarge(
            f"the document has {len(data)} bytes; {max_bytes} are allowed"
        )
    text = _as_utf_8(data)
    if _DOCUMENT_TYPE.match(text) is not None:
        raise InvalidArgument("a document type declaration (DTD) is not allowed")
    # Beware of collect_ids=False: in libxml2 it makes an external DTD be loaded.
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        raise InvalidArgument(_explain(error)) from error
    if _too_deep(root):
        raise InvalidArgument(f"elements are nested more than {MAX_DEPTH} deep")
    return root


def _as_utf_8(data: bytes) -> bytes:
    allowed = _UTF_8
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        allowed = _UTF_16
        try:
            data = data.decode("utf-16").encode()
        except UnicodeError as error:
            raise InvalidArgument("line 1: not UTF-16") from error
    data = data.removeprefix(codecs.BOM_UTF8)
    declared = _DECLARED_ENCODING.match(data)
    if declared is not None and declared[1].decode().lower() not in allowed:
        raise InvalidArgument(f"line 1: send UTF-8; this says it is {declared[1].decode()}")
    return data


def _explain(error: etree.XMLSyntaxError) -> str:
    reason = (error.msg or "empty document").partition(", line ")[0]
    return f"line {error.lineno or 1}: {reason[:200]}"
