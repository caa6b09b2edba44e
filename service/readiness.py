"""Whether this process accepts work; read by /readyz, and by the connection at every request."""

from dataclasses import dataclass


@dataclass
class Readiness:
    """Whether the process is draining, and whether its device has failed."""

    lost: bool = False  # its device answers nothing any more, and never will to this process
    draining: bool = False  # told to stop; what is still asked is answered
    closing: bool = False  # each connection ends with its answer, so that the client turns to another process
