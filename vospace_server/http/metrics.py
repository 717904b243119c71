"""Numbers for operators, as Prometheus reads them: /metrics.

The label of an address is the template of its route, never the address: names of nodes and
tickets stay out of the metrics, and their number stays small.
"""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response

from vospace_server.http.responses import document


class RequestMetrics:
    """The counters of one application; each application has its own registry."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._requests = Counter(
            "vospace_requests",
            "Requests answered",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "vospace_request_seconds",
            "Time from the request line to the last byte of the answer",
            ("method", "route"),
            registry=self._registry,
            buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 60, 600),
        )
        self._received = Counter(
            "vospace_received_bytes", "Bytes of request bodies", registry=self._registry
        )
        self._sent = Counter(
            "vospace_sent_bytes", "Bytes of answers' bodies", registry=self._registry
        )

    def count(
        self,
        *,
        method: str,
        route: str,
        status: int,
        seconds: float,
        received_bytes: int,
        sent_bytes: int,
    ) -> None:
        """Account for one request that has ended."""
        known_method = method if method in _METHODS else "OTHER"
        self._requests.labels(known_method, route, str(status)).inc()
        self._seconds.labels(known_method, route).observe(seconds)
        self._received.inc(received_bytes)
        self._sent.inc(sent_bytes)

    def render(self) -> bytes:
        """All numbers in Prometheus' text format."""
        return generate_latest(self._registry)


class MetricsEndpoint:
    """/metrics, for whoever can reach the port: it tells amounts, no names."""

    def __init__(self, metrics: RequestMetrics) -> None:
        self._metrics = metrics

    async def get(self, _request: Request) -> Response:
        """All numbers."""
        return document(self._metrics.render(), CONTENT_TYPE_PLAIN_0_0_4)


# A client invents methods at will; a label must not grow with them.
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"})
