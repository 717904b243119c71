"""From an answer back to the fault that the service raised (architecture decision 4)."""

from collections.abc import Mapping

import httpx

from vofs.client.errors import MalformedAnswer
from vospace_model.faults import Fault, parse_fault

_MAX_FAULT_BYTES = 64 * 1024


def raise_for_fault(response: httpx.Response) -> None:
    """Raise the fault that the answer carries; return when it carries none.

    A 404 in HTML comes from something between us and the service (a proxy with no back end)
    and says nothing about a node, so it is MalformedAnswer: a program must never be told
    "no such file" by an error.
    """
    if not response.is_error:
        return
    raise fault_of(response)


def fault_of(response: httpx.Response) -> Fault | MalformedAnswer:
    """The fault of an error answer, whose body is read as far as a fault is long."""
    return fault_from(
        status=response.status_code,
        headers=response.headers,
        text=_beginning(response),
        host=response.url.host,
    )


def fault_from(
    *, status: int, headers: Mapping[str, str], text: str, host: str
) -> Fault | MalformedAnswer:
    """The fault that status, headers (names in lower case) and body stand for."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if status == httpx.codes.NOT_FOUND and media_type == "text/html":
        return MalformedAnswer(f"{host} answered 404 with a web page")
    asked = headers.get("retry-after", "").strip()
    return parse_fault(
        status, text, retry_after_seconds=int(asked) if asked.isdigit() else None
    )


def _beginning(response: httpx.Response) -> str:
    if response.is_stream_consumed:
        return response.text[:_MAX_FAULT_BYTES]
    read = bytearray()
    for chunk in response.iter_bytes():
        read += chunk
        if len(read) >= _MAX_FAULT_BYTES:
            break
    return bytes(read[:_MAX_FAULT_BYTES]).decode("utf-8", "replace")
