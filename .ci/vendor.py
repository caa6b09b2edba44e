"""make web: fetch what the page takes from npm, at the version and digest that service/web/vendor/vendored.json names.

`--new NAME VERSION` takes another version: its digest, as npm states it, and those of its files are written down.
"""

import base64
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).parents[1] / "service/web/vendor"
RECORD = VENDOR / "vendored.json"


def packed(name: str, version: str) -> bytes:
    """Return the archive of a package, as npm has it."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", f"{name}@{version}", "--silent", "--pack-destination", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own arguments
        [archive] = Path(folder).iterdir()
        return archive.read_bytes()


def integrity(archive: bytes) -> str:
    """Return the digest of an archive in npm's notation."""
    return "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()


def unpack(name: str, archive: bytes, files: dict[str, str]) -> dict[str, str]:
    """Write the files of a package, and return the digest of each; `files`: its path there by its path here."""
    digests = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for here, there in files.items():
            member = tar.extractfile(f"package/{there}")
            if member is None:
                sys.exit(f"{name} has no {there}.")
            content = member.read()
            path = VENDOR / name / here
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            digests[here] = hashlib.sha256(content).hexdigest()
    return digests


def main(arguments: list[str]) -> None:
    """Fetch what is recorded, or record another version."""
    record = json.loads(RECORD.read_text())
    if arguments:
        _, name, version = arguments
        record[name] |= {"version": version, "integrity": None}
    for name, entry in record.items():
        archive = packed(name, entry["version"])
        if entry["integrity"] not in (None, integrity(archive)):
            sys.exit(f"{name} {entry['version']} is another one than recorded: {integrity(archive)}.")
        entry["integrity"] = integrity(archive)
        entry["sha256"] = unpack(name, archive, entry["files"])
        print(f"{name} {entry['version']}: {len(entry['files'])} files.")
    RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
