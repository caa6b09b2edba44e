"""Datasets in stores that speak as Google's and Azure's do, which `make address-store` installs and starts."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.fs
import pytest

from service.datasets.addresses import reader
from tests.conftest import Client
from tests.service.datasets.stores import assert_shards_are_read
from tests.service.processes import PATIENCE_S, free_port

GCS, AZURITE = os.environ.get("TEST_GCS_SERVER", ""), os.environ.get("TEST_AZURE_SERVER", "")
pytestmark = pytest.mark.anyio
# Azurite's own account, the same everywhere: learn.microsoft.com/azure/storage/common/storage-use-azurite
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class Store:
    """A store that can be run here: its command, and what names it in the environment, both with a port."""

    scheme: str
    command: Callable[[int], list[str]]
    variables: Callable[[int], dict[str, str]]


STORES = [
    pytest.param(
        Store(
            "gs",
            lambda port: [
                GCS,
                "start",
                "-H",
                "127.0.0.1",
                "--port",
                str(port),
                "--in-memory",
                "--default-bucket=tables",
            ],
            lambda port: {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}"},
        ),
        marks=pytest.mark.skipif(not GCS, reason="make address-store has a store"),
        id="gs",
    ),
    pytest.param(
        Store(
            "az",
            lambda port: [
                *("node", AZURITE, "--blobHost", "127.0.0.1", "--blobPort", str(port)),
                *("--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"),
            ],
            lambda port: {
                "AZURE_STORAGE_ACCOUNT": ACCOUNT,
                "AZURE_STORAGE_KEY": KEY,
                "AZURE_STORAGE_SERVICE_ENDPOINT": f"http://127.0.0.1:{port}",
            },
        ),
        marks=pytest.mark.skipif(not AZURITE, reason="make address-store has a store"),
        id="az",
    ),
]


@pytest.fixture(params=STORES)
def scheme(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Run a store that has the bucket `tables`, named in the environment, and return the scheme of its addresses."""
    store, port = request.param, free_port()
    for name, value in store.variables(port).items():
        monkeypatch.setenv(name, value)
    with (tmp_path / "store.log").open("wb") as log:
        process = subprocess.Popen(store.command(port), cwd=tmp_path, stdout=log, stderr=log)  # noqa: S603 - as named
        try:
            _await(store.scheme)
            yield store.scheme
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def system(scheme: str) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return the file system that addresses are read by."""
    return reader.SYSTEMS[scheme]()


def _await(scheme: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            store = system(scheme)
            if store.get_file_info("tables").type != pyarrow.fs.FileType.Directory:
                store.create_dir("tables")
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


async def test_shards_in_a_store_give_the_number_of_the_whole(client: Client, tmp_path: Path, scheme: str) -> None:
    await assert_shards_are_read(client, tmp_path, system(scheme), scheme)
