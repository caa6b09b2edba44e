"""One harness under atheris, which keeps whatever reaches new lines: python -m tests.fuzz.guided NAME RUNS FOLDER.

It goes on after a finding; each one, by where it was raised, leaves its bytes in FOLDER/findings and its traceback
beside them. Seeds and what is committed under corpus/ begin the corpus.
"""

import hashlib
import logging
import sys
import traceback
import warnings
from pathlib import Path
from random import Random

import atheris  # type: ignore[import-untyped] # in .venv-fuzz alone

LONGEST = 1 << 13  # bytes of an input
CORPUS = Path(__file__).parent / "corpus"

with atheris.instrument_imports(include=["service", "losses", "python_multipart", "zipfile"]):
    from tests.fuzz.harnesses import HARNESSES
    from tests.fuzz.mutations import mutated


def main(name: str, runs: int, folder: Path) -> None:
    """Fuzz one harness; libFuzzer ends the process."""
    logging.disable(logging.CRITICAL)  # python_multipart says a line for every form that is none
    warnings.simplefilter("error")
    harness = HARNESSES[name]
    seen, findings = folder / "corpus", folder / "findings"
    for made in (seen, findings):
        made.mkdir(parents=True, exist_ok=True)
    committed = [file.read_bytes() for file in sorted((CORPUS / name).glob("*"))]
    for place, seed in enumerate([*harness.seeds, *committed]):
        (seen / f"seed{place}").write_bytes(seed)
    known: set[str] = set()
    runs_done = read = 0

    def once(data: bytes) -> None:
        nonlocal runs_done, read
        runs_done += 1
        if runs_done % 1000 == 0:
            (folder / "read").write_text(f"{read / runs_done:.3f}")  # libFuzzer lets nothing run at its end
        try:
            read += harness.run(data)
        except Exception as error:  # noqa: BLE001 - any is a finding, and fuzzing goes on
            last = traceback.extract_tb(error.__traceback__)[-1]
            key = hashlib.sha256(f"{type(error)}{last.filename}{last.lineno}".encode()).hexdigest()[:12]
            if key not in known:
                known.add(key)
                (findings / f"{key}.bin").write_bytes(data)
                (findings / f"{key}.txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")

    def mutator(data: bytes, longest: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < 0.2:
            broken: bytes = atheris.Mutate(data, longest)
            return harness.mend(broken, random)[:longest] if random.random() < 0.5 else broken
        whole = random.choice(harness.seeds) if random.random() < 0.3 else data  # most of the corpus is refused
        return mutated(whole, random, harness.words, harness.mend)[:longest]

    flags = [f"-runs={runs}", f"-max_len={LONGEST}", "-timeout=60", "-rss_limit_mb=4096", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *flags, "-verbosity=0", str(seen)], once, custom_mutator=mutator)
    atheris.Fuzz()


main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
