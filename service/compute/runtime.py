"""The device, and the threads that compute on it."""

import asyncio
import logging
import math
import os
import shutil
import time
from collections.abc import AsyncIterable, Callable, Hashable
from dataclasses import replace
from functools import lru_cache, partial
from typing import TypeVar

import torch
from anyio import CapacityLimiter, to_thread

from losses.contract.deadline import CHECK, HOLD
from losses.contract.expression import Objective
from losses.contract.work import NUMBER_S
from losses.errors import TooMuchAtOnce
from losses.evaluation.evaluate import evaluate
from losses.evaluation.kernels.library import Kernels
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation
from losses.evaluation.stream import Stream
from service.budget import Budget, given_back
from service.compute.groups import Groups
from service.compute.limits import deadline, estimate, refuse_unused, timed
from service.compute.memory import LEAST_CHUNK, Blocks, in_smaller_chunks
from service.compute.rates import Rates, kind_of
from service.problems import DeviceLost, OutOfDeviceMemory, OutOfMemory
from service.readiness import Readiness
from service.request_record import current
from service.scheduling import in_task, take_turn
from service.settings import Settings
from service.uploads.formats.registry import Window, kinds_of
from service.uploads.upload import Upload

Returned = TypeVar("Returned")
INLINE_S = 1e-3  # of computing, which a thread hop would double
CUDA_CHUNK_ELEMENTS = 1 << 24  # 64 MB in float32: launches cost nothing beside the copy
KERNEL_NUMBERS = 1 << 13  # in which a kernel gains more than its call costs
LEAST_SHORT_CHUNK = 1 << 12  # below it calls cost more than numbers
SHORT_BODY = 1_000_000  # bytes, below which blocks are bounded by the arrays
TIMES_ARRAYS = 16  # what blocks of a short body hold at most, over its arrays
CUDA_BYTES = 256  # of device memory for each number of a chunk: its inputs, sums in float64, and a graph of them
NO_MEMORY = "can't allocate memory"  # in what torch raises on the CPU
log = logging.getLogger("lossary")


class Runtime:
    """The device, and the threads that compute on it."""

    def __init__(
        self,
        settings: Settings,
        *,
        evaluate: Callable[..., Evaluation] = evaluate,
        kernel_numbers: int = KERNEL_NUMBERS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Select a device, and prepare the threads.

        Args:
            settings: The settings of this process.
            evaluate: The function that evaluates an objective.
            kernel_numbers: Compiled kernels are used for uploads of at least so many numbers.
            clock: The clock of deadlines, in seconds.
        """
        self._evaluate, self._kernel_numbers, self._clock = evaluate, kernel_numbers, clock
        self.device = self._placed(settings.device, settings.worker)
        self.name = str(self.device)
        self.readiness = Readiness()
        together = 1 if self.device.type == "cuda" else max(1, torch.get_num_threads() // settings.workers)
        self.turns = Budget(together, settings.max_waiting, settings.queue_seconds)
        self._blocks = Budget(settings.max_block_bytes, settings.max_waiting, settings.queue_seconds)
        self._threads = CapacityLimiter(math.inf)  # the turns are the limit
        self._rates = Rates()
        self._short_block_bytes = settings.max_short_block_bytes
        self._compute_s = settings.compute_seconds
        self._groups = Groups()
        self._kernels = _kernels(settings)
        torch.set_num_threads(1)  # requests run side by side; one that is alone gains little from more

    @staticmethod
    def _placed(device: str, worker: int) -> torch.device:
        """Return the device of that name; workers that may use any CUDA device are spread over all of them."""
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise ValueError(f"LOSSARY_DEVICE is {device}, and no CUDA device is here; use auto or cpu.")
        return torch.device(device, worker % torch.cuda.device_count()) if device == "cuda" else torch.device(device)

    async def evaluate(self, objectives: list[Objective], upload: Upload, options: Options) -> list[Evaluation]:
        """Return the evaluation of each objective on one upload, in order; sets its compute time in `timing_ms`."""
        device_options = self._options_for_device(options, upload.numbers)
        seconds, peak_bytes, layouts = estimate(objectives, upload.roles, device_options)
        too_much = peak_bytes > self._short_block_bytes and peak_bytes > self._most_held(upload)
        if too_much:
            device_options = self._shorter(objectives, upload, device_options)
            seconds, peak_bytes, layouts = estimate(objectives, upload.roles, device_options)
        joined = None
        if seconds <= INLINE_S and len(layouts) == len(objectives):
            joined = self._groups.join(layouts, upload.roles, device_options)
        await take_turn()
        if joined is not None:
            group, place = joined
            results = group.results_of(place)
            if results:
                record = current()
                record.items, record.compute_ms = upload.items, record.compute_ms + group.share_ms
                return _record_evaluations(objectives, upload, results)
        work: Callable[[], list[Evaluation]] = partial(self._evaluated, objectives, upload, device_options)
        if seconds > INLINE_S and self._blocks.has(peak_bytes):
            kind = self._kind_of(objectives, kinds_of(upload.roles), device_options)
            work, seconds = self._rates.timed(kind, upload.numbers, work, seconds)
        try:
            results = await self.run(work, seconds, peak_bytes, upload.reserved_bytes)
        except TooMuchAtOnce as refusal:
            if too_much:
                refusal.facts["limit_name"] = "max_short_block_bytes"
            raise
        return _record_evaluations(objectives, upload, results)

    def _most_held(self, upload: Upload) -> float:
        """Return the bytes that one block of an upload may hold; small for short bodies, whose memory is limited."""
        if self.device.type != "cpu" or upload.sent_before or current().bytes_in >= SHORT_BODY:
            return math.inf
        return self._short_block_bytes + TIMES_ARRAYS * sum(tensor.nbytes for tensor in upload.roles.values())

    def _shorter(self, objectives: list[Objective], upload: Upload, device_options: Options) -> Options:
        """Return the options with chunks short enough for a short body; where no length fits, blocks are refused."""
        limit = self._most_held(upload)
        while device_options.chunk_elements > LEAST_SHORT_CHUNK:
            device_options = replace(device_options, chunk_elements=device_options.chunk_elements // 2)
            if estimate(objectives, upload.roles, device_options).peak_bytes <= limit:
                return device_options
        return replace(device_options, max_block_bytes=min(device_options.max_block_bytes, self._short_block_bytes))

    def _evaluated(self, objectives: list[Objective], upload: Upload, device_options: Options) -> list[Evaluation]:
        """Return the evaluation of each objective on an upload."""
        weights, mask = upload.take("weights"), upload.take("mask")
        current().items = upload.items
        refuse_unused(objectives, upload.roles)
        evaluate = partial(self._evaluate, inputs=upload.roles, weights=weights, mask=mask)
        return [in_smaller_chunks(partial(evaluate, objective), device_options) for objective in objectives]

    async def evaluate_stream(
        self,
        objectives: list[Objective],
        windows: AsyncIterable[Window],
        upload: Upload,
        options: Options,
        *,
        error_asked: bool,
    ) -> tuple[list[Evaluation], int]:
        """Evaluate objectives on a body while it is received, one window ahead.

        Return the results and the number of items.

        Every window has a deadline of its own, and waits for a thread unless it takes less than INLINE_S, as one before
        it did. With `error_asked`, a standard error that is not available is refused.
        """
        device_options = self._options_for_device(options, self._kernel_numbers)  # it is long, or nobody knows
        streams = [Stream(objective, device_options, error_asked=error_asked) for objective in objectives]
        record, started = current(), time.perf_counter()
        record.items, record.losses = 0, _losses(objectives)
        computing: asyncio.Task[None] | None = None
        try:
            async for window in windows:
                if computing:
                    await computing
                kind, numbers = self._kind_of(objectives, window.arrays, device_options), window.numbers
                add = partial(_add, streams, window)
                work, seconds = self._rates.timed(kind, numbers, add, NUMBER_S * numbers * len(streams))
                computing = asyncio.create_task(self.run(work, seconds, own_deadline=True))
                if seconds <= INLINE_S:  # nothing is gained by receiving the next one meanwhile
                    await computing
            if computing:
                await computing
        finally:
            if computing:
                await asyncio.gather(computing, return_exceptions=True)
        results = await self.run(lambda: [stream.finish() for stream in streams], 0, own_deadline=True)
        record.items = streams[0].items
        waited = 1e3 * (time.perf_counter() - started)
        transfer_ms = sum(evaluation.transfer_ms for evaluation in results)
        timing = {"receive": waited, "decode": 0.0, "transfer": transfer_ms}
        upload.timing_ms = {**timing, "compute": record.compute_ms - transfer_ms}
        return results, record.items

    def _kind_of(self, objectives: list[Objective], arrays: Hashable, device_options: Options) -> Hashable:
        """Return the kind of an evaluation whose rate this thread's clock measures; None on another device."""
        return kind_of(objectives, arrays, device_options) if self.device.type == "cpu" else None

    def _options_for_device(self, options: Options, numbers: int) -> Options:
        """Return the options for this device, with kernels for at least `kernel_numbers` numbers."""
        if self.device.type == "cpu":
            kernels = self._kernels if numbers >= self._kernel_numbers else None
            return _on_cpu(options, self._blocks.total, kernels)
        free, _ = torch.cuda.mem_get_info(self.device)
        fits = max(LEAST_CHUNK, min(CUDA_CHUNK_ELEMENTS, free // CUDA_BYTES))
        power = 1 << (fits.bit_length() - 1)  # of 2, so that what is worked out for one length serves again
        return replace(options, device=self.device, chunk_elements=power, max_block_bytes=free // 2)

    async def run(
        self,
        work: Callable[[], Returned],
        seconds: float = math.inf,
        peak_bytes: int = 0,
        reserved_bytes: int = 0,
        *,
        own_deadline: bool = False,
    ) -> Returned:
        """Return the result of `work`, computed in a thread where it takes longer than INLINE_S.

        Args:
            work: The computation.
            seconds: Its estimated time; unknown times are computed in a thread.
            peak_bytes: The memory of its blocks, where known.
            reserved_bytes: The part of that memory that was already reserved with the body.
            own_deadline: The deadline applies to this work alone, regardless of what the request has computed before.

        Raises: TemporaryReducedCapacity, ComputeDeadline, OutOfMemory, OutOfDeviceMemory, DeviceLost.
        """
        if seconds <= INLINE_S:
            return self._inline(work, own_deadline=own_deadline)
        if self.readiness.lost:
            raise DeviceLost
        record = current()
        spent_s = 0.0 if own_deadline else record.compute_ms / 1e3
        began = time.perf_counter()
        await in_task()
        await self.turns.wait(1)
        record.queue_ms += 1e3 * (time.perf_counter() - began)
        with given_back(self.turns, 1), timed(record), Blocks(self._blocks, reserved_bytes, record) as blocks:
            blocks.advance(peak_bytes)
            work = partial(self._holding, work, blocks) if self.device.type == "cpu" else work
            return await to_thread.run_sync(self._bounded, work, spent_s, limiter=self._threads)

    def _inline(self, work: Callable[[], Returned], *, own_deadline: bool = False) -> Returned:
        """Return the result of `work`, computed on the event loop, and record the time that it takes."""
        if self.readiness.lost:
            raise DeviceLost
        record, started = current(), time.perf_counter()
        try:
            return self._bounded(work, 0.0 if own_deadline else record.compute_ms / 1e3)
        finally:
            record.compute_ms += 1e3 * (time.perf_counter() - started)

    @staticmethod
    def _holding(work: Callable[[], Returned], blocks: "Blocks") -> Returned:
        """Return the result of `work`, which reserves the memory of its blocks through `blocks`."""
        token = HOLD.set(blocks.hold)
        try:
            return work()
        finally:
            HOLD.reset(token)

    def _bounded(self, work: Callable[[], Returned], spent_s: float) -> Returned:
        """Return the result of `work`, under the deadline; memory errors become refusals."""
        token = CHECK.set(deadline(self._compute_s, spent_s, self._clock, current().has_left))
        try:
            return work()
        except torch.OutOfMemoryError:
            raise OutOfDeviceMemory from None
        except torch.AcceleratorError as error:  # a device that said this says it to everything from now on
            self.readiness.lost = True
            log.error("device lost", exc_info=error, extra={"facts": {"device": str(self.device)}})  # noqa: TRY400 - it is refused, no crash
            raise DeviceLost from None
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and NO_MEMORY not in str(error):
                raise
            raise OutOfMemory from None
        finally:
            CHECK.reset(token)


def _kernels(settings: Settings) -> Kernels | None:
    """Return the kernels of the configured folder, and those compiled while the service runs.

    None where kernels are off.

    Raises: ValueError where kernels should be compiled and there is no C++ compiler.
    """
    compiler = os.environ.get("CXX", "g++")
    if settings.compile and shutil.which(compiler) is None:
        raise ValueError(
            f"LOSSARY_COMPILE: there is no C++ compiler {compiler} here; leave it out, or name one as CXX."
        )
    if not settings.compile and settings.kernels is None:
        return None
    folders = [] if settings.kernels is None else [settings.kernels]
    return Kernels(folders, settings.data / "kernels" if settings.compile else None)


@lru_cache(64)  # the options of a model that is kept are the same object each time
def _on_cpu(options: Options, max_block_bytes: int, kernels: Kernels | None) -> Options:
    """Return the options with the limits and kernels of the CPU."""
    return replace(options, max_block_bytes=max_block_bytes, kernels=kernels)


def _record_evaluations(objectives: list[Objective], upload: Upload, results: list[Evaluation]) -> list[Evaluation]:
    """Record which losses were evaluated, and return the results."""
    record = current()
    record.losses = _losses(objectives)
    transfer_ms = sum([evaluation.transfer_ms for evaluation in results])
    upload.timing_ms |= {"transfer": transfer_ms, "compute": record.compute_ms - transfer_ms}
    return results


def _losses(objectives: list[Objective]) -> tuple[str, ...]:
    """Return the id of the loss of every term, in order."""
    return tuple([loss for objective in objectives for loss in objective.losses])


def _add(streams: list[Stream], window: Window) -> None:
    """Add a window to the sums of every objective."""
    roles = window.roles()
    weights, mask = roles.pop("weights", None), roles.pop("mask", None)
    refuse_unused([stream.objective for stream in streams], roles)
    for stream in streams:
        in_smaller_chunks(partial(stream.add, roles, weights, mask), stream.options)
