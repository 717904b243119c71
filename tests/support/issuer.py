"""A real OpenID issuer: it publishes its keys over HTTPS and signs tokens."""

import json
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trustme
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from typing_extensions import override

AUDIENCE = "https://space.example/"
Key = RSAKey | ECKey | OKPKey


def rsa_key(name: str) -> RSAKey:
    """A key for RS256."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS256"})


def ec_key(name: str) -> ECKey:
    """A key for ES256."""
    return ECKey.generate_key("P-256", {"kid": name, "use": "sig"})


def okp_key(name: str) -> OKPKey:
    """A key for EdDSA."""
    return OKPKey.generate_key("Ed25519", {"kid": name, "use": "sig"})


@dataclass(kw_only=True)
class Issuer:
    """An issuer at 127.0.0.1; `keys` are what it publishes, `asked` how often its keys were."""

    folder: Path
    keys: list[Key] = field(default_factory=lambda: [rsa_key("first")])
    answering: bool = True
    asked: int = 0
    # What is answered instead of its own documents, by path.
    instead: dict[str, bytes] = field(default_factory=dict)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """What it calls itself."""
        assert self._server is not None
        return f"https://127.0.0.1:{self._server.server_address[1]}/realm"

    @property
    def ca_file(self) -> Path:
        """Who signed for its TLS."""
        return self.folder / "issuer-ca.pem"

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Good claims of the subject `s-1`, with changes; None leaves one out."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": "s-1",
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": now + 600,
            "preferred_username": "carol",
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self,
        *,
        key: Key | None = None,
        algorithm: str = "RS256",
        header: dict[str, Any] | None = None,
        **changed: Any,
    ) -> str:
        """A signed token; `header` is merged into its header, the rest into its claims."""
        key = key or self.keys[0]
        full = {"alg": algorithm, "kid": key.kid, **(header or {})}
        full = {name: value for name, value in full.items() if value is not None}
        return jwt.encode(full, self.claims(**changed), key, algorithms=[algorithm])

    def __enter__(self) -> Self:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def document(self, path: str) -> bytes | None:
        """What it answers at a path."""
        if path in self.instead:
            return self.instead[path]
        if path == "/realm/.well-known/openid-configuration":
            return json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/keys"}).encode()
        if path == "/realm/keys":
            self.asked += 1
            keys = [each.as_dict(private=False) for each in self.keys]
            return json.dumps({"keys": keys}).encode()
        return None


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = issuer.document(self.path) if issuer.answering else None
            self.send_response(503 if content is None else 200)
            self.send_header("content-length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
