"""Numbers about the running service, for Prometheus."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from whence.api.service import Service
from whence.platform.tables import Job

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class Metrics:
    """The counters of one app."""

    def __init__(self, service: Service) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "whence_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self.latency = Histogram(
            "whence_request_seconds", "Seconds until answered.", ("route",), buckets=SECONDS, registry=self.registry
        )
        self.phases = Histogram(
            "whence_attribution_seconds",
            "Seconds of attributions by phase.",
            ("phase",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.registry.register(_State(service))

    def note_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self.requests.labels(method, route, str(status)).inc()
        self.latency.labels(route).observe(seconds)

    def note_phases(self, phases: dict[str, float]) -> None:
        """Count an attribution."""
        for phase, seconds in phases.items():
            self.phases.labels(phase).observe(seconds)

    def text(self) -> bytes:
        """All numbers in Prometheus' text format."""
        return generate_latest(self.registry)


class _State(Collector):
    """Numbers that are read when they are asked for: the queue and the engines."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def collect(self) -> Iterable[Metric]:
        """The numbers now."""
        jobs = GaugeMetricFamily("whence_jobs", "Fine-tuning jobs by status.", labels=["status"])
        with self.service.database.session() as session:
            for status, count in session.execute(select(Job.status, func.count()).group_by(Job.status)):
                jobs.add_metric([status], count)
        yield jobs
        memory = GaugeMetricFamily("whence_engine_memory_bytes", "Memory of each engine.", labels=["kind", "place"])
        waiting = GaugeMetricFamily(
            "whence_engine_waiting", "Requests in each engine's queue.", labels=["kind", "place"]
        )
        for target, engine in list(self.service.engines.running.items()):
            memory.add_metric([target.kind, target.place], engine.memory)
            waiting.add_metric([target.kind, target.place], self.service.engines.waiting[target])
        yield memory
        yield waiting

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: the database need not be there when the app is made."""
        return ()
