"""The page on query pipelines: its code for the newer versions runs as it is printed."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from scripted_medicine import FOREIGN, IN_DOMAIN

from ranit_rag import Ranit

PAGE = Path(__file__).resolve().parents[3] / "docs" / "query-pipelines.md"
OLD, NEW, SUBCLASS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


async def run(code: str, names: dict[str, Any]) -> None:
    """Run code that may await at its top."""
    coroutine = eval(compile(code, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    if coroutine is not None:
        await coroutine


async def test_the_new_way_gives_what_extract_gives(medicine: Ranit) -> None:
    names: dict[str, Any] = {"ner": medicine}
    await run(NEW, names)
    expected = medicine.extract("the doctor gave aspirin for the fever", ["drug", "symptom"])
    assert names["extraction"].entities == expected.entities
    assert names["extraction"].decisions == expected.decisions


async def test_a_subclass_shows_examples_of_the_domain_alone(medicine: Ranit) -> None:
    names: dict[str, Any] = {"__name__": __name__}
    await run(SUBCLASS, names)
    workflow = names["OnlyInDomain"](medicine)
    assert (await workflow.run(text=IN_DOMAIN, types=["drug"])).decision.route == "in_domain"
    assert medicine.decide(IN_DOMAIN, ["planet"]).route == "out_domain"
    decision = (await workflow.run(text=IN_DOMAIN, types=["planet"])).decision
    assert (decision.route, decision.reason) == ("none", "only examples of the domain are shown")
    assert (await workflow.run(text=FOREIGN, types=["planet"])).decision.route == "none"
