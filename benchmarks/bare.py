"""`python -m benchmarks.bare PORT`: uvicorn, as the server uses it, with nothing behind it.

It answers every GET with the same document of the size of a node's. What our own server gives
a second is to be compared with this: it is what one process of this machine can give at most.
"""

from __future__ import annotations

import sys

import uvicorn
from starlette.types import Receive, Scope, Send

DOCUMENT_BYTES = 1400
_DOCUMENT = b"<vos:node>".ljust(DOCUMENT_BYTES)
_HEADERS = [(b"content-type", b"text/xml"), (b"content-length", b"%d" % DOCUMENT_BYTES)]


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """The document, whatever is asked."""
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _DOCUMENT})


def main(words: list[str]) -> None:
    """Serves on a loopback port until it is stopped."""
    uvicorn.run(answer, port=int(words[0]), lifespan="off", ws="none", log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1:])
