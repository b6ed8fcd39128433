"""Training texts in blocks: what is marked is what is annotated, and what their types are called stays among them."""

from __future__ import annotations

import json
import lzma
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.errors import DataError
from ranit_rag.evaluation.data_sets import Selection, read_set, read_splits
from ranit_training.nano import written
from ranit_training.nano.config import EpisodeConfig, MixtureConfig, read_section
from ranit_training.nano.episodes import Episodes
from ranit_training.nano.finish import card, recipe
from ranit_training.nano.mixture import make_mixture, read_mixture, shared_types, write_mixture
from ranit_training.nano.written import divided, read_written, write_sets

NANO = Path(written.__file__).parent
FILES = sorted((NANO / "texts").glob("*.txt"))
BLOCKS = """
# drug; disease
[Aspirin](drug) eases a [cluster [headache](disease)](disease).
Nothing of the kind (or so).

# 城市；大学
[[北京](城市)大学](大学)在[北京](城市)。
"""


def file(folder: Path, content: str, name: str = "en_x.txt") -> Path:
    path = folder / name
    path.write_text(content, "utf-8")
    return path


def test_blocks_texts_and_nested_entities(tmp_path: Path) -> None:
    one, other = read_written(file(tmp_path, BLOCKS))
    assert (one.name, one.language, one.labels, other.labels) == (
        "en_x_01",
        "en",
        ("drug", "disease"),
        ("城市", "大学"),
    )
    pain, nothing = one.examples
    assert pain.text == "Aspirin eases a cluster headache."
    assert [(e.text, e.label) for e in pain.entities] == [
        ("Aspirin", "drug"),
        ("cluster headache", "disease"),
        ("headache", "disease"),
    ]
    assert (nothing.text, nothing.entities) == ("Nothing of the kind (or so).", ())
    assert [(e.start, e.end, e.label) for e in other.examples[0].entities] == [
        (0, 4, "大学"),
        (0, 2, "城市"),
        (5, 7, "城市"),
    ]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("Aspirin helps.", 1),
        ("#\nAspirin helps.", 1),
        ("# drug\n\n\nAspirin helps.", 4),
        ("# drug\n[Aspirin](disease) helps.", 2),
        ("# drug\n[Aspirin](drug) helps.\nAspirin](drug) helps.", 3),
        ("# drug\n[Aspirin] helps.", 2),
        ("# drug\n[Aspirin helps.", 2),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(tmp_path: Path, content: str, line: int) -> None:
    with pytest.raises(DataError, match=f"en_x.txt:{line}:"):
        read_written(file(tmp_path, content))


@pytest.mark.parametrize("name", ["x.txt", "fr_x.txt", "zh.txt"])
def test_a_file_tells_its_language(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="language"):
        read_written(file(tmp_path, BLOCKS, name))


WORDS = st.text(st.characters(exclude_characters="[]#", exclude_categories=("C", "Z")), min_size=1)


@given(st.lists(st.tuples(WORDS, st.sampled_from(["", "drug", "disease"])), min_size=1))
def test_marks_say_where_entities_stand(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[str, str]]
) -> None:
    line = "".join(f"[{words}]({label})" if label else words for words, label in pieces)
    (block,) = read_written(file(tmp_path_factory.mktemp("written"), f"# drug; disease\nA: {line}\n"))
    (example,) = block.examples
    assert example.text == "A: " + "".join(words for words, _ in pieces)
    assert [(e.text, e.label) for e in example.entities] == [(words, label) for words, label in pieces if label]


def test_spared_blocks_are_sets_to_measure_on_and_not_learned(tmp_path: Path, config: MixtureConfig) -> None:
    assert config.written is not None
    blocks = "# drug\n[Aspirin](drug) helps.\n\n# person; city\n[Ada](person) lives in [Bath](city).\nNobody.\n"
    path = file(config.written, blocks)
    mixture = make_mixture(replace(config, spared=2))
    assert [item.name for item in mixture.sets] == ["clinic", "en_x_01", "zh_places_01"]
    write_sets(divided(read_written(path), 2)[1], tmp_path / "measured")
    found = read_set(tmp_path / "measured" / "en_x_02.jsonl.xz", Selection("test"))
    assert [(example.text, example.labels) for example in found.examples] == [
        ("Ada lives in Bath.", ("person", "city")),
        ("Nobody.", ()),
    ]
    assert divided(read_written(path), 0) == (read_written(path), [])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_type_of_our_own_texts_is_found_in_three_of_its_block(path: Path) -> None:
    for block in read_written(path):
        assert len(block.examples) >= 11
        assert len(set(block.labels)) == len(block.labels)
        told = Counter(label for example in block.examples for label in set(example.labels))
        assert not {label: told[label] for label in block.labels if told[label] < 3}, block.name
        assert sum(not example.entities for example in block.examples) >= 1, block.name


def test_none_of_our_own_texts_is_there_twice() -> None:
    texts = Counter(example.text for path in FILES for block in read_written(path) for example in block.examples)
    assert len(texts) > 3000
    assert texts.most_common(1)[0][1] == 1


def test_no_block_of_our_own_follows_a_set_that_is_evaluated() -> None:
    config = read_section(NANO / "nano.yaml", "mixture", MixtureConfig)
    if not config.sets.is_dir():
        pytest.skip("the annotated sets are not here")
    blocks = [block for path in FILES for block in read_written(path)]
    for name in config.held_out:
        splits = read_splits(config.sets / f"{name}.jsonl.xz")
        theirs = {label.casefold() for records in splits.values() for record in records for label in record.labels}
        for block in blocks:
            shared = theirs & {label.casefold() for label in block.labels}
            assert len(shared) < 3 or 3 * len(shared) < len(block.labels), f"{block.name} follows {name}: {shared}"


@pytest.fixture
def config(tmp_path: Path) -> MixtureConfig:
    sets, blocks = tmp_path / "sets", tmp_path / "written"
    sets.mkdir()
    blocks.mkdir()
    for name, text, label in (("clinic", "頭痛時吃藥。", "症狀"), ("evaluated", "北京大学在北京。", "城市")):
        rows = [
            {"id": str(n), "split": "train", "text": text + "！" * n, "lang": "zh", "domain": "", "entities": entities}
            for n, entities in enumerate([[{"start": 0, "end": 2, "label": label}]] * 4)
        ]
        with lzma.open(sets / f"{name}.jsonl.xz", "wt", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    content = (
        "# 城市；大学\n[[北京](城市)大学](大学)在[北京](城市)。\n[上海](城市)真大。\n没有什么。\n[复旦](大学)在哪里？\n"
    )
    file(blocks, content, "zh_places.txt")
    return MixtureConfig(sets, held_out=("evaluated",), written=blocks, simplified=("clinic",), near=2, far=1)


def test_blocks_are_sets_of_the_mixture_without_what_is_evaluated(config: MixtureConfig, tmp_path: Path) -> None:
    mixture = make_mixture(config)
    write_mixture(mixture, config, tmp_path / "mixture")
    mixture = read_mixture(tmp_path / "mixture")
    clinic, places = mixture.sets
    assert (clinic.written, places.written) == (False, True)
    assert (places.name, places.labels) == ("zh_places_01", ("城市", "大学")), "rare as they are"
    assert [each.text for each in mixture.records[places.start :]] == ["上海真大。", "没有什么。", "复旦在哪里？"]


def test_types_that_are_evaluated_and_named_in_training_are_told(config: MixtureConfig) -> None:
    sets = make_mixture(config).sets
    assert shared_types(sets, config) == {"evaluated": (1, ["城市"])}
    assert shared_types(sets[:1], config) == {"evaluated": (1, [])}


def test_traditional_characters_are_read_in_simplified_ones(config: MixtureConfig) -> None:
    record = make_mixture(config).records[0]
    assert (record.text, record.entities[0].text) == ("头痛时吃药。", "头痛")
    assert make_mixture(replace(config, simplified=())).records[0].text == "頭痛時吃藥。"


def test_a_card_names_the_files_of_the_blocks(config: MixtureConfig) -> None:
    sets = make_mixture(config).sets
    assert [item["path"] for item in card(NANO / "nano.yaml", sets, "2")["data"]] == [
        "clinic.jsonl.xz",
        "zh_places.txt",
    ]


def test_the_recipe_that_the_embedded_models_card_names_is_here() -> None:
    about = json.loads((embedded_model() / "ranit.json").read_text("utf-8"))
    assert about["recipe"] == recipe(NANO / "nano.yaml")


def drawn(config: MixtureConfig, **changes: Any) -> list[str]:
    """What is said in 200 episodes."""
    recipe = read_section(NANO / "nano.yaml", "episodes", EpisodeConfig)
    episodes = Episodes(make_mixture(config), replace(recipe, examples=(1.0,), synonyms=0.0, **changes), seed=1)
    return ["\n".join(turn.content for turn in episodes.episode(number).turns) for number in range(200)]


def test_types_of_written_blocks_are_asked_of_no_other_texts(config: MixtureConfig) -> None:
    said = drawn(config, foreign=1.0)
    clinic = [each for each in said if "头痛" in each]
    assert clinic
    assert not [each for each in clinic if "城市" in each or "大学" in each]
    assert not [each for each in said if "头痛" not in each and "症狀" in each], "and theirs of none of a block"


def test_blocks_are_drawn_as_often_as_the_recipe_says(config: MixtureConfig) -> None:
    assert all("头痛" in each for each in drawn(config, written=0.0))
    assert sum("头痛" not in each for each in drawn(config, written=20.0)) > 160
