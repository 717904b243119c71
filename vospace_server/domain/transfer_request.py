"""A transfer as JSON, the form in which a job keeps what it has to do."""

import json
from typing import Any

from vospace_model.protocols import RequestedProtocol, SecurityMethod
from vospace_model.transfers import Direction, ExternalTransfer, InternalTransfer, Transfer
from vospace_model.uris import VosUri
from vospace_model.views import Param, View


def encode_transfer(transfer: Transfer) -> str:
    """JSON text that decode_transfer reads back; endpoints are not part of a request."""
    if isinstance(transfer, InternalTransfer):
        content: dict[str, Any] = {
            "source": str(transfer.source),
            "destination": str(transfer.destination),
            "keep_bytes": transfer.keep_bytes,
        }
    else:
        content = {
            "targets": [str(target) for target in transfer.targets],
            "direction": transfer.direction.value,
            "view": None if transfer.view is None else _encode_view(transfer.view),
            "protocols": [
                {"uri": each.uri, "security": [s.uri for s in each.security_methods]}
                for each in transfer.protocols
            ],
            "params": _encode_params(transfer.params),
        }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def decode_transfer(text: str) -> Transfer:
    """The transfer that encode_transfer wrote."""
    content: dict[str, Any] = json.loads(text)
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
        protocols=tuple(
            RequestedProtocol(
                uri=each["uri"],
                security_methods=tuple(SecurityMethod(uri=uri) for uri in each["security"]),
            )
            for each in content["protocols"]
        ),
        params=_decode_params(content["params"]),
    )


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
