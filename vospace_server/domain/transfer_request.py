"""What a transfer job has to do and by whose leave, as JSON: the form in which it is kept."""

import json
from dataclasses import dataclass
from typing import Any

from vospace_model.protocols import NegotiatedProtocol, RequestedProtocol, SecurityMethod
from vospace_model.transfers import Direction, ExternalTransfer, InternalTransfer, Transfer
from vospace_model.uris import VosUri
from vospace_model.views import Param, View
from vospace_server.domain.token_scope import TokenScope


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRequest:
    """A transfer, and the most that the credential of whoever asked for it allowed."""

    transfer: Transfer
    scope: TokenScope


def encode_request(request: TransferRequest) -> str:
    """JSON text that decode_request reads back.

    Endpoints are part of a request where the service is to use them itself, and only there.
    """
    content = {"scope": request.scope.label, "transfer": _encode_transfer(request.transfer)}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def decode_request(text: str) -> TransferRequest:
    """The request that encode_request wrote."""
    content: dict[str, Any] = json.loads(text)
    return TransferRequest(
        transfer=_decode_transfer(content["transfer"]),
        scope=TokenScope.decode(content["scope"]),
    )


def transfer_of_request(text: str) -> Transfer | None:
    """The transfer that a job is about; None for jobs of other kinds."""
    content: dict[str, Any] = json.loads(text)
    return _decode_transfer(content["transfer"]) if "transfer" in content else None


def _encode_transfer(transfer: Transfer) -> dict[str, Any]:
    if isinstance(transfer, InternalTransfer):
        return {
            "source": str(transfer.source),
            "destination": str(transfer.destination),
            "keep_bytes": transfer.keep_bytes,
        }
    return {
        "targets": [str(target) for target in transfer.targets],
        "direction": transfer.direction.value,
        "view": None if transfer.view is None else _encode_view(transfer.view),
        "protocols": [_encode_protocol(each, transfer) for each in transfer.protocols],
        "params": _encode_params(transfer.params),
    }


def _decode_transfer(content: dict[str, Any]) -> Transfer:
    if "source" in content:
        return InternalTransfer(
            source=VosUri.parse(content["source"]),
            destination=VosUri.parse(content["destination"]),
            keep_bytes=content["keep_bytes"],
        )
    view = content["view"]
    return ExternalTransfer(
        targets=tuple(VosUri.parse(target) for target in content["targets"]),
        direction=Direction(content["direction"]),
        view=None if view is None else _decode_view(view),
        protocols=tuple(_decode_protocol(each) for each in content["protocols"]),
        params=_decode_params(content["params"]),
    )


def _encode_protocol(
    protocol: RequestedProtocol | NegotiatedProtocol, transfer: ExternalTransfer
) -> dict[str, Any]:
    encoded: dict[str, Any] = {
        "uri": protocol.uri,
        "security": [method.uri for method in protocol.security_methods],
    }
    is_ours_to_use = not transfer.direction.is_client_initiated
    if is_ours_to_use and isinstance(protocol, NegotiatedProtocol):
        encoded["endpoint"] = protocol.endpoint
    return encoded


def _decode_protocol(content: dict[str, Any]) -> RequestedProtocol | NegotiatedProtocol:
    methods = tuple(SecurityMethod(uri=uri) for uri in content["security"])
    if "endpoint" in content:
        return NegotiatedProtocol(
            uri=content["uri"], endpoint=content["endpoint"], security_methods=methods
        )
    return RequestedProtocol(uri=content["uri"], security_methods=methods)


def _encode_view(view: View) -> dict[str, Any]:
    return {
        "uri": view.uri,
        "original": view.original,
        "params": _encode_params(view.params),
    }


def _decode_view(content: dict[str, Any]) -> View:
    return View(
        uri=content["uri"],
        original=content["original"],
        params=_decode_params(content["params"]),
    )


def _encode_params(params: tuple[Param, ...]) -> list[list[str]]:
    return [[param.uri, param.value] for param in params]


def _decode_params(content: list[list[str]]) -> tuple[Param, ...]:
    return tuple(Param(uri=uri, value=value) for uri, value in content)
