"""The minimum pace of a body: bytes must keep arriving, at a minimum rate after a grace period."""

from losses.text import Text
from service.problems import RequestTimeout

GRACE_S = 5.0  # before the rate counts: connections start slowly


class Pace:
    """The pace of one body. Only time spent waiting for the client counts."""

    def __init__(self, idle_s: float, bytes_per_s: int) -> None:
        self.idle_s, self._bytes_per_s = idle_s, bytes_per_s
        self._waited_s, self._received = 0.0, 0

    def add(self, received: int, waited_s: float) -> None:
        """Count bytes that arrived after a wait, where more are to come.

        Raises: RequestTimeout where nothing arrived within `idle_s`, or the body is too slow.
        """
        self._waited_s += waited_s
        self._received += received
        if not received and waited_s >= self.idle_s:
            raise RequestTimeout(
                Text(f"Nothing of the body came for {self.idle_s:g} s.", f"{self.idle_s:g} 秒内没有收到请求体。")
            )
        if self._waited_s > GRACE_S and self._received < self._waited_s * self._bytes_per_s:
            rate = self._bytes_per_s
            raise RequestTimeout(
                Text(
                    f"The body came more slowly than {rate} bytes a second.", f"请求体的到达速度低于每秒 {rate} 字节。"
                )
            )
