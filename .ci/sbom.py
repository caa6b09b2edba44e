"""Write sbom.json out of what cyclonedx-py found, and print whose licence each package has: make sbom."""

import base64
import json
import runpy
import sys
from pathlib import Path

# Read in the licence files of packages whose metadata do not say.
READ = {"pysimdjson": "MIT"}
ROOT = Path(__file__).parents[1]
SBOM, VERSION_FILE = ROOT / "sbom.json", ROOT / "losses/version.py"
VENDORED = ROOT / "service/web/vendor/vendored.json"


def from_npm() -> list[dict[str, object]]:
    """Return what the page takes from npm, as components."""
    return [
        {
            "bom-ref": f"{name}@{entry['version']}",
            "hashes": [{"alg": "SHA-512", "content": base64.b64decode(entry["integrity"].partition("-")[2]).hex()}],
            "licenses": [{"license": {"id": entry["licence"]}}],
            "name": name,
            "purl": f"pkg:npm/{name}@{entry['version']}",
            "type": "library",
            "version": entry["version"],
        }
        for name, entry in json.loads(VENDORED.read_text()).items()
    ]


def licences(component: dict[str, object]) -> list[str]:
    """Return the licences of a component in SPDX's words, as far as it uses them."""
    listed: list[dict[str, object]] = component.get("licenses", [])  # type: ignore[assignment] # as the format has it
    licences_ = []
    for entry in listed:
        inner: dict[str, str] = entry.get("license", {})  # type: ignore[assignment] # the same
        licences_.append(str(entry.get("expression") or inner.get("id") or inner.get("name")).split(" :: ")[-1])
    return licences_


def main() -> None:
    """Read the standard input."""
    bom = json.load(sys.stdin)
    bom["metadata"]["component"]["version"] = runpy.run_path(str(VERSION_FILE))["VERSION"]
    bom["components"] += from_npm()
    for component in bom["components"]:
        component.pop("externalReferences", None)
        if not component.get("licenses"):
            component["licenses"] = [{"license": {"id": READ[component["name"]]}}]
        print(f"{component['name']:24} {component['version']:12} {', '.join(licences(component))}")
    SBOM.write_text(json.dumps(bom, indent=1, sort_keys=True) + "\n")
    print(f"{len(bom['components'])} packages.")


if __name__ == "__main__":
    main()
