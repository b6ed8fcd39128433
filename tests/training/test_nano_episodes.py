"""Episodes of the embedded model: what is asked is what the text holds, and nothing that is evaluated is read."""

from __future__ import annotations

import json
import lzma
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_episodes import PLAIN

from ranit_rag import Example, Ranit
from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.errors import DataError, InputError
from ranit_rag.types import Entity
from ranit_training.nano.config import EpisodeConfig, MixtureConfig, RateConfig, TrainConfig, read_section
from ranit_training.nano.episodes import Episodes
from ranit_training.nano.finish import finish, licences
from ranit_training.nano.mixture import NOBODY, Mixture, make_mixture, read_mixture, write_mixture
from ranit_training.nano.naming import invented_names, own_names, synonyms
from ranit_training.nano.pieces import (
    estranged,
    joined,
    lowered,
    mentions_of,
    pieces_of,
    record_of,
    swapped,
    with_typos,
)
from ranit_training.nano.rivals import rivals
from ranit_training.nano.steps import IGNORED
from ranit_training.nano.stream import Source, ahead, batches
from ranit_training.nano.vectors import lexical_vectors

RECIPE = Path(__file__).parents[2] / "training" / "ranit_training" / "nano" / "nano.yaml"
EVALUATED = "Ada met Charles in Bath ."
TRAIN = TrainConfig(
    steps=6,
    rows=3,
    length=256,
    answers=200,
    plain_first=0.4,
    plain_last=0.3,
    plain_weight=0.5,
    seconds=60,
    rate=RateConfig(peak=0.001, weight_decay=0.0, warmup=2, decay_from=0.5),
    seed=3,
)


def row(text: str, split: str = "train", lang: str = "en", **mentions: str) -> dict[str, Any]:
    spans = [(text.index(mention), mention, label.replace("_", " ")) for label, mention in mentions.items()]
    entities = [{"start": start, "end": start + len(mention), "label": label} for start, mention, label in spans]
    return {"id": text, "split": split, "text": text, "entities": entities, "domain": "", "lang": lang}


SETS = {
    "people": [
        *(
            row(f"{name} met Charles in {place} .", person=name, place=place)
            for name in ("Al", "Bo", "Cy")
            for place in ("Rome", "Oslo")
        ),
        *(row(f"Nobody was seen in the {thing} .") for thing in ("house", "garden", "street", "yard")),
        row("A test text of Al in Rome .", "test", person="Al", place="Rome"),
        row(EVALUATED, person="Ada"),
    ],
    "drugs": [
        row(f"{drug} eased the pain of the patient .", drug=drug, symptom="pain")
        for drug in ("Aspirin", "Codeine", "Ibuprofen", "Zomig")
    ],
    "zh_people": [
        row(f"{name}住在{place}。", lang="zh", 人名=name, 地名=place)
        for name in ("张三", "李四")
        for place in ("北京", "上海")
    ],
    "evaluated": [row(EVALUATED, "test", person="Ada"), row("Only Ada sings .", "train", person="Ada")],
}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> MixtureConfig:
    folder = tmp_path_factory.mktemp("sets")
    for name, rows in SETS.items():
        with lzma.open(folder / f"{name}.jsonl.xz", "wt", encoding="utf-8") as stream:
            stream.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in rows)
    return MixtureConfig(sets=folder, held_out=("evaluated",), empty=0.5, near=3, far=2)


@pytest.fixture(scope="module")
def mixture(config: MixtureConfig) -> Mixture:
    return make_mixture(config)


# The mixture


def test_texts_that_are_evaluated_are_in_no_split_of_the_mixture(mixture: Mixture) -> None:
    texts = {record.text for record in mixture.records}
    assert not texts & {EVALUATED, "Only Ada sings .", "A test text of Al in Rome ."}
    assert {item.name for item in mixture.sets} == {"people", "drugs", "zh_people"}


def test_rare_types_are_forgotten_and_empty_records_kept_to_their_share(mixture: Mixture) -> None:
    people = next(item for item in mixture.sets if item.name == "people")
    assert sorted(people.labels) == ["person", "place"]
    records = mixture.records[people.start : people.end]
    assert sum(not record.entities for record in records) == 3, "half of the six that have entities"


def test_neighbours_are_near_ones_of_the_set_and_far_ones_of_other_sets_in_the_language(mixture: Mixture) -> None:
    for number, record in enumerate(mixture.records):
        near = [mixture.records[i] for i in mixture.near[number] if i != NOBODY]
        far = [mixture.records[i] for i in mixture.far[number] if i != NOBODY]
        assert near
        assert number not in mixture.near[number]
        assert {other.domain for other in near} == {record.domain}
        assert all(other.domain != record.domain and other.language == record.language for other in far)
    rome = next(i for i, record in enumerate(mixture.records) if record.text.startswith("Al met Charles in Rome"))
    assert "Nobody" not in mixture.records[mixture.near[rome][0]].text


def test_a_mixture_is_read_as_it_was_written(mixture: Mixture, config: MixtureConfig, tmp_path: Path) -> None:
    write_mixture(mixture, config, tmp_path)
    again = read_mixture(tmp_path)
    assert again.sets == mixture.sets
    assert list(again.records) == list(mixture.records)
    assert np.array_equal(again.near, mixture.near)
    (tmp_path / "records.jsonl.xz").write_bytes(b"damaged")
    with pytest.raises(DataError, match="cannot read a mixture"):
        read_mixture(tmp_path)


def test_the_recipe_never_reads_an_evaluation_set_and_ships_no_set_that_may_not_be() -> None:
    recipe = read_section(RECIPE, "mixture", MixtureConfig)
    assert set(recipe.held_out) == {
        "crossner_ai", "crossner_politics", "crossner_science", "mit_movie", "boson_zh", "cluener2020", "cmeee"
    }  # fmt: skip
    assert {"conll2003", "matscholar", "atis", "ontonotes4_zh", "mit_movie_trivia"} <= set(recipe.left_out)
    drawing = read_section(RECIPE, "episodes", EpisodeConfig)
    assert drawing.near + drawing.anywhere + drawing.mixed <= 1
    assert read_section(RECIPE, "train", TrainConfig).steps > 0


# Episodes


def asked(episodes: Episodes, number: int) -> tuple[str, dict[str, list[str]], str]:
    """The examples' turn, the gold of each question, and the text."""
    turns = episodes.episode(number).turns
    has_examples = episodes.episode(number).has_examples
    examples = turns[0].content if has_examples else ""
    start = 2 * has_examples
    questions = turns[start + 2 :]
    gold = {
        question.content: json.loads(answer.content)
        for question, answer in zip(questions[::2], questions[1::2], strict=True)
    }
    return examples, gold, turns[start].content


def test_every_type_of_the_set_is_asked_and_answered_by_what_stands_in_the_text(mixture: Mixture) -> None:
    episodes = Episodes(mixture, PLAIN, 0)
    gold_of = {record.text: record for record in mixture.records}
    for number in range(60):
        examples, gold, turn = asked(episodes, number)
        text = turn.removeprefix("Text: ").removeprefix("文本：")
        record = gold_of[text]
        assert text not in examples, "a text is never its own example"
        labels = next(item.labels for item in mixture.sets if item.name == record.domain)
        wanted = {label: list(dict.fromkeys(e.text for e in record.entities if e.label == label)) for label in labels}
        assert sorted(map(sorted, gold.values())) == sorted(map(sorted, wanted.values()))
        for label, mentions in wanted.items():
            assert next(found for question, found in gold.items() if label in question) == mentions


def test_an_episode_depends_on_the_seed_and_its_number_alone(mixture: Mixture) -> None:
    one, other = Episodes(mixture, PLAIN, 0), Episodes(mixture, PLAIN, 0)
    assert other.episode(7) == one.episode(7)
    one.episode(3)
    assert one.episode(7) == other.episode(7)
    assert any(Episodes(mixture, PLAIN, 1).episode(n) != one.episode(n) for n in range(5))


def test_invented_names_stand_in_the_examples_and_in_the_questions_alike(mixture: Mixture) -> None:
    episodes = Episodes(mixture, replace(PLAIN, renamed=1.0), 0)
    labels = {item.language: item.labels for item in mixture.sets if "people" in item.name}
    renamed = [asked(episodes, number) for number in range(60)]
    renamed = [(examples, gold) for examples, gold, _ in renamed if " met " in examples or "住在" in examples]
    assert renamed
    for examples, gold in renamed:
        for question in gold:
            name = (
                question.split("What describes ")[1].split(" in the text")[0]
                if "What" in question
                else question.split('"')[1]
            )
            assert f"'{name}'" in examples
            assert name not in labels["en" if " met " in examples else "zh"]


def test_invented_words_stand_in_text_and_examples_and_the_gold_follows_them(mixture: Mixture) -> None:
    episodes = Episodes(mixture, replace(PLAIN, renamed=1.0, estranged=1.0), 0)
    found = 0
    for number in range(60):
        examples, gold, turn = asked(episodes, number)
        for mentions in gold.values() if examples else ():
            for mention in mentions:
                assert mention in turn
                assert mention not in {"Al", "Bo", "Cy", "Aspirin", "pain", "张三"}
                found += mention in examples
    assert found > 5, "words of the examples come again in the text"


def test_unheard_words_stand_in_the_text_and_in_none_of_its_examples(mixture: Mixture) -> None:
    episodes = Episodes(mixture, replace(PLAIN, renamed=1.0, estranged=1.0, unheard=1.0), 0)
    found = 0
    for number in range(60):
        examples, gold, turn = asked(episodes, number)
        for mention in (mention for mentions in gold.values() for mention in mentions if examples):
            found += 1
            assert mention in turn
            assert mention not in examples
    assert found > 30


def test_swapped_mentions_are_others_of_their_types_in_the_set_and_the_gold_follows_them(mixture: Mixture) -> None:
    episodes = Episodes(mixture, replace(PLAIN, examples=(1.0,), swapped=1.0), 0)
    own = {record.text for record in mixture.records}
    known = {entity.text for record in mixture.records for entity in record.entities}
    drawn = [asked(episodes, number) for number in range(40)]
    assert any(text not in own for _, _, text in drawn)
    for _, gold, text in drawn:
        for mentions in gold.values():
            assert all(mention in text and mention in known for mention in mentions)


def test_a_mention_that_stands_twice_gives_way_to_the_same_other_one() -> None:
    twice = Example(
        "Ada met Bob; Ada left.", (Entity("Ada", "x", 0, 3), Entity("Bob", "x", 8, 11), Entity("Ada", "x", 13, 16))
    )
    other = Example("Al-Khwarizmi left Ur.", (Entity("Al-Khwarizmi", "x", 0, 12), Entity("Ur", "y", 18, 20)))
    assert mentions_of([twice, other]) == {("x",): ["Ada", "Bob", "Al-Khwarizmi"], ("y",): ["Ur"]}
    drawn = [swapped(twice, mentions_of([twice, other]), Random(seed)) for seed in range(20)]
    assert len({record.text for record in drawn}) > 3
    for record in drawn:
        first, _, last = record.entities
        assert first.text == last.text
        assert all(record.text[e.start : e.end] == e.text for e in record.entities)
    assert swapped(twice, {("y",): ["Ur"]}, Random(0)) == twice


def test_grouped_types_are_asked_under_the_name_of_their_group(mixture: Mixture) -> None:
    groups = {"people": {"anything named": ("person", "place")}}
    episodes = Episodes(mixture, replace(PLAIN, grouped=1.0, groups=groups), 0)
    questions = {question for number in range(60) for question in asked(episodes, number)[1]}
    assert "What describes anything named in the text?" in questions
    assert "What describes person in the text?" not in questions


def test_of_many_types_those_that_are_taken_for_a_present_one_are_asked_too(mixture: Mixture) -> None:
    people = next(item for item in mixture.sets if item.name == "people")
    many = replace(people, labels=(*people.labels, *(f"thing {n}" for n in range(30))))
    twin = Example("Al rests .", (Entity("Al", "thing 7", 0, 2),), "people", "en")
    records = [*mixture.records[people.start : people.end], twin] * 2
    crowded = Mixture((replace(many, start=0, end=len(records)),), records, *[np.full((len(records), 1), NOBODY)] * 2)
    episodes = Episodes(crowded, replace(PLAIN, examples=(1.0,), most_types=8), 0)
    questions = [asked(episodes, n)[1] for n in range(100) if "Al met" in asked(episodes, n)[2]]
    assert questions
    assert all("What describes thing 7 in the text?" in gold for gold in questions)
    others = sum("What describes thing 3 in the text?" in gold for gold in questions)
    assert others < len(questions) / 2


def test_rivals_share_words_with_a_type_and_the_nearest_come_first() -> None:
    def record(**mentions: str) -> Example:
        return Example.from_mentions(
            " , ".join(mentions.values()), {k: [v] for k, v in mentions.items()}, language="en"
        )

    found = rivals(
        [
            record(painter="Ada Lovell", poet="Bo Lovell", river="Tay"),
            record(painter="Ann Hart", poet="Ann Hart", singer="Ann Hart"),
        ],
        "en",
    )
    assert found["painter"] == ("poet", "singer")
    assert "river" not in found


# Names and words


def test_a_synonym_is_never_the_name_of_another_type() -> None:
    for language, known in synonyms().items():
        for label, others in known.items():
            assert label not in others, (language, label)
    for seed in range(200):
        names = own_names(["person", "company", "corporation", "business"], "en", 1.0, Random(seed))
        assert len(set(names.values())) == 4


@given(st.integers(0, 10_000), st.sampled_from(["en", "zh"]))
def test_invented_names_differ_from_each_other_and_from_the_types(seed: int, language: str) -> None:
    labels = ["person", "place", "drug", "人名", "地名"]
    names = invented_names(labels[:2], labels, language, ["gene", "city", "car", "law", "god", "ship"], Random(seed))
    assert len({name.casefold() for name in names.values()}) == 2
    assert not set(names.values()) & set(labels)


words = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=8)


@given(st.lists(st.tuples(words, st.booleans()), min_size=1, max_size=8), st.integers(0, 100))
def test_changed_texts_keep_their_entities_in_place(parts: list[tuple[str, bool]], seed: int) -> None:
    text, spans = "", []
    for word, is_entity in parts:
        if is_entity:
            spans.append({"start": len(text), "end": len(text) + len(word), "label": "x"})
        text += word
    record = Example.from_dict({"text": text, "entities": spans})
    pieces = pieces_of(record)
    assert pieces is not None
    assert record_of(pieces, record).text == text
    for changed in (lowered(record), with_typos(record, Random(seed)), joined([record, record])):
        assert all(changed.text[e.start : e.end] == e.text for e in changed.entities)
    strange = estranged([record], {"x": ["blick"]}, Random(seed))[0]
    assert [e.text for e in strange.entities] == ["blick"] * len(spans)


def test_nested_entities_are_left_as_they_are() -> None:
    nested = Example.from_dict(
        {
            "text": "New York Times",
            "entities": [{"start": 0, "end": 8, "label": "a"}, {"start": 0, "end": 14, "label": "b"}],
        }
    )
    assert pieces_of(nested) is None
    assert estranged([nested], {"a": ["blick"]}, Random(0)) == [nested]


def test_texts_with_like_words_have_like_vectors() -> None:
    vectors = lexical_vectors(["the cat sat on the mat", "the cat sat on a mat", "stock prices fell sharply", ""], "en")
    cosines = vectors @ vectors.T
    assert np.allclose(np.diag(cosines), 1, atol=1e-5)
    assert cosines[0, 1] > 0.5 > cosines[0, 2]


# Batches


@pytest.fixture(scope="module")
def source(mixture: Mixture) -> Source:
    return Source(Episodes(mixture, PLAIN, TRAIN.seed), np.arange(5, 3_000, dtype=np.uint16), TRAIN)


def test_a_batch_learns_answers_wholly_and_plain_text_by_its_weight(source: Source) -> None:
    batch = source.batch(0)
    assert batch.ids.shape == (3, 256)
    assert set(np.unique(batch.weights)) == {0.0, 0.5, 1.0}
    assert (batch.weights == 0.5).sum() == 255, "one of three rows is plain text"
    assert np.array_equal(
        batch.ids.reshape(-1)[batch.places + 1][batch.targets != IGNORED], batch.targets[batch.targets != IGNORED]
    )
    assert len(batch.targets) == source.targets


def test_batches_are_the_same_however_many_processes_make_them(source: Source) -> None:
    alone = list(batches(source))
    together = list(batches(source, processes=2))
    assert len(alone) == TRAIN.steps
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.ids, other.ids)
        assert np.array_equal(one.targets, other.targets)
    later = next(batches(source, first=4))
    assert np.array_equal(later.ids, alone[4].ids)


def test_an_error_of_a_process_is_raised_where_batches_are_read(source: Source) -> None:
    broken = replace(source, plain=np.zeros(10, np.uint16))
    with pytest.raises(ValueError, match="high"):
        next(batches(broken, processes=1))
    with pytest.raises(ValueError, match="high"):
        next(ahead(batches(broken)))


def test_what_is_fetched_ahead_is_what_comes_and_no_more_of_it_than_was_asked() -> None:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(9):
            taken.append(number)
            yield number

    fetched = ahead(numbers(), 2)
    assert next(fetched) == 0
    time.sleep(0.2)
    assert len(taken) <= 4, "the one that was asked for, two that wait, and one for which there is no place yet"
    assert list(fetched) == list(range(1, 9))


# The checkpoint that ships


def test_every_set_of_the_recipe_has_a_licence_and_no_other_set_has_one() -> None:
    recipe = read_section(RECIPE, "mixture", MixtureConfig)
    assert not {*recipe.held_out, *recipe.left_out} & licences().keys()
    named = {*recipe.caps, *recipe.labels, *read_section(RECIPE, "episodes", EpisodeConfig).weights}
    assert named <= licences().keys()


def test_a_finished_checkpoint_extracts_and_tells_what_it_was_made_of(
    mixture: Mixture, config: MixtureConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mixture(mixture, config, tmp_path / "mixture")
    arguments = (RECIPE, embedded_model(), tmp_path / "mixture", tmp_path / "nano", "9", "| F1 |")
    with pytest.raises(DataError, match="no licence is known of drugs, people, zh_people"):
        finish(*arguments)
    monkeypatch.setattr("ranit_training.nano.finish.licences", lambda: dict.fromkeys(SETS, "CC0"))
    finish(*arguments)
    about = json.loads((tmp_path / "nano" / "ranit.json").read_text("utf-8"))
    assert [item["path"] for item in about["data"]] == ["drugs.jsonl.xz", "people.jsonl.xz", "zh_people.jsonl.xz"]
    readme = (tmp_path / "nano" / "README.md").read_text("utf-8")
    assert "| people | en | 9 | 2 | CC0 |" in readme
    assert "| F1 |" in readme
    assert Ranit(tmp_path / "nano", judge="never").extract("Al met Bo.", ["person"]).coverage == 1.0
    with pytest.raises(InputError, match="not empty"):
        finish(*arguments)
