"""Every setting: a command-line flag for three of them, an environment variable LOSSARY_* for each."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1 << 20


class Settings(BaseSettings):
    """How this process runs. Sizes are in bytes."""

    model_config = SettingsConfigDict(env_prefix="LOSSARY_", extra="ignore", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="0 takes a free one.")] = 8000
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    device: Annotated[
        str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto takes CUDA where there is one.")
    ] = "auto"
    rules: Annotated[Path | None, Field(description="A TOML file whose [thresholds] replace the defaults.")] = None
    max_body_bytes: Annotated[int, Field(ge=1, description="The longest upload.")] = 1024 * MIB
    max_json_bytes: Annotated[int, Field(ge=1, description="The longest JSON text, alone or as a part.")] = 64 * MIB
    max_answer_numbers: Annotated[int, Field(ge=1, description="The most per-item numbers in one JSON answer.")] = (
        100_000
    )
    max_head_bytes: Annotated[int, Field(ge=1024, description="The longest headers of a request.")] = 64 << 10
    head_seconds: Annotated[float, Field(gt=0, description="In which the head of a request arrives.")] = 10.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"


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
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
