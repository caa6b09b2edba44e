"""Refusals for lack of a resource: memory, connections, time, the device, a running process."""

import math
from http import HTTPStatus
from types import MappingProxyType
from typing import ClassVar

from losses.text import Text
from service.problems.refusal import HttpRefusal


class TemporaryReducedCapacity(HttpRefusal):
    """The memory or the threads that the request needs did not become free in time."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    registered = True
    title = Text("Too much is under way", "正在处理的请求过多")
    example: ClassVar = {"wait_s": 1.0}

    def __init__(self, wait_s: float) -> None:
        seconds = max(1, math.ceil(wait_s))
        super().__init__(
            Text(
                f"Other requests hold what this one needs. Send it again in {seconds} s, with its Content-Length.",
                f"其他请求占用了所需资源。请在 {seconds} 秒后带上 Content-Length 重新发送。",
            ),
            retry_after_s=seconds,
        )
        self.headers = {"Retry-After": str(seconds)}


class TooManyConnections(HttpRefusal):
    """The process has as many connections as allowed."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = Text("Too many connections", "连接过多")
    headers = MappingProxyType({"Retry-After": "1"})
    example: ClassVar = {"limit": 1000}

    def __init__(self, limit: int) -> None:
        super().__init__(
            Text(
                "Every connection is taken. Try again in a second, and keep one open for many requests.",
                "连接已全部占用。请一秒后重试,并用一个连接发送多个请求。",
            ),
            limit=limit,
            limit_name="max_connections",
        )


class OutOfMemory(HttpRefusal):
    """The computation ran out of main memory."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = Text("There is too little memory", "内存不足")
    headers = MappingProxyType({"Retry-After": "5"})

    def __init__(self) -> None:
        super().__init__(
            Text(
                "There is too little memory free for this. Send fewer items, or later.",
                "可用内存不足。请减少数据项,或稍后再试。",
            )
        )


class OutOfDeviceMemory(HttpRefusal):
    """The computation ran out of memory on the device."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = Text("The device has too little memory", "设备内存不足")
    headers = MappingProxyType({"Retry-After": "5"})

    def __init__(self) -> None:
        super().__init__(
            Text(
                "The device has too little memory free, for small pieces too. Send fewer items, or later.",
                "设备可用内存不足,分成小块也不够。请减少数据项,或稍后再试。",
            )
        )


class DeviceLost(HttpRefusal):
    """The device has failed; the process ends and is restarted."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = Text("The device failed", "设备故障")
    headers = MappingProxyType({"Retry-After": "5"})

    def __init__(self) -> None:
        super().__init__(
            Text(
                "The device failed, and this process ends; another takes its place. Send it again.",
                "设备故障,此进程将结束,由另一个进程接替。请重新发送。",
            )
        )


class Draining(HttpRefusal):
    """The process is about to end and accepts no more requests."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = Text("This process is about to end", "此进程即将结束")
    headers = MappingProxyType({"Retry-After": "1"})

    def __init__(self) -> None:
        text = Text(
            "It was told to stop. Ask again in a second; another one answers then.",
            "此进程已被要求停止。请一秒后重试,届时由另一个进程回答。",
        )
        super().__init__(text, retry_after_s=1)


class ComputeDeadline(HttpRefusal):
    """The computation took longer than the deadline."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    title = Text("It takes too long", "耗时过长")
    example: ClassVar = {"limit_s": 30.0}

    def __init__(self, limit_s: float) -> None:
        super().__init__(
            Text(
                f"Computing took over {limit_s:g} s. Send fewer items or losses, or raise LOSSARY_COMPUTE_SECONDS.",
                f"计算超过 {limit_s:g} 秒。请减少数据项或损失,或调高 LOSSARY_COMPUTE_SECONDS。",
            ),
            limit=limit_s,
            limit_name="compute_seconds",
        )
