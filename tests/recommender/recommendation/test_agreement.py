"""Where the two books agree, refine or conflict: derived from their answers, as the article and the evidence differ."""

import pytest

from recommender.profile import Goal, Profile
from recommender.recommendation.agreement import Agreement
from recommender.recommendation.recommend import recommend
from recommender.rules import ROWS
from recommender.rules.table import Rule
from recommender.tasks import Task

AIMS = Goal(functional="mean", outliers="errors")
TABLE: list[tuple[str, str, Profile, Goal, Agreement]] = [
    ("imbalance, probabilities", "binary", Profile(class_imbalance=40.0), Goal(), "conflict"),
    ("imbalance, balanced", "binary", Profile(class_imbalance=40.0), Goal(decision="balanced"), "conflict"),
    ("some outliers", "regression", Profile(outlier_rate=0.08, residual_scale=2.0), AIMS, "agree"),
    ("many outliers", "regression", Profile(outlier_rate=0.25, residual_scale=2.0), AIMS, "conflict"),
    ("no outliers", "regression", Profile(outlier_rate=0.001), AIMS, "agree"),
    ("outliers are signal", "regression", Profile(outlier_rate=0.08), Goal(outliers="signal"), "conflict"),
    ("masks", "segmentation", Profile(), Goal(), "refine"),
    ("sparse masks", "segmentation", Profile(mask_sparsity=0.97), Goal(), "refine"),
    ("empty masks count", "segmentation", Profile(empty_share=0.6), Goal(empty_masks=True), "conflict"),
    ("boxes", "regression", Profile(boxes=True), Goal(), "agree"),
    ("boxes judged by overlap", "regression", Profile(boxes=True), Goal(boxes="iou"), "conflict"),
    ("similarity", "similarity", Profile(), Goal(), "refine"),
    ("pairs without negatives", "similarity", Profile(supervision="positive_pairs"), Goal(), "conflict"),
    ("generation", "generation", Profile(), Goal(), "conflict"),
    ("a GAN", "generation", Profile(), Goal(generation="adversarial"), "agree"),
    ("many classes", "multiclass", Profile(classes=5000), Goal(), "agree"),
    ("class ids", "multiclass", Profile(label_encoding="integer"), Goal(), "agree"),
    ("detection", "detection", Profile(), Goal(), "conflict"),
    ("detection by coordinates", "detection", Profile(), Goal(boxes="coordinates"), "agree"),
]


@pytest.mark.parametrize(
    ("task", "profile", "goal", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_the_books_stand_to_each_other_as_the_table_says(
    task: str, profile: Profile, goal: Goal, expected: Agreement
) -> None:
    answer = recommend(task, profile=profile, goal=goal)

    assert answer.agreement == expected
    assert answer.article is not None
    assert answer.evidence is not None


@pytest.mark.parametrize("task", [task for task in Task if task.row.in_article])
def test_both_books_answer_every_task_of_the_article(task: Task) -> None:
    answer = recommend(task)

    assert answer.article
    assert answer.evidence
    assert all(source.strength for source in answer.evidence.sources)
    assert not any(source.strength for source in answer.article.sources)


EVIDENCE = [row for row in ROWS if row.book == "evidence"]


@pytest.mark.parametrize("row", EVIDENCE, ids=[row.name for row in EVIDENCE])
def test_an_evidence_row_is_what_the_engine_answers_where_it_fires(row: Rule) -> None:
    question = row.example(row.fires)

    answer = recommend(question.task, question.scenario, question.profile, question.goal, rulebook="evidence")

    assert answer.evidence is not None
    assert row.name in answer.evidence.rule.split(", ")
    assert answer.recommended
    assert answer.recommended.rulebook == "evidence"
