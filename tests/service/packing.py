"""Bodies compressed for the way."""

import gzip
import sys
import zlib
from collections.abc import Callable, Mapping

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def bare_deflate(data: bytes) -> bytes:
    """Return deflated data without zlib's head, as some write it."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def wide_zstd(data: bytes) -> bytes:
    """Return data in a frame whose window is wider than the 8 MiB of RFC 9659."""
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 24})
    return packer.compress(data) + packer.flush()


Pack = Callable[[bytes], bytes]
PACKERS: Mapping[str, Pack] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
}
UNPACKERS: Mapping[str, Pack] = {"gzip": gzip.decompress, "zstd": zstd.decompress}  # of deflate there are two kinds
