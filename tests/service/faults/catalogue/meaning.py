"""What reads and makes no sense."""

from tests.service.faults.fault import OK, Fault, as_json


def asks(
    id_: str,
    what: str,
    loss: str,
    predictions: object,
    targets: object,
    status: int = 422,
    *,
    says: str = "",
    instead: str = "",
) -> Fault:
    """Return a fault in what is to be evaluated."""
    body = {"loss": loss, "predictions": predictions, "targets": targets}
    return as_json(id_, what, body, status, says=says, instead=instead)


FAULTS = (
    asks("H01", "three against two", "mse", [1, 2, 3], [1, 2], says="[2]"),
    asks("H02", "(n, 1) against (n)", "mse", [[1], [2]], [1, 2]),
    asks("H03", "no items and other axes", "mse", [], [[1]]),
    asks("H04", "an id that is C", "ce", [[0.0, 0.0]], [2], says="0 to 1"),
    asks("H04", "an id of 2^40", "ce", [[0.0, 0.0]], [2**40]),
    asks("H04", "an id of -1", "ce", [[0.0, 0.0]], [-1]),
    asks("H05", "one-hot for ids", "ce", [[0.0, 0.0]], [[1, 0]]),
    asks("H06", "probabilities past 1", "bce(from_logits=false)", [1.5], [1]),
    asks("H08", "a negative count", "poisson_nll", [1.0], [-1.0]),
    asks("H04", "an id that is no whole number", "ce", [[0.0, 0.0]], [0.5]),
    asks("H12", "an unknown loss", "focl", [1], [1], says="Did you mean focal?", instead="DESIGN: 404 is for paths"),
    asks("H13", "a negative delta", "huber(delta=-1)", [1], [1], says="delta"),
    asks("H13", "gamma of 1e308", "focal(gamma=1e308)", [1], [1], says="gamma"),
    asks("H13", "alpha that is no number", "focal(alpha=nan)", [1], [1]),
    asks("H14", "an unknown parameter", "focal(gama=2)", [1], [1], says="gamma"),
    asks("H23", "code for a loss", "__import__('os').system('true')", [1], [1]),
    asks("H23", "a call of a call", "mse()()", [1], [1]),
    asks("H23", "a sum without end", "+".join(["mse"] * 5000), [1], [1]),
    as_json("H20", "negative weights", {**OK, "weights": [-1, 1]}, 422),
    as_json("H20", "weights too few", {**OK, "weights": [1]}, 422),
    as_json("H20", "a mask of halves", {**OK, "mask": [0.5, 1]}, 422),
    as_json(
        "H15",
        "more numbers than JSON carries",
        {"loss": "mse", "predictions": [1] * 100_001, "targets": [1] * 100_001, "options": {"reduction": "none"}},
        413,
        says="x-npy",
    ),
    as_json("H21", "an option that is no setting of ours", {**OK, "options": {"device": "cuda"}}, 422),
    as_json(
        "H24",
        "a sparse payload",
        {**OK, "predictions": {"indices": [[5]], "values": [1]}},
        422,
        says="list",
        instead="JSON is a format that is read; an object is no array in it",
    ),
)
