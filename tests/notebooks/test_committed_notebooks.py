"""The notebooks as they are committed: they must show their results, and nothing of the machine that they ran on."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MACHINE = re.compile(r"(?<![\w/.:])/(tmp|home|root|work|Users|usr|opt|mnt|var)/|[A-Z]:\\\\|0x[0-9a-f]{8,}|127\.0\.0\.1")
LARGEST = 300 * 1024  # bytes

named = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@cache
def cells(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text("utf-8"))["cells"])


def outputs(path: Path) -> list[dict[str, Any]]:
    return [output for cell in cells(path) for output in cell.get("outputs", ())]


def test_all_six_are_there_and_listed() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05", "06"]
    listed = (FOLDER / "README.md").read_text("utf-8")
    assert all(f"({path.name})" in listed for path in NOTEBOOKS)


@named
def test_it_was_run_from_top_to_bottom(path: Path) -> None:
    code = [cell for cell in cells(path) if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))


@named
def test_its_outputs_hold_results_and_pictures_but_no_errors(path: Path) -> None:
    kinds = [output["output_type"] for output in outputs(path)]
    assert "error" not in kinds
    assert not [output for output in outputs(path) if output.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in outputs(path))


@named
def test_nothing_in_it_tells_of_a_machine(path: Path) -> None:
    data = json.loads(path.read_text("utf-8"))
    assert set(data["metadata"]) == {"kernelspec", "language_info"}
    assert all(cell["metadata"] == {} for cell in data["cells"])
    for output in outputs(path):
        shown = {**output, "data": {k: v for k, v in output.get("data", {}).items() if k != "image/png"}}
        assert not MACHINE.search(json.dumps(shown, ensure_ascii=False))


@named
def test_it_is_small_and_its_prose_leads_through_it(path: Path) -> None:
    assert path.stat().st_size < LARGEST
    kinds = [cell["cell_type"] for cell in cells(path)]
    assert kinds[0] == kinds[-1] == "markdown"
    assert kinds.count("markdown") >= kinds.count("code") / 2


@named
def test_its_links_lead_somewhere(path: Path) -> None:
    prose = "".join("".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "markdown")
    for target in re.findall(r"\]\(([^)]+\.ipynb)\)", prose):
        assert (FOLDER / target).is_file(), target
    for target in re.findall(r"`((?:docs|tests|training)/[\w./-]+\.md)`", prose):
        assert (FOLDER.parent / target).is_file(), target


@named
def test_it_uses_public_names_alone(path: Path) -> None:
    source = "\n".join("".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "code")
    tree = compile(source, path.name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert not [alias.name for alias in node.names if alias.name.startswith("_")]
        if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id == "self"):
            assert not re.match("_(?!_)", node.attr), node.attr
