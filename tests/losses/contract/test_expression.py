"""An objective is read or refused, and never run."""

import re
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from losses.contract.expression import LONGEST_EXPRESSION, MOST_TERMS, parse
from losses.contract.registry import LOSS_OF_METRIC, names
from losses.errors import BadExpression, BadParameter, Refusal, UnknownLoss

PIECES = ["mse", "focal", "dice", "(", ")", "gamma", "=", ",", "+", "*", "-", "0.5", "2", "1e999", "none", "true", " "]
PIECES += ["lambda", ":", ".", "[", "]", "'", '"', "\\", "\n", "#", "if", "else", "not", "==", "**", "@", "{", "}", "_"]


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("mse", "mse"),
        (" mse ", "mse"),
        ("mse()", "mse"),
        ("1*mse", "mse"),
        ("dice + 0.5*bce(pos_weight=3)", "dice + 0.5*bce(pos_weight=3)"),
        ("dice+.5*bce(pos_weight=3.0)", "dice + 0.5*bce(pos_weight=3)"),
        ("dice 0.5*bce", "dice + 0.5*bce"),
        ("dice   bce(pos_weight=3)   mse", "dice + bce(pos_weight=3) + mse"),
        ("focal(gamma=2.0,\n alpha=0.25)", "focal"),
        ("focal( alpha = none )", "focal(alpha=none)"),
        ("focal(alpha=None)", "focal(alpha=none)"),
        ("bce(from_logits=False)", "bce(from_logits=false)"),
        ("dice(group='batch')", "dice(group=batch)"),
        ("sparse_categorical_ce(ignore_index=-1)", "sparse_categorical_ce(ignore_index=-1)"),
        ("log_loss", "bce(from_logits=false)"),
        ("log_loss(from_logits=true)", "bce"),
        ("mse + mse", "mse + mse"),
        ("1e-7*mse", "1e-07*mse"),
        ("(mse + (2*mae))", "mse + 2*mae"),
    ],
)
def test_an_objective_has_one_canonical_text(text: str, canonical: str) -> None:
    objective = parse(text)

    assert str(objective) == canonical
    assert parse(canonical) == objective


def test_the_inputs_of_an_objective_are_those_of_its_terms_once_each() -> None:
    assert parse("mse + triplet + mae").roles == ("predictions", "targets", "anchor", "positive", "negative")


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("", 0, "stops making sense"),
        ("mse +", 5, "stops making sense"),
        ("  mse + )", 8, "stops making sense"),
        ("0*mse", 0, "greater than 0"),
        ("mse + 0.0*mae", 6, "greater than 0"),
        ("-1*mse", 0, "a number in front"),
        ("1e999*mse", 0, "finite"),
        (f"{'9' * 400}*mse", 0, "finite"),
        ("nan*mse", 0, "a number in front"),
        ("true*mse", 0, "a number in front"),
        ("mse*2", 0, "a number in front"),
        ("mse*mae", 0, "a number in front"),
        ("2j*mse", 0, "a number in front"),
        ("'2'*mse", 0, "a number in front"),
        ("2*3*mse", 0, "a number in front"),
        ("mse - mae", 0, "a loss is expected"),
        ("mse + 2", 6, "a loss is expected"),
        ("   mse + 2", 9, "a loss is expected"),
        ("mse().__class__", 0, "a loss is expected"),
        ("(mse).__class__()()", 0, "a loss is expected"),
        ("smooth-l1", 0, "Did you mean smooth_l1?"),
        ("focal-loss", 0, "Did you mean focal?"),
        ("mse, mae", 0, "Several objectives go in a list"),
        ("0.5*(mse + mae)", 5, "in front of one loss"),
        ("mse()()", 0, "a loss is expected"),
        ("(lambda: mse)()", 7, "none that objectives are written with"),
        ("[mse][0]", 0, "none that objectives are written with"),
        ("mse if 1 else mae", 4, "stops making sense"),
        ("import os", 0, "stops making sense"),
        ("mse; mae", 3, "none that objectives are written with"),
        ("mse # mae", 4, "none that objectives are written with"),
        ("mse\x00", 3, "none that objectives are written with"),
        ("focal(gamma=\\)", 12, "none that objectives are written with"),
        ("ｍｓｅ", 0, "none that objectives are written with"),
        ("mse + \ud800", 6, "none that objectives are written with"),
        ("focal(2)", 6, "Parameters are named"),
        ("focal(**params)", 8, "named, once"),
        ("focal(*params)", 6, "Parameters are named"),
        ("focal(gamma=mse())", 12, "A parameter is a number"),
        ("focal(gamma=1+1)", 12, "A parameter is a number"),
        ("focal(gamma=-none)", 12, "A parameter is a number"),
        ("focal(gamma=--2)", 12, "A parameter is a number"),
        ("focal(gamma=(1, 2))", 12, "A parameter is a number"),
        ("focal(gamma=...)", 12, "A parameter is a number"),
        ("focal(gamma=b'2')", 12, "A parameter is a number"),
        ("focal(gamma=2j)", 12, "A parameter is a number"),
    ],
)
def test_what_is_no_sum_of_losses_is_refused_where_it_stops_being_one(text: str, position: int, message: str) -> None:
    with pytest.raises(BadExpression) as refusal:
        parse(text)

    assert refusal.value.facts == {"position": position}
    assert message in refusal.value.message
    assert "dice + 0.5*bce(pos_weight=3)" in refusal.value.message


@pytest.mark.parametrize(
    ("text", "near"),
    [("focl", "focal"), ("mse + smoth_l1", "smooth_l1"), ("MSEE", "mse"), ("__import__", None), ("x" * 900, None)],
)
def test_an_unknown_name_is_refused_with_the_nearest_and_its_place(text: str, near: str | None) -> None:
    with pytest.raises(UnknownLoss) as refusal:
        parse(text)

    place = {"position": text.rindex(" ") + 1 if " " in text else 0}
    assert refusal.value.facts == (place if near is None else {**place, "did_you_mean": near})
    assert text not in refusal.value.message


@pytest.mark.parametrize(
    ("text", "facts", "message"),
    [
        ("focal(gama=2)", {"loss": "focal", "did_you_mean": "gamma"}, "it has gamma, alpha"),
        ("mse(beta=1)", {"loss": "mse", "parameter": "/beta"}, "/beta is no parameter; it has"),
        ("smooth_l1(delta=1)", {"loss": "smooth_l1", "parameter": "/delta"}, "/delta is no parameter; it has beta"),
        ("mse(reduction=sum)", {"parameter": "/reduction"}, "an option of the evaluation"),
        ("cross_entropy(weight=2)", {"parameter": "/weight"}, "an input: send class_weights"),
        ("bce(weights=2)", {"parameter": "/weights"}, "an input: send it"),
        ("focal(gamma=-1)", {"parameter": "gamma"}, "greater than or equal to 0"),
        ("focal(gamma=101)", {"parameter": "gamma"}, "less than or equal to 100"),
        ("focal(gamma=true)", {"parameter": "gamma"}, "a valid number"),
        ("focal(gamma='2')", {"parameter": "gamma"}, "a valid number"),
        ("focal(gamma=inf)", {"parameter": "gamma"}, "a valid number"),
        ("focal(gamma=1e999)", {"parameter": "gamma"}, "a finite number"),
        ("focal(gamma=none)", {"parameter": "gamma"}, "a valid number"),
        (f"focal(gamma={'9' * 400})", {"parameter": "gamma"}, "a valid number"),
        ("bce(pos_weight=0)", {"parameter": "pos_weight"}, "greater than 0"),
        ("bce(from_logits=1)", {"parameter": "from_logits"}, "a valid boolean"),
        ("dice(group=volume)", {"loss": "dice", "parameter": "group"}, "'image'"),
        ("sparse_categorical_ce(ignore_index=1.5)", {"parameter": "ignore_index"}, "a valid integer"),
        ("sparse_categorical_ce(ignore_index=99999999999)", {"parameter": "ignore_index"}, "less than"),
        (f"focal_softmax(ignore_index={'9' * 400})", {"parameter": "ignore_index"}, ""),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(text: str, facts: dict[str, str], message: str) -> None:
    with pytest.raises(BadParameter) as refusal:
        parse(text)

    assert facts.items() <= refusal.value.facts.items()
    assert message in refusal.value.message


def test_a_parameter_is_given_once() -> None:
    with pytest.raises(BadExpression):
        parse("focal(gamma=1, gamma=2)")


def test_the_longest_text_is_read_and_no_longer_one() -> None:
    longest = "mse" + " " * (LONGEST_EXPRESSION - 3)

    assert str(parse(longest)) == "mse"
    with pytest.raises(BadExpression, match=f"{LONGEST_EXPRESSION + 1} characters; {LONGEST_EXPRESSION} are read"):
        parse(longest + " ")


def test_the_most_terms_are_read_and_no_more() -> None:
    assert len(parse("+".join(["mse"] * MOST_TERMS)).terms) == MOST_TERMS
    with pytest.raises(BadExpression, match=f"{MOST_TERMS + 1} terms; {MOST_TERMS} are read"):
        parse("+".join(["mse"] * (MOST_TERMS + 1)))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1000,
        "(" * 400 + "mse" + ")" * 400,
        "focal(gamma=" + "-" * 980 + "1)",
        "mse" + "+mse" * 249,
        "2*" * 490 + "mse",
        "mse(" * 249,
        "not " * 240 + "mse",
    ],
)
def test_deep_texts_are_refused_however_deep_the_stack_already_is(text: str) -> None:
    def deep(levels: int) -> None:
        if levels:
            return deep(levels - 1)
        with pytest.raises(BadExpression):
            parse(text)
        return None

    deep(sys.getrecursionlimit() // 3)


TEXTS = st.one_of(
    st.text(),
    st.text(max_size=LONGEST_EXPRESSION + 5),
    st.lists(st.sampled_from([*PIECES, *list(names())[:20]]), max_size=30).map("".join),
    st.lists(st.sampled_from([*PIECES, *names()]), max_size=30).map(" ".join),
)


@settings(max_examples=1500)
@given(TEXTS)
@example("1if 1else 2")
@example("0x1for x in 2")
@example("\ufeffmse")
def test_any_text_is_an_objective_or_a_refusal(text: str) -> None:
    try:
        objective = parse(text)
    except Refusal as refusal:
        message = refusal.message
    else:
        message = ""
        assert parse(str(objective)) == objective

    assert len(message) < 1000


@pytest.mark.parametrize(
    ("metric", "loss"),
    [
        ("accuracy", "cross_entropy"),
        ("accuracy_score", "cross_entropy"),
        ("precision_score", "tversky"),
        ("F1", "dice"),
        ("f1_score", "dice"),
        ("F1Score", "dice"),
        ("AUC", "bce"),
        ("roc_auc_score", "bce"),
        ("recall", "tversky"),
        ("r2_score", "mse"),
        ("rmse", "mse"),
        ("ndcg", "approx_ndcg"),
        ("mean_iou", "jaccard"),
    ],
)
def test_a_metric_asked_as_a_loss_is_told_what_trains_one_for_it(metric: str, loss: str) -> None:
    with pytest.raises(UnknownLoss) as refusal:
        parse(metric)

    assert "That is a metric" in refusal.value.message
    assert loss in refusal.value.message
    assert "did_you_mean" not in refusal.value.facts


def test_no_loss_is_called_a_metric() -> None:
    stand_ins = " ".join(loss.en for loss in LOSS_OF_METRIC.values()).replace(",", "").split()

    assert not LOSS_OF_METRIC.keys() & {re.sub("[^a-z0-9]", "", name.lower()) for name in names()}
    assert {name for name in stand_ins if name in names()} >= {"bce", "dice", "mse", "ctc", "approx_ndcg"}
