"""What an OpenID issuer publishes: its discovery document and its public keys.

The address is the operator's own setting, so it may be any host; but only that issuer's own
words are believed, over TLS, in bounded time and size, and through no proxy that a variable of
the environment names.
"""

import json
import ssl
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

_DISCOVERY: Final = "/.well-known/openid-configuration"
_MOST_BYTES: Final = 1024 * 1024
_TOTAL_SECONDS: Final = 8.0
_STEP_SECONDS: Final = 4.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class IssuerUnreachableError(Exception):
    """The issuer did not answer, or not with what the standard asks for."""


class IssuerDocuments:
    """Asks one issuer; each call is a new connection, since calls are hours apart."""

    def __init__(self, issuer: str, *, ca_file: Path | None = None) -> None:
        self._issuer = issuer
        self._context = ssl.create_default_context(cafile=ca_file)

    def keys(self) -> list[dict[str, Any]]:
        """The keys that the issuer signs with now, as JSON Web Keys.

        Raises IssuerUnreachableError.
        """
        with httpx.Client(
            verify=self._context, trust_env=False, timeout=_STEP_SECONDS
        ) as client:
            document = self._fetch(client, self._issuer.rstrip("/") + _DISCOVERY)
            if document.get("issuer") != self._issuer:
                raise IssuerUnreachableError(
                    f"{self._issuer} calls itself {str(document.get('issuer'))[:200]!r}"
                )
            found = self._fetch(client, str(document.get("jwks_uri"))).get("keys")
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise IssuerUnreachableError(f"{self._issuer} publishes no keys")
        return found

    def _fetch(self, client: httpx.Client, url: str) -> dict[str, Any]:
        if not is_secure(url):
            raise IssuerUnreachableError(f"{url[:200]!r} is no https address")
        try:
            document = json.loads(_read(client, url))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise IssuerUnreachableError(f"can't read {url}: {error}") from error
        if not isinstance(document, dict):
            raise IssuerUnreachableError(f"{url} is no JSON object")
        return document


def is_secure(url: str) -> bool:
    """Whether nobody on the way can change what is read there: https, or this host."""
    parts = urlsplit(url)
    if parts.scheme == "http":
        return parts.hostname in _LOOPBACK
    return parts.scheme == "https" and bool(parts.hostname)


def _read(client: httpx.Client, url: str) -> bytes:
    end = time.monotonic() + _TOTAL_SECONDS
    content = bytearray()
    with client.stream("GET", url, headers={"accept": "application/json"}) as answer:
        if answer.status_code != httpx.codes.OK:
            raise IssuerUnreachableError(f"{url} answers with status {answer.status_code}")
        for chunk in answer.iter_bytes():
            content += chunk
            if len(content) > _MOST_BYTES or time.monotonic() > end:
                raise IssuerUnreachableError(f"{url} sends too much or too slowly")
    return bytes(content)
