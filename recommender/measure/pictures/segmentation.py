"""Facts of segmentation masks."""

from losses.text import Text
from recommender.errors import UnreadableTargets
from recommender.measure import warnings
from recommender.measure.measurement import Facts, Given, RequiredItems, TaskMeasurement
from recommender.measure.pictures.masks import (
    ENOUGH_IMAGES,
    ENOUGH_OBJECTS,
    Coverage,
    Masks,
    coverage,
    coverage_details,
    empty_share,
    mask_sparsity,
    shape_details,
    shapes,
    small_share,
    thinness,
)
from recommender.notices import WarningText


def segmentation(given: Given) -> TaskMeasurement:
    """Return the facts of masks.

    Raises: UnreadableTargets.
    """
    masks = Masks.of(given.targets, given.void) if given.targets.ndim > 1 else None
    if masks is None:
        wanted = Text(
            "masks (n, C, *s) from 0 to 1, or class ids (n, *s)", "0 到 1 的掩膜 (n, C, *s),或类别编号 (n, *s)"
        )
        raise UnreadableTargets(given.task, wanted, given.targets.shape)
    covered, regions = coverage(masks), shapes(masks)
    evidence = RequiredItems(covered.images)
    facts: Facts = {"mask_sparsity": mask_sparsity(covered)}
    details = coverage_details(covered)
    if evidence.enough("empty_share", ENOUGH_IMAGES):
        facts["empty_share"] = empty_share(covered)
    if regions is not None:
        details |= shape_details(regions)
        count = regions.objects.area.size
        if evidence.enough("small_share", ENOUGH_OBJECTS, count):
            facts["small_share"] = small_share(regions)
        if regions.objects.perimeter is not None and evidence.enough("thinness", ENOUGH_OBJECTS, count):
            facts["thinness"] = thinness(regions)
    warning_texts = [warnings.SIGNS] if given.void is None and bool(given.targets.amin() < 0) else []
    warning_texts += _one_sided(masks, covered)
    if evidence.short:
        warning_texts.append(warnings.too_few(evidence))
    return TaskMeasurement(facts, warning_texts, details)


def _one_sided(masks: Masks, covered: Coverage) -> list[WarningText]:
    """Return a warning where all pixels are background, or all are foreground."""
    if not masks.classes or covered.background.min() >= 1:
        return [warnings.NO_FOREGROUND]
    return [warnings.NO_BACKGROUND] if covered.background.max() <= 0 else []
