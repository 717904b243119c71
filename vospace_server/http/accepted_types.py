"""Which of two forms a client wants: XML, unless it prefers JSON and says so (contract 1.3)."""

from collections.abc import Iterator
from typing import Final

from starlette.requests import Request

from vospace_model.faults import InvalidArgument
from vospace_server.http.parameters import Parameters
from vospace_server.http.responses import JSON

_XML_TYPES: Final = frozenset({"text/xml", "application/xml"})


def wants_json(request: Request, parameters: Parameters) -> bool:
    """Whether to answer with JSON.

    The parameter `Accept`, which browsers can set where they can't set headers, is stronger
    than the header. In the header JSON has to be named, and not after or below XML.
    """
    word = parameters.get("Accept")
    if word is not None:
        if word.lower() not in {JSON, *_XML_TYPES}:
            raise InvalidArgument(f"Accept is {JSON} or text/xml here, not {word[:40]!r}")
        return word.lower() == JSON
    best, chosen = 0.0, False
    for media_type, quality in _ranges(request.headers.get("accept", "")):
        if quality > best and (media_type == JSON or media_type in _XML_TYPES):
            best, chosen = quality, media_type == JSON
    return chosen


def _ranges(header: str) -> Iterator[tuple[str, float]]:
    """The media types of an Accept header, in order, with their qualities."""
    for part in header.split(","):
        media_type, *words = (word.strip().lower() for word in part.split(";"))
        quality = next((word[2:] for word in words if word.startswith("q=")), "1")
        try:
            yield media_type, float(quality)
        except ValueError:
            yield media_type, 0.0
