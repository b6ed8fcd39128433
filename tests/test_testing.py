"""The scripted engine: users test with it what they build, so it must behave as an engine does."""

from __future__ import annotations

import pytest

from ranit_rag.engines.base import Engine
from ranit_rag.errors import ContextLengthError, ServerTimeoutError
from ranit_rag.prompts.answers import parse_answer
from ranit_rag.prompts.conversation import Conversation, Message, Query
from ranit_rag.testing import ScriptedEngine

TEXT = "Aspirin eased her migraine."


def _ask(*types: str, text: str = TEXT, source: bool = True) -> Conversation:
    prefix = (Message("user", f"Text: {text}"), Message("assistant", "I've read this text."))
    queries = tuple(Query(f"What describes {name} in the text?", (name,)) for name in types)
    return Conversation(prefix, queries, source=text if source else None)


def test_it_is_an_engine() -> None:
    assert isinstance(ScriptedEngine({}), Engine)


def test_all_entries_that_fit_answer_in_order() -> None:
    engine = ScriptedEngine({("Aspirin", "drug"): ["Aspirin"], ("", "drug"): ["her"], ("Ibuprofen", "drug"): ["no"]})
    (reply,) = engine.generate([_ask("drug", "disease")])
    assert [answer.text for answer in reply.answers] == ['["Aspirin", "her"]', "[]"]


def test_the_text_is_found_where_the_conversation_does_not_carry_it() -> None:
    engine = ScriptedEngine({("Aspirin", "drug"): ["Aspirin"]})
    (reply,) = engine.generate([_ask("drug", source=False)])
    assert reply.answers[0].text == '["Aspirin"]'


def test_a_function_answers() -> None:
    engine = ScriptedEngine(lambda text, name: [name, text[:2]])
    (reply,) = engine.generate([_ask("drug")])
    assert reply.answers[0].text == '["drug", "As"]'


def test_an_object_is_answered_with_all_types() -> None:
    conversation = Conversation((Message("user", TEXT),), (Query("All?", ("drug", "disease")),), "object", TEXT)
    (reply,) = ScriptedEngine({("", "disease"): ["migraine"]}).generate([conversation])
    assert reply.answers[0].text == '{"drug": [], "disease": ["migraine"]}'


def test_tokens_spell_the_answer_and_carry_the_score() -> None:
    mention = 'a "quoted\\" one'
    engine = ScriptedEngine({("", "drug"): [mention, "b"]}, score=0.5)
    answer = engine.generate([_ask("drug")])[0].answers[0]
    assert answer.tokens is not None
    assert "".join(token.text for token in answer.tokens) == answer.text
    assert sum(token.logprob for token in answer.tokens) == pytest.approx(2 * -0.6931471805599453)
    parsed = parse_answer(answer.text, types=("drug",), form="list", truncated=False)
    assert [each.text for each in parsed.mentions] == [mention, "b"]
    assert ScriptedEngine({}, score=None).generate([_ask("drug")])[0].answers[0].tokens is None


def test_usage_counts_characters_and_shares_the_prefix() -> None:
    conversation = _ask("drug", "disease")
    prefix = sum(len(message.content) for message in conversation.prefix)
    queries = sum(len(query.content) for query in conversation.queries)
    usage = ScriptedEngine({}).generate([conversation])[0].usage
    assert (usage.prompt_tokens, usage.cached_tokens) == (2 * prefix + queries, prefix)
    assert (usage.output_tokens, usage.calls) == (len("[][]"), 2)


def test_an_answer_is_cut_at_the_token_limit() -> None:
    engine = ScriptedEngine({("", "drug"): ["Aspirin"]})
    (reply,) = engine.generate([_ask("drug")], max_tokens=5)
    assert (reply.answers[0].text, reply.answers[0].finish) == ('["Asp', "length")


def test_a_conversation_beyond_the_context_fails_alone() -> None:
    long, short = ScriptedEngine({}, context=400).generate([_ask("drug", text="x" * 400), _ask("drug")])
    assert isinstance(long.error, ContextLengthError)
    assert short.error is None


def test_scripted_errors() -> None:
    down = ServerTimeoutError("no answer in 60 s")
    failed, fine = ScriptedEngine({("bad", "drug"): down}).generate([_ask("drug", text="bad text"), _ask("drug")])
    assert failed.error is down
    assert fine.error is None

    def crash(text: str, name: str) -> list[str]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ScriptedEngine(crash).generate([_ask("drug")])


async def test_async_answers_the_same_and_all_is_recorded() -> None:
    engine = ScriptedEngine({("Aspirin", "drug"): ["Aspirin"]})
    conversations = [_ask("drug"), _ask("disease")]
    replies = await engine.agenerate(conversations)
    assert [r.answers for r in replies] == [r.answers for r in engine.generate(conversations)]
    assert engine.conversations == conversations * 2
