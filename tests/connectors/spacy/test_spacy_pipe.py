"""The pipe in spaCy: annotations, batches, worker processes, saving, scoring, drawing."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import spacy
from spacy import displacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from ranit_rag import Entity, Extraction, Ranit
from ranit_rag.errors import ConfigError, InputError, ServerError
from ranit_rag.testing import ScriptedEngine

TEXT = "Aspirin eased her migraine in New York City."
SCRIPT = {
    ("Aspirin", "drug"): ["Aspirin"],
    ("migraine", "disease or symptom"): ["migraine"],
    ("New York", "city"): ["New York City"],
    ("New York", "state"): ["New York"],
}
TYPES = {"drug": "a medicine: pill = tablet", "disease or symptom": "", "city": "", "state": ""}
MakeNlp = Callable[..., Language]


@pytest.fixture
def make_nlp() -> MakeNlp:
    def make(*, score: float | None = 0.9, script: Any = SCRIPT, **config: Any) -> Language:
        nlp = spacy.blank("en")
        pipe: Any = nlp.add_pipe("ranit", config={"types": TYPES, **config})
        pipe.ner = Ranit(ScriptedEngine(script, score=score))
        return nlp

    return make


def labelled(spans: Any) -> list[tuple[str, str]]:
    return [(span.text, span.label_) for span in spans]


def test_entities_are_in_ents_nested_ones_in_spans_and_all_have_scores(
    make_nlp: MakeNlp, contract: dict[str, Any]
) -> None:
    doc = make_nlp()(TEXT)
    assert labelled(doc.ents) == [
        ("Aspirin", "drug"),
        ("migraine", "disease or symptom"),
        ("New York City", "city"),
    ]
    spans = doc.spans["ranit"]
    assert ("New York", "state") in labelled(spans)
    assert spans.attrs["scores"] == [0.9] * 4
    assert [span._.ranit_score for span in (*doc.ents, *spans)] == [0.9] * 7
    assert doc[0:2]._.ranit_score is None
    jsonschema.validate(doc._.ranit, contract)


def test_of_two_labels_on_the_same_span_the_surer_one_is_the_entity(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(types=["city", "place"])
    pipe: Any = nlp.get_pipe("ranit")
    city, place = Entity("New York City", "city", 30, 43, 0.3), Entity("New York City", "place", 30, 43, 0.7)
    doc = nlp.make_doc(TEXT)
    pipe.annotate(doc, Extraction(TEXT, "en", (city, place)))
    assert labelled(doc.ents) == [("New York City", "place")]
    assert [span._.ranit_score for span in doc.spans["ranit"]] == [0.3, 0.7]
    assert doc.ents[0]._.ranit_score == 0.7


def test_an_engine_without_probabilities_has_no_scores(make_nlp: MakeNlp) -> None:
    doc = make_nlp(score=None, threshold=0.95)(TEXT)
    assert doc.spans["ranit"].attrs["scores"] == [None] * 4
    assert doc.ents[0]._.ranit_score is None


def test_scores_below_the_threshold_are_not_annotated(make_nlp: MakeNlp) -> None:
    doc = make_nlp(threshold=0.95)(TEXT)
    assert not doc.ents
    assert not doc.spans["ranit"]
    assert len(doc._.ranit["entities"]) == 4  # yet they can be read


def test_entities_of_earlier_pipes_stay_unless_the_filter_says_otherwise(make_nlp: MakeNlp) -> None:
    for config, expected in (
        ({}, ("York", "surname")),
        ({"ents_filter": {"@misc": "spacy.prioritize_new_ents_filter.v1"}}, ("New York City", "city")),
    ):
        nlp = make_nlp(**config)
        doc = nlp.make_doc(TEXT)
        doc.ents = [Span(doc, 6, 7, label="surname")]
        doc = nlp.get_pipe("ranit")(doc)
        assert expected in labelled(doc.ents)
    doc = make_nlp(annotate_ents=False)(TEXT)
    assert not doc.ents
    assert len(doc.spans["ranit"]) == 4


def test_an_entity_that_ends_within_a_token_is_kept_whole_by_default(make_nlp: MakeNlp) -> None:
    extraction = Extraction("Berliners are from there.", "en", (Entity("Berlin", "city", 0, 6, 0.9),))
    for mode, expected in ((None, ["Berliners"]), ("strict", []), ("contract", [])):
        nlp = make_nlp(**({"alignment_mode": mode} if mode else {}))
        pipe: Any = nlp.get_pipe("ranit")
        doc = nlp.make_doc(extraction.text)
        pipe.annotate(doc, extraction)
        assert [span.text for span in doc.ents] == expected
        assert doc._.ranit["entities"][0]["end"] == 6


def test_chinese_offsets_are_those_of_the_text() -> None:
    nlp = spacy.blank("zh")
    pipe: Any = nlp.add_pipe("ranit", config={"types": ["药物"]})
    pipe.ner = Ranit(ScriptedEngine({("阿司匹林", "药物"): ["阿司匹林"]}))
    assert labelled(nlp("😀他吃了阿司匹林。").ents) == [("阿司匹林", "药物")]


def test_texts_of_a_pipe_share_batches_and_blank_ones_cost_nothing(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    pipe: Any = nlp.get_pipe("ranit")
    asked: list[int] = []
    generate = pipe.ner.engine.generate

    def counting(conversations: Any, **options: Any) -> Any:
        asked.append(len(conversations))
        return generate(conversations, **options)

    pipe.ner.engine.generate = counting
    docs = list(nlp.pipe([TEXT, "", " \n", TEXT, TEXT]))
    assert [len(doc.ents) for doc in docs] == [3, 0, 0, 3, 3]
    assert asked == [3]


def test_a_text_that_fails_goes_to_the_error_handler_alone(make_nlp: MakeNlp) -> None:
    nlp = make_nlp(script={**SCRIPT, ("broken", "drug"): ServerError("down")})
    with pytest.raises(ServerError, match="down"):
        nlp("broken")
    seen: list[tuple[str, list[str], str]] = []
    nlp.set_error_handler(lambda name, pipe, docs, error: seen.append((name, [d.text for d in docs], str(error))))
    assert [len(doc.ents) for doc in nlp.pipe([TEXT, "broken", TEXT])] == [3, 3]
    assert seen == [("ranit", ["broken"], "down")]


def test_worker_processes_open_a_model_of_their_own_also_after_one_was_used_here() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("ranit", config={"types": ["drug", "disease"], "settings": {"judge": "never"}})
    texts = [TEXT, "Ibuprofen helps against pain.", ""] * 2
    here = [labelled(doc.ents) for doc in nlp.pipe(texts)]
    there = [labelled(doc.ents) for doc in nlp.pipe(texts, n_process=2, batch_size=2)]
    assert here == there
    assert any(here)


def test_a_pipe_can_be_sent_to_a_process_that_is_not_forked(make_nlp: MakeNlp) -> None:
    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe("ranit", config={"types": TYPES, "threshold": 0.4})
    _ = pipe.ner  # a loaded model is not sent
    sent = pickle.loads(pickle.dumps(pipe))
    assert sent.cfg == pipe.cfg
    assert sent.labels == pipe.labels == tuple(TYPES)


def test_a_saved_pipeline_is_the_same_again(make_nlp: MakeNlp, tmp_path: Path) -> None:
    nlp = make_nlp(threshold=0.4, spans_key="found", settings={"judge": "never", "k": 3})
    changed: Any = nlp.get_pipe("ranit")
    changed.cfg["threshold"] = 0.5
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert loaded.get_pipe("ranit").cfg == changed.cfg  # type: ignore[attr-defined]
    assert loaded.get_pipe("ranit").labels == tuple(TYPES)
    from_bytes = spacy.blank("en")
    from_bytes.add_pipe("ranit")
    from_bytes.from_bytes(nlp.to_bytes())
    assert from_bytes.get_pipe("ranit").cfg == changed.cfg  # type: ignore[attr-defined]


def test_annotated_documents_can_be_saved(make_nlp: MakeNlp, tmp_path: Path) -> None:
    nlp = make_nlp()
    DocBin(docs=[nlp(TEXT)], store_user_data=True).to_disk(tmp_path / "docs.spacy")
    (doc,) = DocBin().from_disk(tmp_path / "docs.spacy").get_docs(nlp.vocab)
    assert doc.spans["ranit"].attrs["scores"] == [0.9] * 4
    assert doc._.ranit["decisions"][0]["route"] == "none"


def test_spacys_scorer_reads_ents_and_spans(make_nlp: MakeNlp) -> None:
    nlp = make_nlp()
    gold = nlp.make_doc(TEXT)
    gold.ents = [Span(gold, 0, 1, label="drug"), Span(gold, 3, 4, label="drug")]
    gold.spans["ranit"] = [Span(gold, 5, 7, label="state")]
    scores = nlp.evaluate([Example(nlp.make_doc(TEXT), gold)])
    assert scores["ents_p"] == pytest.approx(1 / 3)
    assert scores["ents_r"] == pytest.approx(1 / 2)
    assert scores["ents_per_type"]["drug"]["r"] == pytest.approx(1 / 2)
    assert scores["spans_ranit_r"] == 1.0
    assert scores["spans_ranit_p"] == pytest.approx(1 / 4)


def test_displacy_draws_ents_and_spans(make_nlp: MakeNlp) -> None:
    doc = make_nlp()(TEXT)
    html = displacy.render(doc, style="ent", jupyter=False)
    assert html.count("<mark") == 3
    assert "disease or symptom" in html
    assert "state" in displacy.render(doc, style="span", options={"spans_key": "ranit"}, jupyter=False)


def test_a_ranit_can_be_named_in_the_config() -> None:
    shared = Ranit(ScriptedEngine(SCRIPT))
    spacy.registry.misc("the_shared_ranit.v1")(lambda: shared)
    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe("ranit", config={"types": ["drug"], "ner": {"@misc": "the_shared_ranit.v1"}})
    assert pipe.ner is shared
    assert labelled(nlp(TEXT).ents) == [("Aspirin", "drug")]


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        ({"settings": {"api_key": "secret"}}, InputError, "api_key would be saved with the pipeline"),
        ({"settings": {"jugde": "never"}}, ConfigError, "there is no setting 'jugde'"),
    ],
)
def test_a_config_that_cannot_work_is_told_at_once(
    config: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        spacy.blank("en").add_pipe("ranit", config=config)


def test_a_document_that_was_not_read_has_nothing() -> None:
    doc = Doc(spacy.blank("en").vocab, words=["hello"])
    assert doc._.ranit is None
    assert doc[0:1]._.ranit_score is None
