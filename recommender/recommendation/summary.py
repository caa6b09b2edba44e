"""The summary sentence of an answer: which loss to use for this goal, and why."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

from losses.text import Text
from recommender.profile import Goal
from recommender.recommendation.choice import KEPT, Choices, summed
from recommender.recommendation.decision_threshold import Cut
from recommender.rules.measured_regret import Regret, regrets
from recommender.rules.table import RulebookName
from recommender.tasks import Task

ENOUGH_ORIGINS = 5  # ours: fewer origins of data sets, resampled together, give no interval worth the name
ALIKE = 0.002  # ours: regrets of 0.2 % apart are not worth another loss
_EVEN = 1 / 2
_BOOKS = {"article": Text("the article", "文章"), "evidence": Text("the evidence", "证据库")}
# What our benchmark calls the metric of a goal; where it measured none, the source of the evidence decides.
_OF_METRICS = {
    "rmse": ("RMSE",),
    "mae": ("MAE",),
    "brier": ("Brier, repaired", "Brier of pixels"),
    "log_loss": ("log loss, repaired",),
    "auc": ("AUC",),
    "accuracy": ("accuracy",),
    "balanced_accuracy": ("balanced accuracy",),
    "dice": ("Dice",),
}
_OF_GOALS = {
    "mean": _OF_METRICS["rmse"],
    "median": _OF_METRICS["mae"],
    "probabilities": (*_OF_METRICS["brier"], *_OF_METRICS["log_loss"]),
    "ranking": _OF_METRICS["auc"],
    "accuracy": _OF_METRICS["accuracy"],
    "balanced": _OF_METRICS["balanced_accuracy"],
    "overlap": _OF_METRICS["dice"],
}
_EMPTY_COUNTED = ("Dice, empty masks count",)


@dataclass(frozen=True)
class Answers:
    """The answers of both books to a question, and which of them was asked for."""

    task: Task
    goal: Goal
    article: Choices
    evidence: Choices
    asked: RulebookName
    metric: Text
    cuts: tuple[Cut | None, Cut | None]  # where to cut the probability of the article's loss, and of the evidence's
    missed: float | None  # what the article's predictions would add up to, over the true total

    @cached_property
    def books(self) -> dict[RulebookName, Choices]:
        """The choices of each book, by its name; empty for a book that has no answer."""
        return {"article": self.article, "evidence": self.evidence}

    def objective(self, book: RulebookName) -> str:
        """Return the objective of a book, an empty string where it has none."""
        return str(summed(self.books[book]))

    def cut(self, book: RulebookName) -> Cut | None:
        """Return how to decide by the probability that a book's loss learns; None where that is unknown."""
        return self.cuts[book == "evidence"]

    def elicits_goal(self, book: RulebookName) -> bool:
        """Return whether a book's loss elicits the functional of the goal."""
        return self.books[book][0].loss.loss.elicits == self.goal.functional

    @property
    def measured_on(self) -> tuple[str, ...]:
        """The names under which the benchmark has the metric of the goal."""
        goal, aim = self.goal, self.task.row.aim
        if goal.quantile is not None and goal.metric in {None, "pinball"}:
            return (f"pinball at {goal.quantile:g}",)
        names: tuple[str, ...] = _OF_GOALS.get(getattr(goal, aim), ()) if aim else ()
        if goal.metric:
            names = _OF_METRICS.get(goal.metric, ())
        return _EMPTY_COUNTED if names == _OF_METRICS["dice"] and goal.empty_masks else names

    @cached_property
    def regret(self) -> Regret | None:
        """The regret that the benchmark measured where the evidence's rule decided.

        None where it was measured too seldom.
        """
        names = self.measured_on
        entries = (entry for choice in self.evidence for entry in regrets(choice.rule.name))
        fitting = (entry for entry in entries if entry.metric in names and entry.clusters >= ENOUGH_ORIGINS)
        return next((entry for entry in fitting if entry.other_book is not None), None)


@lru_cache(maxsize=KEPT)
def summary(answers: Answers) -> Text:
    """Return the summary: the objective for the goal, the other book's answer, and the decision threshold."""
    spoken = [book for book, chosen in answers.books.items() if chosen]
    if not spoken:
        return Text(
            en=f"No book has a rule for {answers.task} that applies here: try the losses under alternatives, "
            f"and compare them by {answers.metric.en}.",
            zh=f"没有规则适用于此 {answers.task} 问题:请尝试 alternatives 中的损失,并以{answers.metric.zh}比较。",
        )
    if len(spoken) == 1 or answers.objective("article") == answers.objective("evidence"):
        sentence = _one_answer(answers, spoken)
    else:
        sentence = _two_answers(answers)
    return Text(en=f"{sentence.en}.", zh=f"{sentence.zh}。")


def _one_answer(answers: Answers, spoken: list[RulebookName]) -> Text:
    """Return the sentence for a single answer, which both books may share."""
    book = answers.asked if answers.asked in spoken else spoken[0]
    objective, why = answers.objective(book), _because(answers.books[book])
    cut = _threshold(answers.cut(book))
    both = Text("", "") if len(spoken) == 1 else Text(", as both books say", "(两本规则一致)")
    return Text(
        en=f"Use {objective}{cut.en}{both.en}: {why.en}{_total(answers, objective).en}",
        zh=f"使用 {objective}{cut.zh}{both.zh}:{why.zh}{_total(answers, objective).zh}",
    )


def _two_answers(answers: Answers) -> Text:
    """Return the sentence for two answers: which to use for this goal, and what was measured of each."""
    take = _better(answers)
    other: RulebookName = "article" if take == "evidence" else "evidence"
    taken, rejected, cut = answers.objective(take), answers.objective(other), _threshold(answers.cut(take))
    if answers.regret:
        why = _measured(answers, answers.regret, take)
    else:
        row = _because(answers.books[take], but=answers.books[other])
        why = Text(
            en=f"{row.en} (our benchmark says too little of the two)", zh=f"{row.zh}(本项目的基准对二者所知太少)"
        )
    total, shown = _total(answers, taken), _shown(answers, take)
    return Text(
        en=f"For {answers.metric.en} use {taken}{cut.en}, not {rejected} of {_BOOKS[other].en}: {why.en}{total.en}"
        f"{shown.en}",
        zh=f"若以{answers.metric.zh}评价,使用 {taken}{cut.zh},而非{_BOOKS[other].zh}的 {rejected}:{why.zh}{total.zh}"
        f"{shown.zh}",
    )


def _shown(answers: Answers, take: RulebookName) -> Text:
    """Return why `recommended` holds the other answer, and how to request this one; empty where it holds this one."""
    if take == answers.asked:
        return Text("", "")
    now = answers.objective(answers.asked)
    return Text(
        en=f"; act on this: `recommended` holds {now} only because rulebook={answers.asked}, and rulebook={take} puts "
        f"{answers.objective(take)} there",
        zh=f";请以此为准:`recommended` 为 {now} 只因 rulebook={answers.asked},改用 rulebook={take} 即为 "
        f"{answers.objective(take)}",
    )


def _better(answers: Answers) -> RulebookName:
    """Return the book to follow for this goal: the one with the lower measured regret, else the evidence book."""
    entry = answers.regret
    if entry is None or answers.missed is not None:
        return "evidence"
    lost = _lost(entry)
    if abs(lost["evidence"] - lost["article"]) < ALIKE:
        return answers.asked if answers.elicits_goal(answers.asked) else "evidence"
    return min(lost, key=lambda book: lost[book])


def _lost(entry: Regret) -> dict[RulebookName, float]:
    """Return the measured regret of each book where the evidence's rule decided."""
    assert entry.other_book is not None  # noqa: S101 - others are not compared
    return {"evidence": entry.mean_regret, "article": entry.other_book}


def _measured(answers: Answers, entry: Regret, take: RulebookName) -> Text:
    """Return the sentence about the measured regret of both books where the evidence's rule decided."""
    lost = _lost(entry)
    other: RulebookName = "article" if take == "evidence" else "evidence"
    distance, other_distance = _distance(entry, lost[take]), _distance(entry, lost[other])
    if abs(lost[take] - lost[other]) < ALIKE:
        rather = _elicits_what_is_wanted(answers, take)
        return Text(
            en=f"our benchmark measured both {distance.en} the best loss in hindsight ({entry.metric}){rather.en}",
            zh=f"本项目的基准测得二者均{distance.zh}事后最优损失({entry.metric}){rather.zh}",
        )
    if max(lost.values()) <= 0:
        ahead = _size(entry, abs(lost[take] - lost[other]))
        return Text(
            en=f"our benchmark measured it {ahead} better than the other ({entry.metric}, {entry.cells} training runs "
            f"on tables of {entry.clusters} origins)",
            zh=f"本项目的基准测得其比另一个好 {ahead}({entry.metric},{entry.clusters} 个来源的数据上 "
            f"{entry.cells} 次训练)",
        )
    return Text(
        en=f"our benchmark measured it {distance.en} the best loss in hindsight, the other {other_distance.en} it "
        f"({entry.metric}, {entry.cells} training runs on tables of {entry.clusters} origins)",
        zh=f"本项目的基准测得其{distance.zh}事后最优损失,另一个{other_distance.zh}它"
        f"({entry.metric},{entry.clusters} 个来源的数据上 {entry.cells} 次训练)",
    )


def _distance(entry: Regret, regret: float) -> Text:
    """Return how far behind the best loss an answer was, in words; "no worse than" where the regret is not positive."""
    size = _size(entry, regret)
    return Text("no worse than", "不逊于") if regret <= 0 else Text(f"{size} behind", f"落后 {size} 于")


def _size(entry: Regret, difference: float) -> str:
    """Return a difference in the unit of the benchmark's metric."""
    return f"{100 * difference:.1f} %" if entry.unit == "relative" else f"{difference:.3f}"


def _elicits_what_is_wanted(answers: Answers, take: RulebookName) -> Text:
    """Return that the loss of `take` elicits the functional of the goal, in words; empty where it does not."""
    loss = answers.books[take][0].loss.loss
    if take == answers.asked or not answers.elicits_goal(take):
        return Text("", "")
    return Text(f", and {loss.id} learns the {loss.elicits} that is wanted", f",而 {loss.id} 学习的正是所需的功能量")


def _because(chosen: Choices, but: Choices = ()) -> Text:
    """Return the reason of the first head whose objective differs from that in `but`, without its full stop."""
    others = {str(choice.objective) for choice in but}
    reason = next((choice for choice in chosen if str(choice.objective) not in others), chosen[0]).rule.because
    return Text(en=reason.en.rstrip("."), zh=reason.zh.rstrip("。"))


def _threshold(cut: Cut | None) -> Text:
    """Return how to decide by the probabilities, in words; empty where the more likely class is taken."""
    if cut is None or cut.threshold == _EVEN:
        return Text("", "")
    if cut.threshold is None:
        return Text(en=f" and take {cut.takes.en} ({cut.formula})", zh=f" 并取{cut.takes.zh}({cut.formula})")
    return Text(
        en=f" and say yes from a probability of {cut.threshold:.3g} on ({cut.formula})",
        zh=f" 并在概率达到 {cut.threshold:.3g}({cut.formula})时判为正",
    )


def _total(answers: Answers, taken: str) -> Text:
    """Return what the article's predictions would add up to, in words; empty where that is near the true total."""
    if answers.missed is None:
        return Text("", "")
    if answers.objective("article") == taken:
        return Text(
            en=f"; but its predictions would add up to about {_percent(answers.missed)} of the true total",
            zh=f";但其预测总和约为真实总和的 {_percent(answers.missed)}",
        )
    return Text(
        en=f"; the article's would add up to about {_percent(answers.missed)} of the true total",
        zh=f";文章的答案预测总和约为真实总和的 {_percent(answers.missed)}",
    )


def _percent(share: float) -> str:
    """Return a share in percent."""
    return f"{100 * share:.0f} %"
