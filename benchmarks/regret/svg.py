"""A picture of matplotlib's, as wide as what it stands in and readable in the dark."""

import re

DARK = {  # colours of plot.py by what they are in the dark
    "#ffffff": "#16181d",
    "#e6e8eb": "#2a2e36",
    "#30343b": "#e6e6e6",
    "#5b616b": "#9aa0a6",
    "#0072b2": "#56b4e9",
    "#b07a00": "#e69f00",
    "#009e73": "#2fd1a0",
}
_SIZE = re.compile(r'width="[\d.]+pt" height="[\d.]+pt"')
_STYLE = re.compile(r'(<style type="text/css">[^<]*?)(?:@media[^<]*)?</style>')


def adapted(picture: str) -> str:
    """Return the picture without a size of its own, and with its colours for the dark; once is as good as twice."""
    rules = [
        f'[style*="{name}: {light}"]{{{name}:{dark}!important}}'
        for light, dark in DARK.items()
        for name in ("fill", "stroke")
    ]
    dark = f"@media(prefers-color-scheme:dark){{{''.join(rules)}}}"
    return _STYLE.sub(lambda match: f"{match[1]}{dark}</style>", _SIZE.sub('width="100%"', picture, count=1), count=1)
