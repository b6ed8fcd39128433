"""The way through: what a user asks, what comes back, and what is told of that which does not."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import pytest

from ranit_rag import Example, Extraction, Ranit
from ranit_rag.collecting import mention_scores
from ranit_rag.engines.base import Answer, Reply, Token
from ranit_rag.errors import ContextLengthError, InputError, ServerError
from ranit_rag.prompts import Conversation, Mention
from ranit_rag.testing import ScriptedEngine

TEXT = "Aspirin eased her migraine; aspirin is cheap."
EXAMPLE = Example.from_mentions("Ibuprofen against fever.", {"drug": ["Ibuprofen"], "disease": ["fever"]})


def ranit(answers: Any, *, profile: str = "uniner.v1", **options: Any) -> Ranit:
    return Ranit(ScriptedEngine(answers, **options), profile=profile)


def says(mentions: Sequence[str], text: str, **options: Any) -> Extraction:
    """The extraction of type "x" where the model answers so."""
    return ranit({("", "x"): mentions}, **options).extract(text, ["x"])


def spans(extraction: Extraction) -> list[tuple[str, int, int]]:
    assert all(extraction.text[e.start : e.end] == e.text for e in extraction.entities)
    return [(e.text, e.start, e.end) for e in extraction.entities]


class RawEngine(ScriptedEngine):
    """Writes the same answer to everything, JSON or not."""

    def __init__(self, answer: Answer) -> None:
        super().__init__({})
        self._raw = answer

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        return [Reply(tuple(self._raw for _ in conversation.queries)) for conversation in conversations]


class TestEntities:
    def test_every_occurrence_is_an_entity_of_its_own(self) -> None:
        assert spans(says(["Bob"], "Bob saw Bob. Bobby did not.")) == [("Bob", 0, 3), ("Bob", 8, 11)]

    def test_they_come_in_the_order_of_the_text_the_longer_first(self) -> None:
        ner = ranit({("", "place"): ["Rome"], ("", "team"): ["Rome United", "Ada"]})
        found = ner.extract("Ada left Rome United.", ["place", "team"]).entities
        assert [(e.text, e.label) for e in found] == [("Ada", "team"), ("Rome United", "team"), ("Rome", "place")]

    def test_one_span_may_have_many_types(self) -> None:
        ner = ranit({("", "person"): ["Washington"], ("", "place"): ["Washington"]})
        found = ner.extract("Washington slept.", ["place", "person"]).entities
        assert [(e.text, e.label) for e in found] == [("Washington", "place"), ("Washington", "person")]

    def test_they_are_spans_of_the_text_as_given(self) -> None:
        text = "“ＡＢＣ” met cafe\u0301  society in 深圳。"
        assert [e[0] for e in spans(says(["ABC", "café society", "深圳"], text))] == [
            "ＡＢＣ",
            "cafe\u0301  society",
            "深圳",
        ]

    def test_an_answer_for_all_types_at_once_is_read_too(self) -> None:
        answers = {("", "drug"): ["Aspirin"], ("", "disease"): ["migraine"]}
        one, each = (ranit(answers, profile=p).extract(TEXT, ["drug", "disease"]) for p in ("json.v1", "uniner.v1"))
        assert one.entities == each.entities
        assert (one.usage.calls, each.usage.calls) == (1, 2)

    def test_a_mention_with_an_unpaired_surrogate_is_found(self) -> None:
        assert spans(says(["Al\ufffdice"], "See Al\ud800ice.")) == [("Al\ud800ice", 4, 10)]


class TestShorterMentions:
    """A mention that is part of a longer one of its type means its other occurrences, if it has any."""

    def test_it_is_not_repeated_inside_the_longer_one(self) -> None:
        text = "New York City is in New York."
        assert spans(says(["New York City", "New York"], text)) == [("New York City", 0, 13), ("New York", 20, 28)]

    def test_it_is_nested_where_it_stands_nowhere_else(self) -> None:
        text = "She left the University of Tokyo."
        assert [e[0] for e in spans(says(["University of Tokyo", "Tokyo"], text))] == ["University of Tokyo", "Tokyo"]

    def test_longer_mentions_of_other_types_do_not_count(self) -> None:
        ner = ranit({("", "team"): ["Rome United"], ("", "place"): ["Rome"]})
        found = ner.extract("Rome United left Rome.", ["team", "place"]).entities
        assert [(e.text, e.start) for e in found] == [("Rome United", 0), ("Rome", 0), ("Rome", 17)]

    def test_three_deep(self) -> None:
        text = "Bank of New York City. Bank of New York. New York."
        found = spans(says(["New York", "Bank of New York City", "Bank of New York"], text))
        assert found == [("Bank of New York City", 0, 21), ("Bank of New York", 23, 39), ("New York", 41, 49)]

    @pytest.mark.timeout(20)
    def test_a_hundred_thousand_of_them_take_no_minutes(self) -> None:
        text = "a b " * 50_000
        assert len(says(["a b", "a", "b"], text, context=10**7).entities) == 150_000


class TestScores:
    def test_they_are_the_probability_of_the_mention_behind_what_stands_before_it(self) -> None:
        pieces = [('["', -0.1), ("Ada", -0.2), (" Bo", -0.3), ('", "', -0.4), ("Cy", -0.5), ('"]', -0.6)]
        answer = Answer('["Ada Bo", "Cy"]', tuple(Token(*piece) for piece in pieces))
        scores = mention_scores(answer, [Mention("Ada Bo", "x", 2, 8), Mention("Cy", "x", 12, 14)])
        assert scores == [pytest.approx(math.exp(-0.6), abs=1e-5), pytest.approx(math.exp(-0.9), abs=1e-5)]

    def test_mentions_that_end_in_one_token_share_its_probability(self) -> None:
        answer = Answer('["a", "b"]', (Token('["', -0.1), Token('a", "b', -0.2), Token('"]', -0.4)))
        scores = mention_scores(answer, [Mention("a", "x", 2, 3), Mention("b", "x", 7, 8)])
        assert scores == [pytest.approx(math.exp(-0.3), abs=1e-5), pytest.approx(math.exp(-0.2), abs=1e-5)]

    def test_they_are_not_above_one_however_probabilities_are_rounded(self) -> None:
        answer = Answer('["a"]', (Token('["a', 1e-6), Token('"]', 0.0)))
        assert mention_scores(answer, [Mention("a", "x", 2, 3)]) == [1.0]

    def test_without_probabilities_there_are_none(self) -> None:
        assert says(["Aspirin"], TEXT, score=None).entities[0].score is None

    def test_entities_carry_them(self) -> None:
        assert says(["Aspirin"], TEXT, score=0.25).entities[0].score == pytest.approx(0.25)


class TestDropped:
    def test_what_is_not_in_the_text(self) -> None:
        (dropped,) = says(["Paracetamol", "Aspirin"], TEXT).dropped
        assert (dropped.text, dropped.label, dropped.reason) == ("Paracetamol", "x", "ungrounded")

    def test_what_is_written_again(self) -> None:
        extraction = says(["migraine", "migraine"], TEXT)
        assert [(d.text, d.reason) for d in extraction.dropped] == [("migraine", "duplicate")]
        assert len(extraction.entities) == 1

    def test_what_cannot_be_read(self) -> None:
        extraction = Ranit(RawEngine(Answer("I found no list")), profile="uniner.v1").extract(TEXT, ["x"])
        assert [(d.text, d.label, d.reason) for d in extraction.dropped] == [("I found no list", "x", "unparsable")]

    def test_what_the_token_limit_cut(self) -> None:
        cut = Answer('["migraine", "Aspi', finish="length")
        extraction = Ranit(RawEngine(cut), profile="uniner.v1").extract(TEXT, ["x"])
        assert [e.text for e in extraction.entities] == ["migraine"]
        assert [d.reason for d in extraction.dropped] == ["truncated"]
        assert "Aspi" in extraction.dropped[0].text

    def test_a_cut_is_told_even_where_nothing_is_left_over(self) -> None:
        extraction = Ranit(RawEngine(Answer('["migraine"]', finish="length")), profile="uniner.v1").extract(TEXT, ["x"])
        assert [d.reason for d in extraction.dropped] == ["truncated"]

    def test_the_answer_of_a_stubborn_model_is_parsed_in_full(self) -> None:
        fenced = Answer('Sure!\n```json\n["migraine", "nonsense"]\n```')
        extraction = Ranit(RawEngine(fenced), profile="uniner.v1").extract(TEXT, ["x"])
        assert [e.text for e in extraction.entities] == ["migraine"]
        assert ("nonsense", "ungrounded") in [(d.text, d.reason) for d in extraction.dropped]


class TestWindows:
    SENTENCES = " ".join(f"Number {i} met Ada in town." for i in range(30))

    def test_entities_of_all_windows_have_offsets_of_the_text(self) -> None:
        ner = ranit(lambda text, _: ["Ada"] if "Ada" in text else [], window=120)
        extraction = ner.extract(self.SENTENCES, ["person"])
        assert len(extraction.decisions) > 5
        assert len(spans(extraction)) == self.SENTENCES.count("Ada") == 30
        assert extraction.coverage == 1.0

    def test_decisions_say_what_they_are_for(self) -> None:
        decisions = ranit({}, window=120).extract(self.SENTENCES, ["person"]).decisions
        assert (decisions[0].start, decisions[-1].end) == (0, len(self.SENTENCES))
        assert all(one.end >= other.start for one, other in itertools.pairwise(decisions))

    def test_what_two_windows_see_is_one_entity_with_the_better_score(self) -> None:
        class Unsure(ScriptedEngine):
            """Finds Ada with probability 0.2 in one window, 0.7 in the next, and so on."""

            def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
                tokens = [Token('["Ada"]', math.log(0.2 + 0.5 * (i % 2))) for i in range(len(conversations))]
                return [Reply((Answer(token.text, (token,)),)) for token in tokens]

        extraction = Ranit(Unsure({}, window=240), profile="uniner.v1").extract(self.SENTENCES, ["x"])
        seen = [[d for d in extraction.decisions if d.start <= e.start and e.end <= d.end] for e in extraction.entities]
        assert len(seen) == 30
        twice = [e.score for e, windows in zip(extraction.entities, seen, strict=True) if len(windows) == 2]
        assert len(twice) == len(extraction.decisions) - 1 > 0
        assert twice == [pytest.approx(0.7)] * len(twice)

    def test_usage_is_that_of_all_windows_and_says_where_the_time_went(self) -> None:
        engine = ScriptedEngine({}, window=120)
        usage = Ranit(engine, profile="uniner.v1").extract(self.SENTENCES, ["a", "b"]).usage
        assert usage.calls == 2 * len(engine.conversations)
        assert usage.output_tokens == 2 * usage.calls
        assert 0 < usage.cached_tokens < usage.prompt_tokens
        assert {"plan", "generate", "collect"} <= usage.seconds.keys()

    def test_a_window_that_fails_fails_the_text(self) -> None:
        """Half an extraction would pass for a whole one."""
        ner = ranit({("Number 29", "x"): ServerError("hung up")}, window=120)
        with pytest.raises(ServerError, match="hung up"):
            ner.extract(self.SENTENCES, ["x"])

    def test_without_the_grammar_answers_are_free(self) -> None:
        from ranit_rag.config import Settings

        plan = Ranit(ScriptedEngine({}), settings=Settings(grammar=False)).conversations(TEXT, ["x"])[0]
        assert plan.conversation.source is None
        assert ranit({}).conversations(TEXT, ["x"])[0].conversation.source == TEXT


class TestExamplesByHand:
    def test_they_are_shown(self) -> None:
        engine = ScriptedEngine({})
        decision = Ranit(engine, profile="ra-it-en.v1").extract(TEXT, ["drug"], examples=[EXAMPLE]).decision
        assert [shown.example for shown in decision.examples] == [EXAMPLE]
        assert decision.route == "in_domain"
        assert "Ibuprofen against fever." in engine.conversations[0].prefix[1].content

    def test_the_text_itself_is_not(self) -> None:
        decision = ranit({}).extract(EXAMPLE.text, ["drug"], examples=[EXAMPLE]).decision
        assert (decision.route, decision.examples) == ("none", ())
        assert "nearly repeats" in decision.reason

    def test_their_types_are_asked_for_where_none_are_named(self) -> None:
        ner = ranit({("", "drug"): ["Aspirin"], ("", "disease"): ["migraine"]})
        found = ner.extract(TEXT, examples=[EXAMPLE]).entities
        assert {entity.label for entity in found} == {"drug", "disease"}

    def test_without_either_the_error_says_what_to_name(self) -> None:
        with pytest.raises(InputError, match="no types") as caught:
            ranit({}).extract(TEXT)
        assert "-t person" in caught.value.hint

    def test_those_for_which_there_is_no_room_are_left_out_from_the_last(self) -> None:
        others = [Example(f"{i} " + "word " * 120) for i in range(4)]
        decision = ranit({}, context=2000).extract(TEXT, ["x"], examples=[EXAMPLE, *others]).decision
        shown = [each.example for each in decision.examples]
        assert shown == [EXAMPLE, *others][: len(shown)]
        assert 1 <= len(shown) < 5
        assert decision.route == "in_domain"
        assert f"{5 - len(shown)} of 5 left out" in decision.reason

    def test_without_room_for_any_the_route_is_none(self) -> None:
        decision = ranit({}, context=600).extract(TEXT, ["x"], examples=[Example("word " * 2000)]).decision
        assert (decision.route, decision.examples) == ("none", ())
        assert "1 of 1 left out" in decision.reason

    def test_queries_for_the_types_of_examples_fit_the_context_too(self) -> None:
        """The types are known only when the examples are, and in one query they can take much of the context."""
        labels = {f"a rather long name of a type, number {i}": ["w"] for i in range(12)}
        examples = [Example.from_mentions("w " * 150 + str(i), labels) for i in range(3)]
        ner = ranit({}, profile="json.v1", context=4096)
        assert ner.extract("v " * 700, examples=examples).coverage == 1.0

    def test_many_long_texts_with_many_examples_never_overflow(self) -> None:
        examples = [Example(f"{i} " + "word " * 60) for i in range(10)]
        ner = ranit({}, context=1500)
        results = list(
            ner.extract_many(["w " * length for length in (1, 100, 200, 400, 800)], ["x"], examples=examples)
        )
        assert all(isinstance(result, Extraction) for result in results)


class TestAsking:
    def test_definitions_are_part_of_the_question(self) -> None:
        (plan,) = ranit({}).conversations(TEXT, {"drug": "a medicine that is taken"})
        assert "a medicine that is taken" in plan.conversation.queries[0].content
        assert plan.conversation.queries[0].types == ("drug",)

    def test_a_type_is_asked_once(self) -> None:
        engine = ScriptedEngine({})
        Ranit(engine, profile="uniner.v1").extract(TEXT, ["drug", " drug "] * 20)
        assert len(engine.conversations[0].queries) == 1

    @pytest.mark.parametrize(
        ("text", "types", "complaint"),
        [
            ("", ["x"], "empty"),
            (" \n\t\u3000", ["x"], "empty"),
            (TEXT, [" "], "not a type name"),
            (TEXT, [], "no types"),
            (TEXT, "drug", "a list of names"),
            (None, ["x"], "must be a string"),
            (b"bytes", ["x"], "must be a string"),
        ],
    )
    def test_bad_arguments_are_named(self, text: Any, types: Any, complaint: str) -> None:
        with pytest.raises(InputError, match=complaint):
            ranit({}).extract(text, types)

    def test_a_context_without_room_says_what_to_do(self) -> None:
        with pytest.raises(ContextLengthError, match="no room") as caught:
            ranit({}, context=300).extract(TEXT, {"x": "long " * 60})
        assert "fewer types" in caught.value.hint

    def test_the_language_is_found_or_given(self) -> None:
        ner = ranit({})
        assert ner.extract("张三在北京。", ["人名"]).language == "zh"
        assert ner.extract("张三在北京。", ["人名"], language="en").language == "en"
        with pytest.raises(InputError, match="'fr'") as caught:
            ner.extract("Paris.", ["x"], language="fr")
        assert "en, zh" in caught.value.hint

    def test_the_prompt_can_be_seen(self) -> None:
        ner = ranit({})
        (plan,) = ner.conversations(TEXT, ["drug"])
        shown = ner.render(plan.conversation, plan.conversation.queries[0])
        assert shown is not None
        assert TEXT in shown
        assert ner.decide(TEXT, ["drug"]).route == "none"
