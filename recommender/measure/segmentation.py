"""Which facts masks tell."""

from recommender.errors import UnreadableTargets
from recommender.measure import notices
from recommender.measure.found import Evidence, Facts, Found, Given
from recommender.measure.masks import (
    ENOUGH_IMAGES,
    ENOUGH_OBJECTS,
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


def segmentation(given: Given) -> Found:
    """Return what masks tell.

    Raises: UnreadableTargets.
    """
    masks = Masks.of(given.targets) if given.targets.ndim > 1 else None
    if masks is None:
        wanted = "masks (n, C, *s) from 0 to 1, or class ids (n, *s)"
        raise UnreadableTargets("segmentation", wanted, given.targets.shape)
    covered, found = coverage(masks), shapes(masks)
    evidence = Evidence(covered.images)
    facts: Facts = {"mask_sparsity": mask_sparsity(covered)}
    details = coverage_details(masks, covered)
    if evidence.enough("empty_share", ENOUGH_IMAGES):
        facts["empty_share"] = empty_share(covered)
    if found is not None:
        details |= shape_details(found)
        count = found.found.area.size
        if evidence.enough("small_share", ENOUGH_OBJECTS, count):
            facts["small_share"] = small_share(found)
        if found.found.perimeter is not None and evidence.enough("thinness", ENOUGH_OBJECTS, count):
            facts["thinness"] = thinness(found)
    cautions = []
    if masks.kind == "ids" and bool(given.targets.amin() < 0):
        cautions.append(notices.IDS_BELOW_ZERO)
    if not masks.classes or covered.background.min() >= 1:
        cautions.append(notices.NO_FOREGROUND)
    if evidence.short:
        cautions.append(notices.too_few(evidence))
    return Found(facts, cautions, details)
