"""Ordinary situations, what the evidence book answers, and the reference by which that is right."""

from dataclasses import dataclass, field

import pytest

from recommender.profile import Goal, Profile
from recommender.recommendation.recommend import recommend
from recommender.tasks import Scenario

GNEITING = "Gneiting 2011, arXiv:0912.0902: what a loss learns"
PROPER = "Gneiting & Raftery 2007, doi:10.1198/016214506000001437: a proper score learns the probability"
OURS = "benchmarks/regret/result.md"
HARM = "python -m benchmarks.harm"
NNUNET = "Isensee et al. 2021, doi:10.1038/s41592-020-01008-z"


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What somebody has and wants, and the answer.

    `says`: what the summary, the warnings or the threshold must hold beside the objective.
    """

    about: str
    task: str
    objective: str
    why: str
    profile: Profile = field(default_factory=Profile)
    goal: Goal = field(default_factory=Goal)
    scenario: Scenario | None = None
    says: tuple[str, ...] = ()


SITUATIONS = [
    Situation(
        about="insurance claims, nine in ten of them zero",
        task="regression",
        profile=Profile(support="nonnegative", zero_share=0.92, outlier_rate=0.08, variance_power=1.6),
        objective="tweedie(power=1.6)",
        why=f"{HARM}; Jorgensen & Paes de Souza 1994, doi:10.1080/03461238.1994.10413930",
    ),
    Situation(
        about="insurance claims of few contracts, how they spread not measured",
        task="regression",
        profile=Profile(support="nonnegative", zero_share=0.92, outlier_rate=0.08, n=1000),
        objective="mse",
        why=f"{HARM}; {GNEITING}",
        says=("effects multiply",),
    ),
    Situation(
        about="intermittent demand, overdispersed",
        task="regression",
        profile=Profile(support="counts", zero_share=0.6, outlier_rate=0.2, dispersion=4.0),
        objective="poisson_nll",
        why=f"{HARM}; Gourieroux et al. 1984, doi:10.2307/1913471: the mean is right whatever the spread",
    ),
    Situation(
        about="salaries with a long upper tail, nothing said of outliers",
        task="regression",
        profile=Profile(support="positive", outlier_rate=0.07, one_sidedness=1.0, outlier_sum_share=0.25),
        objective="mse",
        why=f"{HARM}; {GNEITING}",
        says=("Are the far items mistakes",),
    ),
    Situation(
        about="sensor readings, a few spikes known to be faults, a linear model",
        task="regression",
        profile=Profile(support="real", outlier_rate=0.02, outlier_magnitude=5.0, residual_scale=1.0, model="linear"),
        goal=Goal(outliers="errors"),
        objective="smooth_l1(beta=1.34)",
        why="Huber 1964, doi:10.1214/aoms/1177703732",
    ),
    Situation(
        about="the same readings, a network",
        task="regression",
        profile=Profile(support="real", outlier_rate=0.02, outlier_magnitude=5.0, residual_scale=1.0, model="flexible"),
        goal=Goal(outliers="errors"),
        objective="barron_general(alpha=0, scale=1.69)",
        why=OURS,
    ),
    Situation(
        about="spikes that lie far off",
        task="regression",
        profile=Profile(support="real", outlier_rate=0.02, outlier_magnitude=20.0, residual_scale=1.0),
        goal=Goal(outliers="errors"),
        objective="tukey_biweight(c=4.68)",
        why=OURS,
    ),
    Situation(
        about="a fifth of the targets are wrong",
        task="regression",
        profile=Profile(support="real", outlier_rate=0.2, residual_scale=1.0),
        goal=Goal(outliers="errors"),
        objective="tukey_biweight(c=4.68)",
        why=OURS,
    ),
    Situation(
        about="clean measurements",
        task="regression",
        profile=Profile(support="real", outlier_rate=0.0005),
        objective="mse",
        why="Gauss-Markov: no unbiased linear estimate has a smaller variance",
    ),
    Situation(
        about="clean measurements judged by the absolute error",
        task="regression",
        profile=Profile(support="real", outlier_rate=0.0005),
        goal=Goal(metric="mae"),
        objective="mae",
        why=GNEITING,
    ),
    Situation(
        about="returns with infinite variance that are real",
        task="regression",
        profile=Profile(support="real", tail_index=1.6, outlier_rate=0.1),
        goal=Goal(outliers="signal"),
        objective="mse",
        why=GNEITING,
        says=("squared errors have no mean",),
    ),
    Situation(
        about="house prices judged by the logarithmic error",
        task="regression",
        scenario=Scenario.HOUSE_PRICES,
        goal=Goal(metric="rmsle"),
        objective="msle",
        why=GNEITING,
        says=("log1p", "must not be added up"),
    ),
    Situation(
        about="forecasts judged by percentage errors",
        task="regression",
        goal=Goal(metric="mape"),
        objective="mape",
        why=f"{GNEITING}: the median of targets weighted by 1/y",
        says=("must not be added up",),
    ),
    Situation(
        about="stock to hold, the 95 % quantile of demand",
        task="regression",
        profile=Profile(outlier_rate=0.1, residual_scale=3.0),
        goal=Goal(quantile=0.95),
        objective="quantile(quantile=0.95)",
        why="Koenker & Bassett 1978, doi:10.2307/1913643",
        says=("not smooth_l1",),
    ),
    Situation(
        about="an interval that holds nine tenths",
        task="regression",
        goal=Goal(coverage=0.9),
        objective="interval_score(alpha=0.1)",
        why=f"{PROPER}, section 6.2",
    ),
    Situation(
        about="a forecast with its uncertainty, judged by CRPS",
        task="regression",
        goal=Goal(metric="crps"),
        objective="crps_gaussian",
        why=PROPER,
    ),
    Situation(
        about="a forecast with its uncertainty",
        task="regression",
        goal=Goal(functional="distribution"),
        objective="beta_nll",
        why="Seitzer et al. 2022, arXiv:2203.09168",
    ),
    Situation(
        about="wind directions",
        task="regression",
        profile=Profile(support="circular"),
        objective="von_mises",
        why="Mardia & Jupp 1999, doi:10.1002/9780470316979",
    ),
    Situation(
        about="shares from 0 to 1",
        task="regression",
        profile=Profile(support="unit"),
        objective="bce",
        why="Papke & Wooldridge 1996, doi:10.1002/(SICI)1099-1255(199611)11:6<619::AID-JAE418>3.0.CO;2-1",
    ),
    Situation(
        about="hospital visits, their mean",
        task="count",
        objective="poisson_nll",
        why="Gourieroux et al. 1984, doi:10.2307/1913471",
    ),
    Situation(
        about="hospital visits that spread more than their mean",
        task="count",
        profile=Profile(dispersion=3.0),
        objective="poisson_nll",
        why=f"Gourieroux et al. 1984, doi:10.2307/1913471: the mean is right whatever the spread; {OURS}",
        says=("negative_binomial_nll", "the chance of a large count matters"),
    ),
    Situation(
        about="hospital visits, judged by the root mean squared error",
        task="count",
        profile=Profile(dispersion=3.0),
        goal=Goal(metric="rmse"),
        objective="mse",
        why=f"{GNEITING}; {OURS}",
    ),
    Situation(
        about="fraud, one in a hundred, probabilities wanted",
        task="binary",
        profile=Profile(positive_share=0.01, class_imbalance=99.0),
        goal=Goal(metric="log_loss"),
        objective="bce",
        why="van den Goorbergh et al. 2022, PMC9382395",
        says=("not focal",),
    ),
    Situation(
        about="fraud, balanced accuracy",
        task="binary",
        profile=Profile(positive_share=0.1, class_imbalance=9.0),
        goal=Goal(metric="balanced_accuracy"),
        objective="bce",
        why=f"Menon et al. 2013, PMLR 28(3):603; {OURS}",
        says=("say yes from a probability of 0.1 on", "The win is the threshold, not the loss", "(prior=0.1)"),
    ),
    Situation(
        about="screening, a miss costs twenty false alarms",
        task="binary",
        goal=Goal(false_negative_cost=20.0),
        objective="bce",
        why="Elkan 2001, IJCAI: the optimal decision",
        says=("say yes from a probability of 0.0476 on",),
    ),
    Situation(
        about="spam judged by F1",
        task="binary",
        profile=Profile(positive_share=0.1),
        goal=Goal(metric="f1"),
        objective="bce",
        why="Lipton et al. 2014, doi:10.1007/978-3-662-44851-9_15",
        says=("half of the best F1",),
    ),
    Situation(
        about="a ranking of leads by AUC",
        task="binary",
        profile=Profile(class_imbalance=30.0),
        goal=Goal(metric="auc"),
        objective="bce",
        why="Elor & Averbuch-Elor 2022, arXiv:2201.08528",
    ),
    Situation(
        about="a tenth of the labels wrong, log loss",
        task="binary",
        profile=Profile(label_noise=0.1),
        goal=Goal(metric="log_loss"),
        objective="bce",
        why=PROPER,
    ),
    Situation(
        about="a tenth of the labels of several classes wrong, log loss",
        task="multiclass",
        profile=Profile(label_noise=0.1),
        goal=Goal(metric="log_loss"),
        objective="categorical_ce",
        why=PROPER,
    ),
    Situation(
        about="a tenth of the labels wrong, Brier score",
        task="binary",
        profile=Profile(label_noise=0.1),
        goal=Goal(metric="brier"),
        objective="bce(label_smoothing=0.1)",
        why="Lukasik et al. 2020, arXiv:2003.02819",
    ),
    Situation(
        about="a large network that overfits",
        task="binary",
        objective="bce",
        why="Guo et al. 2017, arXiv:1706.04599: probabilities are mended by stopping and scaling",
        says=("stop it earlier first, then smooth",),
    ),
    Situation(
        about="eighty tags, few of them on an item, ranked",
        task="multilabel",
        profile=Profile(classes=80, positive_share=0.03),
        goal=Goal(decision="ranking"),
        objective="asymmetric",
        why="Ridnik et al. 2021, arXiv:2009.14119",
    ),
    Situation(
        about="photographs of ten kinds, one-hot",
        task="multiclass",
        profile=Profile(label_encoding="onehot", classes=10),
        objective="categorical_ce",
        why=PROPER,
    ),
    Situation(
        about="670,000 categories of products, very uneven",
        task="multiclass",
        profile=Profile(classes=670_000, class_imbalance=1000.0, label_encoding="integer"),
        objective="sparse_categorical_ce",
        why="an identity of the two encodings; Jean et al. 2015, arXiv:1412.2007, on sampling",
        says=("the logits, n by C, are the real cost",),
    ),
    Situation(
        about="a long tail of species, all to count the same",
        task="multiclass",
        profile=Profile(classes=100, class_imbalance=100.0),
        goal=Goal(decision="balanced"),
        objective="logit_adjusted",
        why="Menon et al. 2021, arXiv:2007.07314",
    ),
    Situation(
        about="several classes and a cost of a miss",
        task="multiclass",
        goal=Goal(false_negative_cost=5.0),
        objective="categorical_ce",
        why="Elkan 2001, IJCAI: least expected cost over the probabilities",
        says=("class of least expected cost",),
    ),
    Situation(
        about="grades judged by quadratic kappa",
        task="ordinal",
        goal=Goal(metric="qwk"),
        objective="mse",
        why="Cohen 1968, doi:10.1037/h0026256",
    ),
    Situation(
        about="search results",
        task="ranking",
        goal=Goal(metric="ndcg"),
        objective="lambda_loss",
        why="Wang et al. 2018, doi:10.1145/3269206.3271784",
    ),
    Situation(
        about="time to relapse, not all have one",
        task="survival",
        goal=Goal(metric="concordance"),
        objective="cox",
        why="Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x",
        says=("Keep items that did not reach the event",),
    ),
    Situation(
        about="how long a part lasts",
        task="survival",
        goal=Goal(functional="median"),
        objective="aft",
        why="Kalbfleisch & Prentice 2002, doi:10.1002/9781118032985",
    ),
    Situation(
        about="speech without an alignment",
        task="sequence",
        objective="ctc",
        why="Graves et al. 2006, doi:10.1145/1143844.1143891",
    ),
    Situation(
        about="a small model that is to learn from a large one",
        task="distillation",
        objective="distillation_kl",
        why="Hinton et al. 2015, arXiv:1503.02531",
    ),
    Situation(
        about="tumours, empty slices do not count",
        task="segmentation",
        scenario=Scenario.TUMOUR_SEGMENTATION,
        profile=Profile(mask_sparsity=0.99, empty_share=0.3),
        objective="dice + bce",
        why=f"{NNUNET}; {OURS}",
    ),
    Situation(
        about="tumours, most slices are empty and count",
        task="segmentation",
        profile=Profile(mask_sparsity=0.99, empty_share=0.6),
        goal=Goal(empty_masks=True),
        objective="bce",
        why=f"Tilborghs et al. 2022, arXiv:2207.09521; {OURS}",
    ),
    Situation(
        about="the outline of organs, half the slices empty and counted",
        task="segmentation",
        profile=Profile(empty_share=0.5),
        goal=Goal(metric="hd95", empty_masks=True),
        objective="dice(group=batch) + bce + hausdorff_dt",
        why="Ma et al. 2021, doi:10.1016/j.media.2021.102035",
    ),
    Situation(
        about="scans of four organs, most without any, and those count",
        task="segmentation",
        profile=Profile(classes=5, empty_share=0.6),
        goal=Goal(empty_masks=True),
        objective="categorical_ce",
        why="Tilborghs et al. 2022, arXiv:2207.09521: Dice hardly rewards an empty image",
    ),
    Situation(
        about="street scenes of nineteen classes",
        task="segmentation",
        profile=Profile(classes=19),
        goal=Goal(metric="iou"),
        objective="dice + categorical_ce",
        why=f"a pixel has one class: softmax; {NNUNET}",
    ),
    Situation(
        about="species in a tree, where some mistakes are nearer than others",
        task="multiclass",
        profile=Profile(classes=500, hierarchy=True),
        objective="categorical_ce",
        why="Karthik et al. 2021, arXiv:2104.00795",
        says=("argmin_j sum_i p_i * distance(i, j)",),
    ),
    Situation(
        about="three diagnoses with a price for each mistake",
        task="multiclass",
        profile=Profile(classes=3),
        goal=Goal(metric="expected_cost", cost_matrix=((0.0, 1.0, 5.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0))),
        objective="categorical_ce",
        why="Elkan 2001, The foundations of cost-sensitive learning, IJCAI",
        says=("take the class of least expected cost",),
    ),
    Situation(
        about="totals that have to add up, a few far items",
        task="regression",
        profile=Profile(outlier_rate=0.02),
        goal=Goal(metric="ratio_of_totals"),
        objective="mse",
        why=f"{GNEITING}; the balance property, Wüthrich & Merz 2023, doi:10.1007/978-3-031-12409-9",
        says=("goal.outliers follows from ratio_of_totals: signal",),
    ),
    Situation(
        about="depth and classes from one network",
        task="multitask",
        objective="uncertainty_weighted",
        why="Kendall, Gal & Cipolla 2018, arXiv:1705.07115; Xin et al. 2022, arXiv:2209.11379",
        says=("equal-weights-are-strong",),
    ),
    Situation(
        about="boxes judged by mean average precision",
        task="detection",
        goal=Goal(metric="mean_average_precision"),
        objective="focal + giou",
        why="Rezatofighi et al. 2019, arXiv:1902.09630; Lin et al. 2017, arXiv:1708.02002",
    ),
    Situation(
        about="corners of boxes judged by overlap",
        task="regression",
        scenario=Scenario.BOX_REGRESSION,
        goal=Goal(metric="iou"),
        objective="giou",
        why="Rezatofighi et al. 2019, arXiv:1902.09630",
    ),
    Situation(
        about="photographs made four times as large, no metric named",
        task="generation",
        profile=Profile(paired=True),
        objective="mae",
        why="Lim et al. 2017, arXiv:1707.02921",
        says=("peak signal-to-noise ratio",),
    ),
    Situation(
        about="photographs made four times as large, by PSNR",
        task="generation",
        scenario=Scenario.SUPER_RESOLUTION,
        goal=Goal(metric="psnr"),
        objective="mae",
        why="Lim et al. 2017, arXiv:1707.02921",
        says=("peak signal-to-noise ratio",),
    ),
    Situation(
        about="faces of known people, embeddings of length 1",
        task="similarity",
        profile=Profile(supervision="labels", unit_norm=True),
        objective="triplet(margin=0.2)",
        why="Schroff et al. 2015, arXiv:1503.03832; Musgrave et al. 2020, arXiv:2003.08505",
        says=("arcface",),
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.about)
def test_an_ordinary_situation_is_answered_as_its_reference_says(situation: Situation) -> None:
    answer = recommend(situation.task, situation.scenario, situation.profile, situation.goal, rulebook="evidence")

    assert answer.objective == situation.objective
    assert situation.why
    said = answer.model_dump_json()
    assert [part for part in situation.says if part not in said] == []
