"""The kernels of one process: those in its folders, and those compiled while it runs."""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from losses.evaluation.kernels.form import Form
from losses.evaluation.kernels.runner import Runner

MOST = 256  # kernels in one process, a third of a megabyte each
BUILD_SECONDS = 300  # in which one is compiled; five are usual
WORTH = 1 << 20  # numbers in an upload from which on its kernel is compiled
ANY = "any"  # instructions that every processor of this kind has
OLDER = {"AVX512": ["AVX512", "AVX2"], "AVX2": ["AVX2"]}
log = logging.getLogger("lossary")


def isa() -> str:
    """Return the vector instructions of this processor: AVX512, AVX2, or "any"."""
    capability = torch.backends.cpu.get_cpu_capability()
    return capability if capability in OLDER else ANY


def kernel_paths(form: Form, folder: Path, instructions: str) -> tuple[Path, Path]:
    """Return the path of a kernel's shared library, and that of the description of its results."""
    library = folder / f"{form.digest}.{instructions}.so"
    return library, library.with_suffix(".json")


@dataclass
class Kernel:
    """A compiled form.

    Attributes:
        runner: The loaded library.
        names: The names of its first results.
        totals: The term and the axis of each of the sums that follow.
    """

    runner: Runner
    names: list[str]
    totals: list[tuple[int, str]]

    @classmethod
    def load(cls, form: Form, folder: Path) -> "Kernel | None":
        """Return the kernel of a form for this processor; None where the folder has none."""
        for instructions in OLDER.get(isa(), [ANY]):
            library, sidecar = kernel_paths(form, folder, instructions)
            if library.exists():
                facts = json.loads(sidecar.read_text())
                return cls(Runner(library), facts["names"], [(place, axis) for place, axis in facts["totals"]])
        return None


def built(form: Form, folder: Path) -> bool:
    """Compile a kernel in a separate process, so that this one is not blocked and keeps no memory.

    Return whether it worked.
    """
    command = [sys.executable, "-m", "losses.evaluation.kernels.build", str(folder), "--form"]
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            [*command, json.dumps(form.described())],
            timeout=BUILD_SECONDS,
            env=environment,
            capture_output=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        log.warning("kernel took too long to compile", extra={"facts": {"kernel": form.digest}})
        return False
    if done.returncode:
        facts = {"kernel": form.digest, "form": form.described(), "said": done.stderr.decode(errors="replace")[-500:]}
        log.warning("kernel not compiled", extra={"facts": facts})
    return not done.returncode


@dataclass(eq=False)
class Kernels:
    """The kernels of one process, by form.

    Missing ones are compiled in `builds_in`, one at a time in a separate process.
    """

    folders: Sequence[Path] = ()
    builds_in: Path | None = None
    worth: int = WORTH
    most: int = MOST
    build: Callable[[Form, Path], bool] = built
    known: dict[Form, Kernel] = field(default_factory=dict)
    _missing: set[Form] = field(default_factory=set)
    builder: threading.Thread | None = None  # while something is compiled
    _wanted: list[Form] = field(default_factory=list)
    _asked: set[Form] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, form: Form, numbers: int) -> Kernel | None:
        """Return the kernel of a form, None where there is none yet.

        It is compiled if inputs have `numbers` >= `worth`.
        """
        kernel = self.known.get(form)
        if kernel is not None or len(self.known) >= self.most:
            return kernel
        if form not in self._missing:
            kernel = self._loaded(form)
        if kernel is not None:
            self.known[form] = kernel
            return kernel
        if len(self._missing) >= self.most:
            self._missing.clear()
        self._missing.add(form)
        if self.builds_in is not None and numbers >= self.worth and len(self._asked) < self.most:
            self._ask(form)
        return None

    def _loaded(self, form: Form) -> Kernel | None:
        """Return the kernel of a form from one of the folders; None where none has it."""
        folders = [*self.folders, *([self.builds_in] if self.builds_in else [])]
        try:
            return next((kernel for folder in folders if (kernel := Kernel.load(form, folder))), None)
        except (OSError, ValueError, KeyError):
            log.warning("kernel not loaded", exc_info=True, extra={"facts": {"kernel": form.digest}})
            return None

    def _ask(self, form: Form) -> None:
        """Schedule a form for compilation, once."""
        with self._lock:
            if form in self._asked:
                return
            self._asked.add(form)
            self._wanted.append(form)
            if self.builder is None:
                self.builder = threading.Thread(target=self._build_all, name="kernels", daemon=True)
                self.builder.start()

    def _build_all(self) -> None:
        """Compile the scheduled kernels, one after another, until none is left."""
        while self.builds_in is not None:
            with self._lock:
                if not self._wanted:
                    self.builder = None
                    return
                form = self._wanted.pop(0)
            if self.build(form, self.builds_in):
                self._missing.discard(form)  # so that it is looked for again
