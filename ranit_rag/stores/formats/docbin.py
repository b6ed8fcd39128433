"""spaCy's DocBin (``.spacy`` files)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from ranit_rag.errors import DataError
from ranit_rag.extras import require
from ranit_rag.stores.formats.reading import Defaults, Located, build_example, spans
from ranit_rag.stores.formats.tokens import cut_tokens, without_overlaps
from ranit_rag.types import Example

EXTRA = "spacy"
SPAN_GROUP = "sc"  # spaCy's own default for spans that may overlap


def read_docbin(path: Path, defaults: Defaults) -> Iterator[Located]:
    """One example from each document: its entities, and the spans of its group ``sc``. Raises DataError."""
    spacy = require("spacy", extra=EXTRA)
    from spacy.tokens import DocBin

    try:
        documents = DocBin().from_bytes(path.read_bytes()).get_docs(spacy.blank("xx").vocab)
        for number, document in enumerate(documents, start=1):
            marked = [*document.ents, *document.spans.get(SPAN_GROUP, ())]
            found = sorted((span.start_char, span.end_char, span.label_) for span in marked)
            try:
                yield number, build_example(document.text, spans(found), defaults)
            except DataError as error:
                yield number, error
    except DataError:
        raise
    except Exception as error:  # zlib, msgpack and spaCy each raise their own for a file that is not a DocBin
        raise DataError(f"{path} is not a DocBin: {error}", hint="write it with spaCy 3's DocBin.to_disk") from error


def write_docbin(examples: Iterable[Example], path: Path) -> None:
    """Write documents whose text is that of the examples; entities that overlap stand in the span group only."""
    spacy = require("spacy", extra=EXTRA)
    from spacy.tokens import Doc, DocBin

    vocab = spacy.blank("xx").vocab
    bin_ = DocBin()
    for example in examples:
        words, spaces = _words(example)
        document = Doc(vocab, words=words, spaces=spaces)
        marked = {e: document.char_span(e.start, e.end, label=e.label) for e in example.entities}
        document.spans[SPAN_GROUP] = list(marked.values())
        document.ents = [marked[e] for e in without_overlaps(example.entities)]
        bin_.add(document)
    bin_.to_disk(path)


def _words(example: Example) -> tuple[list[str], list[bool]]:
    """Words and whether a blank follows, as spaCy wants them.

    Other white space makes words of its own, as does a blank where an entity begins or ends.
    """
    entity_starts = {entity.start for entity in example.entities}
    entity_ends = {entity.end for entity in example.entities}
    borders = {0, len(example.text), *entity_starts, *entity_ends}
    for start, end in cut_tokens(example.text, example.entities):
        borders.update((start, end))
    ordered = sorted(borders)
    words: list[str] = []
    spaces: list[bool] = []
    for start, end in pairwise(ordered):
        piece = example.text[start:end]
        if piece == " " and words and not spaces[-1] and end not in entity_ends and start not in entity_starts:
            spaces[-1] = True
        else:
            words.append(piece)
            spaces.append(False)
    return words, spaces
