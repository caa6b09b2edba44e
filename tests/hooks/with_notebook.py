"""The notebook of the documentation, run from its first cell to its last against a real server."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "docs/notebooks/training.ipynb"


def test_the_notebook_runs(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOSSARY_URL", url)
    notebook = nbformat.read(NOTEBOOK, as_version=4)

    NotebookClient(notebook, timeout=250, resources={"metadata": {"path": str(tmp_path)}}).execute()

    printed = [output["text"] for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output]
    assert any("smooth_l1" in text or "mse" in text for text in printed)
    assert sum("lossary/mse" in text for text in printed) >= 2
    nbformat.write(notebook, tmp_path / "run.ipynb")
