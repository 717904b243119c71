"""The JSON of our own extension to VOSpace, `/api/v1`, as types.

A service that speaks it announces `API_STANDARD_ID` in its capabilities. Each type turns
itself into plain JSON values with `to_json` and is read by `from_json`, which tolerates
unknown keys, so that either side may be newer, and raises InvalidData naming the key whose
value is missing or of the wrong type.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from sys import intern
from typing import Final, Self

from vospace_model.faults import FAULTS_BY_NAME, Fault, InternalFault, InvalidData, InvalidURI
from vospace_model.json_values import JsonObject, JsonReader, object_of
from vospace_model.nodes import NodeType
from vospace_model.properties import PropertyChange, RemoveProperty, SetProperty
from vospace_model.uris import NodePath

API_STANDARD_ID: Final = "ivo://vospace/std/VOSpace#api-1.0"
API_PATH: Final = "/api/v1"
NODES_PATH: Final = API_PATH + "/nodes"
CHILDREN_PATH: Final = API_PATH + "/children"
MOVE_PATH: Final = API_PATH + "/move"
QUOTA_PATH: Final = API_PATH + "/quota"
BUNDLE_PATH: Final = API_PATH + "/bundle"
MTIME_HEADER: Final = "X-VOSpace-Mtime-Ns"

JSON_MEDIA_TYPE: Final = "application/json"
LISTING_MEDIA_TYPE: Final = "application/x-ndjson"
BUNDLE_MEDIA_TYPE: Final = "application/vnd.vospace.bundle"

MAX_BUNDLE_PATHS: Final = 1000
MAX_BUNDLE_BYTES: Final = 64 * 1024 * 1024

_NODE_TYPES: Final[Mapping[str, NodeType]] = {kind.value: kind for kind in NodeType}
_encoder: Final = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
)


def _refuse_constant(text: str) -> object:
    raise InvalidData(f"not JSON: {text} is not a JSON value")


_decoder: Final = json.JSONDecoder(parse_constant=_refuse_constant)


def encode_json(value: JsonObject) -> bytes:
    """Compact JSON in UTF-8, without a line end."""
    return _encoder.encode(value).encode()


def encode_line(value: JsonObject) -> bytes:
    """The same as one line of a listing or a bundle."""
    return _encoder.encode(value).encode() + b"\n"


def decode_json(data: bytes | str) -> object:
    """The values that JSON text means; InvalidData if it is not JSON or nests too deeply."""
    try:
        text = data if isinstance(data, str) else data.decode()
        value: object = _decoder.decode(text)
    except RecursionError as error:
        raise InvalidData("not JSON: it nests too deeply") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InvalidData(f"not JSON: {str(error)[:200]}") from error
    except ValueError as error:  # Python's own bound for the digits of a number
        raise InvalidData("not JSON: a number has too many digits") from error
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A node as programs want it; the attribute names are the keys.

    Sizes are bytes; a container's `length` and `files` are recursive. `content` identifies
    the stored bytes: equal ids are equal bytes for ever. `readable` and `writable` hold for
    the caller. In a listing, `path` is relative to its container and `listed` says whether
    the children of a container follow. With a ticket, `data` is a relative URL of the bytes.
    """

    name: str
    type: NodeType
    id: int
    length: int
    mtime_ns: int
    ctime_ns: int
    owner: str
    public: bool
    readable: bool
    writable: bool
    version: int
    content: str | None = None
    files: int | None = None
    read_groups: tuple[str, ...] = ()
    write_groups: tuple[str, ...] = ()
    inherit: bool = False
    locked: bool = False
    target: str | None = None
    md5: str | None = None
    media_type: str | None = None
    path: str | None = None
    listed: bool | None = None
    data: str | None = None
    expires_ns: int | None = None

    def to_json(self) -> JsonObject:
        """All keys that every node has, and of the others those with a value."""
        document: JsonObject = {
            "name": self.name,
            "type": self.type.value,
            "id": self.id,
            "content": self.content,
            "length": self.length,
            "mtime_ns": self.mtime_ns,
            "ctime_ns": self.ctime_ns,
            "owner": self.owner,
            "public": self.public,
            "read_groups": self.read_groups,
            "write_groups": self.write_groups,
            "inherit": self.inherit,
            "locked": self.locked,
            "readable": self.readable,
            "writable": self.writable,
            "md5": self.md5,
            "version": self.version,
        }
        for key in ("files", "target", "media_type", "path", "listed", "data", "expires_ns"):
            value = getattr(self, key)
            if value is not None:
                document[key] = value
        return document

    @classmethod
    def from_json(cls, document: object) -> Self:
        """The entry that an object of JSON means."""
        read = JsonReader(document)
        kind = _NODE_TYPES.get(read.text("type"))
        if kind is None:
            raise InvalidData("the value of 'type' is not a node type")
        media_type = read.optional_text("media_type")
        return cls(
            name=read.text("name"),
            type=kind,
            id=read.integer("id"),
            content=read.optional_text("content"),
            length=read.integer("length"),
            files=read.optional_integer("files"),
            mtime_ns=read.integer("mtime_ns"),
            ctime_ns=read.integer("ctime_ns"),
            # The same few words come with every entry of a long listing.
            owner=intern(read.text("owner")),
            public=read.boolean("public"),
            read_groups=read.optional_texts("read_groups") or (),
            write_groups=read.optional_texts("write_groups") or (),
            inherit=read.optional_boolean("inherit") or False,
            locked=read.optional_boolean("locked") or False,
            readable=read.boolean("readable"),
            writable=read.boolean("writable"),
            target=read.optional_text("target"),
            md5=read.optional_text("md5"),
            media_type=None if media_type is None else intern(media_type),
            version=read.integer("version"),
            path=read.optional_text("path"),
            listed=read.optional_boolean("listed"),
            data=read.optional_text("data"),
            expires_ns=read.optional_integer("expires_ns"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingEnd:
    """The last line of a listing. Without it, the listing is broken."""

    count: int

    def to_json(self) -> JsonObject:
        """The line's object."""
        return {"end": True, "count": self.count}


def read_listing_line(line: bytes | str) -> Entry | ListingEnd:
    """What a line of a listing says; InvalidData if it is neither an entry nor the end."""
    document = object_of(decode_json(line))
    if "end" in document:
        return ListingEnd(count=JsonReader(document).integer("count"))
    return Entry.from_json(document)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRequest:
    """Rename a node to exactly `destination`, over what is there if POSIX would."""

    source: NodePath
    destination: NodePath
    overwrite: bool = False

    def to_json(self) -> JsonObject:
        """The body of the request."""
        return {
            "source": str(self.source),
            "destination": str(self.destination),
            "overwrite": self.overwrite,
        }

    @classmethod
    def from_json(cls, document: object) -> Self:
        """The request that a body means; `overwrite` may be missing and is then false."""
        read = JsonReader(document)
        return cls(
            source=_path(read, "source"),
            destination=_path(read, "destination"),
            overwrite=read.optional_boolean("overwrite") or False,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeChange:
    """New attributes of a node; None leaves an attribute as it is."""

    mtime_ns: int | None = None
    public: bool | None = None
    read_groups: tuple[str, ...] | None = None
    write_groups: tuple[str, ...] | None = None
    inherit: bool | None = None
    locked: bool | None = None
    properties: tuple[PropertyChange, ...] = ()

    def to_json(self) -> JsonObject:
        """The body of the request: only what changes."""
        document: JsonObject = {}
        for key in ("mtime_ns", "public", "read_groups", "write_groups", "inherit", "locked"):
            value = getattr(self, key)
            if value is not None:
                document[key] = value
        if self.properties:
            document["properties"] = {
                change.uri: change.value if isinstance(change, SetProperty) else None
                for change in self.properties
            }
        return document

    @classmethod
    def from_json(cls, document: object) -> Self:
        """The change that a body means; in `properties`, null removes a property."""
        read = JsonReader(document)
        return cls(
            mtime_ns=read.optional_integer("mtime_ns"),
            public=read.optional_boolean("public"),
            read_groups=read.optional_texts("read_groups"),
            write_groups=read.optional_texts("write_groups"),
            inherit=read.optional_boolean("inherit"),
            locked=read.optional_boolean("locked"),
            properties=tuple(
                RemoveProperty(uri=uri) if value is None else SetProperty(uri=uri, value=value)
                for uri, value in read.optional_text_map("properties").items()
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaReport:
    """Room at a place, in bytes. None means without limit, or outside of any allocation."""

    quota: int | None
    used: int
    available: int | None
    files: int
    allocation: NodePath | None = None

    def to_json(self) -> JsonObject:
        """The body of the response."""
        return {
            "quota": self.quota,
            "used": self.used,
            "available": self.available,
            "files": self.files,
            "allocation": None if self.allocation is None else str(self.allocation),
        }

    @classmethod
    def from_json(cls, document: object) -> Self:
        """The report that a body means."""
        read = JsonReader(document)
        return cls(
            quota=read.optional_integer("quota"),
            used=read.integer("used"),
            available=read.optional_integer("available"),
            files=read.integer("files"),
            allocation=(
                None if read.optional_text("allocation") is None else _path(read, "allocation")
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRequest:
    """Ask for the bytes of several small files in one response."""

    paths: tuple[NodePath, ...]

    def to_json(self) -> JsonObject:
        """The body of the request."""
        return {"paths": [str(path) for path in self.paths]}

    @classmethod
    def from_json(cls, document: object) -> Self:
        """The request that a body means; at most MAX_BUNDLE_PATHS paths."""
        texts = JsonReader(document).texts("paths")
        if len(texts) > MAX_BUNDLE_PATHS:
            raise InvalidData(
                f"'paths' has {len(texts)} entries; {MAX_BUNDLE_PATHS} are allowed"
            )
        return cls(paths=tuple(_parse_path("paths", text) for text in texts))


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledFile:
    """The head of a frame: `length` bytes of this content and a line end follow."""

    path: NodePath
    content: str
    length: int

    def to_json(self) -> JsonObject:
        """The line's object."""
        return {"path": str(self.path), "content": self.content, "length": self.length}


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledFault:
    """A frame without bytes: why this file is not in the bundle."""

    path: NodePath
    fault: Fault

    def to_json(self) -> JsonObject:
        """The line's object."""
        return {"path": str(self.path), "fault": self.fault.name, "detail": self.fault.detail}


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleEnd:
    """The last line of a bundle: how many frames it has. The rest may be asked for again."""

    count: int

    def to_json(self) -> JsonObject:
        """The line's object."""
        return {"end": True, "count": self.count}


BundleFrame = BundledFile | BundledFault | BundleEnd


def read_bundle_line(line: bytes | str) -> BundleFrame:
    """What the head line of a frame says; InvalidData if it says nothing of the kind."""
    document = object_of(decode_json(line))
    read = JsonReader(document)
    if "end" in document:
        return BundleEnd(count=read.integer("count"))
    path = _path(read, "path")
    if "fault" in document:
        kind = FAULTS_BY_NAME.get(read.text("fault"), InternalFault)
        return BundledFault(path=path, fault=kind(read.optional_text("detail") or ""))
    return BundledFile(path=path, content=read.text("content"), length=read.size("length"))


def _path(read: JsonReader, key: str) -> NodePath:
    return _parse_path(key, read.text(key))


def _parse_path(key: str, text: str) -> NodePath:
    try:
        return NodePath.parse(text)
    except InvalidURI as error:
        raise InvalidData(f"the value of {key!r} is not a path: {error.detail}") from error
