"""What kernels cost the image, and what they save its long requests: make bench-image.

The image is built twice from the base image up, without kernels and with those that the Dockerfile names. Then both
run, and take turns at requests of 2 x 1M float32 numbers, the first of each loss among them. Needs a Docker Engine.
"""

import argparse
import io
import json
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx
import numpy as np

from tests.compose.stack import Stack, docker

LOSSES = ("mse", "mae", "huber", "quantile", "bce", "focal")  # that take numbers and targets of 0 and 1
NUMBERS = 1_000_000
ROUNDS = 31
MEGABYTE = 1e6


@dataclass
class Image:
    """An image with some of the kernels, and what was measured of it.

    Attributes:
        stack: Builds and runs it.
        build_s: Seconds of its build.
        seconds: The seconds of every request, by loss, in order.
    """

    stack: Stack
    build_s: float = 0.0
    seconds: dict[str, list[float]] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """The name of the image."""
        return f"lossary:{self.stack.name}"

    @property
    def megabytes(self) -> float:
        """The size of the image."""
        size: int = json.loads(docker("image", "inspect", self.tag).stdout)[0]["Size"]
        return size / MEGABYTE

    def build(self) -> None:
        """Build the image from the base image up, and keep how long it took."""
        begun = time.perf_counter()
        self.stack.compose("build", "--no-cache", "lossary")
        self.build_s = time.perf_counter() - begun

    def ask(self, client: httpx.Client, loss: str, body: bytes) -> None:
        """Send one request, and keep how long it took."""
        begun = time.perf_counter()
        headers = {"Content-Type": "application/x-npy"}
        client.post(f"/v1/evaluate?loss={loss}", headers=headers, content=body).raise_for_status()
        self.seconds.setdefault(loss, []).append(time.perf_counter() - begun)


def image(name: str, **variables: str) -> Image:
    """Return an image that is built under variables of docker-compose.yml."""
    override = f"services: {{lossary: {{image: 'lossary:{name}'}}}}"
    return Image(Stack(name, override=override, variables=variables))


def arrays() -> bytes:
    """Return predictions and targets of 0 and 1 as .npy."""
    generator, body = np.random.default_rng(1), io.BytesIO()
    np.save(body, generator.normal(size=NUMBERS).astype(np.float32))
    np.save(body, generator.integers(2, size=NUMBERS).astype(np.float32))
    return body.getvalue()


def ask_in_turns(images: list[Image]) -> None:
    """Start the images, and send each every request, in turns."""
    body = arrays()
    with ExitStack() as all_running:
        clients = []
        for each in images:
            all_running.enter_context(each.stack.deployed())
            clients.append(all_running.enter_context(httpx.Client(base_url=each.stack.url, timeout=60)))
        for turn in range(ROUNDS):
            pairs = list(zip(images, clients, strict=True))
            for loss in LOSSES:
                for each, client in pairs if turn % 2 else reversed(pairs):
                    each.ask(client, loss, body)


def main() -> None:
    """Print what both images cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--built", action="store_true", help="measure the images that an earlier run has built")
    built = parser.parse_args().built
    images = [image("without-kernels", KERNELS=""), image("with-kernels")]
    for each in images:
        if not built:
            each.build()
        how_long = f", built in {each.build_s:.0f} s" if each.build_s else ""
        print(f"{each.tag}: {each.megabytes:,.0f} MB{how_long}", flush=True)
    ask_in_turns(images)
    print(f"\n2 x 1M numbers as .npy: the first request, and the median of the {ROUNDS - 1} after it, in ms")
    for loss in LOSSES:
        cells = [
            f"{1e3 * first:5.1f} {1e3 * statistics.median(rest):5.1f}"
            for first, *rest in (each.seconds[loss] for each in images)
        ]
        print(f"{loss:10} without {cells[0]}   with {cells[1]}")


if __name__ == "__main__":
    main()
