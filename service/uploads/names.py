"""What arrays, files and bodies are called in a refusal."""

CHINESE = {"The body": "请求体", "The dataset": "数据集"}


def in_chinese(name: str) -> str:
    """Return the name of what was sent: that of a role is the same in every language."""
    return CHINESE.get(name, name)
