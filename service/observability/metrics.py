"""Prometheus metrics: bounded labels, base units, one registry for each application.

With PROMETHEUS_MULTIPROC_DIR set before anything is imported, the workers write to files in that folder, and each
worker answers for all.
"""

from collections.abc import Iterator
from importlib.metadata import version as installed
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from losses.errors import Refusal
from service.budget import Budget
from service.observability import shared_counts
from service.observability.buffered import BufferedCounter, BufferedHistogram, MetricBuffer
from service.problems import slug
from service.request_record import Record
from service.settings import memory_limit

# OpenTelemetry's buckets for http.server.request.duration, and three below them: a small request takes 2 ms.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 120)
BYTES = tuple(4**power for power in range(5, 16))  # 1 KiB to 1 GiB
METHODS = frozenset(  # others are counted as OTHER
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
)
INTERNAL = "internal"  # the reason of an answer that is a fault of ours
CLIENT_GONE = 499  # nginx's status for a client that closed first; nothing was answered


def _reasons(kind: type[Refusal]) -> Iterator[str]:
    """Yield the names of all concrete refusals of a kind."""
    below = kind.__subclasses__()
    if not below:
        yield slug(kind)
    for each in below:
        yield from _reasons(each)


class _AnswerMetrics(NamedTuple):
    """The metrics of answers with one route, method and status."""

    requests: BufferedCounter
    seconds: BufferedHistogram
    body: BufferedHistogram
    answer: BufferedHistogram


class Metrics:
    """The metrics of this process."""

    def __init__(self) -> None:
        if shared_counts.is_shared():
            shared_counts.ask_for_room()
        self.registry = own = CollectorRegistry()
        self.requests = Counter(
            "lossary_http_requests_total", "Requests answered.", ["route", "method", "status"], registry=own
        )
        self.seconds = Histogram(
            "lossary_http_request_duration_seconds",
            "Time from the head of a request to the end of its answer.",
            ["route"],
            buckets=SECONDS,
            registry=own,
        )
        self.body = Histogram(
            "lossary_request_body_bytes", "Bytes of request bodies.", ["route"], buckets=BYTES, registry=own
        )
        self.answer = Histogram(
            "lossary_response_body_bytes", "Bytes of answer bodies.", ["route"], buckets=BYTES, registry=own
        )
        self.queued = Histogram(
            "lossary_queue_wait_seconds",
            "Time that requests waited for memory and for a thread.",
            buckets=SECONDS,
            registry=own,
        )
        self.computed = Histogram(
            "lossary_compute_duration_seconds",
            "Time of computing losses or measuring data.",
            buckets=SECONDS,
            registry=own,
        )
        self.rejected = Counter("lossary_rejected_total", "Requests refused.", ["reason"], registry=own)
        self.evaluations = Counter(
            "lossary_evaluations_total", "Terms of objectives evaluated.", ["loss"], registry=own
        )
        self.under_way = 0  # requests; written to its gauge by `refresh`
        self._budgets: tuple[Budget, Budget] | None = None
        self._in_flight = self._gauge("lossary_in_flight_requests", "Requests under way.")
        self.reserved = self._gauge("lossary_reserved_bytes", "Memory reserved for requests under way.")
        self.reservable = self._gauge("lossary_reservable_bytes", "Memory that can be reserved.")
        self.waiting = self._gauge(
            "lossary_queue_length", "Requests that wait, by the resource that they wait for.", ["resource"]
        )
        self._unfinished = self._shared("lossary_experiments_unfinished", "Experiments that wait or run.")
        self._oldest = self._shared(
            "lossary_experiments_oldest_seconds", "Age of the oldest experiment that has not ended."
        )
        self._stored = self._shared("lossary_stored_bytes", "Bytes stored, by kind.", ["kind"])
        self._buffer = MetricBuffer()
        self._kinds: dict[tuple[str, str, int], _AnswerMetrics] = {}
        self._by_loss: dict[str, BufferedCounter] = {}
        self._queued, self._computed = [BufferedHistogram(each, self._buffer) for each in (self.queued, self.computed)]
        Gauge(
            "lossary_memory_limit_bytes",
            "Memory of this container or machine.",
            registry=own,
            multiprocess_mode="livemax",
        ).set(memory_limit())
        self._build = Gauge(
            "lossary_build_info",
            "Always 1; the labels name the versions and the device.",
            ["version", "torch", "device"],
            registry=own,
            multiprocess_mode="livemax",
        )
        self._started = Counter("lossary_workers_started_total", "Worker processes started.", registry=own)
        self._workers = self._gauge("lossary_workers", "Worker processes that serve.")
        if not shared_counts.is_shared():  # in the other case these would be of the one worker that was asked
            ProcessCollector(registry=own)

    def _gauge(self, name: str, meaning: str, labels: list[str] | None = None) -> Gauge:
        """Return a gauge that is summed over the workers."""
        return Gauge(name, meaning, labels or [], registry=self.registry, multiprocess_mode="livesum")

    def _shared(self, name: str, meaning: str, labels: list[str] | None = None) -> Gauge:
        """Return a gauge that all workers set to the same quantity, so that the latest value counts."""
        return Gauge(name, meaning, labels or [], registry=self.registry, multiprocess_mode="livemostrecent")

    def kept(self, unfinished: int, oldest_s: float, datasets: int, experiments: int) -> None:
        """Set the gauges of the job queue and of stored bytes."""
        self._unfinished.set(unfinished)
        self._oldest.set(oldest_s)
        self._stored.labels("datasets").set(datasets)
        self._stored.labels("experiments").set(experiments)

    def built(self, version: str, device: str) -> None:
        """Record the versions and the device of this process, once."""
        self._started.inc()
        self._workers.set(1)
        self._build.labels(version, installed("torch"), device).set(1)
        for reason in (INTERNAL, *_reasons(Refusal)):  # from 0 on, so that the first of a kind is an increase
            self.rejected.labels(reason)

    def watch(self, memory: Budget, threads: Budget) -> None:
        """Create the gauges of two budgets: the amount reserved, and the number of callers that wait."""
        self.reservable.set(memory.total)
        self._budgets = memory, threads
        self.refresh()

    def refresh(self) -> None:
        """Set the gauges and write buffered counts.

        It is called before each scrape, and every second where another worker may answer the scrape; not with every
        request, since setting a gauge takes as long as a small loss.
        """
        self._buffer.write()
        self._in_flight.set(self.under_way)
        if self._budgets is not None:
            memory, threads = self._budgets
            self.reserved.set(memory.total - memory.free)
            self.waiting.labels("memory").set(memory.waiting)
            self.waiting.labels("thread").set(threads.waiting)

    def answered(self, record: Record, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        kind = self._kinds.get((route, method, status)) or self._kind(route, method, status)
        kind.requests.inc()
        kind.seconds.observe(seconds)
        if record.bytes_in:
            kind.body.observe(record.bytes_in)
        if record.bytes_out:
            kind.answer.observe(record.bytes_out)
        if record.problem is not None:
            self.rejected.labels(record.problem).inc()
        if record.compute_ms:
            self._queued.observe(record.queue_ms / 1e3)
            self._computed.observe(record.compute_ms / 1e3)
        for loss in record.losses:
            (self._by_loss.get(loss) or self._of_loss(loss)).inc()

    def _kind(self, route: str, method: str, status: int) -> _AnswerMetrics:
        """Return the metrics of answers of this kind; cached, since calling `labels` takes 10 us."""
        own = self._buffer
        counted = self._kinds[route, method, status] = _AnswerMetrics(
            BufferedCounter(self.requests.labels(route, method, str(status)), own),
            BufferedHistogram(self.seconds.labels(route), own),
            BufferedHistogram(self.body.labels(route), own),
            BufferedHistogram(self.answer.labels(route), own),
        )
        return counted

    def _of_loss(self, loss: str) -> BufferedCounter:
        """Return the count of evaluations of a loss."""
        counter = self._by_loss[loss] = BufferedCounter(self.evaluations.labels(loss), self._buffer)
        return counter

    def page(self) -> bytes:
        """Return the metrics in Prometheus' text format, of all workers where they share a folder."""
        self.refresh()
        return shared_counts.page_of_all() if shared_counts.is_shared() else generate_latest(self.registry)
