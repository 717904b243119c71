"""The unmodified client over HTTPS, led by our own registry document (contract 0.2)."""

import secrets
from pathlib import Path

import pytest

from tests.support.space import TlsSpace
from tests.support.vos import VosClient

pytestmark = pytest.mark.timeout(300)

AUTHORITY = "vos://localhost~vault"
ROOT = f"{AUTHORITY}/durand"


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
