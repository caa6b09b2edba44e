"""POST /v1/batch: many requests in one, a line each; the answers come in order, each as soon as it is known."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import orjson
from anyio.lowlevel import checkpoint
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from losses.errors import Refusal, did_you_mean
from losses.near import near
from losses.text import Language, Text, listed, paragraph
from service.dependencies import SettingsInForce
from service.pipeline.properties import Access, properties, properties_of
from service.problems import BadEnvelope, BadRequest, TooLarge, UnsupportedFormat, answer, crash, responses
from service.request_record import UNDER_WAY, Record, current
from service.routes.advise import advise
from service.routes.evaluate import evaluate_upload
from service.routes.fields.brief import BriefQuery
from service.routes.fields.language import Spoken
from service.routes.fields.parameters import KNOWN_PARAMETERS
from service.routes.profile import profile
from service.routes.recommend import question, recommend_loss
from service.scheduling import beside_the_loop
from service.uploads.bodies.body import KEY, body_of
from service.uploads.bodies.lines import ReadAhead, TextLine, lines_of, together
from service.uploads.json_bodies.pieces import PIECE
from service.uploads.json_bodies.text import parsed
from service.uploads.media_type import JSON, OCTETS, require
from service.uploads.openapi import BINARY
from service.uploads.upload import receive

router = APIRouter(prefix="/v1", tags=["batch"], dependencies=KNOWN_PARAMETERS)
NDJSON = "application/x-ndjson"
LINES = {**BINARY, "description": f"An object a line. What is sent as {NDJSON} is answered so."}
LINE_HEADERS = [(b"content-type", JSON.encode())]
TURN_S = 1e-3  # small requests come in between; ten recommendations, which are then sent as one
LINE_BEGINNING = re.compile(rb'\s*\{\s*"(\w+)"\s*:')
EXAMPLE = """\
{"recommend": {"task": "binary", "profile": {"class_imbalance": 12}}}
{"evaluate": {"loss": "mae", "predictions": [1.0], "targets": [0.0]}}
"""


async def _recommend(line: Request, language: Language, brief: bool) -> bytes:  # noqa: FBT001 - as the routes have it
    """Return the answer to a line `recommend`."""
    asked, state = await question(line), line.scope["state"]
    answered = await recommend_loss(asked, state["thresholds"], state["settings"], language, Response(), brief)
    return bytes(answered.body) if isinstance(answered, Response) else answered.model_dump_json().encode()


async def _profile(line: Request, language: Language, _: bool) -> bytes:  # noqa: FBT001 - the same
    """Return the answer to a line `profile`."""
    answered = await profile(await receive(line), line.scope["state"]["runtime"], language)
    return answered.model_dump_json(exclude_none=True).encode()


async def _evaluate(line: Request, _language: Language, _: bool) -> bytes:  # noqa: FBT001 - the same
    """Return the answer to a line `evaluate`."""
    return bytes((await evaluate_upload(line)).body)


async def _advise(line: Request, language: Language, _: bool) -> bytes:  # noqa: FBT001 - the same
    """Return the answer to a line `advise`."""
    state = line.scope["state"]
    answered = await advise(
        language=language,
        thresholds=state["thresholds"],
        settings=state["settings"],
        runtime=state["runtime"],
        jobs=state["jobs"],
        response=Response(),
        upload=await receive(line),
    )
    if isinstance(answered, Response):
        return bytes(answered.body)
    return answered.model_dump_json(exclude_unset=True).encode()


@dataclass(frozen=True)
class LineKind:
    """A kind of line: the route that gives the same answer, and the function that answers here."""

    route: Callable[..., Any]
    answered: Callable[[Request, Language, bool], Awaitable[bytes]]

    @property
    def access(self) -> Access:
        """The scope that a key needs for it."""
        stated = properties_of(self.route)
        if stated is None:
            raise TypeError(self.route)
        return stated.access


KINDS = {
    "recommend": LineKind(recommend_loss, _recommend),
    "profile": LineKind(profile, _profile),
    "evaluate": LineKind(evaluate_upload, _evaluate),
    "advise": LineKind(advise, _advise),
}


class Batch:
    """The lines of one request, and their answers."""

    def __init__(self, http: Request, language: Language, *, brief: bool) -> None:
        self._http, self._language, self._brief = http, language, brief
        self._body, self._record = body_of(http), current()

    async def answers(self, asked: AsyncIterator[TextLine]) -> AsyncIterator[bytes]:
        """Yield the answer to each line, as a line.

        Raises: ClientDisconnect; before the first line, what reading the body raises, and BadRequest where it has no
        line.
        """
        answered, turn_began = 0, perf_counter()
        try:
            async for line in asked:
                if self._record.has_left():
                    raise ClientDisconnect
                yield await self._answered(line)
                answered += 1
                if perf_counter() - turn_began > TURN_S:
                    await checkpoint()
                    turn_began = perf_counter()
        except Refusal as refusal:
            if not answered:
                raise
            yield _problem(refusal)  # of the body; what came of it is answered
        if not answered:
            example = EXAMPLE.splitlines()[0]
            raise BadRequest(
                Text(
                    f"The body has no line; send one JSON object a line, such as {example}",
                    f"请求体没有行;请每行发送一个 JSON 对象,如 {example}",
                )
            )
        self._record.items = answered

    async def _answered(self, line: TextLine) -> bytes:
        """Return the answer to a line; a refusal or an error becomes its `problem`."""
        record = Record(self._record.id, self._record.has_left, language=self._record.language, key=self._record.key)
        token = UNDER_WAY.set(record)
        try:
            return await self._outcome(line, record)
        except Refusal as refusal:
            return _problem(refusal, line.number)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - the last word on a fault of ours in one line
            return _problem(error, line.number)
        finally:
            UNDER_WAY.reset(token)
            self._record.compute_ms += record.compute_ms
            self._record.queue_ms += record.queue_ms

    async def _outcome(self, line: TextLine, record: Record) -> bytes:
        """Return the answer to a line as JSON, after admitting it by key and rate like a request of its own."""
        scope, settings = self._http.scope, self._http.scope["state"]["settings"]
        if line.text is None:
            way_out = Text("Send arrays of this length alone.", "这样长的数组请单独发送。")
            raise TooLarge(Text("The line", "该行"), settings.max_json_bytes, "max_json_bytes", way_out)
        sent = line.text
        name, text = await beside_the_loop(lambda: split_line(sent), len(sent))
        kind, keys = KINDS[name], scope["state"]["keys"]
        if keys is not None:
            keys.admit(scope, kind.access)
        body = self._body.part(text, record)
        asked = {**scope, "query_string": b"", "headers": LINE_HEADERS, KEY: body}
        try:
            answered = await kind.answered(Request(asked), self._language, self._brief)
        except BadEnvelope:
            await beside_the_loop(lambda: _refuse_more_members(sent), len(sent))
            raise
        finally:
            body.close()
        return b'{"%b":%b}\n' % (name.encode(), answered)


class BatchResponse(Response):
    """A response whose lines are sent as soon as they are known."""

    def __init__(self, first: bytes, rest: AsyncIterator[bytes], ahead: ReadAhead, headers: Mapping[str, str]) -> None:
        super().__init__(headers=headers)
        del self.headers["content-length"]
        self._first, self._rest, self._ahead = first, rest, ahead

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the answers, while the body is still being read."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._send(send, self._first)
            async for pieces in together(self._rest):
                await self._send(send, pieces)
            await self._send(send, b"", more=False)
        finally:
            self._ahead.close()

    async def _send(self, send: Send, piece: bytes, *, more: bool = True) -> None:
        """Send a piece of the answer; the body may be read ahead meanwhile."""
        with self._ahead.answering():
            await send({"type": "http.response.body", "body": piece, "more_body": more})


@router.post(
    "/batch",
    name="batch",
    summary="Answer many questions in one request",
    response_class=Response,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {OCTETS: {"schema": LINES, "examples": {"two questions": {"value": EXAMPLE}}}},
        }
    },
    responses=responses(BadEnvelope, BadRequest, TooLarge, UnsupportedFormat)
    | {200: {"description": "An answer a line.", "content": {OCTETS: {"schema": LINES}, NDJSON: {"schema": LINES}}}},
)
@properties("any key")
async def ask_batch(
    http: Request,
    settings: SettingsInForce,
    language: Spoken,
    response: Response,
    brief: BriefQuery = False,  # noqa: FBT002 - as FastAPI has it
) -> Response:
    """Answer each line as the request that it stands for would be answered, in order, each as soon as it is known.

    A line is an object with one member: `recommend`, `profile`, `evaluate` or `advise`, and what would be the JSON body
    of that request. So is its answer; where that is a refusal the member is `problem`, with the number of the line, and
    the lines after it are answered all the same. Each line counts against the rate of the key, and needs its scope.
    """
    media = require(http, NDJSON, OCTETS)
    body = body_of(http)
    chunks = body.chunks(settings.max_stream_bytes, "max_stream_bytes", kept=False)
    ahead = ReadAhead(chunks, settings.data, settings.max_body_bytes)
    answers = Batch(http, language, brief=brief).answers(
        lines_of(ahead.read, settings.max_json_bytes, body.reserve_bytes)
    )
    try:
        first = await anext(answers)
    except BaseException:
        ahead.close()
        raise
    return BatchResponse(first, answers, ahead, {**response.headers, "content-type": media})


def split_line(line: bytearray) -> tuple[str, bytearray]:
    """Return the kind of a line, and the question that it contains.

    Raises: BadEnvelope, BadRequest.
    """
    beginning, end = LINE_BEGINNING.match(line), line.rstrip()
    if beginning is None or not end.endswith(b"}"):
        _refuse_more_members(line)
        raise _one_member()
    name = beginning[1].decode()
    if name not in KINDS:
        close, kinds = near(name, KINDS), listed(KINDS)
        none = Text(f"A line asks {kinds.en}; this asks none of them.", f"每行是 {kinds.zh} 之一的请求;此行都不是。")
        raise BadRequest(paragraph(none, did_you_mean(close)), did_you_mean=close)
    start = beginning.end()
    return name, bytearray(b" " * start) + end[start:-1]


def _refuse_more_members(line: bytearray) -> None:
    """Refuse a line that is not an object with one member; a long line is not parsed again.

    Raises: BadRequest; BadEnvelope where it is not JSON.
    """
    if len(line) <= PIECE and len(parsed(line)) != 1:
        raise _one_member()


def _one_member() -> BadRequest:
    """Return the refusal of a line that is not an object with one member."""
    return BadRequest(
        Text(
            f"A line is an object with one member, one of {', '.join(KINDS)}.",
            f"每行是只有一个成员的对象,成员为 {', '.join(KINDS)} 之一。",
        )
    )


def _problem(error: Exception, line: int | None = None) -> bytes:
    """Return the line that answers a request line with a problem."""
    response = answer(error) if isinstance(error, Refusal) else crash(error)
    problem = orjson.loads(response.body)
    return orjson.dumps({"problem": problem if line is None else {**problem, "line": line}}) + b"\n"
