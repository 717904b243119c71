"""TLS of `vospace-server serve`: with whose certificates clients may show who they are."""

import ssl
from pathlib import Path
from typing import Final

from vospace_server.commands.failures import CommandError
from vospace_server.config import ServerSection

# X509_V_FLAG_NO_CHECK_TIME. A certificate that has expired would end the handshake, of which
# users see nothing but "alert"; so the times are checked by auth/client_certificate.py, which
# can say when it expired, and public data stays readable.
_NO_CHECK_TIME: Final = 0x200000


def make_context(
    server: ServerSection, own_authorities: str, *_defaults: object
) -> ssl.SSLContext:
    """The TLS of a listener; what is wrong with its files is a CommandError.

    A client may show a certificate of one of our authorities (`own_authorities`, in PEM) or of
    those of `tls_client_ca`, also through proxy certificates (RFC 3820). One that is signed by
    nobody we know ends the handshake.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    _load_own(context, server)
    if server.client_certificates:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_ALLOW_PROXY_CERTS
        context.verify_flags |= _NO_CHECK_TIME
        # A resumed session brings no verified chain (http/peer_certificate.py).
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
        context.load_verify_locations(cadata=own_authorities)
        if server.tls_client_ca is not None:
            _load_client_authorities(context, server.tls_client_ca)
    return context


def _load_own(context: ssl.SSLContext, server: ServerSection) -> None:
    assert server.tls_cert is not None
    try:
        context.load_cert_chain(server.tls_cert, server.tls_key)
    except OSError as error:
        reason = error.strerror or error
        raise CommandError(
            f"can't use {server.tls_cert} with {server.tls_key}: {reason}"
        ) from error


def _load_client_authorities(context: ssl.SSLContext, place: Path) -> None:
    try:
        if place.is_dir():
            # As in grid middleware: one file for each authority, named by its hash.
            context.load_verify_locations(capath=place)
        else:
            context.load_verify_locations(cafile=place)
    except OSError as error:
        reason = error.strerror or error
        raise CommandError(f"can't read client authorities from {place}: {reason}") from error
