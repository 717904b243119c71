"""CADC's own clients, unmodified: a certificate is fetched, and logs in."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509

from tests.conformance.conftest import SecureSpace

PROGRAMS = Path(sys.executable).parent
FAR_FUTURE = 2_082_758_400


@pytest.fixture
def home(tmp_path: Path, secure_space: SecureSpace) -> Path:
    """A home directory in which the registry's cache leads to our server (contract 0.1)."""
    caps = tmp_path / "home/.config/cadc-registry/resource-caps"
    caps.parent.mkdir(parents=True)
    with secure_space.secure() as client:
        ours = client.get("/reg/resource-caps").text
    caps.write_text(ours.replace("ivo://localhost/cred", "ivo://cadc.nrc.ca/cred"))
    os.utime(caps, (FAR_FUTURE, FAR_FUTURE))
    netrc = tmp_path / "home/.netrc"
    netrc.write_text("machine 127.0.0.1 login ann password ann-secret-1\n")
    netrc.chmod(stat.S_IRUSR | stat.S_IWUSR)
    return tmp_path / "home"


def run(home: Path, program: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PROGRAMS / program), *words],
        env={"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore"},
        text=True,
        capture_output=True,
        timeout=90,
        check=False,
    )


def test_cadc_get_cert_fetches_a_certificate_that_logs_in(
    secure_space: SecureSpace, home: Path
) -> None:
    """Contract 5 row 94; Contract 3.5: CDP#proxy-1.0 by netrc; `~/.ssl/cadcproxy.pem` then
    serves `vls`."""
    got = run(home, "cadc-get-cert", "-k", "-n", "--days-valid", "3")
    proxy = home / ".ssl/cadcproxy.pem"
    assert got.returncode == 0, got.stdout + got.stderr
    assert "DONE. 3 day certificate saved" in got.stdout

    (home / ".netrc").unlink()
    listed = run(home, "vls", "-k", "--certfile", str(proxy), "vos://localhost~vault/ann")
    made = run(
        home, "vmkdir", "-k", "--certfile", str(proxy), "vos://localhost~vault/ann/by-cert"
    )
    with secure_space.secure(proxy) as client:
        name = client.get("/ac/whoami").headers["x-vo-authenticated"]
        removed = client.delete("/vault/nodes/ann/by-cert")

    assert (listed.returncode, made.returncode) == (0, 0), listed.stderr + made.stderr
    assert name == "ann"
    assert removed.is_success
    chain = x509.load_pem_x509_certificates(proxy.read_bytes())
    assert [each.subject.rfc4514_string().rpartition("CN=")[2] for each in chain[1:]] == [
        "ann,O=localhost"
    ]


def test_a_wrong_password_is_said(home: Path) -> None:
    """Contract 2.7: 401 is told in words."""
    (home / ".netrc").write_text("machine 127.0.0.1 login ann password wrong-secret\n")

    got = run(home, "cadc-get-cert", "-k", "-n")

    assert "invalid username/password" in got.stderr
    assert not (home / ".ssl/cadcproxy.pem").exists()


def test_vls_of_a_stranger_with_a_certificate_is_told_why(
    secure_space: SecureSpace, home: Path
) -> None:
    """Contract 2.7: the body of a 403 is what the user reads."""
    pem = secure_space.authority.user("Bob Nobody").proxy().write(home / "bob.pem")

    done = run(home, "vls", "-k", "--certfile", str(pem), "vos://localhost~vault/ann")

    assert done.returncode != 0
    assert "identity not known" in done.stdout + done.stderr
