"""The measure of routing: its arithmetic against independent counts, and one small run on real sets."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranit_rag.errors import DataError
from ranit_rag.evaluation.routing import auroc, measure_routing
from ranit_rag.evaluation.routing_sets import read_routing_set
from ranit_rag.retrieval.embedding import default_embedder
from ranit_rag.text.duplicates import near_duplicate

scores = st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.5, 0.9, 1.0]), min_size=1, max_size=12)


@given(scores, scores)
def test_auroc_is_the_share_of_pairs_in_order(positives: list[float], negatives: list[float]) -> None:
    pairs = [1.0 if p > n else 0.5 if p == n else 0.0 for p in positives for n in negatives]
    assert auroc(positives, negatives) == pytest.approx(np.mean(pairs))


def write(folder: Path, *records: dict[str, object]) -> Path:
    path = folder / "set.jsonl.xz"
    path.write_bytes(lzma.compress("\n".join(json.dumps(record) for record in records).encode()))
    return path


def record(text: str, split: str) -> dict[str, object]:
    return {"text": text, "split": split, "entities": [{"start": 0, "end": 3, "label": "thing"}]}


def test_a_set_has_queries_that_its_store_does_not_hold(tmp_path: Path) -> None:
    repeated = "one sentence that stands in both of the splits"
    path = write(
        tmp_path,
        record("the first of the texts to train with", "train"),
        record(repeated, "train"),
        record(repeated.upper(), "test"),
        {"text": "nothing annotated", "split": "test", "entities": []},
    )
    found = read_routing_set(path, "en")
    assert (found.name, found.types, found.queries) == ("set", ("thing",), (repeated.upper(),))
    assert [example.text for example in found.examples] == ["the first of the texts to train with"]
    assert read_routing_set(path, "en", store=False).examples == ()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "set.jsonl.xz").write_bytes(b"not compressed")
    with pytest.raises(DataError, match=r"cannot read .*set\.jsonl\.xz"):
        read_routing_set(tmp_path / "set.jsonl.xz", "en")


def test_texts_of_real_sets_find_their_stores(shared_data: Path) -> None:
    """Far domains and few texts: what fails here is broken, not merely worse."""
    names = ("snips", "bio_bc5cdr", "conll2003", "wetlab_protocols", "matscholar")
    sets = [read_routing_set(shared_data / "ner" / f"{name}.jsonl.xz", "en", stored=60, queries=8) for name in names]
    strangers = read_routing_set(shared_data / "ner" / "mit_movie.jsonl.xz", "en", queries=8, store=False)
    prompts: list[str] = []

    def ask(prompt: str) -> str:
        """A model that takes whatever is like one medical store for its domain, and nothing else."""
        prompts.append(prompt)
        return "Yes." if "'bio_bc5cdr'" in prompt else "No."

    report = measure_routing([*sets, strangers], default_embedder("en"), ask=ask, asked=2)
    assert (report.stores, report.strangers) == (5, 1)
    asked = report.styles["own"].llm
    assert asked is not None
    assert (asked.texts, asked.rejected) == (10, 0.8)
    assert asked.auroc == pytest.approx(0.5 + (0.2 - asked.false_in_domain) / 2)
    assert len(prompts) == 3 * (2 * 10 + 2)
    own, untyped = report.styles["own"], report.styles["none"]
    assert own.calibrated.right >= 0.95
    assert own.calibrated.auroc >= 0.95
    assert own.strangers_in_domain == 0.0
    assert untyped.calibrated.right >= 0.85
    assert untyped.calibrated.auroc >= untyped.p_value.auroc
    assert json.loads(json.dumps(report.to_dict()))["styles"]["own"]["queries"] == own.queries
    for item in sets:
        assert not any(near_duplicate(item.queries[0], example.text) for example in item.examples)
