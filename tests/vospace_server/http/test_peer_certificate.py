"""The mixin that hands the client's chain to the application, in each protocol of uvicorn."""

import functools
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tests.support.certificates import Authority
from vospace_server.commands.tls import make_context
from vospace_server.config import ServerSection
from vospace_server.http.peer_certificate import PeerCertificate, peer_chain


class WithHttptools(PeerCertificate, HttpToolsProtocol):
    """The one that serves."""


class WithH11(PeerCertificate, H11Protocol):
    """The one in pure Python."""


async def depth(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers with the number of certificates in the chain; -1 for no certificate."""
    chain = peer_chain(scope)
    body = str(-1 if chain is None else len(chain)).encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def serving(protocol: type[Any], section: ServerSection, own: str) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        depth,
        http=protocol,
        lifespan="off",
        log_config=None,
        ssl_context_factory=functools.partial(make_context, section, own),
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server does not start"
            time.sleep(0.01)
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.mark.parametrize("protocol", [WithHttptools, WithH11])
def test_the_chain_is_the_verified_one(tmp_path: Path, protocol: type[Any]) -> None:
    server_ca = trustme.CA()
    server_ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        tmp_path / "server.pem"
    )
    server_ca.cert_pem.write_to_path(tmp_path / "server-ca.pem")
    clients = Authority.make()
    section = ServerSection(
        tls_cert=tmp_path / "server.pem",
        tls_key=tmp_path / "server.pem",
        tls_client_ca=clients.write(tmp_path / "clients.pem"),
    )
    shown = clients.user("Ann").proxy().write(tmp_path / "proxy.pem")

    answers = []
    with serving(protocol, section, server_ca.cert_pem.bytes().decode()) as url:
        for certificate in (None, shown):
            context = ssl.create_default_context(cafile=tmp_path / "server-ca.pem")
            if certificate is not None:
                context.load_cert_chain(certificate)
            with httpx.Client(verify=context) as client:
                answers.append([client.get(url).text for _ in range(2)])

    assert answers == [["-1", "-1"], ["3", "3"]]
