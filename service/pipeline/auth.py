"""API keys: stored as hashes in a TOML file, each with scopes and a rate limit.

`python -m service.pipeline.auth new NAME` makes one:

    [[key]]
    name = "training"
    sha256 = "..."                       # of the key; the key itself is stored nowhere
    scopes = ["evaluate", "recommend"]   # left out: all of evaluate, experiment, recommend, metrics
    rate = 600                           # requests a minute; left out: without limit

The file is read again when it has changed. Several keys may have the same name, so that a new key can be handed out
before the old one is removed. The probes, the docs page and openapi.json are open to all; every other path needs a key.
"""

import argparse
import hashlib
import hmac
import logging
import math
import secrets
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.types import Scope

from losses.text import Text
from service.pipeline.properties import PERMISSIONS, Access, Permission
from service.pipeline.steps import Exchange, Head, Step
from service.problems import BadHeaders, Forbidden, QuotaExceeded, Unauthorized
from service.request_record import current

log = logging.getLogger("lossary")
WINDOW_S = 60
REALM = 'Bearer realm="lossary"'
SEND_A_KEY = Text(
    "Send a key as Authorization: Bearer KEY, or as X-API-Key.",
    "请以 Authorization: Bearer KEY 或 X-API-Key 发送密钥。",
)
NOT_IN_FORCE = Text("The key is not one of those in force.", "该密钥不在有效密钥之中。")
LONGEST_KEY = 256  # bytes; ours have 51


class Key(BaseModel):
    """One entry of the key file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: Annotated[frozenset[Permission], Field(min_length=1)] = PERMISSIONS
    rate: Annotated[int | None, Field(ge=1, le=1_000_000)] = None


class KeyFile(BaseModel):
    """The content of the key file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Annotated[list[Key], Field(min_length=1)]


class Bucket:
    """A token bucket: `size` requests at once, refilled evenly within a minute. Each worker has its own."""

    def __init__(self, size: int, now: float) -> None:
        self.size, self.level, self._at = size, float(size), now

    def take(self, now: float) -> bool:
        """Take one token from the bucket; return whether there was one."""
        self.level = min(self.size, self.level + (now - self._at) * self.size / WINDOW_S)
        self._at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True

    @property
    def next_s(self) -> float:
        """Return the seconds until the next request is allowed."""
        return max(0.0, 1 - self.level) * WINDOW_S / self.size

    def headers(self) -> dict[str, str]:
        """Return the rate limit headers: r requests left, full again in t seconds.

        Source: draft-ietf-httpapi-ratelimit-headers-11.
        """
        full = math.ceil((self.size - self.level) * WINDOW_S / self.size)
        return {
            "RateLimit-Policy": f'"default";q={self.size};w={WINDOW_S}',
            "RateLimit": f'"default";r={int(self.level)};t={full}',
        }


class Keys:
    """The keys in force, and the remaining rate of each."""

    def __init__(
        self,
        keys: Sequence[Key],
        clock: Callable[[], float] = monotonic,
        file: Path | None = None,
        same: Callable[[bytes, bytes], bool] = hmac.compare_digest,
    ) -> None:
        """Put these keys in force.

        Args:
            keys: The keys.
            clock: The clock in seconds.
            file: The file that the keys come from.
            same: Compares hashes in constant time.
        """
        self._clock, self._file, self._same = clock, file, same
        self._written = _written(file)
        self._kept: list[tuple[bytes, Key, Bucket | None]] = []
        self._replace(keys)

    def _replace(self, keys: Sequence[Key]) -> None:
        """Put these keys in force; a key that is unchanged keeps its remaining rate."""
        before = {key: bucket for _, key, bucket in self._kept}
        self._kept = [
            (
                bytes.fromhex(key.sha256),
                key,
                before.get(key) or (Bucket(key.rate, self._clock()) if key.rate else None),
            )
            for key in keys
        ]

    def reload(self) -> None:
        """Read the file again where it has changed; a file that cannot be read leaves the current keys in force."""
        written = _written(self._file)
        if self._file is None or written == self._written:
            return
        self._written = written
        try:
            self._replace(_read(self._file))
        except ValueError as error:
            log.error("keys not reloaded", extra={"facts": {"reason": str(error)}})  # noqa: TRY400 - it says why
        else:
            log.info("keys reloaded", extra={"facts": {"keys": len(self._kept)}})

    def admit(self, scope: Scope, access: Access) -> Mapping[str, str]:
        """Count a request against the rate limit of its key; return headers for its answer.

        Raises: Unauthorized, Forbidden, QuotaExceeded, BadHeaders.
        """
        secret = _presented(scope)
        if secret is None:
            raise Unauthorized(SEND_A_KEY, REALM)
        key, bucket = self._kept_as(secret)
        current().key = key.name
        if access != "any key" and access not in key.scopes:
            raise Forbidden(access)
        if bucket is None:
            return {}
        if not bucket.take(self._clock()):
            raise QuotaExceeded(bucket.next_s, bucket.headers())
        return bucket.headers()

    def _kept_as(self, secret: bytes) -> tuple[Key, Bucket | None]:
        """Return the entry of a presented key, and its bucket.

        Raises: Unauthorized where no entry matches.
        """
        hashed = hashlib.sha256(secret[: LONGEST_KEY + 1]).digest()
        # Every hash is compared, and each in constant time: how long it takes says nothing of which one is near.
        known = [(key, bucket) for kept, key, bucket in self._kept if self._same(kept, hashed)]
        if not known:
            raise Unauthorized(NOT_IN_FORCE, f'{REALM}, error="invalid_token"')
        return known[0]


def _presented(scope: Scope) -> bytes | None:
    """Return the key that a request presents, or None.

    Raises: BadHeaders where it presents two.
    """
    presented = [(name, value) for name, value in scope["headers"] if name in (b"authorization", b"x-api-key")]
    if len({name for name, _ in presented}) < len(presented):
        raise BadHeaders(
            Text(
                "A header that carries the key stands in the request twice. Send it once.",
                "携带密钥的请求头在请求中出现两次。请只发送一次。",
            )
        )
    headers: dict[bytes, bytes] = dict(presented)
    kind, _, secret = headers.get(b"authorization", b"").partition(b" ")
    if kind.lower() == b"bearer" and secret:
        return secret.strip()
    return headers.get(b"x-api-key") or None


class Guard(Step):
    """Checks the API key before anything of the body is read."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def enter(self, exchange: Exchange) -> None:
        """Admit the request by its key.

        Raises: what `Keys.admit` raises.
        """
        if exchange.match.properties.access != "open":
            exchange.answer_headers.update(self._keys.admit(exchange.scope, exchange.match.properties.access))

    def leave(self, exchange: Exchange, head: Head) -> None:
        """Add the headers of the key's rate limit."""
        head.headers.extend((name.lower().encode(), value.encode()) for name, value in exchange.answer_headers.items())


def keys_of(file: Path | None) -> Keys | None:
    """Return the keys of a file, or None where there is none.

    Raises: ValueError, in one line that shows no key, where the file cannot be read.
    """
    return None if file is None else Keys(_read(file), file=file)


def _written(file: Path | None) -> int:
    """Return the modification time of a file in ns; 0 where it does not exist."""
    try:
        return file.stat().st_mtime_ns if file else 0
    except OSError:
        return 0


def _read(file: Path) -> list[Key]:
    """Return the keys of a file.

    Raises: ValueError, in one line that shows no key.
    """
    try:
        return KeyFile.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))).key
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"LOSSARY_KEYS: the file cannot be read as TOML ({type(error).__name__}).") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"LOSSARY_KEYS: {where}: {first['msg']}.") from None


def main(arguments: list[str]) -> None:
    """Print a new key to standard error, and its entry for the key file to standard output."""
    parser = argparse.ArgumentParser(prog="python -m service.pipeline.auth", description="Make an API key.")
    new = parser.add_subparsers(required=True, metavar="new").add_parser("new", help="print a new key and its lines")
    new.add_argument("name")
    new.add_argument(
        "--scope", action="append", choices=sorted(PERMISSIONS), help="may be given more than once; default all"
    )
    new.add_argument("--rate", type=int, help="requests a minute; default without limit")
    options = parser.parse_args(arguments)
    secret = f"lossary_{secrets.token_urlsafe(32)}"
    try:
        key = Key(
            name=options.name,
            sha256=hashlib.sha256(secret.encode()).hexdigest(),
            scopes=frozenset(options.scope or PERMISSIONS),
            rate=options.rate,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        sys.exit(f"{first['loc'][0]}: {first['msg']}")
    scopes = ", ".join(f'"{scope}"' for scope in sorted(key.scopes))
    rate = f"rate = {key.rate}\n" if key.rate else ""
    sys.stderr.write(f"The key, shown only now: {secret}\n")
    sys.stdout.write(f'[[key]]\nname = "{key.name}"\nsha256 = "{key.sha256}"\nscopes = [{scopes}]\n{rate}')


if __name__ == "__main__":
    main(sys.argv[1:])
