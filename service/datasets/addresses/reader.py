"""The process that reads files at addresses: a damaged file can crash it without harm to the service.

Run as python -m service.datasets.addresses.reader, with one JSON object a line on standard input. `list` answers which
files an address names and what they contain, as a line of JSON; `scan` answers the columns of such files as an Arrow
stream. The byte WHOLE follows a complete answer. A refusal is written as JSON to standard error, and ends the process
with status 3. It imports nothing of the service except what reads by HTTP, so that it starts in 0.3 s.
"""

import io
import json
import os
import re
import resource
import select
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from fnmatch import translate
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset as ds
import pyarrow.fs as files
import pyarrow.parquet

from service.datasets.addresses.http_files import BUFFER, HttpFile, NotAllowed, Unreadable
from service.datasets.addresses.pieces import Piece, cut, pieces_of

REFUSED = 3  # the status of this process
WHOLE = b"."  # behind an answer; process.py has the same
WAITS_S = 60.0  # for a question; process.py has the same number
MOST_FILES = 10_000
MOST_COLUMNS = 10_000
MEMORY_BYTES = 4 << 30  # of address space, libraries and their threads included
RETRIES = timedelta(seconds=10)  # of a store that does not answer
SCANNED_ROWS = 1 << 16  # in a batch
FORMATS = {".parquet": "parquet", ".csv": "csv", ".feather": "feather", ".arrow": "feather", ".ipc": "feather"}
PLACE = "place"  # of the piece in the listing, said of every batch
GLOB = re.compile(r"[*?\[]")
TOKENS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\.")  # of what fnmatch writes: an escape, a class, any letter
MISSING = ["", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "NaN", "nan", "-nan", "None", "none"]  # as uploads have it


def main() -> None:
    """Answer questions, one line of JSON each; end where none arrives for a while."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.RLIM_INFINITY))
    while select.select([sys.stdin], [], [], WAITS_S)[0]:
        line = sys.stdin.buffer.readline()
        if not line:  # whoever started it has ended
            break
        _answer(json.loads(line))
    os._exit(0)  # pyarrow's threads take a second to end by themselves


def _answer(request: dict[str, Any]) -> None:
    """Write an answer, followed by the mark of a complete answer."""
    try:
        if request["do"] == "list":
            print(json.dumps(list_files(request["address"], request["max_bytes"], request["piece_bytes"])))  # noqa: T201 - the answer
        else:
            scan(request["listing"], request["names"], request["places"])
        sys.stdout.buffer.write(WHOLE)
        sys.stdout.buffer.flush()
    except (NotAllowed, Unreadable) as error:
        _refuse(type(error).__name__, str(error))
    except BrokenPipeError:  # nobody wants the rest
        os._exit(0)
    except (pa.ArrowException, OSError, ValueError, MemoryError, KeyError):
        _refuse("Unreadable", "It cannot be read: it is not there, damaged, or its columns are of several types.")


def _refuse(kind: str, message: str) -> None:
    """Write a refusal to standard error, and end the process."""
    sys.stderr.write(json.dumps({"kind": kind, "message": message}))
    sys.stderr.flush()
    os._exit(REFUSED)


def list_files(address: dict[str, Any], max_bytes: int, piece_bytes: int) -> dict[str, Any]:
    """Return the files that an address names, with their format, columns, and the pieces in which they are read.

    Raises: NotAllowed, Unreadable, and what pyarrow raises.
    """
    files = _http_entries(address) if address["scheme"].startswith("http") else _entries(address)
    if not files:
        raise Unreadable("No file of that name is there.")
    endings = {FORMATS.get(os.path.splitext(path)[1].lower()) for path, _, _ in files}  # noqa: PTH122 - no path of here
    (kind,) = endings if len(endings) == 1 else (None,)
    if kind is None:
        raise Unreadable(f"Its files end in one of {', '.join(FORMATS)}, all of them alike.")
    listing = {"address": address, "format": kind, "files": files}
    fragments = list(_fragments(listing, pieces_of(listing)))
    schema = fragments[0].physical_schema
    if len(schema) > MOST_COLUMNS:
        raise Unreadable(f"It has {len(schema)} columns; at most {MOST_COLUMNS} are read.")
    columns = [{"name": field.name, "type": str(field.type)[:100]} for field in schema]
    if kind != "parquet":
        return {**listing, "columns": columns, "rows": None}
    with ThreadPoolExecutor(8) as pool:  # round trips to a store, most of the time
        footers = list(pool.map(partial(_footer, max_bytes), fragments))
    pieces = [
        piece
        for place, ((_, size, _), (_, groups)) in enumerate(zip(files, footers, strict=True))
        for piece in cut(place, size, groups, piece_bytes)
    ]
    return {**listing, "columns": columns, "rows": sum(rows for rows, _ in footers), "pieces": pieces}


def _footer(max_bytes: int, fragment: Any) -> tuple[int, list[int]]:  # noqa: ANN401 - pyarrow ships no types
    """Return the number of rows of a Parquet file, and the bytes of each of its row groups, from its footer.

    Raises: Unreadable where a column of a row group would decompress to more than `max_bytes`.
    """
    metadata, packed = fragment.metadata, []
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        columns = list(map(group.column, range(group.num_columns)))
        if max((column.total_uncompressed_size for column in columns), default=0) > max_bytes:
            raise Unreadable(f"A row group of it unpacks to more than {max_bytes} bytes; write shorter ones.")
        packed.append(sum(column.total_compressed_size for column in columns))
    return int(metadata.num_rows), packed


def _entries(address: dict[str, Any]) -> list[list[Any]]:
    """Return the path, size and modification time of every file that an address names, in order."""
    system = _file_system(address)
    path = address["path"] if address["scheme"] == "file" else address["host"] + address["path"]
    if not GLOB.search(path):
        infos = system.get_file_info([path])
    else:
        folder = path[: GLOB.search(path).start()].rpartition("/")[0]  # type: ignore[union-attr] # it is there
        selector = files.FileSelector(folder, allow_not_found=True, recursive="/" in path[len(folder) + 1 :])
        matches = glob_pattern(path)
        infos = [info for info in system.get_file_info(selector) if matches.fullmatch(info.path)]
    infos = [info for info in infos if info.type == files.FileType.File]
    if len(infos) > MOST_FILES:
        raise Unreadable(f"It names {len(infos)} files; at most {MOST_FILES} are read.")
    for info in infos if address["scheme"] == "file" else ():
        _refuse_outside(info.path, address["root"])
    return sorted([info.path, info.size, info.mtime_ns] for info in infos)


def glob_pattern(path: str) -> re.Pattern[str]:
    """Return a regular expression that matches the paths of a glob."""
    return re.compile("/".join(map(_segment, path.split("/"))))


def _segment(pattern: str) -> str:
    """Return a segment of a glob as a regular expression that matches no slash; ** matches any number of segments."""
    return ".*" if pattern == "**" else TOKENS.sub(_without_slash, translate(pattern)[4:-3])


def _without_slash(token: re.Match[str]) -> str:
    """Return a token of a regular expression, changed so that it matches no slash."""
    text = token[0]
    return "[^/]" if text == "." else f"(?!/){text}" if text.startswith("[") else text


def _refuse_outside(path: str, root: str) -> None:
    """Refuse a path that leads out of `root` through a link.

    Raises: NotAllowed.
    """
    real, within = os.path.realpath(path), os.path.realpath(root)
    if os.path.commonpath([real, within]) != within:
        raise NotAllowed("It is a link out of the folder that LOSSARY_SOURCES names.")


def _http_entries(address: dict[str, Any]) -> list[list[Any]]:
    """Return the path, size and validator of the file at an http(s) address."""
    if GLOB.search(address["path"]):
        raise Unreadable("A web server lists no files: name one, without * and ?.")
    file = _http_file(address)
    return [[address["path"], file.size, file.changed]]


def _http_file(address: dict[str, Any]) -> HttpFile:
    """Return the file at an http(s) address."""
    return HttpFile(address["scheme"], address["host"], address["path"], private=address["private"])


def _file_system(address: dict[str, Any]) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return pyarrow's file system for a scheme; credentials and endpoints come from the environment."""
    return SYSTEMS[address["scheme"]]()


def _google() -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return Google's store, or the one that STORAGE_EMULATOR_HOST names, as in Google's own libraries."""
    scheme, _, host = os.environ.get("STORAGE_EMULATOR_HOST", "").rpartition("://")
    if not host:
        return files.GcsFileSystem()
    return files.GcsFileSystem(
        anonymous=True, endpoint_override=host, scheme=scheme or "http", retry_time_limit=RETRIES
    )


def _azure() -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return Azure's store; its key and endpoint come from the variables of Azure's command line."""
    account, key = os.environ.get("AZURE_STORAGE_ACCOUNT", ""), os.environ.get("AZURE_STORAGE_KEY")
    scheme, _, host = os.environ.get("AZURE_STORAGE_SERVICE_ENDPOINT", "").rpartition("://")
    if not host:
        return files.AzureFileSystem(account, account_key=key)
    place = {
        f"{kind}_storage_{part}": text
        for kind in ("blob", "dfs")
        for part, text in (("authority", host), ("scheme", scheme or "https"))
    }
    return files.AzureFileSystem(account, account_key=key, **place)


SYSTEMS = {
    "file": files.LocalFileSystem,
    "s3": lambda: files.S3FileSystem(endpoint_override=os.environ.get("AWS_ENDPOINT_URL")),
    "gs": _google,
    "az": _azure,
}


def _fragments(listing: dict[str, Any], pieces: list[Piece]) -> Iterator[Any]:
    """Yield the file of each piece of a listing, as a pyarrow dataset.

    Raises: Unreadable where a file has changed since it was listed, NotAllowed.
    """
    address, chosen = listing["address"], [listing["files"][place] for place, _, _ in pieces]
    form = {"parquet": ds.ParquetFileFormat, "csv": _csv, "feather": ds.IpcFileFormat}[listing["format"]]()
    if address["scheme"].startswith("http"):
        for _, size, changed in chosen:
            file = _http_file(address)
            if (file.size, file.changed) != (size, changed):
                raise _changed()
            yield form.make_fragment(pa.PythonFile(io.BufferedReader(file, BUFFER), mode="r"))
        return
    system = _file_system(address)
    infos = system.get_file_info([path for path, _, _ in chosen])
    for (path, size, changed), info in zip(chosen, infos, strict=True):
        if (info.size, info.mtime_ns) != (size, changed):
            raise _changed()
        if address["scheme"] == "file":
            _refuse_outside(path, address["root"])
        yield form.make_fragment(path, system)


def _csv() -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return pyarrow's CSV format with our texts for missing values."""
    return ds.CsvFileFormat(convert_options=pyarrow.csv.ConvertOptions(null_values=MISSING, strings_can_be_null=True))


def _changed() -> Unreadable:
    """Return the refusal of a file that has changed since it was listed."""
    return Unreadable("A file of it is gone, or has changed since the dataset was made. Make it anew.")


def scan(listing: dict[str, Any], names: list[str], places: list[int] | None) -> None:
    """Write columns of files to standard output as an Arrow stream.

    Args:
        listing: The listed files.
        names: The columns.
        places: The positions of the pieces to read; None for all.
    """
    pieces = pieces_of(listing)
    chosen = list(range(len(pieces))) if places is None else places
    wanted_pieces = [pieces[place] for place in chosen]
    with os.fdopen(os.dup(1), "wb", buffering=0) as out:
        writer = wanted = None
        for place, piece, fragment in zip(chosen, wanted_pieces, _fragments(listing, wanted_pieces), strict=True):
            if writer is None:
                wanted = pa.schema([fragment.physical_schema.field(name) for name in names])
                writer = pa.ipc.new_stream(out, wanted)
            for batch in _batches(fragment, listing["format"], wanted, piece[2]):
                batch.validate(full=True)
                writer.write_batch(batch, custom_metadata={PLACE: str(place)})
        if writer is not None:
            writer.close()


def _batches(fragment: Any, kind: str, schema: Any, groups: list[int] | None) -> Iterator[Any]:  # noqa: ANN401 - pyarrow ships no types
    """Yield the columns of a schema in batches of bounded length, whatever the row groups of the file are.

    `groups` is a half-open range of row groups; None for all.
    """
    if kind == "parquet":  # of which a scanner unpacks whole row groups
        file = pyarrow.parquet.ParquetFile(fragment.open(), buffer_size=BUFFER)
        for batch in file.iter_batches(SCANNED_ROWS, range(*groups) if groups else None, columns=schema.names):
            yield batch.select(schema.names).cast(schema)
    else:
        scanner = fragment.scanner(schema=schema, columns=schema.names, batch_size=SCANNED_ROWS, batch_readahead=4)
        yield from scanner.to_batches()


if __name__ == "__main__":
    main()
