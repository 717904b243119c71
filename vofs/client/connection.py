"""One pool of connections to a service, and the border at which httpx's errors become ours."""

import contextlib
import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from vofs.client.credentials import Anonymous, Credentials, auth_of, tls_context
from vofs.client.deadline import Deadline, operation_deadline
from vofs.client.errors import BrokenOff, MalformedAnswer, TimedOut, Unreachable
from vofs.client.faults import raise_for_fault
from vofs.client.retrying_transport import RetryConfig, RetryingTransport
from vofs.client.traffic import CountingTransport, Traffic

USER_AGENT = "mountvofs (vospace)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionConfig:
    """How the service is spoken to."""

    retry: RetryConfig = field(default_factory=RetryConfig)
    # Certificate authorities besides the system's, for a private service.
    ca_file: Path | None = None
    max_connections: int = 64
    # uvicorn and nginx close idle connections after 5 s and more; closing first avoids the
    # race in which a request that may not be repeated meets a closing connection.
    idle_seconds: float = 4.0


class Connection:
    """Sends requests and raises our errors: Fault, Unreachable, TimedOut, MalformedAnswer.

    Safe for any number of threads. It must be made after the last fork.
    """

    def __init__(
        self,
        *,
        config: ConnectionConfig,
        credentials: Credentials | None = None,
        traffic: Traffic | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.config = config
        self.traffic = traffic or Traffic()
        self.credentials = credentials or Anonymous()
        self.tls: ssl.SSLContext = tls_context(self.credentials, ca_file=config.ca_file)
        limits = httpx.Limits(
            max_connections=config.max_connections,
            max_keepalive_connections=config.max_connections,
            keepalive_expiry=config.idle_seconds,
        )
        inner = transport or httpx.HTTPTransport(verify=self.tls, limits=limits)
        self._http = httpx.Client(
            transport=RetryingTransport(CountingTransport(inner, self.traffic), config.retry),
            auth=auth_of(self.credentials),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        )

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def deadline(self) -> Deadline:
        """A new bound for one operation."""
        return operation_deadline(self.config.retry.operation_seconds)

    def request(  # noqa: PLR0913 -- the parts of an HTTP request
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterable[bytes] | None = None,
        json: Any = None,
        follow: bool = True,
        deadline: Deadline | None = None,
    ) -> httpx.Response:
        """The whole answer; raises the fault that it carries."""
        request = self._http.build_request(
            method,
            url,
            params=params,
            headers=headers,
            content=content,
            json=json,
            extensions={"deadline": deadline or self.deadline(), "whole": True},
        )
        with translated(url):
            response = self._http.send(request, follow_redirects=follow)
        raise_for_fault(response)
        return response

    @contextlib.contextmanager
    def stream(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        deadline: Deadline | None = None,
    ) -> Iterator[httpx.Response]:
        """The answer as it arrives; raises the fault that it carries.

        Errors while the caller reads the body are translated as well.
        """
        request = self._http.build_request(
            method,
            url,
            params=params,
            headers=headers,
            json=json,
            extensions={"deadline": deadline or self.deadline()},
        )
        with translated(url):
            response = self._http.send(request, stream=True, follow_redirects=True)
            try:
                raise_for_fault(response)
                yield response
            finally:
                response.close()


@contextlib.contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn httpx's errors into ours, each to the most specific one."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise TimedOut(f"{_host(url)} didn't answer in time") from error
    except httpx.ConnectError as error:
        raise Unreachable(f"{_host(url)} can't be reached: {error}") from error
    except httpx.RemoteProtocolError as error:
        raise BrokenOff(f"{_host(url)} broke off its answer: {error}") from error
    except httpx.NetworkError as error:
        raise BrokenOff(f"the connection to {_host(url)} broke: {error}") from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise MalformedAnswer(f"the answer of {_host(url)} can't be used: {error}") from error


def _host(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return url
    return f"{parsed.host}:{parsed.port}" if parsed.port else parsed.host
