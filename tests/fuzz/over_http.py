"""Broken files of every decoder, sent to a running service, which answers none with a status of 5xx."""

import http.client
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

from service.uploads.formats.registry import formats
from service.uploads.media_type import JSON
from tests.fuzz.harnesses import HARNESSES
from tests.fuzz.mutations import mutated
from tests.service.processes import PATIENCE_S, Server, serving

FAULTS = 500  # and above: the service's own
PATHS = ("/v1/evaluate?loss=mse", "/v1/evaluate?loss=mse&loss=bce&gradient=full", "/v1/profile?task=regression")
ORDER = "&roles=predictions,targets"  # of arrays without names
DATASETS = "/v1/datasets"
KEPT = 0.02  # of files, as datasets: each is written to the disk
MEDIA = {f"format{entry.suffix}": media for media, entry in formats().items()} | {
    "json_body": JSON,
    "json_records": JSON,
}
NAMELESS = {f"format{entry.suffix}" for entry in formats().values() if not entry.has_names}


@dataclass(frozen=True)
class Answers:
    """The answers to the files of one decoder; `ended`: connections that ended without one."""

    decoder: str
    statuses: Counter[int]
    ended: int

    @property
    def faults(self) -> int:
        """How many were the service's own faults."""
        return self.ended + sum(times for status, times in self.statuses.items() if status >= FAULTS)

    def __str__(self) -> str:
        classes = Counter(f"{status // 100}xx" for status in self.statuses.elements())
        return ", ".join(f"{classes[name]:,} of {name}" for name in ("2xx", "4xx", "5xx"))


def run(folder: Path, requests: int, seed: int = 0) -> list[Answers]:
    """Send so many files of each decoder; what is answered by a fault, or by nothing, stays in the folder.

    They are mutations of the seeds, and of what guided fuzzing left beside the folder.
    """
    with serving(LOSSARY_LOG_LEVEL="error") as server:
        return [_sent(server, decoder, folder, requests, Random(seed)) for decoder in MEDIA]


def _sent(server: Server, decoder: str, folder: Path, requests: int, random: Random) -> Answers:
    harness = HARNESSES[decoder]
    grown = [file.read_bytes() for file in sorted((folder.parent / decoder / "corpus").glob("*"))]
    connection, statuses, ended = _connected(server), Counter[int](), 0
    for place in range(requests):
        whole = random.choice(grown) if grown and random.random() < 0.5 else random.choice(harness.seeds)
        data = mutated(whole, random, harness.words, harness.mend)
        path = DATASETS if random.random() < KEPT else random.choice(PATHS)
        order = ORDER if decoder in NAMELESS and path != DATASETS else ""
        try:
            connection.request("POST", path + order, data, {"Content-Type": MEDIA[decoder]})
            answer = connection.getresponse()
            answer.read()
        except (http.client.HTTPException, OSError):
            ended += 1
            connection.close()
            connection = _connected(server)
        else:
            statuses[answer.status] += 1
            if answer.status < FAULTS:
                continue
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{decoder}-{place}.bin").write_bytes(data)
    connection.close()
    return Answers(decoder, statuses, ended)


def _connected(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
