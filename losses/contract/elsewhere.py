"""Losses of other libraries that are not single losses of the catalogue: sums of ours, or losses that we do not have.

Source: torch 2.13, Keras 3.15, optax 0.2.8, MONAI 1.6, segmentation_models.pytorch 0.6, kornia 0.9,
pytorch-metric-learning 2.9, scikit-learn 1.9.
"""

from dataclasses import dataclass

from losses.text import Text

TITLES = {
    "keras": "Keras",
    "kornia": "kornia",
    "monai": "MONAI",
    "optax": "optax",
    "pml": "pytorch-metric-learning",
    "sklearn": "scikit-learn",
    "smp": "segmentation_models.pytorch",
    "torch": "torch",
    "": "other libraries",
}


@dataclass(frozen=True)
class Elsewhere:
    """Losses of one other library that the catalogue lacks under these names.

    Attributes:
        library: The library's prefix in dotted names; empty where several libraries have such a loss.
        names: The names in that library.
        task: The task of `/v1/losses?task=` that they are for; empty where it is none of the catalogue.
        instead: Expressions that give the same number; several where a setting of the library's loss chooses.
    """

    library: str
    names: tuple[str, ...]
    task: str = ""
    instead: tuple[str, ...] = ()

    def sentence(self, name: str) -> Text:
        """Return the advice what to write instead of the library's `name`, or where to look for another loss."""
        english = f"{name} of {TITLES[self.library]}"
        chinese = f"{TITLES[self.library] if self.library else '其他库'} 的 {name}"
        if self.instead:
            written = f"{english} is written here as {' or '.join(self.instead)}."
            return Text(written, f"{chinese} 在此写作 {' 或 '.join(self.instead)}。")
        if not self.task:
            here = Text("all are at /v1/losses", "全部见 /v1/losses")
        else:
            path = f"/v1/losses?task={self.task}"
            here = Text(f"losses for {self.task} are at {path}", f"{self.task} 的损失见 {path}")
        return Text(f"{english} is not in the catalogue; {here.en}.", f"{chinese} 不在目录中;{here.zh}。")


ELSEWHERE = (
    Elsewhere("monai", ("DiceCELoss", "dice_ce"), "segmentation", ("dice(convention=monai) + categorical_ce",)),
    Elsewhere(
        "monai",
        ("DiceFocalLoss", "dice_focal"),
        "segmentation",
        ("dice(convention=monai, activation=sigmoid) + focal(convention=monai)",),
    ),
    Elsewhere(
        "monai",
        ("GeneralizedDiceFocalLoss", "generalized_dice_focal"),
        "segmentation",
        ("generalized_dice(convention=monai, activation=sigmoid) + focal(convention=monai)",),
    ),
    Elsewhere("", ("DiceBCELoss", "BCEDiceLoss", "dice_bce", "bce_dice"), "segmentation", ("dice + bce",)),
    Elsewhere(
        "smp", ("LovaszLoss",), "segmentation", ("lovasz_softmax(convention=smp)", "lovasz_hinge(convention=smp)")
    ),
    Elsewhere("optax", ("l2_loss",), "regression", ("0.5*mse",)),
    Elsewhere("sklearn", ("brier_score_loss", "brier_score", "brier"), "binary", ("mse",)),
    Elsewhere("sklearn", ("mean_tweedie_deviance", "mean_poisson_deviance", "d2_tweedie_score"), "count"),
    Elsewhere("torch", ("AdaptiveLogSoftmaxWithLoss", "LinearCrossEntropyLoss", "linear_cross_entropy"), "multiclass"),
    Elsewhere("torch", ("HingeEmbeddingLoss", "hinge_embedding_loss"), "similarity"),
    Elsewhere("torch", ("TripletMarginWithDistanceLoss", "triplet_margin_with_distance_loss"), "similarity"),
    Elsewhere("keras", ("Circle", "circle"), "similarity"),
    Elsewhere("optax", ("perceptron_loss", "sparsemax_loss"), "binary"),
    Elsewhere("optax", ("multiclass_perceptron_loss", "multiclass_sparsemax_loss"), "multiclass"),
    Elsewhere("optax", ("make_fenchel_young_loss", "ctc_loss_with_forward_probs")),
    Elsewhere("optax", ("kl_divergence_with_log_targets",), "distillation"),
    Elsewhere("optax", ("multiclass_generalized_dice_loss",), "segmentation"),
    Elsewhere(
        "monai",
        (
            "BoundaryLoss",
            "GeneralizedWassersteinDiceLoss",
            "generalized_wasserstein_dice",
            "LogHausdorffDTLoss",
            "AsymmetricUnifiedFocalLoss",
            "NACLLoss",
            "SoftDiceclDiceLoss",
            "DeepSupervisionLoss",
            "MaskedLoss",
            "MultiScaleLoss",
        ),
        "segmentation",
    ),
    Elsewhere("monai", ("AUCMLoss",), "binary"),
    Elsewhere("monai", ("PatchAdversarialLoss", "PerceptualLoss", "JukeboxLoss", "SURELoss"), "generation"),
    Elsewhere(
        "monai",
        (
            "BendingEnergyLoss",
            "DiffusionLoss",
            "GlobalMutualInformationLoss",
            "LocalNormalizedCrossCorrelationLoss",
        ),
    ),
    Elsewhere("kornia", ("HausdorffERLoss", "HausdorffERLoss3D"), "segmentation"),
    Elsewhere(
        "kornia",
        (
            "InverseDepthSmoothnessLoss",
            "inverse_depth_smoothness_loss",
            "MS_SSIMLoss",
            "MILossFromRef",
            "NMILossFromRef",
            "mutual_information_loss",
            "mutual_information_loss_2d",
            "mutual_information_loss_3d",
            "normalized_mutual_information_loss",
            "normalized_mutual_information_loss_2d",
            "normalized_mutual_information_loss_3d",
            "PSNRLoss",
            "psnr_loss",
            "SSIM3DLoss",
            "ssim3d_loss",
            "TotalVariation",
            "total_variation",
        ),
    ),
    Elsewhere(
        "pml",
        (
            "AngularLoss",
            "DynamicSoftMarginLoss",
            "FastAPLoss",
            "GeneralizedLiftedStructureLoss",
            "HistogramLoss",
            "InstanceLoss",
            "IntraPairVarianceLoss",
            "LargeMarginSoftmaxLoss",
            "LiftedStructureLoss",
            "ManifoldLoss",
            "MarginLoss",
            "NCALoss",
            "NormalizedSoftmaxLoss",
            "P2SGradLoss",
            "PNPLoss",
            "ProxyAnchorLoss",
            "ProxyNCALoss",
            "RankedListLoss",
            "SelfSupervisedLoss",
            "SignalToNoiseRatioContrastiveLoss",
            "SmoothAPLoss",
            "SoftTripleLoss",
            "SphereFaceLoss",
            "SubCenterArcFaceLoss",
            "ThresholdConsistentMarginLoss",
            "TupletMarginLoss",
            "VICRegLoss",
            "CrossBatchMemory",
        ),
        "similarity",
    ),
)
