"""A verdict as sentences: the chosen loss, its score, how certain the choice is, ties, and warnings."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from losses.text import Text
from recommender.experiment.judging.comparison import FoldComparison
from recommender.experiment.judging.selection import Judgement, Outliers, chooser
from recommender.experiment.plan import Plan
from recommender.metrics import METRICS

MOST_LISTED = 4
MODELS = {"linear": Text("a linear model", "线性模型"), "mlp": Text("a network of 2 x 64", "2 x 64 的网络")}


class ModelResult(NamedTuple):
    """The result for one kind of model: its judgement, and the choice under each interpretation of outliers."""

    model: str
    repeats: int
    outliers: Outliers
    judgement: Judgement
    comparison: FoldComparison
    alone: Mapping[Outliers, str]  # empty where somebody said what outliers are
    short: Mapping[str, float]  # what misses the total, with its ratio


def selection(plan: Plan, result: ModelResult) -> Text:
    """Return the sentence which rows and which metric the choice was made by."""
    metric, folds, repeats = METRICS[chooser(plan)].title, plan.question.folds, result.repeats
    rows = int(result.judgement.kept.sum())
    if result.alone:
        return Text(
            f"nested {folds} x {repeats} folds, {metric.en} on all {plan.n:,} rows and on those that the candidates "
            "agree about, for each candidate the one by which it is further from the best",
            f"嵌套 {folds} x {repeats} 折,分别在全部 {plan.n:,} 行与各候选损失一致认可的行上计算{metric.zh},"
            "每个候选取其离最优更远的一种",
        )
    if plan.queries is not None:
        queries = len(np.unique(plan.queries))
        return Text(
            f"nested {folds} x {repeats} folds of whole queries, {metric.en}, the mean over {queries:,} queries",
            f"嵌套 {folds} x {repeats} 折(查询保持完整),{metric.zh},对 {queries:,} 个查询取平均",
        )
    if result.outliers == "errors" and plan.target.is_number:
        return Text(
            f"nested {folds} x {repeats} folds, {metric.en} on the {rows:,} rows that the candidates agree about",
            f"嵌套 {folds} x {repeats} 折,在各候选损失一致认可的 {rows:,} 行上计算{metric.zh}",
        )
    return Text(
        f"nested {folds} x {repeats} folds, {metric.en} on all {rows:,} rows",
        f"嵌套 {folds} x {repeats} 折,在全部 {rows:,} 行上计算{metric.zh}",
    )


def summary(plan: Plan, result: ModelResult, tied: Sequence[str], regrets: Sequence[float]) -> Text:
    """Return the verdict in one sentence, and a second where it depends on the interpretation of outliers."""
    parts = [_choice(plan, result)]
    if tied:
        more = len(tied) - MOST_LISTED
        listed = ", ".join(tied[:MOST_LISTED])
        parts.append(
            Text(
                f"; {listed}{f' and {more} more' if more > 0 else ''} cannot be told from it",
                f";与 {listed}{' 等' if more > 0 else ''} 无法区分",
            )
        )
    parts += [_worst(plan, result, regrets), Text(".", "。")]
    if len(set(result.alone.values())) > 1:
        parts.append(_both(result))
    return Text("".join(part.en for part in parts), "".join(part.zh for part in parts))


def _choice(plan: Plan, result: ModelResult) -> Text:
    """Return the sentence that names the chosen loss and its score."""
    comparison = result.comparison
    objective = plan.candidates[comparison.chosen].objective
    incumbent = next(candidate.objective for candidate in plan.candidates if candidate.incumbent)
    value = result.judgement.values[comparison.chosen].mean()
    title, model = METRICS[plan.metric].title, MODELS[result.model]
    en = f"{title.en} {value:.4g} with {model.en} on {plan.n:,} rows"
    zh = f"{plan.n:,} 行数据、{model.zh},{title.zh} {value:.4g}"
    if objective == incumbent:
        return Text(f"Keep {objective}, which the rules recommend: {en}", f"保留规则推荐的 {objective}:{zh}")
    sure = Text("beyond doubt", "差异显著") if comparison.better else Text("though not beyond doubt", "但差异不显著")
    return Text(
        f"Take {objective} rather than {incumbent}, which the rules recommend: {en}, better {sure.en}",
        f"用 {objective} 代替规则推荐的 {incumbent}:{zh},更优,{sure.zh}",
    )


def _both(result: ModelResult) -> Text:
    """Return what would be chosen if it were known whether outliers are errors or signal."""
    errors, signal = result.alone["errors"], result.alone["signal"]
    if result.short:
        return Text(
            f" Nobody said what rows far out are, so the total is kept: take {errors} if they are mistakes, {signal} "
            "if they are real.",
            f"未说明离群行的性质,故此选择保持总和:若为错误,选 {errors};若为真实信号,选 {signal}。",
        )
    return Text(
        f" Nobody said what rows far out are, so it loses least whichever: take {errors} if they are mistakes, "
        f"{signal} if they are real.",
        f"未说明离群行的性质,故此选择在两种情况下损失最小:若为错误,选 {errors};若为真实信号,选 {signal}。",
    )


def _worst(plan: Plan, result: ModelResult, regrets: Sequence[float]) -> Text:
    """Return the worst of the candidates that are significantly worse, and by how much."""
    comparison = result.comparison
    worse = ~result.judgement.diverged & ~comparison.tied
    if not worse.any():
        return Text("", "")
    place = int(np.where(worse, comparison.means, -np.inf).argmax())
    name = plan.candidates[place].objective
    if not METRICS[plan.metric].is_relative:
        return Text(f"; {name} is {regrets[place]:.3g} worse than the best", f";{name} 比最优差 {regrets[place]:.3g}")
    share = 100 * regrets[place]
    return Text(f"; {name} is {share:.3g} % worse than the best", f";{name} 比最优差 {share:.3g} %")


def verdict_warnings(plan: Plan, result: Sequence[ModelResult]) -> list[Text]:
    """Return warnings about the reliability of the verdict."""
    texts = [
        Text(
            "A verdict holds for its model and no other: a loss chosen with one was no better than a good constant "
            "with another. Run your own model, and send its scores to /v1/experiments/verdict.",
            "结论只适用于所用模型,不可推广到其他模型。请用您自己的模型训练,并将得分发送到 /v1/experiments/verdict。",
        )
    ]
    for entry in result:
        gone = [plan.candidates[place].objective for place in np.flatnonzero(entry.judgement.diverged)]
        if gone:
            listed = ", ".join(gone)
            texts.append(
                Text(
                    f"{listed} diverged with {MODELS[entry.model].en} and took no part.",
                    f"{listed} 在{MODELS[entry.model].zh}上发散,未参与比较。",
                )
            )
        if entry.short:
            listed = ", ".join(f"{name} ({100 * ratio:.0f} %)" for name, ratio in entry.short.items())
            texts.append(
                Text(
                    f"Not chosen, for what they predict adds up to another total: {listed}. If the rows far out are "
                    "mistakes, say goal.outliers=errors.",
                    f"因预测总和偏离真实总和而未被选用:{listed}。若远离的行是错误,请给出 goal.outliers=errors。",
                )
            )
    by = chooser(plan)
    if by != plan.metric:
        title = METRICS[plan.metric].title
        texts.append(
            Text(
                f"{title.en} is too noisy to choose a loss by: {METRICS[by].title.en} chose, and the cut follows from "
                "the metric. Moving the cut is often the whole answer.",
                f"{title.zh}噪声太大,不宜用于选择损失:由{METRICS[by].title.zh}选择,阈值由指标推出。"
                "移动阈值往往就够了。",
            )
        )
    return texts
