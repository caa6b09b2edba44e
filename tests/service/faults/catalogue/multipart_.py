"""Multipart bodies and negotiation."""

from tests.service.faults.fault import Fault, multipart, named, npy
from tests.service.packing import PACKERS

MIB = 1 << 20
REQUEST = (named("request"), b'{"loss": "mse"}')
PREDICTIONS, TARGETS = (named("predictions", "p.npy"), npy([1.0, 2.0])), (named("targets", "t.npy"), npy([1.0, 2.0]))
TYPE = "multipart/form-data; boundary=b"


def parts(
    id_: str, what: str, body: bytes, status: int, *, type_: str = TYPE, says: str = "", instead: str = ""
) -> Fault:
    """Return a fault in a multipart body."""
    return Fault(id_, what, status, says=says, headers={"content-type": type_}, body=body, instead=instead)


FAULTS = (
    parts("C01", "no boundary", multipart(REQUEST), 400, type_="multipart/form-data", says="boundary"),
    parts(
        "C02", "no final boundary", multipart(REQUEST, PREDICTIONS, TARGETS, end=False), 400, says="closing boundary"
    ),
    parts("C03", "300-letter boundary", multipart(REQUEST), 400, type_=f"multipart/form-data; boundary={'b' * 300}"),
    parts("C04", "1,500 parts", multipart(*[(named(f"p{i}", "x"), b"") for i in range(1500)]), 400, says="parts"),
    parts(
        "C05",
        "2 MB of text for a file",
        multipart(REQUEST, (named("predictions"), b"1" * (2 << 20)), TARGETS),
        415,
        instead="whatever stands in a part, it is told by its first bytes, and these are of no format that is read",
    ),
    parts(
        "C06",
        "an array as a text field",
        multipart(REQUEST, (named("predictions"), b"[1, 2]"), TARGETS),
        415,
        says="numpy.save",
        instead="as C05",
    ),
    parts("C07", "a part twice", multipart(REQUEST, PREDICTIONS, PREDICTIONS, TARGETS), 422, says="twice"),
    parts("C09", "100 KB part header", multipart((named("request", more="x" * 100_000), b"{}")), 400),
    parts(
        "C10",
        "5 MB preamble",
        b"\r\n" * 2_500_000 + multipart(REQUEST),
        422,
        instead="a preamble is legal and skipped; the inputs are missing",
    ),
    parts(
        "C10", "5 MB epilogue", multipart(REQUEST) + b"\r\n" * 2_500_000, 422, instead="skipped; the inputs are missing"
    ),
    parts("C11", "a Content-Type full of backslashes", b"", 400, type_='multipart/form-data; !="' + "\\" * 20_000),
    parts(
        "C12",
        "a form of 5,000 fields",
        b"&".join(b"a=1" for _ in range(5000)),
        415,
        type_="application/x-www-form-urlencoded",
    ),
    parts(
        "C15",
        "nested multipart",
        multipart(REQUEST, (named("predictions") + "\r\nContent-Type: multipart/mixed; boundary=c", b"--c--"), TARGETS),
        415,
    ),
    parts(
        "C15",
        "base64",
        multipart(REQUEST, (named("predictions", "p") + "\r\nContent-Transfer-Encoding: base64", b"k05VTVBZ"), TARGETS),
        415,
    ),
    Fault(
        "A24",
        "half of a gzip",
        400,
        headers={"content-type": "application/json", "content-encoding": "gzip"},
        body=b"\x1f\x8b",
        says="Content-Encoding",
        instead="gzip is read, and this is cut short",
    ),
    Fault(
        "A24",
        "a coding that is not read",
        415,
        headers={"content-type": "application/json", "content-encoding": "br"},
        body=b"\x1f\x8b",
        says="zstd",
    ),
    Fault(
        "A25",
        "a gzip bomb",
        413,
        headers={"content-type": "application/x-npy", "content-encoding": "gzip"},
        body=129 * PACKERS["gzip"](bytes(MIB)),
        says="max_body_bytes",
    ),
    Fault(
        "A25",
        "a zstd bomb",
        413,
        headers={"content-type": "application/json", "content-encoding": "zstd"},
        body=65 * PACKERS["zstd"](bytes(MIB)),
        says="max_json_bytes",
    ),
    Fault(
        "A25",
        "a zstd that is none",
        400,
        headers={"content-type": "application/json", "content-encoding": "zstd"},
        body=b"\x28\xb5\x2f\xfd\xa4" + b"\xff" * 100,
        instead="zstd is read, and this is damaged",
    ),
    Fault("A22", "a method that is not answered", 405, method="DELETE", says="Allow"),
    Fault("A22", "TRACE", 405, method="TRACE"),
    Fault("K07", "a path that climbs", 404, method="GET", path="/v1/losses/..%2f..%2fetc%2fpasswd"),
    Fault("K07", "a zero byte in a path", 404, method="GET", path="/v1/losses/%00"),
    Fault("H12", "an unknown loss in a path", 404, method="GET", path="/v1/losses/focl", says="focal"),
)
