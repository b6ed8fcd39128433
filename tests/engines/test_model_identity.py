"""What tells models apart: their results hang on the whole checkpoint, their answers not on its card."""

from __future__ import annotations

from pathlib import Path

from ranit_rag.config import Settings
from ranit_rag.engines.base import EngineInfo
from ranit_rag.engines.checkpoint import FILE_NAME
from ranit_rag.engines.identity import identify, identify_answers


def test_a_calibration_changes_results_and_no_answer(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", "utf-8")
    (tmp_path / FILE_NAME).write_text("{}", "utf-8")
    info, settings = EngineInfo("transformers", "model", 2048), Settings(model=str(tmp_path))
    results, answers = identify(info, settings), identify_answers(info, settings)
    (tmp_path / FILE_NAME).write_text('{"calibration": {"temperature": 2.0}}', "utf-8")
    assert identify(info, settings) != results
    assert identify_answers(info, settings) == answers
    (tmp_path / "config.json").write_text('{"hidden_size": 8}', "utf-8")
    assert identify_answers(info, settings) != answers
