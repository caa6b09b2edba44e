"""Refusals about what the service stores: datasets, experiments, evaluations, regions of shared memory."""

import math
from http import HTTPStatus
from typing import ClassVar, Literal

from losses.text import Text, paragraph
from service.problems.refusal import HttpRefusal


class UnknownDataset(HttpRefusal):
    """The key that asks has no dataset of this id."""

    status = HTTPStatus.NOT_FOUND
    title = Text("No such dataset", "没有这个数据集")

    def __init__(self) -> None:
        super().__init__(
            Text(
                "There is no dataset of that id, or it has expired. Send it again: POST /v1/datasets.",
                "没有该编号的数据集,或它已过期。请重新发送:POST /v1/datasets。",
            )
        )


class UnknownExperiment(HttpRefusal):
    """The key that asks has no experiment of this id."""

    status = HTTPStatus.NOT_FOUND
    title = Text("No such experiment", "没有这个实验")

    def __init__(self) -> None:
        super().__init__(
            Text(
                "There is no experiment of that id, or it has expired. Ask for it again: POST /v1/experiments.",
                "没有该编号的实验,或它已过期。请重新提出:POST /v1/experiments。",
            )
        )


class UnknownEvaluation(HttpRefusal):
    """The key that asks has no evaluation of this id."""

    status = HTTPStatus.NOT_FOUND
    title = Text("No such evaluation", "没有这个评估")

    def __init__(self) -> None:
        super().__init__(
            Text(
                "There is no evaluation of that id, or it has expired. Ask for it again: POST /v1/evaluations.",
                "没有该编号的评估,或它已过期。请重新提出:POST /v1/evaluations。",
            )
        )


class NoReportYet(HttpRefusal):
    """The experiment has no report yet, since nothing is trained."""

    status = HTTPStatus.CONFLICT
    title = Text("There is no report yet", "尚无报告")
    example: ClassVar = {"status": "queued"}

    def __init__(self, status: str) -> None:
        super().__init__(
            Text(
                f"The experiment is {status}; there is a report once the first models are trained.",
                f"实验状态为 {status};首批模型训练完成后才有报告。",
            )
        )


class IdempotencyKeyReused(HttpRefusal):
    """The idempotency key was used before with another body."""

    status = HTTPStatus.CONFLICT
    title = Text("The Idempotency-Key stands for another experiment", "该 Idempotency-Key 对应另一个实验")

    def __init__(self) -> None:
        super().__init__(
            Text(
                "An experiment with this Idempotency-Key was asked for with another body. Send a new key.",
                "此 Idempotency-Key 已用于另一个请求体的实验。请换一个新的键。",
            )
        )


class TooManyExperiments(HttpRefusal):
    """As many jobs wait as allowed."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    title = Text("Too many experiments wait", "等待中的实验过多")
    example: ClassVar = {"most": 100, "wait_s": 60.0}

    def __init__(self, most: int, wait_s: float) -> None:
        seconds = max(1, math.ceil(wait_s))
        text = Text(
            f"{most} experiments wait or run, as many as may. Ask again later, cancel one, or raise "
            "LOSSARY_MAX_EXPERIMENTS_WAITING.",
            f"已有 {most} 个实验在等待或运行,达到上限。请稍后再试、取消其中一个,或调高 "
            "LOSSARY_MAX_EXPERIMENTS_WAITING。",
        )
        super().__init__(text, most=most, retry_after_s=seconds)
        self.headers = {"Retry-After": str(seconds)}


class InsufficientStorage(HttpRefusal):
    """The disk is full, or the quota of datasets or of experiments is."""

    status = HTTPStatus.INSUFFICIENT_STORAGE
    title = Text("No room on the disk", "磁盘空间不足")
    example: ClassVar = {"quota": None, "kind": "datasets"}

    def __init__(self, quota: int | None, kind: Literal["datasets", "experiments"]) -> None:
        chinese = {"datasets": "数据集", "experiments": "实验"}[kind]
        full = Text("The disk is full.", "磁盘已满。")
        over = Text(f"All {kind} together take at most {quota} bytes.", f"所有{chinese}合计最多 {quota} 字节。")
        way_out = Text(
            f"Nothing was kept. Delete {kind} that are not needed.", f"未保存任何内容。请删除不需要的{chinese}。"
        )
        super().__init__(paragraph(full if quota is None else over, way_out), limit=quota)


class UnknownRegion(HttpRefusal):
    """No region of shared memory has this name."""

    status = HTTPStatus.NOT_FOUND
    title = Text("No such region of shared memory", "没有这个共享内存区域")

    def __init__(self) -> None:
        super().__init__(
            Text(
                "No region of that name is registered; /v2/systemsharedmemory/status lists them.",
                "没有登记该名称的区域;/v2/systemsharedmemory/status 列出全部。",
            )
        )


class RegionExists(HttpRefusal):
    """A region of shared memory with this name exists already."""

    status = HTTPStatus.CONFLICT
    title = Text("A region has this name already", "该名称的区域已存在")

    def __init__(self) -> None:
        super().__init__(
            Text(
                "A shared memory region of that name is already in manager; unregister it first.",
                "该名称的共享内存区域已登记;请先注销它。",
            )
        )


class BadRegion(HttpRefusal):
    """A region of shared memory cannot be used as requested."""

    title = Text("This shared memory cannot be used", "此共享内存无法使用")
    example: ClassVar = {"text": "The region has 8 bytes; the input needs 16."}
