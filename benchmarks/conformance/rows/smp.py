"""segmentation_models_pytorch.losses.

The package as a whole imports timm and torchvision, neither of which its losses need, so the folder of the losses is
loaded by itself, as it was installed.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from benchmarks.conformance import draws
from benchmarks.conformance.table import Explained, Function, Row, pair

NAME = "smp_losses"


def _folder() -> ModuleType:
    package = importlib.util.find_spec("segmentation_models_pytorch")
    folder = Path(package.submodule_search_locations[0]) / "losses"
    spec = importlib.util.spec_from_file_location(
        NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)
    return module


losses = _folder()
functional = importlib.import_module(f"{NAME}._functional")


def _from_one_hot(loss: Function) -> Function:
    return lambda predictions, targets: loss(predictions, targets.argmax(1))


def _in_float32(loss: Function) -> Function:
    """Return a call for a loss that fails on float64."""
    return lambda predictions, targets: loss(predictions.float(), targets.float())


ROWS = [
    *[
        Row(
            ours=f"{ours}(convention=smp{extra}{', activation=sigmoid' if mode == 'multilabel' else ''})",
            name=f"{kind.__name__}({mode}{shown}){', an empty class' if empty else ''}",
            theirs=_from_one_hot(kind(mode, **given)) if mode == "multiclass" else pair(kind(mode, **given)),
            draws=draws.masks(1 if mode == "binary" else 4, empty=empty),
            unit=1.0,
        )
        for mode in ("binary", "multiclass", "multilabel")
        for ours, extra, shown, kind, given in (
            ("dice", "", "", losses.DiceLoss, {}),
            ("dice", ", smooth=1", ", smooth=0.5", losses.DiceLoss, {"smooth": 0.5}),
            ("jaccard", "", "", losses.JaccardLoss, {}),
            (
                "tversky",
                ", alpha=0.3, beta=0.7",
                ", alpha=0.3, beta=0.7",
                losses.TverskyLoss,
                {"alpha": 0.3, "beta": 0.7},
            ),
        )
        for empty in (False, True)
    ],
    Row(
        ours="dice(convention=smp)",
        name="DiceLoss(multiclass, class_weights)",
        theirs=lambda predictions, targets, class_weights: losses.DiceLoss(
            "multiclass", class_weights=class_weights.tolist()
        )(predictions, targets.argmax(1)),
        draws=draws.with_class_weights(draws.masks(4)),
        unit=1.0,
        narrow=True,
    ),
    Row(
        ours="focal_tversky(group=batch, smooth=0, empty=zero, alpha=0.3, beta=0.7, gamma=1.25)",
        name="TverskyLoss(binary, alpha=0.3, beta=0.7, gamma=0.8)",
        theirs=pair(losses.TverskyLoss("binary", alpha=0.3, beta=0.7, gamma=0.8)),
        draws=draws.masks(1),
        unit=1.0,
    ),
    *[
        Row(
            ours=f"focal(convention=smp, gamma=2, alpha={'none' if alpha is None else alpha})",
            name=f"FocalLoss({mode}, alpha={alpha})",
            theirs=pair(losses.FocalLoss(mode, alpha=alpha)),
            draws=draws.masks(1 if mode == "binary" else 4),
        )
        for mode in ("binary", "multilabel")
        for alpha in (None, 0.25)
    ],
    Row(
        ours="focal(convention=smp)",
        name="FocalLoss(multiclass), one class against the rest",
        theirs=_from_one_hot(losses.FocalLoss("multiclass")),
        draws=draws.masks(4),
    ),
    Row(
        ours="focal_softmax",
        name="softmax_focal_loss_with_logits",
        theirs=pair(functional.softmax_focal_loss_with_logits),
        draws=draws.pixel_ids(4),
    ),
    Row(
        ours="bce(convention=smp)",
        name="SoftBCEWithLogitsLoss",
        theirs=pair(losses.SoftBCEWithLogitsLoss()),
        draws=draws.masks(1),
    ),
    *[
        Row(
            ours=f"sparse_categorical_ce(convention=smp, label_smoothing={smooth})",
            name=f"SoftCrossEntropyLoss(smooth_factor={smooth})",
            theirs=pair(losses.SoftCrossEntropyLoss(smooth_factor=smooth)),
            draws=draws.pixel_ids(4),
        )
        for smooth in (0.0, 0.1)
    ],
    Row(
        ours="sparse_categorical_ce",
        name="SoftCrossEntropyLoss(smooth_factor=0), some ignored",
        theirs=pair(losses.SoftCrossEntropyLoss(smooth_factor=0.0)),
        draws=draws.pixel_ids(4, ignored=-100),
        explained=Explained(
            reason="smp keeps ignored pixels in the denominator",
            by=lambda ours, targets, **rest: (targets >= 0).double().mean() * ours(targets=targets, **rest),
        ),
    ),
    Row(
        ours="wing(convention=smp)",
        name="wing_loss",
        theirs=pair(functional.wing_loss),
        draws=draws.numbers,
    ),
    Row(
        ours="wing(width=10, curvature=2)",
        name="wing_loss(width=10, curvature=2)",
        theirs=pair(functional.wing_loss, width=10, curvature=2),
        draws=draws.numbers,
    ),
    Row(
        ours="mcc(convention=smp)",
        name="MCCLoss",
        theirs=pair(losses.MCCLoss()),
        draws=draws.as_probabilities(draws.masks(1)),
        unit=1.0,
    ),
    *[
        Row(
            ours=f"lovasz_softmax(convention=smp{', group=image' if by_image else ''})",
            name=f"LovaszLoss(multiclass, per_image={by_image}){', an absent class' if empty else ''}",
            theirs=_in_float32(_from_one_hot(losses.LovaszLoss("multiclass", per_image=by_image))),
            draws=draws.masks(4, empty=empty),
            unit=1.0,
        )
        for by_image in (False, True)
        for empty in (False, True)
    ],
    *[
        Row(
            ours=f"lovasz_hinge(convention=smp{', group=image' if by_image else ''})",
            name=f"LovaszLoss(binary, per_image={by_image})",
            theirs=_in_float32(losses.LovaszLoss("binary", per_image=by_image)),
            draws=draws.masks(1),
        )
        for by_image in (False, True)
    ],
]
