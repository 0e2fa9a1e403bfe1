"""Numbers for a monitoring system, in the text format of Prometheus: of this process only.

Labels are methods, templates of routes and statuses, never an id, a path or a name; a method or a
path that we do not know is one label, or anybody could fill our memory with new ones. What the
ledger itself tells (positions, lag) is read when it is asked for. Read next: `readiness.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.readiness import Reach

MEDIA = "text/plain; version=0.0.4; charset=utf-8"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT")
BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds


class Metrics:
    """The counts of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        asked = ("method", "route")
        self.requests = Counter(
            "probant_http_requests",
            "Requests answered; status 0: the caller left before.",
            (*asked, "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "probant_http_request_seconds",
            "Time from the first byte of a request to the last of its answer.",
            asked,
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        known = method if method in METHODS else "other"
        series = self._series.get((known, route, status))
        if series is None:  # found once: the library's search costs more than counting
            counter = self.requests.labels(known, route, str(status))
            series = counter, self.seconds.labels(known, route)
            self._series[known, route, status] = series
        series[0].inc()
        series[1].observe(seconds)

    def text(self, reach: Reach) -> bytes:
        """All of it, for whoever scrapes, with how far the log and its seal reach now."""
        told = CollectorRegistry()
        told.register(_Reaching(reach))
        return generate_latest(self.registry) + generate_latest(told)


class _Reaching(Collector):
    """How far the log reaches, as gauges."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach

    def collect(self) -> Iterator[Metric]:
        """Each number that is known."""
        reach = self.reach
        for name, meaning, value in (
            ("probant_log_position", "The last position of the log.", reach.position),
            ("probant_log_sealed", "How many events the seal covers.", reach.sealed),
            (
                "probant_seal_lag_seconds",
                "Age of the oldest event that waits for its seal; 0 when none does.",
                reach.lag,
            ),
            ("probant_signer_up", "1 when the signer answers.", reach.signer),
        ):
            if value is not None:
                yield GaugeMetricFamily(name, meaning, value=float(value))
