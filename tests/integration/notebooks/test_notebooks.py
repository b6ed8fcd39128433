"""Every notebook runs as a reader would run it: in a fresh kernel, offline, with RANIT installed."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("nbclient", reason="nbclient is not installed (make test-notebooks)")

import nbformat
from executing import HANGING, execute
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).resolve().parents[3]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all, as a reader has: the seed stores are built by the first notebook that needs them."""
    return tmp_path_factory.mktemp("home")


def test_the_kernel_has_ranit_as_it_is_installed(home: Path, tmp_path: Path) -> None:
    asking = new_notebook(cells=[new_code_cell("import ranit_rag; print(ranit_rag.__file__)")])
    nbformat.write(asking, tmp_path / "asking.ipynb")
    (output,) = execute(tmp_path / "asking.ipynb", home).cells[0].outputs
    if output.text.startswith(str(ROOT / "ranit_rag")):
        pytest.skip("RANIT is installed in place here: make test-notebooks runs its wheel")
    assert "site-packages" in output.text


@pytest.mark.timeout(2 * HANGING)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_without_an_error_or_a_warning(path: Path, home: Path) -> None:
    notebook = execute(path, home)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
