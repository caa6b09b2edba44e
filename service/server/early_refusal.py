"""What is refused before there is a request, as the bytes of an answer that closes the connection."""

import logging
from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.observability.metrics import Metrics
from service.problems import HttpRefusal, answer
from service.request_record import UNDER_WAY, Record, language_of, new_id

log = logging.getLogger("lossary")


def written(reason: HttpRefusal, headers: Iterable[tuple[bytes, bytes]], metrics: Metrics) -> bytes:
    """Return the answer that a refusal becomes, and log and count it. `headers`: those that have come so far."""
    record = Record(new_id(), language=language_of(dict(headers)))
    token = UNDER_WAY.set(record)
    response = answer(reason)
    UNDER_WAY.reset(token)
    facts = {"request_id": record.id, "status": response.status_code, "problem": record.problem}
    log.info("refused", extra={"facts": facts})
    metrics.rejected.labels(record.problem).inc()
    lines = [STATUS_LINE[response.status_code]]
    for name, value in (*response.raw_headers, (b"connection", b"close")):
        lines += name, b": ", value, b"\r\n"
    return b"".join([*lines, b"\r\n", response.body])
