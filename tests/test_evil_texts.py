"""Evil texts through the whole house: no crash, no hang, nothing lost, and every offset exact."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from evil_texts import EVIL_TEXTS, HUGE_TEXTS
from reading import check
from timing import within

from ranit_rag import Ranit, Settings
from ranit_rag.corpus import Corpus, extract_corpus, find_files
from ranit_rag.engines.transformers import TransformersEngine
from ranit_rag.errors import InputError
from ranit_rag.testing import ScriptedEngine


def pieces(text: str, entity_type: str) -> list[str]:
    """Answers that are cut out of the text at all kinds of places, and some that are not in it."""
    cuts = range(0, len(text), max(len(text) // 7, 1))
    return [*(text[cut : cut + 9] for cut in cuts), "Bob Lee", "李雷", 'HACKED"]', ""]


@pytest.mark.parametrize("kind", EVIL_TEXTS)
def test_any_answer_about_them_is_read(kind: str) -> None:
    ner, text = Ranit(ScriptedEngine(pieces, window=600), judge="never"), EVIL_TEXTS[kind]
    with within(1.0):
        check(ner.extract(text, ["person", "地名"]), text)


@pytest.mark.parametrize("kind", HUGE_TEXTS)
def test_a_megabyte_takes_time_in_proportion(kind: str) -> None:
    ner, text = Ranit(ScriptedEngine(pieces, window=4000, context=20_000), judge="never"), HUGE_TEXTS[kind]
    with within(15.0):
        check(ner.extract(text, ["person"]), text)


@pytest.mark.parametrize("kind", EVIL_TEXTS)
def test_the_embedded_model_reads_them(nano: TransformersEngine, kind: str) -> None:
    """Of the long ones the beginning: what follows is more of the same."""
    text, ner = EVIL_TEXTS[kind][:300], Ranit(nano, judge="never", settings=Settings(max_output_tokens=16))
    extraction = ner.extract(text, ["地名"])
    check(extraction, text)
    assert {entity.label for entity in extraction.entities} <= {"地名"}
    assert "unparsable" not in {dropped.reason for dropped in extraction.dropped}


def test_the_embedded_model_is_given_a_megabyte_in_windows(nano: TransformersEngine) -> None:
    text = HUGE_TEXTS["a megabyte without a blank"]
    with within(15.0):
        plans = Ranit(nano).conversations(text, ["person"])
    assert plans[0].window.start == 0
    assert plans[-1].window.end == len(text)


def test_in_a_corpus_each_is_one_row(tmp_path: Path) -> None:
    texts = [*EVIL_TEXTS.values(), " \t\r\n\u3000", ""]
    source = tmp_path / "evil.jsonl"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    ner = Ranit(ScriptedEngine(pieces, window=600), judge="never")
    summary = extract_corpus(ner, Corpus(find_files([source]).files), tmp_path / "out", types={"person": ""})
    with (tmp_path / "out" / "part-00000.jsonl").open(newline="\n") as lines:
        rows = [json.loads(line) for line in lines]
    assert [row["text"] for row in rows] == texts[:-2]
    assert summary.tally.failures == {InputError.__name__: 2}, "blanks alone are nothing to read"
