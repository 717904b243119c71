"""Numbers for operators, as Prometheus reads them: /metrics.

The label of an address is the template of its route, never the address: names of nodes and
tickets stay out of the metrics, and their number stays small.
"""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import override

from vospace_server.http.responses import document

Outcomes = Callable[[], Mapping[tuple[str, str], int]]


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

    def watch_group_services(self, outcomes: Outcomes) -> None:
        """Show from now on how often other group services were asked with what result."""
        self._registry.register(_GroupServiceCounter(outcomes))

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


class _GroupServiceCounter(Collector):
    """Counts that somebody else keeps, read when the numbers are asked for."""

    def __init__(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes

    @override
    def collect(self) -> Iterable[Metric]:
        """The numbers of now."""
        asked = CounterMetricFamily(
            "vospace_group_service_questions",
            "Questions to group services of others",
            labels=("service", "outcome"),
        )
        for labels, number in self._outcomes().items():
            asked.add_metric(labels, number)
        yield asked


class MetricsEndpoint:
    """/metrics, for whoever can reach the port: it tells amounts, no names."""

    def __init__(self, metrics: RequestMetrics) -> None:
        self._metrics = metrics

    async def get(self, _request: Request) -> Response:
        """All numbers."""
        return document(self._metrics.render(), CONTENT_TYPE_PLAIN_0_0_4)


# A client invents methods at will; a label must not grow with them.
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"})
