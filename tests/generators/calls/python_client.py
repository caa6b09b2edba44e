"""Calls of the client that openapi-python-client made; a line of JSON for each. Run beside the package `made`."""

import json
import sys

from made.api.advise import advise
from made.api.datasets import create_dataset
from made.api.evaluate import evaluate
from made.api.losses import curve, losses
from made.api.profile import profile
from made.api.recommend import recommend
from made.client import Client
from made.models import AdviseRequest, DatasetRequest, EvaluateRequest, ProfileRequest, RecommendRequest

service = Client(base_url=sys.argv[1])
ARRAYS = {"targets": [2.1, 3.9, 6.2, 7.8, 10.1, 40.0], "predictions": [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]}
ROWS = [{"y_true": 1, "y_pred": 2}, {"y_true": 3, "y_pred": 5.5}]

question = RecommendRequest.from_dict({"task": "binary", "profile": {"class_imbalance": 1.1}})
measured = profile.sync(client=service, body=ProfileRequest(task="regression", **ARRAYS)).profile
asked = EvaluateRequest(loss=["mse", "mae"], **ARRAYS)
advice = advise.sync(client=service, body=AdviseRequest(task="regression", **ARRAYS))
table = DatasetRequest.from_dict({"rows": ROWS})
values = {
    "recommend": recommend.sync(client=service, body=question).recommended.objective,
    "profile": measured.outlier_rate.value,
    "evaluate": evaluate.sync(client=service, body=asked).results[0].value,
    "advise": advice.recommendation.recommended.objective,
    "losses": losses.sync(client=service).total,
    "curve": curve.sync("huber", client=service, points=5).curves[0].value,
    "create_dataset": create_dataset.sync(client=service, body=table).id,
}
for operation, value in values.items():
    print(json.dumps({"operation": operation, "value": value}))
