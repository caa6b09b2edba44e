"""Compile kernels ahead of time into a folder: python -m losses.evaluation.kernels.build FOLDER OBJECTIVE...

Takes a C++ compiler. What comes of it runs without one, where the same torch is.
"""

import argparse
import json
import multiprocessing
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from losses.contract.expression import Objective, parse
from losses.contract.registry import catalogue
from losses.errors import Refusal
from losses.evaluation.kernels.axes import example_lengths, stated_lengths
from losses.evaluation.kernels.form import DTYPES, Form, form_of, why_no_kernel
from losses.evaluation.kernels.library import ANY, isa, kernel_paths
from losses.evaluation.kernels.one_pass import OnePass

ALL = "all"  # instructions: a kernel for every kind of processor that can run this system
PROCESS_BYTES = 2 << 30  # of the machine for each kernel in the making, of which torch and the compiler take 0.8
BEHIND = 10  # in priority: what is compiled while others work
MARCH = {"AVX512": "x86-64-v4", "AVX2": "x86-64-v3"}  # the oldest processors that have these instructions
VECTOR_BITS = {"AVX512": 512, "AVX2": 256}


def build(form: Form, folder: Path, instructions: str | None = None) -> Path:
    """Compile the kernel of a form into a folder, and return the path of its shared library.

    `instructions` is AVX512 or AVX2; by default the best that this processor has.

    Raises: what torch raises where the formula cannot be compiled as one function.
    """
    instructions = instructions or isa()
    module, tensors = OnePass(form), list(_examples(form))
    axes = [_open_axes(form, place, tensor) for place, tensor in enumerate(tensors)]
    library, sidecar = kernel_paths(form, folder, instructions)
    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as scratch, torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, of torch
        try:
            torch.set_num_threads(1)  # the library has no threads of its own
            program = torch.export.export(module, (tensors,), dynamic_shapes=(axes,), strict=False)
            compiled = torch._inductor.aot_compile(  # noqa: SLF001 - the public one zips it
                program.module(), (tensors,), options=_options(instructions, Path(scratch))
            )
        finally:
            torch.set_num_threads(threads)
        if shutil.which("strip"):
            subprocess.run(["strip", str(compiled)], check=True)  # noqa: S603, S607 - names that nothing reads
        folder.mkdir(parents=True, exist_ok=True)
        facts = {**vars(module.contents), "form": form.described()}
        _write(json.dumps(facts).encode(), sidecar)
        _write(Path(str(compiled)).read_bytes(), library)  # last, since it is what is looked for
    return library


def _options(instructions: str, scratch: Path) -> dict[str, Any]:
    """Return the options of the compiler."""
    options: dict[str, Any] = {
        "aot_inductor.output_path": str(scratch / "kernel.so"),
        "aot_inductor.enable_line_tables": False,  # a third of the time of compiling, for what is stripped off
        "compile_threads": 1,
    }
    if instructions in MARCH:
        options |= {"cpp.march": MARCH[instructions], "cpp.simdlen": VECTOR_BITS[instructions], "cpp.vec_isa_ok": True}
    return options


def _write(content: bytes, path: Path) -> None:
    """Write a file atomically: readers see all of it or none."""
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(content)
    part.replace(path)


def _examples(form: Form) -> Iterator[Tensor]:
    """Yield an example tensor for every input, open parameter and shift of the kernel.

    Equal axes have equal lengths.
    """
    lengths = example_lengths(form)
    for entry in form.inputs:
        yield torch.zeros([lengths[entry.role, axis] for axis in range(len(entry.single))], dtype=DTYPES[entry.dtype])
    for term in form.terms:
        for _, kind in term.free:
            yield torch.ones((), dtype=torch.float64 if kind == "float" else torch.int64)
    yield torch.zeros(2 * len(form.terms), dtype=torch.float64)


def _open_axes(form: Form, place: int, tensor: Tensor) -> dict[int, Any]:
    """Return the axes of a kernel's input that may have any length."""
    if place >= len(form.inputs):
        return {}
    role, stated = form.inputs[place].role, stated_lengths(form)
    axes = [axis for axis, length in enumerate(tensor.shape) if length > 1 and (role, axis) not in stated]
    return dict.fromkeys(axes, torch.export.Dim.DYNAMIC)


@dataclass(frozen=True)
class Job:
    """One kernel to compile: a form of an objective, for processors with these instructions."""

    objective: str
    form: Form
    folder: Path
    instructions: str

    def compiled(self) -> tuple[str, bool]:
        """Compile the kernel, and return what is to be printed, and whether it worked."""
        try:
            return f"{build(self.form, self.folder, self.instructions)} {self.objective}", True
        except Exception as error:  # noqa: BLE001 - whatever torch raises, the next may be compiled
            return f"{self.objective} is left to the plain way: {str(error).splitlines()[:1]}", False


def main() -> None:
    """Compile the kernels named on the command line.

    Exits with status 1 where an objective was named of which a kernel cannot be compiled.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "objectives",
        nargs="*",
        help="ids of losses, or expressions such as huber(delta=2), whose kernel serves every delta but the default;"
        " none: every loss of which a kernel can be made",
    )
    parser.add_argument("--form", help="one form in their place, as JSON")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument(
        "--instructions", choices=(*sorted(MARCH), ALL), help="those of other processors than this one, or of all"
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=_at_once(),
        help="the number of kernels compiled at a time; by default %(default)s",
    )
    asked = parser.parse_intermixed_args()
    if asked.form:
        os.nice(BEHIND)
        build(Form.of(json.loads(asked.form)), asked.folder, asked.instructions)
        return
    objectives: dict[str, Objective] = {}
    for text in asked.objectives or catalogue():
        try:
            objectives[text] = parse(text)
        except Refusal as error:
            parser.error(f"{text}: {error}")
    jobs = [
        Job(text, form, asked.folder, instructions)
        for text, objective in objectives.items()
        for form in usual_forms(objective, DTYPES[asked.dtype])
        for instructions in _kinds(asked.instructions)
    ]
    missing = set(asked.objectives) - {job.objective for job in jobs}
    for text in sorted(missing):
        reasons = filter(None, (why_no_kernel(term) for _, term in objectives[text].terms))
        sys.stdout.write(f"{text} is left to the plain way: {next(reasons, '')}\n")
    if jobs:
        with multiprocessing.get_context("spawn").Pool(min(asked.processes, len(jobs))) as pool:
            for job, (printed, worked) in zip(jobs, pool.imap(Job.compiled, jobs), strict=True):
                sys.stdout.write(f"{printed}\n")
                if not worked:
                    missing.add(job.objective)
    if missing & set(asked.objectives):
        sys.exit(1)


def _at_once() -> int:
    """Return how many kernels this machine can compile at a time."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(os.cpu_count() or 1, memory // PROCESS_BYTES))


def _kinds(instructions: str | None) -> list[str]:
    """Return the instructions to compile for, where the command line says these."""
    if instructions != ALL:
        return [instructions or isa()]
    return sorted(MARCH) if platform.machine() in ("x86_64", "AMD64") else [ANY]


def usual_forms(objective: Objective, dtype: torch.dtype) -> Iterator[Form]:
    """Yield the forms of an objective for plain items and, where it allows them, for two pixel axes.

    Where a kernel takes any number of pixel axes as one, the second form is for all of them.
    """
    patterns = [pattern for _, term in objective.terms for pattern in term.loss.shapes.roles]
    for pixels in (0, 2) if any(name[0] == "*" for pattern in patterns for name in pattern.names) else (0,):
        form = form_of(objective, _usual_inputs(objective, dtype, pixels), dtype)
        if form is not None:
            yield form


def _usual_inputs(objective: Objective, dtype: torch.dtype, pixels: int) -> dict[str, Tensor]:
    """Return every required input, with this number of pixel axes."""
    axes: dict[str, int] = {}
    whole: set[str] = set()
    for _, term in objective.terms:
        for role in term.loss.required:
            names = term.loss.pattern(role).names
            width = {"*": pixels + (names[0][0] == "*")}
            axes[role] = max(axes.get(role, 0), sum(width.get(name[0], 1) for name in names))
            if term.domain(role).whole:
                whole.add(role)
    return {
        role: torch.empty([2] * count, dtype=torch.int64 if role in whole else dtype) for role, count in axes.items()
    }


if __name__ == "__main__":
    main()
