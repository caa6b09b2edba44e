"""JSON bodies."""

from tests.service.faults.fault import OK, RECOMMEND, Fault, as_json

DEEP = 100_000
UNREADABLE, WRONG = "bad-envelope", "bad-request"

FAULTS = (
    as_json("B01", "truncated JSON", '{"loss": "mse", "pred', 400, kind=UNREADABLE, says="character"),
    as_json("B02", "empty body", "", 422, kind=WRONG, says="/docs"),
    as_json("B03", "100,000 nested lists", "[" * DEEP, 400, kind=UNREADABLE),
    as_json("B03", "250,000 nested lists, closed", "[" * 250_000 + "]" * 250_000, 400, kind=UNREADABLE),
    as_json(
        "B04",
        "900 lists in a text field",
        '{"loss": ' + "[" * 900 + "]" * 900 + "}",
        400,
        says="100 levels",
        instead="deeper than 100 levels is refused before it is parsed, as B03 is",
    ),
    as_json("B04", "90 lists in a text field", '{"loss": ' + "[" * 90 + "]" * 90 + "}", 422),
    as_json(
        "B04",
        "1,000 lists and a quote",
        '{"loss": ' + "[" * 1000 + '"' + '\\"' + '"' + "]" * 1000 + "}",
        400,
        instead="as above",
    ),
    as_json("B05", "NaN", '{"loss": "mse", "predictions": [NaN], "targets": [1]}', 400, says="NaN"),
    as_json("B05", "Infinity", '{"loss": "mse", "predictions": [Infinity], "targets": [1]}', 400, says=".npy"),
    as_json(
        "B06",
        "1e400",
        '{"loss": "mse", "predictions": [1, 1e400], "targets": [1, 1]}',
        400,
        kind=UNREADABLE,
        instead="the parser refuses a number no float64 holds, and says where",
    ),
    as_json(
        "B07",
        "5,000-digit integer",
        '{"loss": "mse", "predictions": [' + "9" * 5000 + '], "targets": [1]}',
        400,
        instead="no float64 holds it",
    ),
    as_json(
        "B08", "4,000-digit integer", '{"loss": ' + "9" * 4000 + "}", 400, instead="no float64 holds it, as in B07"
    ),
    as_json(
        "B09",
        "lone surrogate",
        b'{"loss": "\\ud800", "predictions": [1], "targets": [1]}',
        400,
        instead="such a text is no Unicode; the parser says where it stops being JSON",
    ),
    as_json("B10", "invalid UTF-8", b'{"loss": "\xff\xfe"}', 400, kind=UNREADABLE),
    as_json(
        "B12", "a key twice", '{"loss": "mse", "loss": "mae", "predictions": [1], "targets": [1]}', 400, says="twice"
    ),
    as_json("B13", "unknown key", {**OK, "reducton": "sum"}, 422, says="no such field"),
    as_json("B13", "unknown option", {**OK, "options": {"reducton": "sum"}}, 422, says="reduction"),
    as_json("B14", "200,000 wrong elements", {**OK, "loss": [1] * 200_000}, 422),
    as_json("B14", "200,000 words for numbers", {**OK, "predictions": ["x"] * 200_000}, 422),
    as_json(
        "B15",
        "5 MB of junk text",
        '{"loss": "' + "x" * 5_000_000 + '"}',
        422,
        instead="so much is JSON that may be sent; B23 goes past the limit",
    ),
    as_json(
        "B16", "true and text among numbers", '{"loss": "mse", "predictions": [true, "3"], "targets": [1, 2]}', 422
    ),
    as_json("B16", "true among numbers", '{"loss": "mse", "predictions": [true, 3], "targets": [1, 2]}', 422),
    Fault("B17", "text/plain", 415, headers={"content-type": "text/plain"}, body=b"mse", says="Content-Type"),
    Fault(
        "B17",
        "text/csv",
        422,
        headers={"content-type": "text/csv"},
        body=b"1,2",
        instead="CSV is read; loss= is missing",
    ),
    Fault("B17", "no content type", 415, body=b"{}"),
    as_json("B20", "a list", "[]", 422, kind=WRONG),
    as_json("B20", "a number", "1", 422, kind=WRONG),
    as_json("B20", "null", "null", 422, kind=WRONG),
    as_json("B21", "numbers as text", {**OK, "predictions": ["1_000", "0x10"]}, 422),
    as_json("B21", "a number among spaces", {**OK, "predictions": [" 1 ", 2]}, 422),
    as_json("H01", "ragged lists", {**OK, "predictions": [[1], [1, 2]]}, 422, says="length"),
    as_json("I01", "no task", {}, 422, kind="no-task", says="regression", path=RECOMMEND),
    as_json(
        "I02",
        "a misspelt task",
        {"task": "clasification"},
        422,
        kind="unknown-task",
        says="Did you mean multiclass?",
        path=RECOMMEND,
    ),
    as_json(
        "I03",
        "rates out of range",
        {"task": "regression", "profile": {"outlier_rate": 1.5}},
        422,
        says="/profile/outlier_rate: Write a number between 0 and 1",
        path=RECOMMEND,
    ),
    as_json(
        "I03", "a negative count", {"task": "regression", "profile": {"n": -3}}, 422, says="/profile/n", path=RECOMMEND
    ),
    as_json(
        "I03",
        "imbalance below 1",
        {"task": "binary", "profile": {"class_imbalance": 0.5}},
        422,
        says="/profile/class_imbalance: Write a number of at least 1",
        path=RECOMMEND,
    ),
    as_json(
        "I03",
        "an interval without its value",
        {"task": "regression", "profile": {"outlier_rate": {"value": 0.5, "interval": [0.1, 0.2]}}},
        422,
        says="/profile/outlier_rate",
        path=RECOMMEND,
    ),
    as_json("I07", "200,000 letters for a task", {"task": "x" * 200_000}, 413, kind="too-large", path=RECOMMEND),
    as_json(
        "I07",
        "an unknown fact",
        {"task": "regression", "profile": {"outlier_rat": 0.1}},
        422,
        says="Did you mean outlier_rate?",
        path=RECOMMEND,
    ),
    as_json("K06", "a URL", {**OK, "url": "http://169.254.169.254/"}, 422, says="no such field"),
    as_json("K06", "a URL for numbers", {**OK, "predictions": "file:///etc/passwd"}, 422, says="list"),
    as_json("I07", "10,000 bins", {"task": "regression", "profile": {"histogram": [1] * 10_000}}, 422, path=RECOMMEND),
)
