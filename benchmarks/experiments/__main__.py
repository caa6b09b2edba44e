"""python -m benchmarks.experiments [train]: write the report of what is stored; run first what is missing."""

import sys

from benchmarks.experiments import measure, report, score


def main() -> None:
    """Run missing experiments where "train" is given, then write the report."""
    if "train" in sys.argv[1:]:
        measure.main()
    asked = score.scored(measure.read())
    (measure.HERE / "result.md").write_text(report.markdown(asked), encoding="utf-8")
    print(report.short(asked))


if __name__ == "__main__":
    main()
