"""Every refusal leaves as application/problem+json (RFC 9457): small, true, with the way out, never an echo.

losses.errors.Refusal    422: the content is wrong
└── HttpRefusal          the same, with a status of its own
    ├── BadEnvelope      400: the body cannot be read at all
    ├── BadRequest       422: the body reads, and fields of it are wrong
    ├── BadRegion        422: shared memory that cannot be used
    ├── Unauthorized     401
    ├── Forbidden        403: the key may not do this
    ├── AddressNotAllowed 403: of a dataset
    ├── ForeignOrigin    403: a page of another site asks
    ├── BadHeaders       400: headers that contradict one another
    ├── NotFound         404: no such path
    ├── UnknownPath      404: a loss or a model in a path that is none
    ├── MethodNotAllowed 405
    ├── UnknownDataset   404
    ├── UnknownExperiment, UnknownEvaluation 404
    ├── UnknownRegion    404: of shared memory
    ├── RegionExists     409
    ├── IdempotencyKeyReused 409: with another body
    ├── NoReportYet      409: nothing is trained yet
    ├── RequestTimeout   408: the body stalled
    ├── TooLarge         413
    ├── RequestUriTooLong 414
    ├── UnsupportedFormat 415
    ├── QuotaExceeded    429
    ├── TooManyExperiments 429: as many wait as may
    ├── TemporaryReducedCapacity 503: shed
    ├── OutOfMemory, OutOfDeviceMemory, DeviceLost, TooManyConnections 503
    ├── Draining         503: the process ends
    ├── ComputeDeadline  504
    └── InsufficientStorage 507: the disk, or the quota of datasets or experiments, is full
"""

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from http import HTTPStatus
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException

from losses.errors import Refusal, did_you_mean, pointer
from losses.field_errors import field_error
from losses.near import near
from losses.text import Text, both, in_language, listed, paragraph
from service.request_record import current

log = logging.getLogger("lossary")
MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 10
MOST_MEMBERS = 1024  # of all objects in the fields of a request; each that is wrong takes 10 us to say so
Model = TypeVar("Model", bound=BaseModel)
Nearest = Callable[[str, Iterable[str]], str | None]
IANA = "https://iana.org/assignments/http-problem-types#"  # draft-ietf-httpapi-ratelimit-headers-11
IS_AN_INPUT = Text("it is an input, and belongs in the body as an array", "它是输入,应作为数组放在请求体中")
AT_THE_TOP = Text("at the top level, beside the other members", "顶层,与其他成员并列")
LONGEST_TEXT = 300  # characters of one member; ten errors and the rest stay under 4 KiB


class HttpRefusal(Refusal):
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    registered = False  # its type is one of IANA's, not of ours
    slug: str | None = None  # the last part of its type, where the class does not name it
    headers: Mapping[str, str] = MappingProxyType({})


class BadEnvelope(HttpRefusal):
    status = HTTPStatus.BAD_REQUEST
    title = Text("The body cannot be read", "请求体无法读取")


class BadRequest(HttpRefusal):
    title = Text("Fields of the request are wrong", "请求的字段有误")


class Unauthorized(HttpRefusal):
    status = HTTPStatus.UNAUTHORIZED
    title = Text("A key is needed", "需要密钥")

    def __init__(self, text: str | Text, challenge: str) -> None:
        super().__init__(text)
        self.headers = {"WWW-Authenticate": challenge}


class Forbidden(HttpRefusal):
    status = HTTPStatus.FORBIDDEN
    title = Text("The key may not do this", "此密钥无权执行该操作")

    def __init__(self, scope: str) -> None:
        text = Text(
            f"The key lacks the scope {scope}. Use a key that has it; an operator adds it to `scopes` in LOSSARY_KEYS.",
            f"此密钥缺少权限 {scope}。请使用具有该权限的密钥;运维人员可在 LOSSARY_KEYS 的 `scopes` 中添加。",
        )
        super().__init__(text, scope=scope)
        self.headers = {"WWW-Authenticate": f'Bearer realm="lossary", error="insufficient_scope", scope="{scope}"'}


class UnknownPath(HttpRefusal):
    status = HTTPStatus.NOT_FOUND
    title = Text("Nothing is here", "此处没有内容")


class UnknownDataset(HttpRefusal):
    status = HTTPStatus.NOT_FOUND
    title = Text("No such dataset", "没有这个数据集")

    def __init__(self) -> None:
        super().__init__(
            Text(
                "There is no dataset of that id, or it has expired. Send it again: POST /v1/datasets.",
                "没有该编号的数据集,或它已过期。请重新发送:POST /v1/datasets。",
            )
        )


class AddressNotAllowed(HttpRefusal):
    status = HTTPStatus.FORBIDDEN
    title = Text("This address may not be read", "不得读取此地址")


class UnknownExperiment(HttpRefusal):
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
    status = HTTPStatus.CONFLICT
    title = Text("There is no report yet", "尚无报告")

    def __init__(self, status: str) -> None:
        super().__init__(
            Text(
                f"The experiment is {status}; there is a report once the first models are trained.",
                f"实验状态为 {status};首批模型训练完成后才有报告。",
            )
        )


class IdempotencyKeyReused(HttpRefusal):
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
    status = HTTPStatus.TOO_MANY_REQUESTS
    title = Text("Too many experiments wait", "等待中的实验过多")

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
    status = HTTPStatus.INSUFFICIENT_STORAGE
    title = Text("No room on the disk", "磁盘空间不足")

    def __init__(self, quota: int | None, what: Literal["datasets", "experiments"]) -> None:
        chinese = {"datasets": "数据集", "experiments": "实验"}[what]
        full = Text("The disk is full.", "磁盘已满。")
        over = Text(f"All {what} together take at most {quota} bytes.", f"所有{chinese}合计最多 {quota} 字节。")
        way_out = Text(
            f"Nothing was kept. Delete {what} that are not needed.", f"未保存任何内容。请删除不需要的{chinese}。"
        )
        super().__init__(paragraph(full if quota is None else over, way_out), limit=quota)


class UnknownRegion(HttpRefusal):
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
    title = Text("This shared memory cannot be used", "此共享内存无法使用")


class NotFound(HttpRefusal):
    status = HTTPStatus.NOT_FOUND
    title = Text("Not Found", "未找到")

    def __init__(self, suggestion: str | None = None) -> None:
        text = paragraph(
            Text("There is no such path.", "没有这个路径。"),
            did_you_mean(suggestion),
            Text("All are listed at /openapi.json and shown at /docs.", "全部路径列于 /openapi.json,并见 /docs。"),
        )
        super().__init__(text, did_you_mean=suggestion)


class MethodNotAllowed(HttpRefusal):
    status = HTTPStatus.METHOD_NOT_ALLOWED
    title = Text("Method Not Allowed", "不允许的方法")

    def __init__(self, method: str, allowed: list[str]) -> None:
        names, asked = listed(allowed), method[:20]
        text = Text(f"{asked} is not answered here; {names.en} are.", f"此处不支持 {asked};支持 {names.zh}。")
        super().__init__(text, allowed=allowed)
        self.headers = {"Allow": names.en}


class BadHeaders(HttpRefusal):
    status = HTTPStatus.BAD_REQUEST
    title = Text("The headers contradict one another", "请求头相互矛盾")


class ForeignOrigin(HttpRefusal):
    status = HTTPStatus.FORBIDDEN
    title = Text("A page of another site may not ask this", "其他站点的页面不得发出此请求")

    def __init__(self) -> None:
        super().__init__(
            Text(
                "A browser sent this for a page of another origin. Name that origin in LOSSARY_CORS_ORIGINS to allow "
                "it.",
                "浏览器代另一个源的页面发出了此请求。如需允许,请在 LOSSARY_CORS_ORIGINS 中写明该源。",
            )
        )


class RequestTimeout(HttpRefusal):
    status = HTTPStatus.REQUEST_TIMEOUT
    title = Text("The body did not arrive in time", "请求体未按时到达")
    headers = MappingProxyType({"Connection": "close"})


class TooLarge(HttpRefusal):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = Text("Too large", "过大")

    def __init__(self, what: str | Text, limit: int, setting: str | None, way_out: str | Text) -> None:
        named = both(what)
        over = Text(f"{named.en} is over {limit}.", f"{named.zh}超过 {limit}。")
        super().__init__(paragraph(over, way_out), limit=limit, limit_name=setting)


class UnsupportedFormat(HttpRefusal):
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    title = Text("A format that is not read here", "不支持的格式")

    def __init__(self, text: str | Text, accepted: Iterable[str]) -> None:
        super().__init__(text, accepted=list(accepted))


class RequestUriTooLong(HttpRefusal):
    status = HTTPStatus.REQUEST_URI_TOO_LONG
    title = Text("The URL is too long", "URL 过长")

    def __init__(self, limit: int) -> None:
        super().__init__(Text(f"The URL is over {limit} bytes.", f"URL 超过 {limit} 字节。"))


class QuotaExceeded(HttpRefusal):
    status = HTTPStatus.TOO_MANY_REQUESTS
    registered = True
    title = Text("Too many requests for this key", "此密钥的请求过多")

    def __init__(self, wait_s: float, headers: Mapping[str, str]) -> None:
        seconds = max(1, math.ceil(wait_s))
        text = Text(
            f"This key has used up its requests; the next is answered in {seconds} s.",
            f"此密钥的请求数已用完;{seconds} 秒后可再次请求。",
        )
        super().__init__(text, retry_after_s=seconds, **{"violated-policies": ["default"]})
        self.headers = {**headers, "Retry-After": str(seconds)}


class TemporaryReducedCapacity(HttpRefusal):
    status = HTTPStatus.SERVICE_UNAVAILABLE
    registered = True
    title = Text("Too much is under way", "正在处理的请求过多")

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
    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = Text("Too many connections", "连接过多")
    headers = MappingProxyType({"Retry-After": "1"})

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
    status = HTTPStatus.GATEWAY_TIMEOUT
    title = Text("It takes too long", "耗时过长")

    def __init__(self, limit_s: float) -> None:
        super().__init__(
            Text(
                f"Computing took over {limit_s:g} s. Send fewer items or losses, or raise LOSSARY_COMPUTE_SECONDS.",
                f"计算超过 {limit_s:g} 秒。请减少数据项或损失,或调高 LOSSARY_COMPUTE_SECONDS。",
            ),
            limit=limit_s,
            limit_name="compute_seconds",
        )


class Problem(BaseModel):
    """What went wrong (RFC 9457). Other members name the facts: role, expected, got, index, did_you_mean, ..."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[
        str, Field(description="What kind of refusal, for programs.", examples=["urn:lossary:shape-mismatch"])
    ]
    title: Annotated[str, Field(description="The same in a few words.", examples=["Shapes do not fit"])]
    status: Annotated[int, Field(description="That of the response.", examples=[422])]
    detail: Annotated[
        str,
        Field(
            description="What was wanted, what came, and the way out.",
            examples=["targets must have axes (n), got shape [2, 1]. Send targets[:, 0]."],
        ),
    ]
    instance: Annotated[
        str,
        Field(
            description="The request, as the service's log has it.",
            examples=["urn:lossary:request:5f0c8d2e9b7a41d3a6e4c1b2f8d07e95"],
        ),
    ]


def slug(kind: type[Refusal]) -> str:
    """Return the last part of the problem's type: ShapeMismatch is shape-mismatch."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).lstrip("-")


def type_of(kind: type[Refusal]) -> str:
    """Return the type of the problems that a kind of refusal becomes."""
    name = (issubclass(kind, HttpRefusal) and kind.slug) or slug(kind)
    return f"{IANA}{name}" if issubclass(kind, HttpRefusal) and kind.registered else f"urn:lossary:{name}"


def status_of(kind: type[Refusal]) -> int:
    """Return the status that a kind of refusal is answered with."""
    return int(kind.status) if issubclass(kind, HttpRefusal) else int(HTTPStatus.UNPROCESSABLE_ENTITY)


def problem(
    status: int,
    title: Text,
    detail: Text,
    kind: str,
    facts: Mapping[str, object],
    headers: Mapping[str, str] | None = None,
    *,
    registered: bool = False,
) -> Response:
    """Return a problem as a response, in the language of the request.

    `instance` is the request id, under which the log has it too.
    """
    record = current()
    record.problem = kind
    said = in_language(detail, record.language)
    members = {
        "type": f"{IANA}{kind}" if registered else f"urn:lossary:{kind}",
        "title": in_language(title, record.language),
        "status": status,
        "detail": said,
        "instance": record.instance,
    }
    if record.open_inference:
        members["error"] = said
    by_language = {**(headers or {}), "Vary": "Accept-Language"}
    return Response(orjson.dumps({**members, **facts}), status, by_language, MEDIA_TYPE)


def answer(refusal: Refusal) -> Response:
    """Return a refusal as a response."""
    kind = slug(type(refusal))
    if not isinstance(refusal, HttpRefusal):
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, refusal.title, refusal.text, kind, refusal.facts)
    return problem(
        refusal.status,
        refusal.title,
        refusal.text,
        refusal.slug or kind,
        refusal.facts,
        refusal.headers,
        registered=refusal.registered,
    )


def crash(error: Exception) -> Response:
    """Return what is said of a fault of ours; the log alone has the error, under the same id."""
    title = Text("Internal error", "内部错误")
    detail = Text(
        "This is our fault; the log has the details under `instance`.",
        "这是服务自身的错误;详情见日志中的 `instance`。",
    )
    response = problem(500, title, detail, "internal", {})
    log.error("crashed", exc_info=error, extra={"facts": {"request_id": current().id}})
    return response


def responses(*kinds: type[Refusal]) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of an endpoint that may refuse in these ways."""
    titles: dict[int, list[str]] = {}
    for kind in kinds:
        titles.setdefault(status_of(kind), []).append(kind.title.en)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": "; ".join(said), "content": content, "model": Problem}
        for status, said in titles.items()
    }


def wrong_fields(
    errors: Iterable[Mapping[str, Any]],
    known: Mapping[str, tuple[str, ...]],
    within: tuple[str, ...] = (),
    nearest: Nearest = near,
) -> BadRequest:
    """Return a refusal that names the first fields that are wrong, where they stand and what they should be.

    `known` has the members inside which each field of the request stands. `nearest` returns what the name of no field
    may stand for: one of them, or an input.
    """
    entries: list[dict[str, str]] = []
    messages: list[Text] = []
    total = 0
    for error in errors:
        total += 1
        if len(entries) < MOST_ERRORS:
            entry, message = _field(error, known, within, nearest)
            entries.append(entry)
            messages.append(message)
    first, message = entries[0], messages[0]
    where = first["pointer"]
    wrong = Text(f"{where or 'The body'}: {message.en}.", f"{where or '请求体'}:{message.zh}。")
    more = Text(f"({total} fields are wrong.)", f"(共有 {total} 个字段有误。)") if total > 1 else ""
    text = paragraph(wrong, did_you_mean(first.get("did_you_mean")), more)
    return BadRequest(text, errors=entries, errors_total=total)


def _field(
    error: Mapping[str, Any], known: Mapping[str, tuple[str, ...]], within: tuple[str, ...], nearest: Nearest
) -> tuple[dict[str, str], Text]:
    """Return an entry of `errors`, which is the same in every language, and its message in both."""
    where = [str(part) for part in (*within, *error["loc"]) if part not in ("body", "query", "path")]
    unknown = error["type"] == "extra_forbidden"
    message = field_error(error)
    if unknown:
        message = Text("there is no such field", message.zh)
    suggestion = nearest(where[-1], known) if unknown and where else None
    if suggestion and suggestion == where[-1] and suggestion not in known:
        message, suggestion = IS_AN_INPUT, None
    if suggestion and suggestion == where[-1]:  # it exists, but elsewhere
        inside = known[suggestion]
        home = Text(f"inside `{'.'.join(inside)}`", f"`{'.'.join(inside)}` 之内") if inside else AT_THE_TOP
        message = Text(
            f"there is no such field here; `{suggestion}` belongs {home.en}",
            f"此处没有这个字段;`{suggestion}` 应在{home.zh}",
        )
        suggestion = None
    parts = [part for part in where[:-1] if "[" not in part] + [
        part for part in where[-1:] if unknown or "[" not in part
    ]
    english = message.en[:LONGEST_TEXT]
    entry = {"pointer": pointer(*parts), "code": str(error["type"]), "message": english}
    named = {**entry, "did_you_mean": suggestion} if suggestion else entry
    return named, Text(english, message.zh[:LONGEST_TEXT])


def validated(model: type[Model], data: object, *within: str, nearest: Nearest = near) -> Model:
    """Return `data` as a model. `nearest` returns what the name of an unknown field may stand for.

    Raises: BadRequest with every wrong field, and the near name of an unknown one.
    """
    members = _members(data)
    if members > MOST_MEMBERS:
        many = Text(
            f"The fields have {members} members; at most {MOST_MEMBERS} are read.",
            f"各字段共有 {members} 个成员;最多读取 {MOST_MEMBERS} 个。",
        )
        raise BadRequest(many, limit=MOST_MEMBERS)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        raise wrong_fields(errors, field_places(model), within, nearest) from None


def _members(data: object) -> int:
    """Return how many members all objects in some JSON have."""
    if isinstance(data, dict):
        return len(data) + sum(map(_members, data.values()))
    if isinstance(data, list) and data and isinstance(data[0], dict | list):
        return sum(map(_members, data))
    return 0


@cache
def field_places(model: type[BaseModel]) -> Mapping[str, tuple[str, ...]]:
    """Return every field of a model and of the models that are its members, with the members that lead to it."""
    places: dict[str, tuple[str, ...]] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            for inner, path in field_places(field.annotation).items():
                places.setdefault(inner, (name, *path))
    return {**places, **dict.fromkeys(model.model_fields, ())}


def raise_refusals(app: FastAPI) -> None:
    """Have FastAPI raise a Refusal for what it would answer by itself; the pipeline answers it."""

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        raise wrong_fields(error.errors(), {})

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            raise MethodNotAllowed(request.method, ["GET", "HEAD"])  # of files: routes are refused before
        raise NotFound
