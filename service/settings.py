"""Every setting: a command-line flag for three of them, an environment variable LOSSARY_* for each."""

from pathlib import Path
from typing import Annotated, Literal

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
    log_level: Literal["debug", "info", "warning", "error"] = "info"
