"""What the tests of other people's clients share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.support.space import Space, SpaceServer, TlsSpace, add_user
from tests.support.vos import VosClient


@pytest.fixture
def vos(tmp_path: Path, shared_space: Space) -> VosClient:
    """The owner's client, over plain HTTP with a token."""
    client = VosClient.led_to(shared_space.server.url, tmp_path / "home")
    return client.with_token(shared_space.owner)


@pytest.fixture
def root(folder: str) -> str:
    """An empty folder of the owner's, as the client names it."""
    return f"vos://localhost~vault/{folder}"


@pytest.fixture(scope="session")
def tls_space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsSpace]:
    """One server over HTTPS for the session."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    words = ["--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem")]
    with SpaceServer(data_dir=folder / "data", arguments=words) as server:
        owner = add_user(server, "durand")
        server.administer("allocation", "add", "durand", "--owner", "durand", "--quota", "1GiB")
        yield TlsSpace(server=server, owner=owner, ca_file=folder / "ca.pem")
