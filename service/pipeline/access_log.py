"""The outermost step: a request id, a log line and counts for each request."""

import logging
from time import perf_counter

from service.observability.metrics import METHODS, Metrics
from service.pipeline.steps import Call, Head, Step

log = logging.getLogger("lossary")
REFUSED_FROM = 400  # HTTP


class AccessLog(Step):
    """Counts every request and writes a line for it."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def enter(self, call: Call) -> None:
        """Count it as under way."""
        call.started = perf_counter()
        self._metrics.under_way += 1

    def leave(self, call: Call, head: Head) -> None:
        """Say under which id the log has it."""
        head.headers.append((b"x-request-id", call.record.id.encode()))

    def end(self, call: Call) -> None:
        """Write down how it was answered."""
        self._metrics.under_way -= 1
        seconds, record, route = perf_counter() - call.started, call.record, call.match.template
        method = call.scope["method"] if call.scope["method"] in METHODS else "OTHER"
        self._metrics.answered(record, route=route, method=method, status=call.status, seconds=seconds)
        quiet = call.match.properties.quiet and call.status < REFUSED_FROM
        level = logging.DEBUG if quiet else logging.INFO
        if log.isEnabledFor(level):
            facts = {
                "request_id": record.id,
                "method": method,
                "route": route,
                "status": call.status,
                "problem": record.problem,
                "key": record.key,
                "bytes_in": record.bytes_in,
                "bytes_out": record.bytes_out,
                "duration_ms": round(1e3 * seconds, 3),
                "queue_ms": round(record.queue_ms, 3),
                "compute_ms": round(record.compute_ms, 3),
                "items": record.items,
                "losses": list(dict.fromkeys(record.losses)) or None,
            }
            log.log(level, "refused" if record.problem else "answered", extra={"facts": facts})
