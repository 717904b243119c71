"""Clients of the shared real server, and a server with TLS for people with certificates."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme

from tests.support.certificates import Authority, Certificate
from tests.support.postgres import free_port
from tests.support.space import Space, SpaceServer, add_user, furnished


@dataclass(frozen=True, kw_only=True)
class SecureSpace:
    """A space whose server has a second port with TLS, and believes in `authority`.

    `ann` is the owner's certificate, `/O=Grid/CN=Ann`.
    """

    space: Space
    admin_token: str
    tls_port: int
    server_ca: Path
    authority: Authority
    ann: Certificate

    @property
    def url(self) -> str:
        """The address of the host with TLS."""
        return f"https://127.0.0.1:{self.tls_port}"

    def context(self, certificate: Path | None = None) -> ssl.SSLContext:
        """TLS of a client that believes in the server, and perhaps shows a certificate."""
        context = ssl.create_default_context(cafile=self.server_ca)
        if certificate is not None:
            context.load_cert_chain(certificate)
        return context

    def client(self, certificate: Path | None = None, **options: object) -> httpx.Client:
        """An HTTPS client that shows this certificate."""
        return httpx.Client(
            base_url=self.url, verify=self.context(certificate), timeout=30, **options
        )  # type: ignore[arg-type]

    @property
    def admin(self) -> httpx.Client:
        """A client of an administrator over plain HTTP."""
        return httpx.Client(
            base_url=self.space.server.root_url,
            headers={"Authorization": f"Bearer {self.admin_token}"},
            timeout=30,
        )


def server_certificate(folder: Path) -> tuple[list[str], Path]:
    """The options of `serve` for TLS at 127.0.0.1, and the file of who signed for it."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    cert, key, signer = folder / "server.pem", folder / "server.key", folder / "server-ca.pem"
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(signer)
    return ["--tls-cert", str(cert), "--tls-key", str(key)], signer


@pytest.fixture(scope="session")
def secure_space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureSpace]:
    """One server for the session, for tests that leave it as it was."""
    folder = tmp_path_factory.mktemp("secure")
    authority = Authority.make()
    options, signer = server_certificate(folder)
    tls_port = free_port()
    server = SpaceServer(
        data_dir=folder / "data",
        arguments=[
            *options,
            *("--tls-client-ca", str(authority.write(folder / "clients-ca.pem"))),
            *("--tls-port", str(tls_port)),
        ],
    )
    with server:
        space = furnished(server)
        add_user(server, "ann", "--dn", "/O=Grid/CN=Ann")
        admin = add_user(server, "root", "--admin")
        token = server.administer("user", "token", "root", "--scope", "admin")
        assert admin.name == "root"
        yield SecureSpace(
            space=space,
            admin_token=token.splitlines()[-1],
            tls_port=tls_port,
            server_ca=signer,
            authority=authority,
            ann=authority.user("Ann"),
        )


@pytest.fixture
def owner(shared_space: Space) -> Iterator[httpx.Client]:
    """durand, the owner of the allocation."""
    with shared_space.client(shared_space.owner) as client:
        yield client


@pytest.fixture
def member(shared_space: Space) -> Iterator[httpx.Client]:
    """A member of the group HST-RO."""
    with shared_space.client(shared_space.member) as client:
        yield client


@pytest.fixture
def stranger(shared_space: Space) -> Iterator[httpx.Client]:
    """Somebody whom nobody has given anything."""
    with shared_space.client(shared_space.stranger) as client:
        yield client


@pytest.fixture
def anonymous(shared_space: Space) -> Iterator[httpx.Client]:
    """Nobody."""
    with shared_space.client(None) as client:
        yield client
