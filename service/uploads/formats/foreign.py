"""Recognises files in unsupported or mislabelled formats, and says how to convert them.

They are recognised by their first bytes, and zip archives by their members: files of PyTorch, Excel and numpy are all
zip archives.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from typing import NamedTuple

from losses.text import Text
from service.uploads.names import in_chinese

ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # of an archive, and of an empty one
LOOKED_AT = 1 << 10  # bytes, of what is told by its beginning
SAVE = "numpy.save('predictions.npy', "
TEXT = bytes(range(0x20, 0x7F)) + b"\t\r\n"
SEPARATED = re.compile(rb"[^\r\n]*[,;\t\r\n]")  # a line, or the first of its columns


class Foreign(NamedTuple):
    """One kind of unsupported file: its name, how to convert it, and the media type it can be read as."""

    called: Text
    way_out: Text
    read_as: str = ""

    @property
    def sentence(self) -> Text:
        """The name of the format and how to convert it, to follow the name of the file."""
        return Text(f"is {self.called.en}. {self.way_out.en}", f"是{self.called.zh}。{self.way_out.zh}")

    def said_of(self, name: str) -> Text:
        """Return the sentence about a file that was sent under a name."""
        return Text(f"{name} {self.sentence.en}", f"{in_chinese(name)} {self.sentence.zh}")


PYTORCH = Foreign(
    Text(
        "a file of torch.save (.pt), which is a pickle and never opened", " torch.save 的文件(.pt),即 pickle,从不打开"
    ),
    Text(
        f"Send its numbers: {SAVE}torch.load('predictions.pt').detach().cpu().numpy()).",
        f"请发送其中的数:{SAVE}torch.load('predictions.pt').detach().cpu().numpy())。",
    ),
)


def _excel(suffix: str) -> Text:
    """Return how to convert an Excel file with this suffix."""
    code = f"pandas.read_excel('file{suffix}').to_csv('file.csv', index=False)"
    return Text(f"Save it as CSV there, or with {code}.", f"请在其中另存为 CSV,或用 {code}。")


EXCEL = Foreign(Text("an Excel workbook", " Excel 工作簿"), _excel(".xlsx"))
PICKLE = Foreign(
    Text(
        "a pickle, such as joblib, pandas and older versions of torch.save write, and never opened",
        " pickle(joblib、pandas 和旧版 torch.save 会写出),从不打开",
    ),
    Text(
        f"Send the numbers in it: {SAVE}numpy.asarray(values, float)).",
        f"请发送其中的数:{SAVE}numpy.asarray(values, float))。",
    ),
)
CSV = Foreign(
    Text("text, such as CSV", "文本,如 CSV"),
    Text(
        "Send it as text/csv, or in a part whose filename ends in .csv.",
        "请以 text/csv 发送,或放在文件名以 .csv 结尾的部分中。",
    ),
    read_as="text/csv",
)
ARCHIVE = Foreign(
    Text("a zip archive that numpy did not write", "不是 numpy 写出的 zip 压缩包"),
    Text(
        "Write one: numpy.savez('arrays.npz', predictions=..., targets=...).",
        "请这样写出:numpy.savez('arrays.npz', predictions=..., targets=...)。",
    ),
)

# By a member that such an archive has: the end of its name.
MEMBERS = (
    ("data.pkl", PYTORCH),
    ("xl/workbook.xml", EXCEL),
    ("xl/workbook.bin", EXCEL),
    ("content.xml", Foreign(Text("an OpenDocument file", " OpenDocument 文件"), _excel(".ods"))),
    (
        "word/document.xml",
        Foreign(
            Text("a Word document", " Word 文档"),
            Text("Send arrays of numbers, such as numpy.save writes.", "请发送数的数组,如 numpy.save 所写。"),
        ),
    ),
    (
        "model.weights.h5",
        Foreign(
            Text("a Keras model", " Keras 模型"),
            Text(
                f"Send what it predicts: {SAVE}keras.models.load_model('model.keras').predict(x)).",
                f"请发送它的预测:{SAVE}keras.models.load_model('model.keras').predict(x))。",
            ),
        ),
    ),
    (
        ".csv",
        Foreign(
            Text("a zip archive of CSV files", "由 CSV 文件组成的 zip 压缩包"),
            Text("Unzip it, and send one of them as text/csv.", "请解压,并以 text/csv 发送其中一个。"),
        ),
    ),
)

PARQUET = Foreign(
    Text("a Parquet file", " Parquet 文件"),
    Text("Send it as application/vnd.apache.parquet.", "请以 application/vnd.apache.parquet 发送。"),
    read_as="application/vnd.apache.parquet",
)
FEATHER = Foreign(
    Text("an Arrow file", " Arrow 文件"),
    Text(
        "Send it as application/vnd.apache.arrow.file, or write a stream: pyarrow.ipc.new_stream in place of new_file.",
        "请以 application/vnd.apache.arrow.file 发送,或写出流:用 pyarrow.ipc.new_stream 代替 new_file。",
    ),
    read_as="application/vnd.apache.arrow.file",
)
NPY = Foreign(
    Text("an .npy file", " .npy 文件"),
    Text("Send it as application/x-npy.", "请以 application/x-npy 发送。"),
    read_as="application/x-npy",
)
IMAGE = Foreign(
    Text("an image", "图像"),
    Text(
        f"Send its pixels: {SAVE}numpy.asarray(PIL.Image.open('file.png'))).",
        f"请发送其像素:{SAVE}numpy.asarray(PIL.Image.open('file.png')))。",
    ),
)
COMPRESSED = Foreign(
    Text("compressed as a whole", "整体压缩的"),
    Text("Unpack it first: bunzip2, xz -d or zstd -d.", "请先解压:bunzip2、xz -d 或 zstd -d。"),
)
GZIP = Foreign(
    Text("compressed as a whole", "整体压缩的"),
    Text(
        "Send a body with Content-Encoding: gzip, or gunzip it first.",
        "请求体请带上 Content-Encoding: gzip,或先用 gunzip 解压。",
    ),
    read_as=CSV.read_as,
)
BEGINNINGS = (
    ((b"PAR1",), PARQUET),
    ((b"ARROW1", b"FEA1"), FEATHER),
    ((b"\x93NUMPY",), NPY),
    (
        (b"\x89HDF\r\n\x1a\n",),
        Foreign(
            Text("an HDF5 file", " HDF5 文件"),
            Text(
                f"Send one array of it: {SAVE}h5py.File('file.h5')['predictions'][...]).",
                f"请发送其中一个数组:{SAVE}h5py.File('file.h5')['predictions'][...])。",
            ),
        ),
    ),
    (
        (b"MATLAB 5.0",),
        Foreign(
            Text("a MATLAB file", " MATLAB 文件"),
            Text(
                f"Send one array of it: {SAVE}scipy.io.loadmat('file.mat')['predictions']).",
                f"请发送其中一个数组:{SAVE}scipy.io.loadmat('file.mat')['predictions'])。",
            ),
        ),
    ),
    ((b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",), Foreign(Text("an old Office file", "旧版 Office 文件"), _excel(".xls"))),
    ((b"\x1f\x8b",), GZIP),
    ((b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"), COMPRESSED),
    ((b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"GIF8"), IMAGE),
    (tuple(bytes([0x80, protocol]) for protocol in range(2, 6)), PICKLE),
)
JSON = Foreign(
    Text("JSON text", " JSON 文本"),
    Text(
        "Send all of the request as application/json, rows as application/x-ndjson, or arrays as "
        "numpy.save writes them.",
        "请以 application/json 发送整个请求,以 application/x-ndjson 发送各行,或如 numpy.save 所写发送数组。",
    ),
    read_as="application/x-ndjson",
)
TEXTS = (CSV, JSON)


def foreign(data: bytes | bytearray | memoryview) -> Foreign | None:
    """Return the actual kind of a file that is not in the stated format; None where it is not recognised."""
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
    """Return the kind of a zip archive with these members; None where it may be numpy's."""
    for ending, kind in MEMBERS:
        if any(name.endswith(ending) for name in names):
            return kind
    return ARCHIVE if names and not any(name.endswith(".npy") for name in names) else None
