"""torchvision.ops; runs only where torchvision imports, which needs a build for the same torch."""

from torchvision import ops

from benchmarks.conformance import draws
from benchmarks.conformance.table import Row, pair

ROWS = [
    *[
        Row(
            ours=f"{ours}(convention=torch)",
            name=function.__name__,
            theirs=pair(function, reduction="mean"),
            draws=draws.boxes,
            unit=1.0,
        )
        for ours, function in (
            ("giou", ops.generalized_box_iou_loss),
            ("diou", ops.distance_box_iou_loss),
            ("ciou", ops.complete_box_iou_loss),
        )
    ],
    *[
        Row(
            ours=f"focal(gamma={gamma}, alpha={alpha})",
            name=f"sigmoid_focal_loss(gamma={gamma}, alpha={alpha})",
            theirs=pair(ops.sigmoid_focal_loss, gamma=gamma, alpha=alpha, reduction="mean"),
            draws=draws.mild_logits,
        )
        for gamma, alpha in ((2, 0.25), (1.5, 0.7))
    ],
]
