"""A glob names the files that a shell would name, and its wildcards never cross a slash."""

import pytest

from service.datasets.addresses.reader import glob_pattern


@pytest.mark.parametrize(
    ("glob", "names", "does_not_name"),
    [
        ("/a/*.csv", ["/a/b.csv", "/a/.csv"], ["/a/b/c.csv", "/a/bcsv"]),
        ("/a/?.csv", ["/a/b.csv"], ["/a//.csv", "/a/bb.csv"]),
        ("/a/[!b].csv", ["/a/c.csv"], ["/a/b.csv", "/a//.csv"]),
        ("/a/**/x[0-9].csv", ["/a/b/c/x1.csv"], ["/a/b/xx.csv"]),
        ("/a/x[1.**2].csv", ["/a/x*.csv", "/a/x2.csv"], ["/a/x3.csv", "/a/x1.2.csv"]),
        ("/a/[]x].csv", ["/a/].csv", "/a/x.csv"], ["/a/[.csv"]),
    ],
)
def test_a_glob_names_what_a_shell_would(glob: str, names: list[str], does_not_name: list[str]) -> None:
    pattern = glob_pattern(glob)

    assert [path for path in names if not pattern.fullmatch(path)] == []
    assert [path for path in does_not_name if pattern.fullmatch(path)] == []
