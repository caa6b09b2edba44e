"""Which loss fits this task and these data, and by which rules. No HTTP, and nothing is read or written.

    >>> import torch
    >>> from recommender import Goal, Profile, measure_profile, recommend

Ask with what is known of the data; every fact may be missing, and what was assumed is said.

    >>> answer = recommend("regression", profile=Profile(outlier_rate=0.08, residual_scale=2.1))
    >>> answer.objective
    'smooth_l1(beta=2.82)'
    >>> answer.fired[0].rule, answer.fired[0].margin
    ('regression.outliers', 0.077)
    >>> recommend("binary", goal=Goal(false_negative_cost=9.0)).decision.threshold
    0.1

Or measure the arrays first: every fact comes with an interval, and with what to know before trusting it.

    >>> masks = torch.zeros(40, 32, 32)
    >>> masks[:, 4:8, 4:8] = 1
    >>> measured = measure_profile("segmentation", masks)
    >>> measured.profile.mask_sparsity.value
    0.984375
    >>> recommend(measured.task, profile=measured.profile, rulebook="evidence").objective
    'dice + bce'

What can be asked is listed by `Task` and `Scenario`, what is known of a task by `Task.row`, and every rule by
`export_rules`.
The names below are the public ones; each refusal is one of `recommender.errors`.
"""

from recommender.measure import Measurement, measure_profile
from recommender.measure.details import Detail
from recommender.notices import Notice
from recommender.profile import Goal, Measured, Profile
from recommender.recommendation.answer import Recommendation
from recommender.recommendation.recommend import recommend
from recommender.rules.export import export_rules
from recommender.rules.table import Rule, Threshold
from recommender.tasks import Scenario, Task, TaskRow

__all__ = [
    "Detail",
    "Goal",
    "Measured",
    "Measurement",
    "Notice",
    "Profile",
    "Recommendation",
    "Rule",
    "Scenario",
    "Task",
    "TaskRow",
    "Threshold",
    "export_rules",
    "measure_profile",
    "recommend",
]
