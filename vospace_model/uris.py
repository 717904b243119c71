"""Names, paths and URIs: of nodes (VOSpace 2.1, section 2) and of groups (GMS 1.0).

Everything that a caller sends is parsed here, once; behind this module a path is a tuple of
decoded names that are known to be legal.
"""

import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import quote

from typing_extensions import override

from vospace_model.faults import InvalidURI

MAX_NAME_BYTES: Final = 255
"""Longest name in UTF-8, that of every usual file system."""

AUTO: Final = ".auto"
"""As the last name of a destination: a new name that the service invents (VOSpace 2.1, 3.1)."""

NULL: Final = ".null"
"""As the last name of a destination: what goes there is gone."""

RESERVED_NAMES: Final = frozenset({AUTO, NULL})
"""What no node can be called."""

_MAX_BYTES_PER_CHARACTER: Final = 4
_MAX_SHOWN: Final = 80
_ILLEGAL_IN_NAME: Final = re.compile("[\x00-\x1f/\x7f-\x9f\ud800-\udfff]")
_BROKEN_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ESCAPES: Final = re.compile("(?:%[0-9A-Fa-f]{2})+")
_RAW_ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
# What cannot stand raw in a VOSpace URI: the three that have a meaning in every URI, and
# the two that are legal in a name but not in XML.
_QUOTED_IN_URI: Final = re.compile("[%?#\ufffe\uffff]")
_PLAIN_IN_SEGMENT: Final = "!$&'()*+,;=:@"
_VOS_URI: Final = re.compile("(?i:vos)://([^/]*)(.*)", re.DOTALL)
_AUTHORITY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~*'()+=-]*")
_GROUP_URI: Final = re.compile(r"(?i:ivo)://([^/?#\s,]+)/([^?#\s,]+)[?#]([^?#\s,]+)")
_GROUP_ILLEGAL: Final = re.compile("[\x00-\x20\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def check_name(text: str) -> str:
    """Return `text` if it may be the name of a node, else raise InvalidURI saying why not.

    A name has 1 to 255 bytes of UTF-8, is neither `.` nor `..`, and holds no slash and no
    control character. Nothing is normalised: two spellings of one glyph are two names.
    """
    if not text:
        raise InvalidURI("a node name is empty")
    if text in {".", ".."}:
        raise InvalidURI(f"{text!r} is not a node name")
    found = _ILLEGAL_IN_NAME.search(text)
    if found is not None:
        raise InvalidURI(f"the node name {_shown(text)} holds U+{ord(found[0]):04X}")
    if len(text) * _MAX_BYTES_PER_CHARACTER > MAX_NAME_BYTES:
        size = len(text.encode())
        if size > MAX_NAME_BYTES:
            raise InvalidURI(
                f"the node name {_shown(text)} has {size} bytes; {MAX_NAME_BYTES} are allowed"
            )
    return text


@dataclass(frozen=True, slots=True)
class NodePath:
    """Where a node stands below the root: the names on the way, each of them legal."""

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.names:
            check_name(name)

    @classmethod
    def root(cls) -> Self:
        """The path of the root, which has no names."""
        return cls()

    @classmethod
    def parse(cls, text: str) -> Self:
        """The path that decoded text such as `/a/b` means.

        The first slash may be missing and one last slash is ignored; an empty name between
        two slashes is InvalidURI.
        """
        inner = text.removeprefix("/").removesuffix("/")
        if not inner:
            if len(text) > 1:
                raise InvalidURI(f"the path {_shown(text)} holds an empty name")
            return cls()
        return cls(tuple(inner.split("/")))

    @classmethod
    def from_raw(cls, raw: bytes) -> Self:
        """The path that the undecoded path of a request means.

        Each segment is percent-decoded once, after splitting, so `%2F` never makes a new
        level: it is InvalidURI, as are a broken escape and bytes that are not UTF-8.
        """
        broken = _BROKEN_ESCAPE.search(raw)
        if broken is not None:
            raise InvalidURI(f"broken percent escape at byte {broken.start()} of the path")
        segments = (_unescape_raw(segment) for segment in raw.split(b"/"))
        try:
            names = [segment.decode() for segment in segments]
        except UnicodeDecodeError as error:
            raise InvalidURI("the path is not UTF-8") from error
        if any("/" in name for name in names):
            raise InvalidURI("a node name cannot hold an escaped slash (%2F)")
        return cls.parse("/".join(names))

    @property
    def is_root(self) -> bool:
        """Whether this is the root of the space."""
        return not self.names

    @property
    def name(self) -> str:
        """The last name; empty for the root."""
        return self.names[-1] if self.names else ""

    @property
    def parent(self) -> Self:
        """The path without its last name; the root is its own parent, as in POSIX."""
        return type(self)(self.names[:-1])

    def child(self, name: str) -> Self:
        """The path of `name` in this container."""
        return type(self)((*self.names, name))

    def check_not_reserved(self) -> None:
        """Raise InvalidURI if the last name is one that VOSpace keeps for itself."""
        if self.name in RESERVED_NAMES:
            raise InvalidURI(f"{self.name} is a reserved name of VOSpace, not one of a node")

    def is_within(self, other: "NodePath") -> bool:
        """Whether this is `other` or stands below it, compared name by name."""
        return self.names[: len(other.names)] == other.names

    def relative_to(self, other: "NodePath") -> tuple[str, ...]:
        """The names that lead from `other` to here; InvalidURI if this is not below it."""
        if not self.is_within(other):
            raise InvalidURI(f"{self} is not below {other}")
        return self.names[len(other.names) :]

    def quoted(self) -> str:
        """The path percent-encoded for a URL, the inverse of `from_raw`."""
        return "/" + "/".join(quote(name, safe=_PLAIN_IN_SEGMENT) for name in self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __bool__(self) -> bool:
        # The root has length 0 and is still a path: `if path:` must not mean "not the root".
        return True

    @override
    def __str__(self) -> str:
        return "/" + "/".join(self.names)


@dataclass(frozen=True, slots=True)
class VosUri:
    """`vos://authority~service/path`, the identity of a node.

    The standard allows `!` and `~` between authority and service and makes them equal; the
    authority is kept with `~`, so equality of values is equality of URIs.
    """

    authority: str
    path: NodePath = NodePath()

    def __post_init__(self) -> None:
        normal = self.authority.replace("!", "~")
        if _AUTHORITY.fullmatch(normal) is None:
            raise InvalidURI(f"{_shown(self.authority)} is not the authority of a VOSpace URI")
        object.__setattr__(self, "authority", normal)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The URI that `text` spells; InvalidURI if it is none.

        Valid percent escapes are decoded once. Other per cent signs stand for themselves,
        because clients write names raw; `?` and `#` have to be escaped.
        """
        found = _VOS_URI.fullmatch(text)
        if found is None:
            raise InvalidURI(
                f"{_shown(text)} is not a VOSpace URI (vos://authority~service/path)"
            )
        authority, path = found.groups()
        if "?" in text or "#" in text:
            raise InvalidURI(f"{_shown(text)} has a query or fragment; escape ? and # in names")
        names = [_ESCAPES.sub(_unescape, name) for name in path.split("/")]
        if any("/" in name for name in names):
            raise InvalidURI("a node name cannot hold an escaped slash (%2F)")
        return cls(authority, NodePath.parse("/".join(names)))

    def is_of(self, authority: str) -> bool:
        """Whether this names a node of the service that another VosUri has as `authority`.

        IVOA identifiers are compared without regard to case (IVOA Identifiers 2.0, section
        2.1); names of nodes are not.
        """
        return self.authority.lower() == authority.lower()

    @property
    def resource_id(self) -> str:
        """The IVOA identifier of the service, as registries hold it."""
        return "ivo://" + self.authority.replace("~", "/")

    @property
    def name(self) -> str:
        """The last name of the path; empty for the root."""
        return self.path.name

    @property
    def parent(self) -> Self:
        """The URI of the container; the root is its own."""
        return type(self)(self.authority, self.path.parent)

    def child(self, name: str) -> Self:
        """The URI of `name` in this container."""
        return type(self)(self.authority, self.path.child(name))

    @override
    def __str__(self) -> str:
        text = _QUOTED_IN_URI.sub(_escape, str(self.path))
        if text.endswith(" "):
            # Readers strip the white space around a URI; this one belongs to the name.
            text = text[:-1] + "%20"
        return f"vos://{self.authority}{text}"


@dataclass(frozen=True, slots=True)
class GroupUri:
    """`ivo://authority/gms?NAME`, a group as GMS 1.0 names it; also read as `...#NAME`."""

    authority: str
    service_path: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The group that `text` names; InvalidURI if it names none.

        White space and commas cannot occur, because both separate groups in a list.
        """
        found = _GROUP_URI.fullmatch(text)
        if found is None or _GROUP_ILLEGAL.search(text) is not None:
            raise InvalidURI(f"{_shown(text)} is not a group URI (ivo://authority/gms?NAME)")
        return cls(*found.groups())

    @override
    def __str__(self) -> str:
        return f"ivo://{self.authority}/{self.service_path}?{self.name}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…")


def _escape(found: re.Match[str]) -> str:
    return quote(found[0], safe="")


def _unescape(found: re.Match[str]) -> str:
    try:
        return bytes.fromhex(found[0].replace("%", "")).decode()
    except UnicodeDecodeError as error:
        raise InvalidURI(f"the escape {found[0][:_MAX_SHOWN]} is not UTF-8") from error


def _unescape_raw(segment: bytes) -> bytes:
    return _RAW_ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), segment)
