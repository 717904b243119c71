"""From an answer back to the fault that the service raised (architecture decision 4)."""

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
    text = _beginning(response)
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if response.status_code == httpx.codes.NOT_FOUND and media_type == "text/html":
        return MalformedAnswer(f"{response.url.host} answered 404 with a web page")
    return parse_fault(response.status_code, text)


def _beginning(response: httpx.Response) -> str:
    if response.is_stream_consumed:
        return response.text[:_MAX_FAULT_BYTES]
    read = bytearray()
    for chunk in response.iter_bytes():
        read += chunk
        if len(read) >= _MAX_FAULT_BYTES:
            break
    return bytes(read[:_MAX_FAULT_BYTES]).decode("utf-8", "replace")
