"""Texts for the fixture ``medicine``, and its script behind an engine of its own."""

from __future__ import annotations

from typing import Any

from ranit_rag.testing import ScriptedEngine

TYPES = ["drug", "symptom"]
IN_DOMAIN = "the doctor gave aspirin for the fever and a tablet for the cough"
FOREIGN = "somebody walked a dog"


def engine(**options: Any) -> ScriptedEngine:
    script = {("aspirin", "drug"): ["aspirin"], ("fever", "symptom"): ["fever"], ("cough", "symptom"): ["cough"]}
    return ScriptedEngine(script, **options)
