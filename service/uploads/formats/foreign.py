"""Files that are not read here, or not as what they are called: what each is, and how it becomes one that is.

Told by their first bytes, and zip archives by their members, since the files of PyTorch, of Excel and of numpy all are.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from typing import NamedTuple

ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # of an archive, and of an empty one
LOOKED_AT = 1 << 10  # bytes, of what is told by its beginning
SAVE = "numpy.save('predictions.npy', "
TEXT = bytes(range(0x20, 0x7F)) + b"\t\r\n"
SEPARATED = re.compile(rb"[^\r\n]*[,;\t\r\n]")  # a line, or the first of its columns


class Foreign(NamedTuple):
    """One kind of file: what it is called, what to do with it instead, and as which media type it is read."""

    called: str
    way_out: str
    read_as: str = ""

    @property
    def sentence(self) -> str:
        """Both, after the name of the thing that was sent."""
        return f"is {self.called}. {self.way_out}"


PYTORCH = Foreign(
    "a file of torch.save (.pt), which is a pickle and never opened",
    f"Send its numbers: {SAVE}torch.load('predictions.pt').detach().cpu().numpy()).",
)
EXCEL = Foreign(
    "an Excel workbook",
    "Save it as CSV there, or with pandas.read_excel('file.xlsx').to_csv('file.csv', index=False).",
)
PICKLE = Foreign(
    "a pickle, such as joblib, pandas and older versions of torch.save write, and never opened",
    f"Send the numbers in it: {SAVE}numpy.asarray(values, float)).",
)
CSV = Foreign("text, such as CSV", "Send it as text/csv, or in a part whose filename ends in .csv.", read_as="text/csv")
ARCHIVE = Foreign(
    "a zip archive that numpy did not write", "Write one: numpy.savez('arrays.npz', predictions=..., targets=...)."
)

# By a member that such an archive has: the end of its name.
MEMBERS = (
    ("data.pkl", PYTORCH),
    ("xl/workbook.xml", EXCEL),
    ("xl/workbook.bin", EXCEL),
    ("content.xml", Foreign("an OpenDocument file", EXCEL.way_out.replace(".xlsx", ".ods"))),
    ("word/document.xml", Foreign("a Word document", "Send arrays of numbers, such as numpy.save writes.")),
    (
        "model.weights.h5",
        Foreign("a Keras model", f"Send what it predicts: {SAVE}keras.models.load_model('model.keras').predict(x))."),
    ),
    (".csv", Foreign("a zip archive of CSV files", "Unzip it, and send one of them as text/csv.")),
)

PARQUET = Foreign(
    "a Parquet file", "Send it as application/vnd.apache.parquet.", read_as="application/vnd.apache.parquet"
)
FEATHER = Foreign(
    "an Arrow file",
    "Send it as application/vnd.apache.arrow.file, or write a stream: pyarrow.ipc.new_stream in place of new_file.",
    read_as="application/vnd.apache.arrow.file",
)
NPY = Foreign("an .npy file", "Send it as application/x-npy.", read_as="application/x-npy")
IMAGE = Foreign("an image", f"Send its pixels: {SAVE}numpy.asarray(PIL.Image.open('file.png'))).")
COMPRESSED = Foreign("compressed as a whole", "Unpack it first: bunzip2, xz -d or zstd -d.")
GZIP = Foreign(
    "compressed as a whole", "Send a body with Content-Encoding: gzip, or gunzip it first.", read_as=CSV.read_as
)
BEGINNINGS = (
    ((b"PAR1",), PARQUET),
    ((b"ARROW1", b"FEA1"), FEATHER),
    ((b"\x93NUMPY",), NPY),
    (
        (b"\x89HDF\r\n\x1a\n",),
        Foreign("an HDF5 file", f"Send one array of it: {SAVE}h5py.File('file.h5')['predictions'][...])."),
    ),
    (
        (b"MATLAB 5.0",),
        Foreign("a MATLAB file", f"Send one array of it: {SAVE}scipy.io.loadmat('file.mat')['predictions'])."),
    ),
    ((b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",), Foreign("an old Office file", EXCEL.way_out.replace(".xlsx", ".xls"))),
    ((b"\x1f\x8b",), GZIP),
    ((b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"), COMPRESSED),
    ((b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"GIF8"), IMAGE),
    (tuple(bytes([0x80, protocol]) for protocol in range(2, 6)), PICKLE),
)
JSON = Foreign(
    "JSON text",
    "Send all of the request as application/json, rows as application/x-ndjson, or arrays as numpy.save writes them.",
    read_as="application/x-ndjson",
)
TEXTS = (CSV, JSON)


def foreign(data: bytes | bytearray | memoryview) -> Foreign | None:
    """Return what a file is that is not what it is said to be; None where that is not known."""
    beginning = bytes(data[:LOOKED_AT])
    if beginning.startswith(ZIP):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return of_archive(archive.namelist())
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
            return None
    for beginnings, kind in BEGINNINGS:
        if beginning.startswith(beginnings):
            return kind
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.translate(None, TEXT):
        return None
    return JSON if text[:1] in (b"[", b"{") else CSV if SEPARATED.match(text) else None


def of_archive(names: Sequence[str]) -> Foreign | None:
    """Return what a zip archive with these members is; None where numpy may have written it."""
    for ending, kind in MEMBERS:
        if any(name.endswith(ending) for name in names):
            return kind
    return ARCHIVE if names and not any(name.endswith(".npy") for name in names) else None
