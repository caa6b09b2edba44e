"""Whether this process takes work; asked by /readyz, and by the transport at every request."""

from dataclasses import dataclass


@dataclass
class Readiness:
    """What keeps this process from taking more work."""

    draining: bool = False  # told to stop; what is still asked is answered
    closing: bool = False  # each connection ends with its answer, so that the client turns to another process
