"""Calls of the Python client that openapi-generator made; a line of JSON for each. Run beside the package `made`."""

import json
import sys

import made

service = made.ApiClient(made.Configuration(host=sys.argv[1]))
ARRAYS = {"targets": [2.1, 3.9, 6.2, 7.8, 10.1, 40.0], "predictions": [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]}
ROWS = [{"y_true": 1, "y_pred": 2}, {"y_true": 3, "y_pred": 5.5}]

question = made.RecommendRequest.from_dict({"task": "binary", "profile": {"class_imbalance": 1.1}})
measured = made.ProfileApi(service).profile(made.ProfileRequest(task="regression", **ARRAYS)).profile
asked = made.EvaluateRequest(loss=made.Loss(["mse", "mae"]), **ARRAYS)
advice = made.AdviseApi(service).advise(made.AdviseRequest(task="regression", **ARRAYS))
values = {
    "recommend": made.RecommendApi(service).recommend(question).recommended.objective,
    "profile": measured.outlier_rate.actual_instance.value,
    "evaluate": made.EvaluateApi(service).evaluate(asked).results[0].value,
    "advise": advice.recommendation.recommended.objective,
    "losses": made.LossesApi(service).losses().total,
    "curve": made.LossesApi(service).curve("huber", points=5).curves[0].value,
    "create_dataset": made.DatasetsApi(service).create_dataset(made.DatasetRequest(rows=ROWS)).id,
}
for operation, value in values.items():
    print(json.dumps({"operation": operation, "value": value}))
