"""The Chinese names of arrays, files and bodies in refusals."""

CHINESE = {"The body": "请求体", "The dataset": "数据集"}


def in_chinese(name: str) -> str:
    """Return the Chinese name of what was sent; a role has the same name in both languages."""
    return CHINESE.get(name, name)
