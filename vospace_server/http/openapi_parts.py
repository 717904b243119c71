"""What requests carry: query parameters and bodies, by method and address below the service."""

from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]
Parameter = tuple[str, str, Schema]

_TEXT: Final[Schema] = {"type": "string"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_FLAG: Final[Schema] = {"type": "boolean"}
_BINARY: Final[Schema] = {"type": "string", "format": "binary"}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT}

_DETAIL: Final[Parameter] = (
    "detail",
    "how much to show of each node",
    {"type": "string", "enum": ["min", "properties", "max"]},
)
_WAIT: Final[Parameter] = (
    "WAIT",
    "seconds to wait for another phase; -1 for as long as the service allows",
    {"type": "integer", "minimum": -1},
)
_PHASE: Final[Parameter] = ("PHASE", "only in this phase", _TEXT)
_TRANSFER: Final[tuple[Parameter, ...]] = (
    ("TARGET", "URI of the node", _TEXT),
    (
        "DIRECTION",
        "which way the bytes go",
        {"type": "string", "enum": ["pushToVoSpace", "pullFromVoSpace"]},
    ),
    ("PROTOCOL", "URI of a protocol", _TEXT),
    ("VIEW", "URI of a view", _TEXT),
    ("SECURITYMETHOD", "URI of a way to log in", _TEXT),
    ("REQUEST", "redirect: straight to the bytes", {"type": "string", "enum": ["redirect"]}),
)

_PART: Final[tuple[Parameter, ...]] = (
    ("SUB", "a section of a FITS file: [EXT][x1:x2,y1:y2]; may be repeated", _TEXT),
    ("CIRCLE", "pixels around a circle: longitude, latitude, radius in degrees", _TEXT),
    ("POLYGON", "pixels around a polygon: longitudes and latitudes of its corners", _TEXT),
    ("BOX", "pixels around a box: longitude, latitude, width, height in degrees", _TEXT),
    ("POS", "a region as SODA spells it: CIRCLE, RANGE or POLYGON", _TEXT),
    ("META", "the headers alone", _FLAG),
)

_JOBS: Final[tuple[Parameter, ...]] = (
    _WAIT,
    _PHASE,
    ("LAST", "only the newest so many jobs", {"type": "integer", "minimum": 1}),
    ("AFTER", "only jobs made after this time (UTC)", _TEXT),
)
_RUN: Final[Parameter] = ("PHASE", "RUN: begin at once", _TEXT)
_PACKED: Final[tuple[Parameter, ...]] = (
    ("TARGET", "URI of a node to pack; may be repeated", _TEXTS),
    ("FORMAT", "tar, zip, or a media type", _TEXT),
    ("RESPONSEFORMAT", "the same, as DALI calls it", _TEXT),
)

PARAMETERS: Final[Mapping[tuple[str, str], tuple[Parameter, ...]]] = {
    ("GET", "/nodes/{path}"): (
        _DETAIL,
        ("limit", "at most so many children", _COUNT),
        ("uri", "begin with this child", _TEXT),
        ("sort", "URI of the property to sort by", _TEXT),
        ("order", "which way to sort", {"type": "string", "enum": ["asc", "desc"]}),
        ("view", "data: go to the bytes", {"type": "string", "enum": ["data"]}),
    ),
    ("GET", "/files/{path}"): _PART,
    ("GET", "/data/{path}"): _PART,
    ("GET", "/gms/search"): (
        ("role", "member or admin", {"type": "string", "enum": ["member", "admin"]}),
        ("group", "name of a group; may be repeated", _TEXTS),
        ("groupID", "one group, as CADC asks", _TEXT),
        ("userID", "somebody else's memberships", _TEXT),
        ("idType", "what userID is", _TEXT),
    ),
    ("GET", "/api/v1/groups"): (("text", "in the name or the description", _TEXT),),
    ("GET", "/api/v1/groups/members"): (("group", "its name or its URI", _TEXT),),
    ("GET", "/transfers/{path}"): _JOBS,
    ("POST", "/transfers/{path}"): (_RUN,),
    ("GET", "/pkg/{path}"): (*_PACKED, *_JOBS),
    ("HEAD", "/pkg/{path}"): _PACKED,
    ("POST", "/pkg/{path}"): _PACKED,
    ("GET", "/async-delete/{path}"): _JOBS,
    ("POST", "/async-delete/{path}"): (_RUN,),
    ("GET", "/async-setprops/{path}"): _JOBS,
    ("POST", "/async-setprops/{path}"): (_RUN,),
    ("GET", "/api/v1/access/{path}"): (
        ("user", "somebody else's account; empty for anybody", _TEXT),
    ),
    ("GET", "/synctrans"): _TRANSFER,
    ("POST", "/synctrans"): _TRANSFER,
    ("GET", "/availability"): (
        ("detail", "min: a status alone", {"type": "string", "enum": ["min"]}),
    ),
    ("GET", "/api/v1/nodes/{path}"): (
        ("ticket", "say where the bytes are", {"type": "string", "enum": ["true", "false"]}),
    ),
    ("GET", "/api/v1/children/{path}"): (
        ("depth", "levels to list, or all", {"type": ["integer", "string"]}),
        ("after", "go on behind this name", _TEXT),
        ("limit", "at most so many nodes", _COUNT),
    ),
}

_DOCUMENT: Final = {"text/xml": _TEXT}
_MOVE: Final[Schema] = {
    "type": "object",
    "properties": {"source": _TEXT, "destination": _TEXT, "overwrite": _FLAG},
    "required": ["source", "destination"],
}
_CHANGE: Final[Schema] = {
    "type": "object",
    "properties": {
        "mtime_ns": {"type": "integer"},
        "public": _FLAG,
        "read_groups": _TEXTS,
        "write_groups": _TEXTS,
        "inherit": _FLAG,
        "locked": _FLAG,
        "properties": {
            "type": "object",
            "additionalProperties": {"type": ["string", "null"]},
        },
    },
}
_BUNDLE: Final[Schema] = {
    "type": "object",
    "properties": {"paths": _TEXTS},
    "required": ["paths"],
}
_LOGIN: Final[Schema] = {
    "type": "object",
    "properties": {"username": _TEXT, "password": _TEXT},
    "required": ["username", "password"],
}
_FORM: Final = "application/x-www-form-urlencoded"
# What a job can be told, by form to the list of its kind or to itself.
_CHANGES: Final[Mapping[str, Schema]] = {
    "PHASE": _TEXT,
    "DESTRUCTION": _TEXT,
    "EXECUTIONDURATION": _TEXT,
    "ACTION": _TEXT,
}
_DELETION: Final[Schema] = {"type": "object", "properties": {"TARGET": _TEXT, **_CHANGES}}
_PACKAGE: Final[Schema] = {
    "type": "object",
    "properties": {"TARGET": _TEXTS, "FORMAT": _TEXT, **_CHANGES},
}
_MADE: Final[Schema] = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "enum": ["container", "link"]},
        "target": _TEXT,
    },
    "required": ["type"],
}
_RESTORED: Final[Schema] = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "purge": _FLAG},
    "required": ["id"],
}

BODIES: Final[Mapping[tuple[str, str], Mapping[str, Schema]]] = {
    ("PUT", "/nodes/{path}"): _DOCUMENT,
    ("POST", "/nodes/{path}"): _DOCUMENT,
    ("POST", "/transfers/{path}"): _DOCUMENT,
    ("POST", "/synctrans"): _DOCUMENT,
    ("PUT", "/gms/groups/{path}"): _DOCUMENT,
    ("POST", "/gms/groups/{path}"): _DOCUMENT,
    ("PUT", "/files/{path}"): {"application/octet-stream": _BINARY},
    ("PUT", "/data/{path}"): {"application/octet-stream": _BINARY},
    ("PATCH", "/api/v1/nodes/{path}"): {"application/json": _CHANGE},
    ("POST", "/api/v1/move"): {"application/json": _MOVE},
    ("POST", "/api/v1/bundle"): {"application/json": _BUNDLE},
    ("POST", "/ac/login"): {_FORM: _LOGIN},
    ("POST", "/pkg/{path}"): {_FORM: _PACKAGE, **_DOCUMENT},
    ("POST", "/async-delete/{path}"): {_FORM: _DELETION},
    ("POST", "/async-setprops/{path}"): {
        **_DOCUMENT,
        _FORM: {"type": "object", "properties": _CHANGES},
    },
    ("PUT", "/unpack/{path}"): {"application/octet-stream": _BINARY},
    ("PUT", "/api/v1/details/{path}"): {"application/json": _MADE},
    ("POST", "/api/v1/trash"): {"application/json": _RESTORED},
}
