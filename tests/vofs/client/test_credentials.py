"""Who the mount is: the documented order, and one clear sentence when it can't be."""

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.vofs.client.conftest import FAST, Asked, Reply, ScriptedServer
from vofs.client.connection import Connection, ConnectionConfig
from vofs.client.credentials import (
    Anonymous,
    BearerToken,
    ClientCertificate,
    CredentialOptions,
    Credentials,
    Password,
    describe_credentials,
    find_credentials,
)
from vofs.client.errors import CredentialRejected


def _find(
    home: Path,
    *,
    secure: bool = True,
    environment: dict[str, str] | None = None,
    **options: object,
) -> Credentials:
    return find_credentials(
        CredentialOptions(home=home, **options),  # type: ignore[arg-type]
        host="space.example.org",
        secure=secure,
        environment=environment or {},
    )


def _write_certificate(path: Path, *, days_left: int) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "durand")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=30))
        .not_valid_after(now + dt.timedelta(days=days_left))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)


def test_nothing_found_is_anonymous(tmp_path: Path) -> None:
    assert isinstance(_find(tmp_path), Anonymous)


def test_places_are_searched_in_the_documented_order(tmp_path: Path) -> None:
    _write_certificate(tmp_path / ".ssl" / "cadcproxy.pem", days_left=5)
    assert isinstance(_find(tmp_path), ClientCertificate)
    (tmp_path / ".netrc").write_text("machine space.example.org login durand password pw\n")
    (tmp_path / ".netrc").chmod(0o600)
    assert _find(tmp_path) == Password(
        user="durand", password="pw", source=str(tmp_path / ".netrc")
    )
    token = tmp_path / ".config" / "vofs" / "token"
    token.parent.mkdir(parents=True)
    token.write_text("from-home\n")
    assert _find(tmp_path) == BearerToken(token="from-home", source=str(token), path=token)
    found = _find(tmp_path, environment={"VOSPACE_TOKEN": "from-environment"})
    assert found == BearerToken(token="from-environment", source="VOSPACE_TOKEN")
    other = tmp_path / "other"
    other.write_text("from-option")
    found = _find(tmp_path, token_file=other, environment={"VOSPACE_TOKEN": "x"})
    assert found == BearerToken(token="from-option", source=str(other), path=other)
    assert isinstance(_find(tmp_path, anonymous=True), Anonymous)


def test_expired_certificate_is_refused_with_its_date(tmp_path: Path) -> None:
    path = tmp_path / "cadcproxy.pem"
    _write_certificate(path, days_left=-2)
    date = dt.datetime.now(dt.UTC) - dt.timedelta(days=2)
    with pytest.raises(CredentialRejected, match=f"expired on {date:%Y-%m-%d}"):
        _find(tmp_path, certfile=path)


def test_default_certificate_is_left_out_without_tls_and_one_that_was_asked_for_is_refused(
    tmp_path: Path,
) -> None:
    path = tmp_path / ".ssl" / "cadcproxy.pem"
    _write_certificate(path, days_left=5)
    assert isinstance(_find(tmp_path, secure=False), Anonymous)
    with pytest.raises(CredentialRejected, match="reached by http://"):
        _find(tmp_path, secure=False, certfile=path)


@pytest.mark.parametrize("content", [b"", b"two words", b"\xff\xfe"])
def test_file_without_one_token_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(CredentialRejected, match="token"):
        _find(tmp_path, token_file=path)


def test_missing_netrc_entry_is_refused_when_netrc_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(
        CredentialRejected, match=r"no entry for the machine space\.example\.org"
    ):
        _find(tmp_path, prefer_netrc=True)


def test_broken_certificate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.pem"
    path.write_text("nonsense")
    with pytest.raises(CredentialRejected, match="can't be read"):
        _find(tmp_path, certfile=path)


def test_renewed_token_is_read_after_a_refusal(tmp_path: Path, server: ScriptedServer) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    credentials = _find(tmp_path, token_file=path)

    def script(asked: Asked) -> Reply:
        if asked.headers["authorization"] == "Bearer new":
            return Reply(body=b"welcome")
        path.write_text("new")
        return Reply(status=401, body=b"NotAuthenticated: expired\n")

    server.script = script
    connection = Connection(config=ConnectionConfig(retry=FAST), credentials=credentials)
    assert connection.request("GET", server.url).content == b"welcome"
    assert connection.request("GET", server.url).content == b"welcome"
    assert len(server.asked) == 3
    connection.close()


def test_secrets_never_show_in_messages_or_representations(tmp_path: Path) -> None:
    secret = "very-secret"
    for credentials in (
        BearerToken(token=secret, source="--token"),
        Password(user="durand", password=secret, source="~/.netrc"),
        CredentialOptions(token=secret, home=tmp_path),
    ):
        assert secret not in repr(credentials)
    assert secret not in describe_credentials(BearerToken(token=secret, source="--token"))


def test_password_goes_only_to_the_host_it_is_for(
    server: ScriptedServer, tmp_path: Path
) -> None:
    elsewhere = f"http://localhost:{server.port}/other"
    server.script = lambda asked: (
        Reply(body=b"there")
        if asked.path == "/other"
        else Reply(status=302, headers={"Location": elsewhere})
    )
    credentials = Password(user="durand", password="pw", source="test")
    connection = Connection(config=ConnectionConfig(retry=FAST), credentials=credentials)
    assert connection.request("GET", server.url).content == b"there"
    assert [("authorization" in asked.headers) for asked in server.asked] == [True, False]
    connection.close()
