"""Bodies in parts."""

import email
from dataclasses import dataclass
from random import Random

from losses.errors import Refusal
from service.uploads import contents, multipart, query
from service.uploads.formats.registry import DecodingLimit
from tests.fuzz.harnesses.harness import LIMIT, Finding, harness, kept_small


def _form(*parts: tuple[str, bytes], boundary: str = "b", head: str = "") -> bytes:
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{head}\r\n\r\n'.encode() + data + b"\r\n"
        for name, data in parts
    ]
    return b"".join(lines) + f"--{boundary}--\r\n".encode()


FORM = "multipart/form-data; boundary=b"


def _with_type(media: str, *bodies: bytes) -> tuple[bytes, ...]:
    return tuple(media.encode() + b"\n" + data for data in bodies)


@harness(
    *_with_type(
        FORM,
        _form(("request", b'{"loss": "mse"}'), ("predictions", b"1\r\n2"), ("targets", b"")),
        _form(("request", b"{}"), head='; filename="a.npy"\r\nContent-Type: application/json'),
        _form(("request", b"--b"), ('x\\"y', b"\r\n--"), head="; filename*=utf-8''%e2%82%ac"),
    ),
    *_with_type('multipart/form-data; charset=x; boundary="a b"', _form(("mask", b"\0" * 9), boundary="a b")),
    words=(b"--b", b"--b--", b"\r\n", b"\r\n\r\n", b"name=", b'name="', b"filename", b"boundary=", b"name*=utf-8''%ff"),
    share=1,
)
def multipart_body(data: bytes) -> None:
    """A form, whole and in pieces, under any Content-Type; held to Python's email parser where the parts have names."""
    media, _, form = data.partition(b"\n")
    content_type = media.decode("latin-1")
    whole = multipart.Parts(content_type)
    whole.write(form)
    parts, fields = whole.finish()
    pieces = multipart.Parts(content_type)
    for place in range(0, len(form), 7):
        pieces.write(form[place : place + 7])
    if pieces.finish() != (parts, fields):
        raise Finding("In pieces the form is another one.")
    if sum(len(part.data) for part in parts.values()) + sum(len(text) for _, text in fields) > len(form):
        raise Finding("A form became longer.")
    try:
        contents.from_parts(parts, SMALL, DecodingLimit(LIMIT), query.NOTHING)  # type: ignore[arg-type] # the one limit that it asks for
    except Refusal as refusal:
        kept_small(refusal)


@dataclass(frozen=True)
class _Limits:
    max_json_bytes: int = LIMIT


SMALL = _Limits()


@harness(b"abcdef", b"\r\n--edg\0\xff", b"", share=1)
def multipart_built(data: bytes) -> None:
    """A form that is built out of the bytes comes back as it was, and as Python's email parser has it."""
    random = Random(data)
    names = [f"p{place}" for place in range(random.randrange(1, 5))]
    cuts = sorted(random.randrange(len(data) + 1) for _ in names[1:])
    sent = {n: data[a:b] for n, a, b in zip(names, [0, *cuts], [*cuts, len(data)], strict=True)}
    boundary = f"edge{random.randrange(10)}"
    if boundary.encode() in data:
        return
    form = _form(*sent.items(), boundary=boundary, head='; filename="a"')
    parser = multipart.Parts(f"multipart/form-data; boundary={boundary}")
    step = random.randrange(1, 40)
    for place in range(0, len(form), step):
        parser.write(form[place : place + step])
    if {name: part.data for name, part in parser.finish()[0].items()} != sent:
        raise Finding("A form came back as another.")
    if all(32 <= byte < 127 for byte in data):  # printable; email would turn the rest into text
        head = f"Content-Type: multipart/form-data; boundary={boundary}\r\n\r\n".encode()
        theirs = [bytes(part.get_payload(decode=True) or b"") for part in email.message_from_bytes(head + form).walk()][
            1:
        ]
        if theirs != list(sent.values()):
            raise Finding("Python's email parser found something else.")
