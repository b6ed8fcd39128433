"""The threat model is worth its tests: each that the page names has to exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_claim_names_a_test_that_exists() -> None:
    page = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith(("| who", "| cannot"))]
    assert rows
    for row in rows:
        named = re.findall(r"`(tests/[\w/.]+?)(?:::(\w+))?`", row)
        assert named, f"no test holds: {row}"
        for place, name in named:
            assert (ROOT / place).exists(), f"there is no {place}"
            if name:
                tree = ast.parse((ROOT / place).read_text("utf-8"))
                functions = (
                    node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                )
                assert name in {function.name for function in functions}, f"{place} has no {name}"
