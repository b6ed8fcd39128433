"""The threat model is worth its tests: each claim stands in its table, and names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


PAGE = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
# Without those that head a table, which a line of dashes follows.
ROWS = re.findall(r"^\|(?!-).*\|$(?!\n\|-)", PAGE, re.M)


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_every_claim_has_the_cells_that_its_table_shows() -> None:
    """What stands in more cells than its table has columns is not shown."""
    for table in re.findall(r"(?:^\|.*\|\n)+", PAGE, re.M):
        widths = {len(cells(row)) for row in table.splitlines()}
        assert len(widths) == 1, table


def test_every_claim_names_a_test_that_exists() -> None:
    assert len(ROWS) > 30
    for row in ROWS:
        named = re.findall(r"`(tests/[\w/.]+?)::(\w+)`", cells(row)[-1])
        assert named or "`make fuzz`" in row, f"no test holds: {row}"
        for place, name in named:
            assert (ROOT / place).exists(), f"there is no {place}"
            tree = ast.parse((ROOT / place).read_text("utf-8"))
            functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
            assert name in {function.name for function in functions}, f"{place} has no {name}"
