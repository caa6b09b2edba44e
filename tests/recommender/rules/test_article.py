"""The article, sentence by sentence: section 4, and every scenario the other sections name."""

import pytest

from recommender.profile import Profile
from recommender.recommendation.recommend import recommend
from recommender.tasks import PLACES, Scenario

SECTION_4 = [
    # 回归任务: 无异常值:优先 MSE; 有异常值:MAE 或 Smooth L1
    ("regression", Profile(outlier_rate=0.0), "mse", "4"),
    ("regression", Profile(outlier_rate=0.0029), "mse", "4"),
    ("regression", Profile(outlier_rate=0.003, residual_scale=2.0), "smooth_l1(beta=2.69)", "4"),
    ("regression", Profile(outlier_rate=0.199, residual_scale=2.0), "smooth_l1(beta=2.69)", "4"),
    ("regression", Profile(outlier_rate=0.2, residual_scale=2.0), "mae", "4"),
    # 二分类 / 多标签:BCE
    ("binary", Profile(), "bce", "4"),
    ("multilabel", Profile(), "bce", "4"),
    ("binary", Profile(class_imbalance=8.9), "bce", "4"),
    ("multilabel", Profile(class_imbalance=8.9), "bce", "4"),
    # 单标签多分类:Categorical Crossentropy(独热标签)或 Sparse 版本(整数标签)
    ("multiclass", Profile(label_encoding="onehot"), "categorical_ce", "4"),
    ("multiclass", Profile(label_encoding="integer"), "sparse_categorical_ce", "4"),
    ("multiclass", Profile(), "categorical_ce", "4"),
    # 类别不平衡:Focal Loss
    ("binary", Profile(class_imbalance=9), "focal(alpha=0.9)", "4"),
    ("multilabel", Profile(class_imbalance=9, positive_share=0.04), "focal(alpha=0.96)", "4"),
    ("multiclass", Profile(class_imbalance=9), "focal_softmax", "4"),
    ("multiclass", Profile(class_imbalance=9, label_encoding="integer"), "focal_softmax", "4"),
    # 特殊任务
    ("similarity", Profile(), "triplet", "4"),
    ("generation", Profile(), "adversarial_generator + adversarial_discriminator", "4"),
    ("segmentation", Profile(), "dice", "4"),
    ("segmentation", Profile(mask_sparsity=0.5), "dice", "4"),
    ("segmentation", Profile(class_imbalance=500), "dice", "4"),
]

SCENARIOS = {
    Scenario.HOUSE_PRICES: ("mse", "1.1"),
    Scenario.SALARIES: ("mae", "1.2"),
    Scenario.BOX_REGRESSION: ("smooth_l1", "1.3"),
    Scenario.SPAM: ("bce", "2.1"),
    Scenario.DISEASE_DIAGNOSIS: ("bce", "2.1"),
    Scenario.MULTILABEL_IMAGES: ("bce", "2.1"),
    Scenario.IMAGE_CLASSIFICATION: ("categorical_ce", "2.2"),
    Scenario.TEXT_MANY_CLASSES: ("sparse_categorical_ce", "2.3"),
    Scenario.SMALL_OBJECTS: ("dice", "4"),
    Scenario.RARE_DISEASE: ("focal", "2.4"),
    Scenario.FACE_RECOGNITION: ("triplet", "4"),
    Scenario.PERSON_REIDENTIFICATION: ("triplet", "4"),
    Scenario.SIMILARITY_MATCHING: ("triplet", "4"),
    Scenario.IMAGE_GENERATION: ("adversarial_generator + adversarial_discriminator", "4"),
    Scenario.STYLE_TRANSFER: ("adversarial_generator + adversarial_discriminator", "4"),
    Scenario.SUPER_RESOLUTION: ("adversarial_generator + adversarial_discriminator", "4"),
    Scenario.TUMOUR_SEGMENTATION: ("dice", "3.3"),
}

SECTIONS_1_TO_3 = [
    ("regression", Profile(), "mse", "1.1"),
    ("regression", Profile(boxes=True), "smooth_l1", "1.3"),
    ("regression", Profile(boxes=True, outlier_rate=0.5), "smooth_l1", "1.3"),
    ("multiclass", Profile(classes=1000), "sparse_categorical_ce", "2.3"),
    ("multiclass", Profile(classes=999), "categorical_ce", "4"),
    ("segmentation", Profile(mask_sparsity=0.95), "dice(group=batch)", "3.3"),
    ("detection", Profile(), "focal + smooth_l1", "2.4, 1.3"),
    ("detection", Profile(residual_scale=0.1), "focal + smooth_l1(beta=0.135)", "2.4, 1.3"),
]


@pytest.mark.parametrize(("task", "profile", "objective", "section"), [*SECTION_4, *SECTIONS_1_TO_3])
def test_the_article_is_followed_to_the_letter(task: str, profile: Profile, objective: str, section: str) -> None:
    answer = recommend(task, profile=profile)

    assert answer.article is not None
    assert answer.objective == answer.article.objective == objective
    assert answer.article.section == section


@pytest.mark.parametrize("scenario", Scenario)
def test_every_scenario_of_the_article_gets_its_loss(scenario: Scenario) -> None:
    answer = recommend(scenario=scenario)

    assert answer.article is not None
    assert (answer.objective, answer.article.section) == SCENARIOS[scenario]
    assert answer.task == PLACES[scenario].task
    assert scenario in answer.assumptions[0]


@pytest.mark.parametrize(
    ("scenario", "profile", "objective"),
    [
        ("salaries", Profile(outlier_rate=0.001), "mse"),
        ("salaries", Profile(outlier_rate=0.01), "mae"),
        ("house_prices", Profile(outlier_rate=0.01, residual_scale=1), "smooth_l1(beta=1.34)"),
        ("rare_disease", Profile(class_imbalance=2), "bce"),
        ("rare_disease", Profile(positive_share=0.001), "focal(alpha=0.999)"),
        ("spam", Profile(class_imbalance=20), "focal(alpha=0.952)"),
        ("image_classification", Profile(classes=1000), "categorical_ce"),
        ("image_classification", Profile(label_encoding="integer"), "sparse_categorical_ce"),
        ("tumour_segmentation", Profile(mask_sparsity=0.99), "dice(group=batch)"),
    ],
)
def test_a_measured_fact_of_section_4_outranks_a_scenario(scenario: str, profile: Profile, objective: str) -> None:
    assert recommend(scenario=scenario, profile=profile).objective == objective


@pytest.mark.parametrize(
    ("task", "scenario", "objective"),
    [
        ("detection", "small_objects", "focal + smooth_l1"),
        ("segmentation", "small_objects", "dice"),
        ("multiclass", "rare_disease", "focal_softmax"),
        ("multilabel", "rare_disease", "focal"),
        ("binary", "salaries", "bce"),
    ],
)
def test_where_the_article_says_two_things_the_task_decides(task: str, scenario: str, objective: str) -> None:
    assert recommend(task, scenario).objective == objective


def test_heads_of_a_detector_and_of_a_gan_are_named() -> None:
    detector, gan = recommend("detection").recommended, recommend("generation").recommended

    assert detector
    assert gan
    assert [(head.head, head.objective, head.activation) for head in detector.heads] == [
        ("class", "focal", "sigmoid"),
        ("box", "smooth_l1", "none"),
    ]
    assert [head.head for head in gan.heads] == ["generator", "discriminator"]
