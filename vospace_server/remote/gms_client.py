"""Asks the group services of others which of their groups somebody belongs to (GMS 1.0).

Everything is bounded: the time and the size of an answer, and the questions at one time. What
can't be asked or understood is RemoteGroupsError, never an empty list.
"""

import enum
import re
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from vospace_model.faults import Fault
from vospace_model.vosi import StandardId
from vospace_model.xml.vosi import MAX_CAPABILITIES_BYTES, read_capabilities

MAX_ANSWER_BYTES: Final = 1024 * 1024
_CAPABILITIES: Final = "/capabilities"
_SEARCHES: Final = (StandardId.GROUP_SEARCH, StandardId.GROUP_SEARCH_AS_SPECIFIED)
_NAME: Final = re.compile(r"[A-Za-z0-9,._~-]{1,255}", re.ASCII)


class RemoteGroupsError(Exception):
    """A group service did not answer, or not so that it can be understood."""


class Credential(enum.Enum):
    """As whom a group service is asked; the value is that of the setting."""

    # With the bearer token that the caller has shown to us.
    CALLER = "caller"
    # With our own token, naming the caller, which the service must trust us to do.
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """For whom to ask: the name of the account here, and the bearer token it has shown."""

    name: str
    bearer: str | None


class GmsClient:
    """Asks configured group services; shared by all threads of a process.

    `services` maps identifiers (`ivo://authority/gms`) to the URL of their search, or of their
    capabilities, where search is looked up. Redirects are not followed, so a token goes to the
    configured host alone.
    """

    def __init__(
        self,
        *,
        services: Mapping[str, str],
        credential: Credential,
        token: str | None = None,
        timeout_seconds: float,
        concurrent: int,
        ca_file: Path | None = None,
    ) -> None:
        self._credential = credential
        self._token = token
        self._timeout_seconds = timeout_seconds
        self._http = httpx.Client(
            timeout=timeout_seconds,
            follow_redirects=False,
            trust_env=False,
            verify=True if ca_file is None else _trusting(ca_file),
        )
        # Guards sockets and threads: as many questions at one time as there are permits.
        self._permits = threading.BoundedSemaphore(concurrent)
        self._urls = dict(services)
        # Search URLs that capabilities have told; only ever added to, with equal values.
        self._searches: dict[str, str] = {}

    def can_ask_for(self, asker: Asker) -> bool:
        """Whether there is a credential to ask with."""
        return self._credential is Credential.SERVICE or asker.bearer is not None

    def groups_of(self, service_id: str, asker: Asker) -> frozenset[str]:
        """The URIs of all groups of that service to which somebody belongs."""
        if not self._permits.acquire(timeout=self._timeout_seconds):
            raise RemoteGroupsError(f"too many questions to {service_id} at this moment")
        try:
            return self._ask(service_id, asker)
        except (httpx.HTTPError, httpx.InvalidURL, Fault) as error:
            raise RemoteGroupsError(f"{service_id}: {error!r}") from error
        finally:
            self._permits.release()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def _ask(self, service_id: str, asker: Asker) -> frozenset[str]:
        deadline = time.monotonic() + self._timeout_seconds
        url = self._search_url(service_id, deadline)
        if self._credential is Credential.SERVICE:
            parameters = {"userID": asker.name, "idType": "HTTP"}
            token = self._token
        else:
            parameters, token = {}, asker.bearer
        headers = {
            "authorization": f"Bearer {token}",
            "accept": "text/plain",
            # Two services that ask each other would never come to an end.
            "max-forwards": "0",
        }
        body = self._get(url, deadline, MAX_ANSWER_BYTES, headers, parameters)
        return frozenset(f"{service_id}?{name}" for name in _names(service_id, body))

    def _search_url(self, service_id: str, deadline: float) -> str:
        url = self._searches.get(service_id) or self._urls[service_id]
        if not url.rstrip("/").endswith(_CAPABILITIES):
            return url
        offers = read_capabilities(self._get(url, deadline, MAX_CAPABILITIES_BYTES, {}, {}))
        for offer in offers:
            if offer.standard_id in _SEARCHES and offer.interfaces:
                found = offer.interfaces[0].access_url
                if httpx.URL(found).host != httpx.URL(url).host:
                    raise RemoteGroupsError(f"{service_id}: its search is on another host")
                self._searches[service_id] = found
                return found
        raise RemoteGroupsError(f"{service_id}: its capabilities name no search")

    def _get(
        self,
        url: str,
        deadline: float,
        limit_bytes: int,
        headers: Mapping[str, str],
        parameters: Mapping[str, str],
    ) -> bytes:
        """The body of a 200 within the time and the size that are allowed."""
        body = bytearray()
        with self._http.stream("GET", url, headers=headers, params=parameters) as answer:
            if answer.status_code != httpx.codes.OK:
                raise RemoteGroupsError(f"{url} answers {answer.status_code}")
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > limit_bytes:
                    raise RemoteGroupsError(f"{url} answers more than {limit_bytes} bytes")
                if time.monotonic() > deadline:
                    raise RemoteGroupsError(f"{url} takes too long over its answer")
        return bytes(body)


def _names(service_id: str, body: bytes) -> Iterable[str]:
    """The lines of an answer; services end them by LF as well."""
    try:
        names = [line.strip() for line in body.decode("ascii").splitlines()]
    except UnicodeDecodeError as error:
        raise RemoteGroupsError(f"{service_id}: the answer holds no names") from error
    for name in names:
        if name and not _NAME.fullmatch(name):
            raise RemoteGroupsError(f"{service_id}: {name[:40]!r} is not the name of a group")
    return filter(None, names)


def _trusting(ca_file: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)
