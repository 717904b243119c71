"""The client's certificate, from the TLS connection into the scope of its requests.

uvicorn hands no certificate to the application. The mixin does so for each of its protocols,
by the state that every scope of a connection carries: the chain as OpenSSL has verified it,
from the client's own certificate up to the authority, each in DER.
"""

import asyncio
import ssl
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from starlette.types import Scope
from typing_extensions import override

_STATE: Final = "vospace.peer_chain"
_MOST_REMEMBERED: Final = 10_000

Chain = tuple[bytes, ...]

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
        leaf = None if connection is None else connection.getpeercert(binary_form=True)
        if leaf is not None:
            self.app_state = {**self.app_state, _STATE: _verified_chain(connection, leaf)}


def peer_chain(scope: Scope) -> Chain | None:
    """The verified chain of the client, in DER; None if it showed no certificate.

    Empty when the certificate was verified in an earlier connection that nobody remembers.
    """
    chain: Chain | None = scope.get("state", {}).get(_STATE)
    return chain


# A session of TLS 1.2 that is resumed (Python can't forbid it) has the client's certificate
# and no chain. It was begun in this process, with this context: there are no tickets that
# others could have given. So what was verified then is looked up. Used in the event loop only.
_REMEMBERED: Final[WeakKeyDictionary[ssl.SSLContext, OrderedDict[bytes, Chain]]] = (
    WeakKeyDictionary()
)


def _verified_chain(connection: ssl.SSLObject, leaf: bytes) -> Chain:
    remembered = _REMEMBERED.setdefault(connection.context, OrderedDict())
    if connection.session_reused:
        return remembered.get(leaf, ())
    chain = _chain_of(connection)
    remembered[leaf] = chain
    remembered.move_to_end(leaf)
    if len(remembered) > _MOST_REMEMBERED:
        remembered.popitem(last=False)
    return chain


def _chain_of(connection: ssl.SSLObject) -> Chain:
    if hasattr(connection, "get_verified_chain"):
        return tuple(connection.get_verified_chain())
    # Public since Python 3.13 only; before, it gives objects that know their own encodings.
    chain = connection._sslobj.get_verified_chain()  # type: ignore[attr-defined]  # noqa: SLF001
    return tuple(ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in chain or ())
