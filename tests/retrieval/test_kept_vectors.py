"""What the judge learns from is embedded once; a file of it that is wrong in any way changes no decision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from worded_domains import Fill, HashedWords, sentence

from ranit_rag.retrieval.kept_vectors import KeptVectors
from ranit_rag.retrieval.retriever import StoreRetriever
from ranit_rag.types import entity_types

TEXTS = ["the doctor and the nurse", "a bank near the market", "一位医生"]


class Unwilling(HashedWords):
    """Embeds one text at a time: more of them are a list that should have been read."""

    def embed(self, texts: list[str]) -> np.ndarray:
        assert len(texts) == 1
        return super().embed(texts)


def kept_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def test_what_was_embedded_is_read_by_the_next_process(tmp_path: Path) -> None:
    first = KeptVectors(HashedWords(), tmp_path / "new" / "folder").embed(TEXTS)
    again = KeptVectors(Unwilling(), tmp_path / "new" / "folder").embed(TEXTS)
    assert np.array_equal(first, again)
    assert np.array_equal(first, HashedWords().embed(TEXTS))


@pytest.mark.parametrize("other", ["name", "texts"])
def test_another_embedder_or_other_texts_are_embedded(tmp_path: Path, other: str) -> None:
    KeptVectors(HashedWords(), tmp_path).embed(TEXTS)
    embedder = HashedWords("another" if other == "name" else "hashed-words")
    KeptVectors(embedder, tmp_path).embed(TEXTS if other == "name" else TEXTS[::-1])
    assert len(embedder.embedded) == 3
    assert len(list(tmp_path.iterdir())) == 2


def test_another_model_of_the_same_name_is_noticed(tmp_path: Path) -> None:
    class Reversed(HashedWords):
        def embed(self, texts: list[str]) -> np.ndarray:
            return super().embed(texts)[:, ::-1]

    KeptVectors(HashedWords(), tmp_path).embed(TEXTS)
    assert np.array_equal(KeptVectors(Reversed(), tmp_path).embed(TEXTS), Reversed().embed(TEXTS))
    assert np.array_equal(KeptVectors(HashedWords(), tmp_path).embed(TEXTS), HashedWords().embed(TEXTS))


def damaged(content: bytes) -> list[bytes]:
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 0xFF
    return [b"", b"no archive", content[:-40], content[: len(content) // 2], bytes(flipped)]


def test_a_damaged_file_is_written_anew(tmp_path: Path) -> None:
    wanted = KeptVectors(HashedWords(), tmp_path).embed(TEXTS)
    file = kept_file(tmp_path)
    whole = file.read_bytes()
    for content in damaged(whole):
        file.write_bytes(content)
        assert np.array_equal(KeptVectors(HashedWords(), tmp_path).embed(TEXTS), wanted)
        assert np.array_equal(KeptVectors(Unwilling(), tmp_path).embed(TEXTS), wanted)
        assert kept_file(tmp_path) == file


@pytest.mark.parametrize("wrong", ["rows", "type", "length", "name", "objects", "bare array"])
def test_a_file_of_something_else_is_written_anew(tmp_path: Path, wrong: str) -> None:
    wanted = KeptVectors(HashedWords(), tmp_path).embed(TEXTS)
    file = kept_file(tmp_path)
    with file.open("wb") as stream:
        if wrong == "bare array":
            np.save(stream, wanted)
        elif wrong == "name":
            np.savez(stream, others=wanted)
        else:
            np.savez(
                stream,
                vectors={
                    "rows": wanted[:2],
                    "type": wanted.astype(np.float64),
                    "length": wanted * 2,
                    "objects": np.array([print], dtype=object),
                }[wrong],
            )
    assert np.array_equal(KeptVectors(HashedWords(), tmp_path).embed(TEXTS), wanted)
    assert np.array_equal(KeptVectors(Unwilling(), tmp_path).embed(TEXTS), wanted)


def test_a_folder_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    wanted = HashedWords().embed(TEXTS)
    assert np.array_equal(KeptVectors(HashedWords(), tmp_path / "file").embed(TEXTS), wanted)


def test_decisions_are_the_same_with_and_without_kept_vectors(fill: Fill, tmp_path: Path) -> None:
    stores = fill(medicine=60, money=60, law=60)
    types = entity_types(["drug"])
    texts = [sentence(domain, 100) for domain in ("medicine", "money", "law")]
    bare, writing, reading = (
        StoreRetriever(stores, embedder=HashedWords(), cache=cache).decide(texts, types, language="en")
        for cache in (None, tmp_path, tmp_path)
    )
    assert bare == writing == reading
    assert list(tmp_path.iterdir())
