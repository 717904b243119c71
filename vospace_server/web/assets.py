"""Assets: styles, modules and icons, read once, served under a hash of all that they are.

One hash stands for the whole tree, so that modules find one another by relative addresses. An
address with the hash of now may be kept for ever; one with an older hash, as a page that is
open during an upgrade may ask for, gives what is there now and is not kept.
"""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import NodeNotFound
from vospace_server.http.routing import rest_of_path
from vospace_server.web.addresses import ASSETS
from vospace_server.web.languages import browser_files

_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
    "png": "image/png",
}
_HASH_CHARACTERS: Final = 12
_YEAR_SECONDS: Final = 31_536_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asset:
    content: bytes
    packed: bytes
    media_type: str


class Assets:
    """Every file below `static/`, and the sentences of modules in other languages."""

    def __init__(self) -> None:
        tree = dict(_walk(files("vospace_server.web").joinpath("static"), ""))
        tree |= browser_files()
        digest = hashlib.sha256()
        for name, content in sorted(tree.items()):
            digest.update(f"{name}\0{len(content)}\0".encode())
            digest.update(content)
        self._hash = digest.hexdigest()[:_HASH_CHARACTERS]
        self._assets = {name: _asset(name, content) for name, content in tree.items()}

    def url(self, name: str) -> str:
        """The address of a file, such as `css/base.css`. Raises KeyError for none of ours."""
        if name not in self._assets:
            raise KeyError(name)
        return f"{ASSETS}/{self._hash}/{name}"

    async def get(self, request: Request) -> Response:
        """A file, packed for whoever can unpack it. These are no secrets."""
        version, _, name = rest_of_path(request).decode("ascii", "replace")[1:].partition("/")
        asset = self._assets.get(name)
        if asset is None:
            raise NodeNotFound("there is no such file")
        kept = f"public, max-age={_YEAR_SECONDS}, immutable"
        headers = {
            "content-type": asset.media_type,
            "cache-control": kept if version == self._hash else "no-cache",
            "cross-origin-resource-policy": "same-origin",
            "x-content-type-options": "nosniff",
            "vary": "accept-encoding",
        }
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(asset.packed, 200, {**headers, "content-encoding": "gzip"})
        return Response(asset.content, 200, headers)


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _walk(entry, f"{prefix}{entry.name}/")
        else:
            found.append((prefix + entry.name, entry.read_bytes()))
    return found


def _asset(name: str, content: bytes) -> _Asset:
    extension = name.rpartition(".")[2]
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return _Asset(
        content=content,
        packed=gzip.compress(content, mtime=0),
        media_type=_TYPES.get(extension, guessed),
    )
