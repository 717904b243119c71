"""Transfers of plain VOSpace: negotiate where bytes go, and move nodes by a job."""

from typing import Final

import httpx

from vofs.client.connection import Connection
from vofs.client.deadline import Deadline
from vofs.client.errors import MalformedAnswer
from vofs.client.service import ServiceEndpoints
from vospace_model.faults import (
    FAULTS_BY_NAME,
    Fault,
    ProtocolNotSupported,
    TransferFailed,
    parse_fault,
)
from vospace_model.protocols import NegotiatedProtocol, ProtocolUri, RequestedProtocol
from vospace_model.transfers import Direction, ExternalTransfer, InternalTransfer
from vospace_model.uris import VosUri
from vospace_model.views import Param
from vospace_model.xml.transfers import read_transfer, write_transfer

_XML: Final = {"Content-Type": "text/xml"}
_LENGTH_PARAM: Final = "ivo://ivoa.net/vospace/core#length"
_PROTOCOLS: Final = {
    Direction.PULL_FROM_VOSPACE: (ProtocolUri.HTTPS_GET, ProtocolUri.HTTP_GET),
    Direction.PUSH_TO_VOSPACE: (ProtocolUri.HTTPS_PUT, ProtocolUri.HTTP_PUT),
}
_WAIT_SECONDS: Final = "5"
_ENDED: Final = frozenset({"COMPLETED", "ERROR", "ABORTED"})


class PlainTransfers:
    """Speaks /files, /synctrans and /transfers."""

    def __init__(self, connection: Connection, endpoints: ServiceEndpoints) -> None:
        self._connection = connection
        self._endpoints = endpoints

    def data_url(self, uri: VosUri) -> str:
        """Where the bytes of a node are: by /files where there is one, else negotiated."""
        if self._endpoints.files is None:
            return self.endpoint(uri, Direction.PULL_FROM_VOSPACE)
        url = self._endpoints.files + uri.path.quoted()
        response = self._connection.request("HEAD", url, follow=False)
        if not response.is_redirect:
            return url
        return str(response.url.join(response.headers["location"]))

    def endpoint(self, uri: VosUri, direction: Direction, *, length: int | None = None) -> str:
        """The first address that the service offers for a transfer; asks /synctrans."""
        if self._endpoints.synctrans is None:
            raise ProtocolNotSupported("the service doesn't negotiate transfers")
        params = () if length is None else (Param(uri=_LENGTH_PARAM, value=str(length)),)
        transfer = ExternalTransfer(
            targets=(uri,),
            direction=direction,
            protocols=tuple(RequestedProtocol(uri=name) for name in _PROTOCOLS[direction]),
            params=params,
        )
        response = self._connection.request(
            "POST", self._endpoints.synctrans, headers=_XML, content=write_transfer(transfer)
        )
        for protocol in _negotiated(response):
            return protocol.endpoint
        raise self._reason(response)

    def move(self, source: VosUri, destination: VosUri) -> None:
        """Run a move job to its end; raises the fault that it ends with."""
        if self._endpoints.transfers is None:
            raise ProtocolNotSupported("the service doesn't move nodes")
        transfer = InternalTransfer(source=source, destination=destination, keep_bytes=False)
        response = self._connection.request(
            "POST",
            self._endpoints.transfers,
            headers=_XML,
            content=write_transfer(transfer),
            follow=False,
        )
        location = response.headers.get("location")
        if location is None:
            raise MalformedAnswer("the service made no job of a move")
        job = str(response.url.join(location))
        self._run(job)

    def _run(self, job: str) -> None:
        deadline = self._connection.deadline()
        self._connection.request(
            "POST",
            f"{job}/phase",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            content=b"PHASE=RUN",
            follow=False,
        )
        phase = self._wait(job, deadline)
        if phase != "COMPLETED":
            raise self._error_of(job)

    def _wait(self, job: str, deadline: Deadline) -> str:
        while True:
            # WAIT blocks at the service until the phase changes (UWS 1.1, 2.2.1.1).
            self._connection.request(
                "GET", job, params={"WAIT": _WAIT_SECONDS}, deadline=deadline
            )
            phase = self._connection.request("GET", f"{job}/phase", deadline=deadline).text
            if phase.strip() in _ENDED:
                return phase.strip()
            deadline.bound(0)

    def _reason(self, response: httpx.Response) -> Fault:
        """Why a negotiation gave no address: it stands with the job (contract 1.6)."""
        url = str(response.url)
        if not url.endswith("/results/transferDetails"):
            return TransferFailed("the service offers no address for the bytes")
        return self._error_of(url.removesuffix("/results/transferDetails"))

    def _error_of(self, job: str) -> Fault:
        text = self._connection.request("GET", f"{job}/error").text.strip()
        kind = FAULTS_BY_NAME.get(text.rstrip("."))
        return kind("") if kind is not None else parse_fault(httpx.codes.BAD_REQUEST, text)


def _negotiated(response: httpx.Response) -> list[NegotiatedProtocol]:
    try:
        transfer = read_transfer(response.content)
    except Fault as fault:
        raise MalformedAnswer(f"the transfer can't be read: {fault.detail}") from fault
    if not isinstance(transfer, ExternalTransfer):
        raise MalformedAnswer("asked to move bytes, the service answered to move a node")
    return [item for item in transfer.protocols if isinstance(item, NegotiatedProtocol)]
