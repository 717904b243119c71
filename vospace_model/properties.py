"""Properties of nodes, and the one list of the standard property URIs."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from vospace_model.faults import InvalidArgument, InvalidURI
from vospace_model.uris import GroupUri

MAX_PROPERTY_URI_CHARACTERS: Final = 1024

UNWRITABLE_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""The characters that no XML 1.0 document can hold, escaped or not."""

_RESERVED_PREFIX: Final = "ivo://ivoa.net/vospace"
_GROUP_SEPARATORS: Final = re.compile(r"[\s,]+")
_ILLEGAL_IN_URI: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Core:
    """Properties of `ivo://ivoa.net/vospace/core`: the standard's, and those CADC adds."""

    TITLE: Final = "ivo://ivoa.net/vospace/core#title"
    CREATOR: Final = "ivo://ivoa.net/vospace/core#creator"
    SUBJECT: Final = "ivo://ivoa.net/vospace/core#subject"
    DESCRIPTION: Final = "ivo://ivoa.net/vospace/core#description"
    PUBLISHER: Final = "ivo://ivoa.net/vospace/core#publisher"
    CONTRIBUTOR: Final = "ivo://ivoa.net/vospace/core#contributor"
    DATE: Final = "ivo://ivoa.net/vospace/core#date"
    TYPE: Final = "ivo://ivoa.net/vospace/core#type"
    FORMAT: Final = "ivo://ivoa.net/vospace/core#format"
    IDENTIFIER: Final = "ivo://ivoa.net/vospace/core#identifier"
    SOURCE: Final = "ivo://ivoa.net/vospace/core#source"
    LANGUAGE: Final = "ivo://ivoa.net/vospace/core#language"
    RELATION: Final = "ivo://ivoa.net/vospace/core#relation"
    COVERAGE: Final = "ivo://ivoa.net/vospace/core#coverage"
    RIGHTS: Final = "ivo://ivoa.net/vospace/core#rights"
    AVAILABLESPACE: Final = "ivo://ivoa.net/vospace/core#availableSpace"
    GROUPREAD: Final = "ivo://ivoa.net/vospace/core#groupread"
    GROUPWRITE: Final = "ivo://ivoa.net/vospace/core#groupwrite"
    PUBLICREAD: Final = "ivo://ivoa.net/vospace/core#publicread"
    QUOTA: Final = "ivo://ivoa.net/vospace/core#quota"
    LENGTH: Final = "ivo://ivoa.net/vospace/core#length"
    MTIME: Final = "ivo://ivoa.net/vospace/core#mtime"
    CTIME: Final = "ivo://ivoa.net/vospace/core#ctime"
    BTIME: Final = "ivo://ivoa.net/vospace/core#btime"
    # A draft addition made after the Recommendation of 2.1.
    IMMUTABLE: Final = "ivo://ivoa.net/vospace/core#immutable"
    # CADC's additions in the standard's namespace.
    MD5: Final = "ivo://ivoa.net/vospace/core#MD5"
    ENCODING: Final = "ivo://ivoa.net/vospace/core#encoding"
    ISPUBLIC: Final = "ivo://ivoa.net/vospace/core#ispublic"
    CONTENT_DATE: Final = "ivo://ivoa.net/vospace/core#content-date"
    RUNID: Final = "ivo://ivoa.net/vospace/core#runid"


class Cadc:
    """Properties of CADC's own namespaces that its clients read and write."""

    ISLOCKED: Final = "ivo://cadc.nrc.ca/vospace/core#islocked"
    READABLE: Final = "ivo://cadc.nrc.ca/vospace/core#readable"
    WRITABLE: Final = "ivo://cadc.nrc.ca/vospace/core#writable"
    INHERIT: Final = "ivo://cadc.nrc.ca/vospace/core#inheritPermissions"
    CREATOR_JWT: Final = "ivo://opencadc.org/vospace/core#creatorJWT"


def _values(vocabulary: type) -> frozenset[str]:
    return frozenset(value for name, value in vars(vocabulary).items() if name.isupper())


STANDARD_PROPERTIES: Final = _values(Core) | _values(Cadc)
"""Every property URI whose meaning this product knows."""

READ_ONLY_PROPERTIES: Final = frozenset(
    {
        Core.AVAILABLESPACE,
        Core.BTIME,
        Core.CONTENT_DATE,
        Core.CTIME,
        Core.DATE,
        Core.LENGTH,
        Core.MD5,
        Cadc.CREATOR_JWT,
        Cadc.READABLE,
        Cadc.WRITABLE,
    }
)
"""Set by the service alone."""

ADMINISTERED_PROPERTIES: Final = frozenset({Core.CREATOR, Core.QUOTA})
"""Set by an administrator; read-only to everybody else (contract 1.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A property as a document shows it."""

    uri: str
    value: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetProperty:
    """Give a property this value; the empty string is a value."""

    uri: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveProperty:
    """Delete a property (`xsi:nil` in a document)."""

    uri: str


PropertyChange = SetProperty | RemoveProperty


def check_property_uri(uri: str) -> str:
    """Return `uri` if it may name a property, else raise InvalidArgument.

    Everything that begins with `ivo://ivoa.net/vospace` must be in the standard's list; any
    other URI is free, and so is a bare word, which `vtag` sends (contract 1.2).
    """
    if not uri or uri.isspace():
        raise InvalidArgument("a property has an empty uri")
    if len(uri) > MAX_PROPERTY_URI_CHARACTERS:
        raise InvalidArgument(f"the property uri {uri[:80]!r}… is too long")
    if _ILLEGAL_IN_URI.search(uri) is not None:
        raise InvalidArgument(f"the property uri {uri[:80]!r} holds a control character")
    if uri.startswith(_RESERVED_PREFIX) and uri not in STANDARD_PROPERTIES:
        raise InvalidArgument(f"{uri[:80]} is not a property of the standard")
    return uri


def check_property_value(uri: str, value: str) -> str:
    """Return `value` if a document can hold it, else raise InvalidArgument naming `uri`."""
    found = UNWRITABLE_IN_XML.search(value)
    if found is not None:
        raise InvalidArgument(f"the value of {uri[:80]} holds U+{ord(found[0]):04X}")
    return value


def is_read_only(uri: str) -> bool:
    """Whether only the service sets this property."""
    return uri in READ_ONLY_PROPERTIES


def is_administered(uri: str) -> bool:
    """Whether only an administrator sets this property."""
    return uri in ADMINISTERED_PROPERTIES


def parse_groups(text: str) -> tuple[str, ...]:
    """The group URIs of a list separated by commas (the standard) or spaces (CADC).

    Each is normalised to the form with `?` and kept once, in order. Raises InvalidArgument.
    """
    words = (word for word in _GROUP_SEPARATORS.split(text) if word)
    try:
        return tuple(dict.fromkeys(str(GroupUri.parse(word)) for word in words))
    except InvalidURI as error:
        raise InvalidArgument(error.detail) from error


def format_groups(groups: Iterable[str]) -> str:
    """The list with spaces, the form that clients write and read."""
    return " ".join(groups)
