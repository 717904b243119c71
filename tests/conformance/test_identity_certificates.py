"""X.509 on the wire: certificates and proxies taken by the server itself."""

from pathlib import Path

import httpx
import pytest

from tests.conformance.conftest import SecureSpace


def whoami(space: SecureSpace, certificate: Path) -> httpx.Response:
    with space.client(certificate) as client:
        return client.get("/ac/whoami")


def test_a_certificate_logs_in(secure_space: SecureSpace, tmp_path: Path) -> None:
    """Contract 3.4: tls-with-certificate; the answer says who one is."""
    answer = whoami(secure_space, secure_space.ann.write(tmp_path / "ann.pem"))

    assert answer.status_code == 302
    assert answer.headers["x-vo-authenticated"] == "ann"


@pytest.mark.parametrize("depth", [1, 2])
def test_a_proxy_certificate_logs_in_as_its_holder(
    secure_space: SecureSpace, tmp_path: Path, depth: int
) -> None:
    """Contract 2.4: `cadcproxy.pem` is a proxy (RFC 3820), also a proxy of a proxy."""
    proxy = secure_space.ann
    for number in range(depth):
        proxy = proxy.proxy(f"{number}")

    answer = whoami(secure_space, proxy.write(tmp_path / "proxy.pem"))

    assert answer.headers["x-vo-authenticated"] == "ann"
