"""A loss by any name that people know it by, and what is said of a name that means no loss."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from losses.contract import names
from losses.contract.elsewhere import ELSEWHERE
from losses.contract.expression import Objective, parse
from losses.contract.registry import catalogue
from losses.errors import UnknownLoss
from losses.near import LETTERS_A_SLIP, edit_distance, near, stem, word

CONFORMANCE = Path(__file__).parents[3] / "benchmarks" / "conformance"
MODULES: dict[str, list[str]] = json.loads((CONFORMANCE / "names.json").read_text())
ROWS: list[dict[str, str]] = json.loads((CONFORMANCE / "result.json").read_text())["rows"]
ROOTS = {"Keras": "keras", "MONAI": "monai", "PML": "pml", "scikit-learn": "sklearn"}
# What a row compares is no default of theirs: their function asks for a parameter, takes log probabilities, or is half
# of ours.
WITH_PARAMETERS = {
    *(
        "optax.l2_loss",
        "torch.binary_cross_entropy_with_logits",
        "torch.nll_loss",
        "monai.TverskyLoss",
        "smp.TverskyLoss",
    ),
    *("kornia.kl_div_loss_2d", "kornia.js_div_loss_2d"),
}
LETTERS = "abcdefghijklmnopqrstuvwxyz"
LONG_ENOUGH = sorted({stem(name) for name in names.plain_names() if len(stem(name)) > 3})


def refused(name: str) -> UnknownLoss:
    with pytest.raises(UnknownLoss) as refusal:
        parse(name)
    return refusal.value


def ways_out(refusal: UnknownLoss) -> list[str]:
    """Return every objective that a refusal offers."""
    suggestion = refusal.facts.get("did_you_mean")
    candidates = refusal.facts.get("candidates", [])
    assert isinstance(candidates, list)
    return [*candidates, *([str(suggestion)] if suggestion else [])]


def terms(objective: Objective) -> set[tuple[float, str, str]]:
    return {(factor, term.loss.id, str(sorted(term.params.items(), key=str))) for factor, term in objective.terms}


@pytest.mark.parametrize("module", MODULES)
def test_every_name_of_a_library_is_a_loss_or_is_told_what_to_do(module: str) -> None:
    for name in MODULES[module]:
        for text in (f"{module}.{name}", f"{module}.{name}()", name):
            try:
                objective = parse(text)
            except UnknownLoss:
                refusal = refused(text)
                assert ways_out(refusal) or "library" in refusal.facts, text
                objectives = [parse(way_out) for way_out in ways_out(refusal)]
            else:
                objectives = [objective]
            assert all(each == parse(str(each)) for each in objectives), text


@pytest.mark.parametrize("library", sorted({row["library"] for row in ROWS}))
def test_a_name_of_a_library_gives_the_number_of_that_library(library: str) -> None:
    root = ROOTS.get(library, library)
    compared: dict[str, list[str]] = {}
    for row in ROWS:
        theirs = re.match(r"[A-Za-z]\w+", row["theirs"])
        if row["library"] == library and theirs:
            compared.setdefault(f"{root}.{theirs[0]}", []).append(row["ours"])

    for name, ours in compared.items():
        try:
            offered = [parse(name)]
        except UnknownLoss as refusal:
            offered = [parse(way_out) for way_out in ways_out(refusal)]
        known = [terms(parse(each)) for each in ours]
        for objective in offered:
            of_rows = {loss for each in known for _, loss, _ in each}
            assert {term.loss.id for _, term in objective.terms} <= of_rows, name
            assert name in WITH_PARAMETERS or len(objective.terms) > 1 or terms(objective) in known, name


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("MSE", "mse"),
        ("L1", "mae"),
        ("huberloss", "huber"),
        ("Cross_Entropy_Loss", "sparse_categorical_ce"),
        ("torch.nn.MSELoss()", "mse(convention=torch)"),
        ("F.smooth_l1_loss(beta=0.5)", "smooth_l1(convention=torch, beta=0.5)"),
        ("tf.keras.losses.Huber(delta=2)", "huber(convention=keras, delta=2)"),
        ("monai.losses.ContrastiveLoss", "nt_xent(convention=monai)"),
        ("smp.losses.FocalLoss", "focal(convention=smp)"),
        ("kornia.losses.FocalLoss", "focal_softmax(normalize=element)"),
        ("losses.DiceLoss + 0.5*nn.BCEWithLogitsLoss(pos_weight=3)", "dice + 0.5*bce(convention=torch, pos_weight=3)"),
    ],
)
def test_spellings_and_dotted_names_are_the_loss(text: str, same: str) -> None:
    assert parse(text) == parse(same)


@pytest.mark.parametrize(
    ("name", "suggestion", "said"),
    [
        ("FocalLoss", "focal", "monai.FocalLoss"),
        ("focal_loss", "focal", "kornia.focal_loss"),
        ("ContrastiveLoss", "contrastive_loss", "monai.ContrastiveLoss"),
        ("DICE", "dice", "dice"),
        ("DiceCELoss", "dice(convention=monai) + categorical_ce", "DiceCELoss of MONAI"),
        ("dicebce", "dice + bce", "dice + bce"),
        ("l2_loss", "0.5*mse", "l2_loss of optax"),
        ("smp.losses.LovaszLoss", None, "lovasz_softmax(convention=smp) or lovasz_hinge(convention=smp)"),
        ("SphereFaceLoss", None, "/v1/losses?task=similarity"),
        ("MS_SSIMLoss", None, "not in the catalogue"),
    ],
)
def test_a_name_that_is_not_one_loss_is_told_what_it_is(name: str, suggestion: str | None, said: str) -> None:
    refusal = refused(name)

    assert refusal.facts.get("did_you_mean") == suggestion
    assert said in refusal.message


def test_tasks_that_other_losses_are_for_have_losses_here() -> None:
    tasks = {task for loss in catalogue().values() for task in loss.tasks}

    assert {entry.task for entry in ELSEWHERE} - {""} <= tasks


FAR = [
    *("SphereFaceLoss", "ProxyNCALoss", "SmoothAPLoss", "AngularLoss"),
    *("CenterLoss", "MagFace", "VICReg", "perceptual", "vgg_loss", "style", "lpips", "elbo", "vae_loss", "ppo", "dpo"),
    *("reinforce", "policy_gradient", "yolo", "sinkhorn", "mmd", "energy", "psnr", "accuracy", "f1_score", "auc", "r2"),
    *("lorem", "__import__", "exec", "password", "admin", "a", "ab", "xy", "xyz", "foo", "bar"),
]


@pytest.mark.parametrize("name", FAR)
def test_nothing_far_is_suggested(name: str) -> None:
    assert near(name, names.plain_names()) is None


@given(st.sampled_from(LONG_ENOUGH), st.data())
def test_a_name_with_one_slip_is_always_told_a_name_as_near(name: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(name) - 1))
    letter = data.draw(st.sampled_from(LETTERS))
    head, here, tail = name[:place], name[place], name[place + 1 :]
    slip = data.draw(st.sampled_from([head + tail, head + letter + here + tail, head + letter + tail]))
    if place + 1 < len(name):
        slip = data.draw(st.sampled_from([slip, head + tail[:1] + here + tail[1:]]))

    suggestion = near(slip, names.plain_names())

    assert suggestion is not None
    assert edit_distance(stem(slip), stem(suggestion)) <= 1


@given(st.text(min_size=1, max_size=80))
def test_what_is_suggested_is_known_and_few_slips_away(text: str) -> None:
    suggestion = near(text, names.plain_names())

    if suggestion is not None:
        slips = edit_distance(stem(text), stem(suggestion))
        assert suggestion in names.plain_names()
        assert slips <= max(1, len(stem(text)) // LETTERS_A_SLIP) or stem(text).removesuffix("s") in stem(suggestion)


@given(st.text(max_size=12), st.text(max_size=12))
def test_slips_are_counted_both_ways_alike(some: str, other: str) -> None:
    slips = edit_distance(some, other)

    assert slips == edit_distance(other, some) <= max(len(some), len(other))
    assert (slips == 0) == (some == other)
    assert slips >= abs(len(some) - len(other))


@pytest.mark.parametrize(
    ("some", "other", "slips"),
    [("reductoin", "reduction", 1), ("", "mse", 3), ("mse", "mae", 1), ("abcd", "badc", 2), ("focal", "coral", 2)],
)
def test_neighbours_that_change_places_are_one_slip(some: str, other: str, slips: int) -> None:
    assert edit_distance(some, other) == slips


def test_spellings_differ_in_nothing_but_case_and_separators() -> None:
    assert {word(name) for name in ("smooth_l1", "Smooth-L1", "smooth l1", "SMOOTHL1")} == {"smoothl1"}
    assert stem("SmoothL1Loss") == "smoothl1"
    assert stem("loss") == "loss"


@pytest.mark.parametrize(
    ("asked", "known", "wanted"),
    [
        ("losses", ["loss", "options"], "loss"),
        ("salary", ["salaries"], "salaries"),
        ("reductoin", ["reduction", "gradient"], "reduction"),
        ("Predictions", ["predictions"], "predictions"),
        ("ms", ["mse"], None),
        ("x" * 5000, ["x" * 5000], None),
    ],
)
def test_the_nearest_of_few_names(asked: str, known: list[str], wanted: str | None) -> None:
    assert near(asked, known) == wanted
