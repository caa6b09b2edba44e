"""The command's own sentences in English and Chinese, in the language of the shell."""

import os
from typing import Literal

Language = Literal["en", "zh"]
# English and Chinese; {0}, {1} are filled in.
WORDS = {
    "unreached": (
        "Nobody answers at {0}\nStart a service (make serve), or name one with --url.",
        "{0} 无应答\n请启动服务(make serve),或用 --url 指明一个。",
    ),
    "roles": (
        "--roles says a column for each input: predictions:y_pred,targets:y_true.",
        "--roles 为每个输入写一列:predictions:y_pred,targets:y_true。",
    ),
    "fact_form": (
        "{0}: write a fact as name=value, such as outlier_rate=0.08.",
        "{0}:请把事实写成 name=value,如 outlier_rate=0.08。",
    ),
    "below": ("otherwise {0} with {1} below {2}", "若 {1} 低于 {2},则用 {0}"),
    "at_least": ("otherwise {0} with {1} from {2}", "若 {1} 达到 {2},则用 {0}"),
    "article": ("article", "文章"),
    "evidence": ("evidence", "证据"),
    "interval": ("{0} to {1}", "{0} 至 {1}"),
    "fact": ("fact", "事实"),
    "value": ("value", "值"),
    "loss": ("loss", "损失"),
    "kept": ("kept", "计入"),
    "tasks": ("tasks", "任务"),
    "title": ("title", "名称"),
    "model": ("model", "模型"),
    "best_with": ("best with", "最优概率"),
    "chosen": ("chosen", "所选"),
    "tied": ("tied", "并列"),
    "diverged": ("diverged", "发散"),
    "training": ("training", "训练中"),
    "models": ("models", "个模型"),
    "formula": ("formula", "公式"),
    "elicits": ("learns", "学习"),
    "needs_service": (
        "{0} needs the service in this environment: run pip install . in its clone.",
        "{0} 需要在此环境中安装服务:在其仓库中运行 pip install .。",
    ),
}


def spoken() -> Language:
    """Return Chinese where the shell asks for it: by LOSSARY_LANGUAGE, or else the locale of messages (POSIX)."""
    names = ("LOSSARY_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((os.environ[name] for name in names if os.environ.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"


def say(name: str, *values: object) -> str:
    """Return a sentence of the command in the language of the shell."""
    return WORDS[name][1 if spoken() == "zh" else 0].format(*values)
