"""The client's certificate, from the TLS connection into the scope of its requests.

uvicorn hands no certificate to the application. The mixin does so for each of its protocols,
by the state that every scope of a connection carries: the chain as OpenSSL has verified it,
from the client's own certificate up to the authority, each in DER.
"""

import asyncio
import ssl
from typing import TYPE_CHECKING, Any, Final

from starlette.types import Scope
from typing_extensions import override

_STATE: Final = "vospace.peer_chain"

if TYPE_CHECKING:
    _Protocol = asyncio.Protocol
else:
    # The protocols that it is mixed into are asyncio's; a base would stand in their way.
    _Protocol = object


class PeerCertificate(_Protocol):
    """Mixin for uvicorn's HTTP protocols; stands before them in the list of bases."""

    app_state: dict[str, Any]

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is over: whoever the client is, it is for the whole connection."""
        super().connection_made(transport)
        connection = transport.get_extra_info("ssl_object")
        if connection is not None and connection.getpeercert(binary_form=True) is not None:
            self.app_state = {**self.app_state, _STATE: _verified_chain(connection)}


def peer_chain(scope: Scope) -> tuple[bytes, ...] | None:
    """The verified chain of the client, in DER; None if it showed no certificate."""
    chain: tuple[bytes, ...] | None = scope.get("state", {}).get(_STATE)
    return chain


def _verified_chain(connection: ssl.SSLObject) -> tuple[bytes, ...]:
    """Empty when the handshake was a resumed one, which verifies nothing anew."""
    if hasattr(connection, "get_verified_chain"):
        return tuple(connection.get_verified_chain())
    # Public since Python 3.13 only; before, it gives objects that know their own encodings.
    chain = connection._sslobj.get_verified_chain()  # type: ignore[attr-defined]  # noqa: SLF001
    return tuple(ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in chain or ())
