"""The outermost step: gives each request an id, writes its log line and counts it."""

import logging
from time import perf_counter

from service.observability.logs import record_of
from service.observability.metrics import METHODS, Metrics
from service.pipeline.steps import Exchange, Head, Step

log = logging.getLogger("lossary")
REFUSED_FROM = 400  # HTTP


class AccessLog(Step):
    """Counts every request and writes a line for it."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def enter(self, exchange: Exchange) -> None:
        """Count the request as in flight."""
        exchange.started = perf_counter()
        self._metrics.under_way += 1

    def leave(self, exchange: Exchange, head: Head) -> None:
        """Add the request id to the answer."""
        head.headers.append((b"x-request-id", exchange.record.id.encode()))

    def end(self, exchange: Exchange) -> None:
        """Write the log line and count the answer."""
        self._metrics.under_way -= 1
        seconds, record, route = perf_counter() - exchange.started, exchange.record, exchange.match.template
        method = exchange.scope["method"] if exchange.scope["method"] in METHODS else "OTHER"
        self._metrics.answered(record, route=route, method=method, status=exchange.status, seconds=seconds)
        quiet = exchange.match.properties.quiet and exchange.status < REFUSED_FROM
        level = logging.DEBUG if quiet else logging.INFO
        if log.isEnabledFor(level):
            facts = {
                "request_id": record.id,
                "method": method,
                "route": route,
                "status": exchange.status,
                "problem": record.problem,
                "key": record.key,
                "bytes_in": record.bytes_in,
                "bytes_out": record.bytes_out,
                "reserved_bytes": record.reserved_bytes,
                "duration_ms": int(1e6 * seconds) / 1e3,  # whole microseconds; `round` takes three times as long
                "queue_ms": int(1e3 * record.queue_ms) / 1e3,
                "compute_ms": int(1e3 * record.compute_ms) / 1e3,
                "items": record.items,
                "losses": list(dict.fromkeys(record.losses)) or None,
            }
            log.handle(record_of(level, "refused" if record.problem else "answered", facts))
