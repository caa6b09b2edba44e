"""Profiles that a counterfactual of an answer describes."""

import math

from recommender.profile import RANGES, Profile
from recommender.recommendation.answer import AtLeast, Below


def moved(profile: Profile, change: Below | AtLeast) -> Profile:
    """Return the profile just beyond the number at which the answer changes."""
    if isinstance(change, AtLeast):
        return profile.replace(change.fact, change.at_least)
    whole = RANGES[change.fact].whole
    return profile.replace(change.fact, change.below - 1 if whole else math.nextafter(change.below, -math.inf))
