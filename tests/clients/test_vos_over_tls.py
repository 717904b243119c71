"""The unmodified client over HTTPS, led by our own registry document (contract 0.2)."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.support.space import SpaceServer, User, add_user
from tests.support.vos import VosClient

pytestmark = pytest.mark.timeout(300)

AUTHORITY = "vos://localhost~vault"
ROOT = f"{AUTHORITY}/durand"


@dataclass(frozen=True, kw_only=True)
class TlsSpace:
    """A server over HTTPS with one user, who owns an allocation of their own name."""

    server: SpaceServer
    owner: User


@pytest.fixture(scope="module")
def tls_space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsSpace]:
    """One such server for the module."""
    folder = tmp_path_factory.mktemp("tls")
    certificate = trustme.CA().issue_cert("127.0.0.1", "localhost")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    words = ["--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem")]
    with SpaceServer(data_dir=folder / "data", arguments=words, scheme="https") as server:
        owner = add_user(server, "durand")
        server.administer("allocation", "add", "durand", "--owner", "durand", "--quota", "1GiB")
        yield TlsSpace(server=server, owner=owner)


@pytest.fixture
def insecure(tls_space: TlsSpace, tmp_path: Path) -> VosClient:
    """A client that asks the registry of the server itself and trusts its certificate."""
    return VosClient(
        home=tmp_path / "home",
        words=("-k",),
        environment={"VOSPACE_WEBSERVICE": f"127.0.0.1:{tls_space.server.port}"},
    )


def travel(vos: VosClient, folder: Path) -> None:
    """Make a container, send a file and get it back."""
    (folder / "local").write_bytes(b"over TLS")
    top = f"{ROOT}/{secrets.token_hex(4)}"
    vos("vmkdir", top)
    vos("vcp", str(folder / "local"), f"{top}/f")
    vos("vcp", f"{top}/f", str(folder / "back"))
    assert (folder / "back").read_bytes() == b"over TLS"


def test_a_token_opens_the_space(
    insecure: VosClient, tls_space: TlsSpace, tmp_path: Path
) -> None:
    """Contract 0.2: /reg/resource-caps on the same port leads the client; a token logs in."""
    travel(insecure.with_token(tls_space.owner), tmp_path)


def test_a_password_from_netrc_opens_the_space(
    insecure: VosClient, tls_space: TlsSpace, tmp_path: Path
) -> None:
    """Contract 2.4: Basic; the machine is the literal value of VOSPACE_WEBSERVICE."""
    insecure.home.mkdir()
    netrc = insecure.home / ".netrc"
    owner = tls_space.owner
    host = insecure.environment["VOSPACE_WEBSERVICE"]
    netrc.write_text(f"machine {host} login {owner.name} password {owner.password}\n")
    netrc.chmod(0o600)
    travel(insecure, tmp_path)


def test_an_untrusted_certificate_is_said(insecure: VosClient, tls_space: TlsSpace) -> None:
    """Contract 0.2: without -k a private CA is not believed."""
    careful = VosClient(home=insecure.home, environment=insecure.environment)

    done = careful.with_token(tls_space.owner).run("vls", ROOT)

    assert done.returncode != 0
