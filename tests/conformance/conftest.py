"""Clients of the shared real server, and a server with TLS for people with certificates."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import trustme

from tests.support.certificates import Authority, Certificate
from tests.support.postgres import free_port
from tests.support.space import Space, SpaceServer, User
from vospace_model.uris import NodePath
from vospace_server.auth.passwords import Passwords
from vospace_server.database.engine import Database
from vospace_server.domain.group import GroupNaming
from vospace_server.domain.identity import OPERATOR
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.accounts import AccountService, NewUser
from vospace_server.services.allocations import AllocationService
from vospace_server.services.tree import Tree


@dataclass(frozen=True, kw_only=True)
class SecureSpace:
    """A server with a second port for TLS, which believes in client certificates.

    `ann` owns the allocation `/ann` and has the certificate `/O=Grid/CN=Ann` of `authority`;
    `root` is an administrator.
    """

    server: SpaceServer
    tls_port: int
    server_ca: Path
    authority: Authority
    certificate: Certificate
    ann: User
    root: User

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

    def secure(
        self, certificate: Path | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Client:
        """An HTTPS client that shows this certificate."""
        return httpx.Client(
            base_url=self.url, verify=self.context(certificate), headers=headers, timeout=30
        )

    def plain(self, user: User | None = None) -> httpx.Client:
        """An HTTP client that speaks as a user, by token (None: anonymously)."""
        headers = {} if user is None else user.bearer
        return httpx.Client(base_url=self.server.root_url, headers=headers, timeout=30)


def server_certificate(folder: Path) -> tuple[list[str], Path]:
    """The options of `serve` for TLS at 127.0.0.1, and the file of who signed for it."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    cert, key, signer = folder / "server.pem", folder / "server.key", folder / "server-ca.pem"
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(signer)
    return ["--tls-cert", str(cert), "--tls-key", str(key)], signer


def add_people(data_dir: Path) -> tuple[User, User]:
    """Ann and root in a new space, without a command line for each step."""
    data_dir.mkdir()
    database = Database(f"sqlite:///{data_dir / 'vospace.sqlite'}")
    database.upgrade()
    accounts = AccountService(
        database=database, hash_password=Passwords(concurrent_checks=1).hash
    )
    ann = NewUser(name="ann", password="ann-secret-1", distinguished_names=["/O=Grid/CN=Ann"])
    root = NewUser(name="root", password="root-secret-1", is_admin=True)
    people = [_add(accounts, new) for new in (ann, root)]
    tree = Tree(
        database=database,
        authority="localhost~vault",
        naming=GroupNaming(service_id="ivo://localhost/gms", aliases=[]),
    )
    owner_id = accounts.get("ann").user_id
    AllocationService(tree=tree).add(
        OPERATOR, NodePath.parse("/ann"), owner_id=owner_id, quota_bytes=1 << 30
    )
    database.close()
    return people[0], people[1]


def _add(accounts: AccountService, new: NewUser) -> User:
    accounts.add(new, by=OPERATOR)
    token = accounts.make_token(
        new.name, scope=TokenScope.ADMIN, lifetime=timedelta(days=1), label="", by=OPERATOR
    )
    assert new.password is not None
    return User(name=new.name, password=new.password, token=token)


def make_secure_server(
    folder: Path, *, two_ports: bool = True, extra: tuple[str, ...] = ()
) -> SecureSpace:
    """A server with its people, not yet started."""
    authority = Authority.make()
    options, signer = server_certificate(folder)
    ann, root = add_people(folder / "data")
    tls_port = free_port()
    clients = ["--tls-client-ca", str(authority.write(folder / "clients-ca.pem"))]
    ports = ["--tls-port", str(tls_port)] if two_ports else []
    server = SpaceServer(
        data_dir=folder / "data", arguments=[*options, *clients, *ports, *extra]
    )
    return SecureSpace(
        server=server,
        tls_port=tls_port if two_ports else server.port,
        server_ca=signer,
        authority=authority,
        certificate=authority.user("Ann"),
        ann=ann,
        root=root,
    )


@pytest.fixture(scope="session")
def secure_space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureSpace]:
    """One server for the session, for tests that leave it as it was."""
    space = make_secure_server(tmp_path_factory.mktemp("secure"))
    with space.server:
        yield space


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
