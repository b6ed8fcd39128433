"""The stores in LangChain: as a retriever, and inside few-shot prompts."""

from __future__ import annotations

import json

import pytest
from langchain_core.prompts import ChatPromptTemplate, FewShotChatMessagePromptTemplate, FewShotPromptTemplate
from langchain_core.prompts.prompt import PromptTemplate

from langchain_ranit import RanitExampleSelector, RanitRetriever
from ranit_rag import Example, Ranit
from ranit_rag.errors import DataError, InputError

TEXT = "the doctor gave aspirin for the fever and a tablet for the cough"
FOREIGN = "somebody walked a dog"


def test_documents_say_where_they_are_from_and_why_they_were_chosen(medicine: Ranit) -> None:
    documents = RanitRetriever(ner=medicine, types=["drug", "symptom"], k=2).invoke(TEXT)
    decision = medicine.decide(TEXT, ["drug", "symptom"])
    assert [document.page_content for document in documents] == [s.example.text for s in decision.examples[:2]]
    metadata = documents[0].metadata
    assert metadata["domain"] == "medicine"
    assert metadata["route"] == "in_domain"
    assert metadata["reason"] == decision.reason
    assert metadata["similarity"] == decision.examples[0].similarity
    start, end = metadata["entities"][0]["start"], metadata["entities"][0]["end"]
    assert documents[0].page_content[start:end] == metadata["entities"][0]["text"]
    json.dumps(metadata)  # as vector stores and checkpoints need it


def test_the_judge_keeps_what_does_not_help_out(medicine: Ranit) -> None:
    assert RanitRetriever(ner=medicine).invoke(FOREIGN) == []
    assert len(RanitRetriever(ner=medicine, judged=False, k=5).invoke(FOREIGN)) == 5


def few_shot(selector: RanitExampleSelector) -> FewShotPromptTemplate:
    return FewShotPromptTemplate(
        example_selector=selector,
        example_prompt=PromptTemplate.from_template("Text: {text}\nEntities: {entities}"),
        suffix="Text: {text}\nEntities:",
        input_variables=["text"],
    )


def test_a_few_shot_prompt_shows_what_the_judge_chose(medicine: Ranit) -> None:
    prompt = few_shot(RanitExampleSelector(medicine, types=["drug", "symptom"]))
    shown = prompt.format(text=TEXT).split("\n\n")
    best = medicine.decide(TEXT, ["drug", "symptom"]).examples[0].example
    pairs = json.dumps([[entity.text, entity.label] for entity in best.entities])
    assert shown[0] == f"Text: {best.text}\nEntities: {pairs}"
    assert shown[-1] == f"Text: {TEXT}\nEntities:"
    prompt = few_shot(RanitExampleSelector(medicine))
    assert prompt.format(text=FOREIGN) == f"Text: {FOREIGN}\nEntities:"


async def test_a_chat_prompt_shows_the_same(medicine: Ranit) -> None:
    example_prompt = ChatPromptTemplate.from_messages([("human", "{text}"), ("ai", "{entities}")])
    prompt = FewShotChatMessagePromptTemplate(
        example_selector=RanitExampleSelector(medicine), example_prompt=example_prompt, input_variables=["text"]
    )
    messages = prompt.format_messages(text=TEXT)
    assert len(messages) == 2 * len(medicine.decide(TEXT).examples)
    assert await prompt.aformat_messages(text=TEXT) == messages


def test_an_added_example_is_shown_next(medicine: Ranit) -> None:
    selector = RanitExampleSelector(medicine, domain="medicine")
    text = "a pill for the fever and the cough"
    assert selector.add_example({"text": text, "entities": '[["pill", "drug"]]'}).added == 1
    assert selector.add_example({"text": text, "entities": {"drug": ["pill"]}}).present == 1
    chosen = selector.select_examples({"text": "the nurse had a pill for the fever and for the cough"})
    assert {"text": text, "entities": '[["pill", "drug"]]'} in chosen


def test_braces_in_examples_survive_a_prompt_that_formats_twice(medicine: Ranit) -> None:
    text = "{aspirin} for the {fever} and the cough"
    medicine.add_examples("medicine", [Example.from_mentions(text, {"drug": ["aspirin"]})])
    asked = "the nurse had aspirin and a tablet for the fever, not for the cough"
    with pytest.raises((KeyError, IndexError, ValueError)):
        few_shot(RanitExampleSelector(medicine)).format(text=asked)
    prompt = few_shot(RanitExampleSelector(medicine, double_braces=True))
    assert f"Text: {text}\n" in prompt.format(text=asked)


def test_what_cannot_be_selected_or_added_is_told(medicine: Ranit) -> None:
    with pytest.raises(InputError, match="the input has no 'text', only question"):
        RanitExampleSelector(medicine).select_examples({"question": TEXT})
    with pytest.raises(InputError, match="no store to add to"):
        RanitExampleSelector(medicine).add_example({"text": "a pill", "entities": "[]"})
    selector = RanitExampleSelector(medicine, domain="medicine")
    for broken in ({"text": "a pill"}, {"text": "a pill", "entities": "drug"}, {"text": "a pill", "entities": [1]}):
        with pytest.raises(InputError, match="is not an example"):
            selector.add_example(broken)
    with pytest.raises(DataError, match="does not stand in the text"):
        selector.add_example({"text": "a pill", "entities": [["tablet", "drug"]]})
