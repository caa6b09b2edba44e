"""All settings of the service: read from flags, LOSSARY_* environment variables, and a TOML file."""

import os
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, ByteSize, Field, TypeAdapter
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

MIB = 1 << 20
CGROUP = Path("/sys/fs/cgroup")
SHARED_METRICS = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own
FILE = "LOSSARY_SETTINGS"  # names a TOML file of settings; a variable goes before it


def memory_limit(cgroup: Path = CGROUP) -> int:
    """Return the memory limit of this container, or the memory of this machine, in bytes."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for file in (cgroup / "memory.max", cgroup / "memory/memory.limit_in_bytes"):  # cgroup 2, cgroup 1
        try:
            return min(machine, int(file.read_text()))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return machine


def _in_bytes(value: object) -> object:
    """Return a size such as 2GB or 512MiB in bytes; any other value unchanged."""
    return int(_SIZE.validate_python(value)) if isinstance(value, str) and not value.strip().isdigit() else value


def _rooted(value: object) -> object:
    """Return a path prefix with a leading slash and no trailing one; "" for none."""
    return f"/{value.strip('/')}".rstrip("/") if isinstance(value, str) else value


def _writable_folder() -> Path:
    """Return the user's data folder, or a temporary one where that is not writable."""
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    parent = next((folder for folder in (home, *home.parents) if folder.exists()), home)
    if os.access(parent, os.W_OK):
        return home / "lossary"
    return Path(tempfile.gettempdir()) / f"lossary-{os.getuid()}"


_SIZE = TypeAdapter(ByteSize)
Bytes = Annotated[int, BeforeValidator(_in_bytes)]


class Settings(BaseSettings):
    """The settings of this process. Sizes are in bytes, or with a unit: 2GB, 512MiB."""

    model_config = SettingsConfigDict(env_prefix="LOSSARY_", env_ignore_empty=True, extra="ignore", frozen=True)

    host: Annotated[str, Field(description="The address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="The port; 0 chooses a free one.")] = 8000
    workers: Annotated[int, Field(ge=1, le=256, description="The number of worker processes.")] = 1
    device: Annotated[
        str,
        Field(
            pattern=r"^(auto|cpu|cuda(:\d+)?)$",
            description="The device of computations; auto uses CUDA where there is one.",
        ),
    ] = "auto"
    rules: Annotated[
        Path | None, Field(description="A TOML file whose table [thresholds] replaces the default thresholds of rules.")
    ] = None
    rulebook: Annotated[
        Literal["article", "evidence"], Field(description="The rule book that decides where a request names none.")
    ] = "article"
    max_body_bytes: Annotated[
        Bytes,
        Field(
            ge=1,
            default_factory=lambda: min(1024 * MIB, memory_limit() // 8),
            description="The longest upload; by default 1 GiB, or an eighth of the memory.",  # 6.4 of it with gradients
        ),
    ]
    max_stream_bytes: Annotated[
        Bytes,
        Field(ge=1, description="The longest Arrow stream or batch, which is processed as it arrives and not kept."),
    ] = 1 << 40
    max_json_bytes: Annotated[Bytes, Field(ge=1, description="The longest JSON text, as a body or as a part.")] = (
        64 * MIB
    )
    max_answer_numbers: Annotated[int, Field(ge=1, description="The most values per item in one JSON answer.")] = (
        100_000
    )
    max_head_bytes: Annotated[Bytes, Field(ge=1024, description="The longest headers of a request, together.")] = (
        64 << 10
    )
    idle_seconds: Annotated[float, Field(gt=0, description="The longest pause in a body; then the answer is 408.")] = (
        15.0
    )
    min_body_rate: Annotated[
        int, Field(ge=1, description="The least bytes per second of a body; a slower one is answered 408.")
    ] = 1024
    write_seconds: Annotated[
        float,
        Field(
            gt=0,
            description="The longest time in which a client reads nothing of its answer before it is cut off.",
        ),
    ] = 30.0
    max_connections: Annotated[int, Field(ge=1, description="The most open connections of each worker.")] = 4096
    window_bytes: Annotated[
        Bytes, Field(ge=1 << 10, description="The bytes of a stream that are read and evaluated at a time.")
    ] = MIB  # most losses take less than a millisecond of it, and it stays in the caches
    head_seconds: Annotated[float, Field(gt=0, description="The longest time for the head of a request to arrive.")] = (
        10.0
    )
    max_decoded_bytes: Annotated[
        Bytes,
        Field(
            ge=1,
            default_factory=lambda given: given["max_body_bytes"],
            description="The most bytes of arrays and bodies after decompression; by default as for uploads.",
        ),
    ]
    max_elements: Annotated[
        int, Field(ge=1, description="The most numbers in one request; by default 1 GiB of float32.")
    ] = 256 * MIB
    max_reserved_bytes: Annotated[
        Bytes,
        Field(
            ge=1,
            default_factory=lambda given: memory_limit() // 2 // given["workers"],
            description="The memory for all requests under way; by default half of the memory, shared by workers.",
        ),
    ]
    max_block_bytes: Annotated[
        Bytes,
        Field(
            ge=1,
            default_factory=lambda given: min(1024 * MIB, memory_limit() // 8 // given["workers"]),
            description="The memory for intermediate results of formulas; by default 1 GiB, or an eighth of the "
            "memory, shared by workers. A loss that needs more is refused.",
        ),
    ]
    # Of the 64 MiB that such a request may take beyond 16 times its arrays, less what reading and answering take.
    max_short_block_bytes: Annotated[
        Bytes,
        Field(
            ge=1,
            description="The memory for intermediate results of formulas on a body below 1 MB, in addition to 16 times "
            "its arrays. A loss that needs more is refused.",
        ),
    ] = 48 * MIB
    # Meilisearch's two: 1,000 in line, 10 s; 1,000 connections hold 64 KiB of unread body each, 64 MiB together.
    max_waiting: Annotated[int, Field(ge=0, description="The most requests that wait for memory or a thread.")] = 1000
    queue_seconds: Annotated[
        float, Field(gt=0, description="The longest wait for memory or a thread; then the answer is 503.")
    ] = 10.0
    compute_seconds: Annotated[
        float, Field(gt=0, description="The longest computation of a request; the default is TorchServe's.")
    ] = 120.0
    drain_seconds: Annotated[
        float, Field(ge=0, description="After SIGTERM, the time of normal service while /readyz answers 503.")
    ] = 0.0
    grace_seconds: Annotated[
        float, Field(gt=0, description="After that, the time for requests under way to end; compose kills after 30.")
    ] = 25.0
    worker: Annotated[int, Field(ge=0, description="The number of this worker; set by the supervisor.")] = 0
    keys: Annotated[
        Path | None, Field(description="A TOML file of API keys, made by python -m service.pipeline.auth new NAME.")
    ] = None
    compile: Annotated[
        bool,
        Field(description="Compile kernels for long uploads in the background; needs a C++ compiler."),
    ] = False
    kernels: Annotated[
        Path | None, Field(description="A folder of kernels, made by python -m losses.evaluation.kernels.build FOLDER.")
    ] = None
    shared_memory: Annotated[
        Path | None, Field(description="The directory, such as /dev/shm, whose files clients may use as shared memory.")
    ] = None
    data: Annotated[
        Path,
        Field(
            default_factory=lambda _: _writable_folder(),
            description="The folder of datasets and jobs; by default ~/.local/share/lossary, or a temporary one.",
        ),
    ]
    database_url: Annotated[
        str | None,
        Field(description="The database, such as postgresql+psycopg://...; by default SQLite in the data folder."),
    ] = None
    sources: Annotated[
        tuple[str, ...],
        Field(
            description="A JSON list of prefixes below which datasets may lie: file:///tables, s3://bucket/tables, "
            "gs://, az://, https://. Nothing else is read by address."
        ),
    ] = ()
    private_hosts: Annotated[
        tuple[str, ...],
        Field(description="A JSON list of hosts of sources that may have an address inside your network."),
    ] = ()
    ray: Annotated[
        str | None,
        Field(description="The address of a Ray cluster that evaluates datasets by address, such as 10.0.0.5:6379."),
    ] = None
    max_dataset_bytes: Annotated[Bytes, Field(ge=1, description="The most bytes of all datasets together.")] = (
        10_240 * MIB
    )
    dataset_seconds: Annotated[
        float, Field(gt=0, description="The time for which a dataset is kept; by default a week.")
    ] = 604_800.0
    max_experiments_waiting: Annotated[int, Field(ge=1, description="The most experiments that wait or run.")] = 20
    max_experiment_models: Annotated[
        int, Field(ge=1, description="The most models that one experiment trains, without learning rates.")
    ] = 10_000
    max_experiment_bytes: Annotated[
        Bytes,
        Field(ge=1, description="The most bytes of all experiments: results, and intermediate files."),
    ] = 10_240 * MIB
    experiment_nice: Annotated[
        int,
        Field(
            ge=0,
            le=19,
            description="The niceness of experiments, so that requests come first; 0 where other programs keep the "
            "machine busy.",
        ),
    ] = 10  # a tenth of the time against one other thread that wants all of it, so that no job starves
    experiment_seconds: Annotated[
        float, Field(gt=0, description="The time for which an experiment is kept; by default a week.")
    ] = 604_800.0
    root_path: Annotated[
        str,
        BeforeValidator(_rooted),
        Field(
            pattern=r"^(/[A-Za-z0-9._~-]+)*$",
            description="The prefix of all paths behind a proxy, such as /lossary; the proxy may strip it or not.",
        ),
    ] = ""
    cors_origins: Annotated[
        tuple[str, ...],
        Field(description="A JSON list of origins whose pages may send requests, such as https://tool.example."),
    ] = ()
    open: Annotated[bool, Field(description="Allow an address that is not loopback without keys.")] = False
    telemetry: Annotated[bool, Field(description="Send OpenTelemetry traces, as the OTEL_* variables say.")] = False
    log_format: Annotated[
        Literal["auto", "json", "text"],
        Field(description="The format of log lines; auto is text on a terminal and JSON elsewhere."),
    ] = "auto"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="The least level that is logged.")
    ] = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Give variables precedence over the file of LOSSARY_SETTINGS.

        Raises: ValueError where that file cannot be read.
        """
        unknown = sorted(set(_of_file()) - set(cls.model_fields))
        if unknown:
            raise ValueError(f"{FILE}: there is no setting {unknown[0][:80]}.")
        file = InitSettingsSource(settings_cls, init_kwargs=_of_file())
        return init_settings, env_settings, file

    @property
    def limits(self) -> dict[str, float]:
        """Every limit in force, by name."""
        named = {name: getattr(self, name) for name in type(self).model_fields if name.startswith("max_")}
        timed = {name: getattr(self, name) for name in type(self).model_fields if name.endswith("_seconds")}
        return named | timed


class Sourced(NamedTuple):
    """A setting in force, and where its value comes from: a variable, the settings file, or the default."""

    name: str
    value: object
    source: str


def sources() -> list[Sourced]:
    """Return every setting with its source.

    Raises: ValidationError where one is invalid.
    """
    settings, named = Settings(), _of_file()
    return [
        Sourced(name, getattr(settings, name), _source(name, named))
        for name in Settings.model_fields
        if name != "worker"
    ]


def _source(name: str, of_file: Mapping[str, object]) -> str:
    """Return where the value of a setting comes from."""
    variable = f"LOSSARY_{name.upper()}"
    if os.environ.get(variable):
        return variable
    return FILE if name in of_file else "default"


def _of_file() -> dict[str, Any]:
    """Return the settings of the TOML file that LOSSARY_SETTINGS names.

    Raises: ValueError, in one line, where the file is missing or no TOML.
    """
    named = os.environ.get(FILE)
    if not named:
        return {}
    try:
        return tomllib.loads(Path(named).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{FILE}: the file cannot be read as TOML ({type(error).__name__}).") from None


def thresholds_of(rules: Path | None) -> dict[str, float]:
    """Return the [thresholds] of a rules file, its tables flattened: [thresholds.outliers] some = 0.01.

    Raises: ValueError, in one line, where the file is missing or no TOML.
    """
    if rules is None:
        return {}
    try:
        table = tomllib.loads(rules.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"LOSSARY_RULES: the file cannot be read as TOML ({type(error).__name__}).") from None
    return dict(_flat(table.get("thresholds", {})))


def _flat(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the names and values of a table, with the names of nested tables as prefixes."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
