"""The profile (the facts that a recommendation may use) and the goal; a missing fact was not measured."""

from recommender.profile.facts import DERIVED, DERIVED_FROM, RANGES, Profile
from recommender.profile.goal import Goal
from recommender.profile.measured import Fact, Measured, Range

__all__ = ["DERIVED", "DERIVED_FROM", "RANGES", "Fact", "Goal", "Measured", "Profile", "Range"]
