"""pytorch_metric_learning.losses."""

import torch
from pytorch_metric_learning import distances, losses, reducers
from torch import Tensor

from benchmarks.conformance import draws
from benchmarks.conformance.table import Explained, Function, Ours, Row, pair


def _triplets(**given: object) -> Function:
    """Return a call on the triplets themselves, not on all that the labels allow."""

    def call(anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        count = len(anchor)
        rows = torch.cat([anchor, positive, negative])
        index = torch.arange(count)
        triplets = (index, index + count, index + 2 * count)
        return losses.TripletMarginLoss(**given)(rows, indices_tuple=triplets)

    return call


def _costly(ours: Ours, **inputs: Tensor) -> Tensor:
    """Return our mean over the triplets that cost something."""
    a, p, n = (torch.nn.functional.normalize(inputs[role]) for role in ("anchor", "positive", "negative"))
    costly = ((a - p).norm(dim=1) - (a - n).norm(dim=1) + 0.05 > 0).double().mean()
    return ours(**inputs) / costly


TRIPLETS = draws.embeddings("anchor", "positive", "negative")

ROWS = [
    Row(
        ours="triplet(margin=0.05, eps=0, normalize=true)",
        name="TripletMarginLoss(reducer=MeanReducer)",
        theirs=_triplets(reducer=reducers.MeanReducer()),
        draws=TRIPLETS,
        unit=1.0,
    ),
    Row(
        ours="triplet(margin=0.05, eps=0, normalize=true)",
        name="TripletMarginLoss",
        theirs=_triplets(),
        draws=draws.first_costs(TRIPLETS),
        unit=1.0,
        explained=Explained(reason="PML averages over the triplets that cost something", by=_costly),
    ),
    Row(
        ours="triplet(margin=1, eps=0, swap=true)",
        name="TripletMarginLoss(margin=1, swap=True, LpDistance(normalize=False), MeanReducer)",
        theirs=_triplets(
            margin=1,
            swap=True,
            distance=distances.LpDistance(normalize_embeddings=False),
            reducer=reducers.MeanReducer(),
        ),
        draws=TRIPLETS,
        unit=3.0,
    ),
    *[
        Row(
            ours=f"nt_xent_labels(temperature={t})",
            name=f"NTXentLoss(temperature={t}), {count} items a label",
            theirs=pair(losses.NTXentLoss(temperature=t)),
            draws=draws.labelled(count),
            unit=1 / t,
        )
        for t in (0.07, 0.5)
        for count in (2, 4)
    ],
    Row(
        ours="nt_xent(temperature=0.5)",
        name="NTXentLoss(temperature=0.5), two views",
        theirs=lambda first, second: losses.NTXentLoss(temperature=0.5)(
            torch.cat([first, second]), torch.arange(len(first)).repeat(2)
        ),
        draws=draws.views,
        unit=2.0,
    ),
    *[
        Row(
            ours=f"supcon(temperature={t})",
            name=f"SupConLoss(temperature={t})",
            theirs=pair(losses.SupConLoss(temperature=t)),
            draws=draws.labelled(3),
            unit=1 / t,
        )
        for t in (0.1, 0.5)
    ],
    Row(
        ours="multi_similarity",
        name="MultiSimilarityLoss",
        theirs=pair(losses.MultiSimilarityLoss()),
        draws=draws.labelled(3),
        unit=1.0,
    ),
    Row(
        ours="n_pairs(normalize=true)",
        name="NPairsLoss",
        theirs=lambda first, second, targets: losses.NPairsLoss()(
            torch.stack([first, second], 1).flatten(0, 1), targets.repeat_interleave(2)
        ),
        draws=draws.numbered(draws.views),
        unit=10.0,
    ),
]
