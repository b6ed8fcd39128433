"""An annotation run: estimate it, ask, and write the records with their statistics."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ranit_rag.errors import DataError
from ranit_rag.progress import track
from ranit_rag.types import Example
from ranit_training.annotate.answers import read_pairs
from ranit_training.annotate.asking import Annotator, Tally, ask_all
from ranit_training.annotate.filters import build_record
from ranit_training.annotate.journal import Journal, passage_key
from ranit_training.disk import check_writable
from ranit_training.layouts import completed
from ranit_training.passages import MAX_TOKENS, CountTokens, Passage, cut_passages, sample_passages
from ranit_training.sources import Document, read_documents

OUTPUT_SHARE = 0.6  # tokens of an answer for each of its passage: a guess, until a journal knows better
TOLD = 5


@dataclass(slots=True)
class Corpus:
    """The passages of sources, read again each time they are iterated over unless they were sampled.

    ``broken`` counts the rows that could not be read, ``told`` names the first ones; ``short`` counts the pieces that
    have too few letters for a passage.
    """

    sources: tuple[str, ...]
    count_tokens: CountTokens
    column: str = "text"
    split: str = "train"
    max_tokens: int = MAX_TOKENS
    sample: int | None = None
    seed: int = 42
    broken: int = 0
    short: int = 0
    told: list[str] = field(default_factory=list)
    _sampled: list[Passage] | None = None

    def __iter__(self) -> Iterator[Passage]:
        passages = cut_passages(
            self._documents(), self.count_tokens, max_tokens=self.max_tokens, on_left_out=self._count_short
        )
        if self.sample is None:
            return passages
        if self._sampled is None:
            self._sampled = sample_passages(passages, self.sample, self.seed)
        return iter(self._sampled)

    def _count_short(self, _: str) -> None:
        self.short += 1

    def _documents(self) -> Iterator[Document]:
        self.broken, self.short, self.told = 0, 0, []
        for source in self.sources:
            for document in read_documents(source, field=self.column, split=self.split):
                if isinstance(document, Document):
                    yield document
                    continue
                self.broken += 1
                if self.broken <= TOLD:
                    self.told.append(document.message)


@dataclass(frozen=True, slots=True)
class Prices:
    """Money for a million tokens, in any currency."""

    prompt: float = 0.0
    output: float = 0.0

    def cost(self, prompt_tokens: int, output_tokens: int) -> float:
        return (prompt_tokens * self.prompt + output_tokens * self.output) / 1e6


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run would ask; tokens are counted by the tokenizer at hand, those of the answers are guessed."""

    passages: int
    answered: int
    requests: int
    prompt_tokens: int
    output_tokens: int
    cost: float


def estimate(corpus: Corpus, annotator: Annotator, journal_path: Path, prices: Prices = Prices()) -> Estimate:
    """Count without asking. Where there is a journal of an earlier run, its answers tell how long answers are.

    Raises DataError where there is nothing to ask about.
    """
    if journal_path.exists():
        with Journal(journal_path, annotator.asked) as known:
            estimated = _estimate(corpus, annotator, known, prices)
    else:
        estimated = _estimate(corpus, annotator, None, prices)
    if not estimated.passages:
        raise _no_passage()
    return estimated


def _no_passage() -> DataError:
    return DataError("there is no passage to annotate", hint="are the sources empty, or all headings?")


def _estimate(corpus: Corpus, annotator: Annotator, known: Journal | None, prices: Prices) -> Estimate:
    frame = sum(corpus.count_tokens(message["content"]) for message in annotator.recipe.messages(""))
    passages = tokens = 0
    keys: set[str] = set()
    answered: set[str] = set()
    for passage in corpus:
        passages += 1
        key = passage_key(passage.text)
        if known is not None and key in known:
            answered.add(key)
        elif key not in keys:
            keys.add(key)
            tokens += corpus.count_tokens(passage.text)
    prompt_tokens = tokens + frame * len(keys)
    output_tokens = round(OUTPUT_SHARE * tokens)
    if known:
        output_tokens = round(known.output_tokens / len(known) * len(keys))
    cost = prices.cost(prompt_tokens, output_tokens)
    return Estimate(passages, len(answered), len(keys), prompt_tokens, output_tokens, cost)


@dataclass(slots=True)
class Annotation:
    """What came of a run. ``pairs`` says what was kept and dropped, and why; ``types`` counts the entities of each."""

    tally: Tally
    records: int = 0
    repeated_passages: int = 0
    unanswered: int = 0
    unparsable: int = 0
    truncated: int = 0
    without_entities: int = 0
    pairs: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0

    def counts(self) -> dict[str, Any]:
        """For the manifest; types have a file of their own."""
        return {
            "records": self.records,
            "entities": self.types.total(),
            "types": len(self.types),
            "repeated_passages": self.repeated_passages,
            "unanswered": self.unanswered,
            "unparsable": self.unparsable,
            "truncated": self.truncated,
            "without_entities": self.without_entities,
            "pairs": dict(sorted(self.pairs.items())),
            "prompt_tokens": self.prompt_tokens,
            "output_tokens": self.output_tokens,
            "cost": round(self.cost, 4),
        }


def annotate(
    corpus: Iterable[Passage],
    annotator: Annotator,
    journal_path: Path,
    output: Path,
    *,
    prices: Prices = Prices(),
    progress: bool = False,
) -> Annotation:
    """Ask about all passages, then write the records of all answers in the order of the corpus, as JSONL.

    Filters work on the journal's answers, so that the same journal gives the same records whatever the order in which
    answers came, and however often the run was cut off. The frequencies of the types are written to
    ``<output>.types.json``. Raises DataError (before anything is asked where nothing can be written), InputError,
    EngineError.
    """
    for path in (output, journal_path):
        check_writable(path.parent)
    with Journal(journal_path, annotator.asked) as journal:
        tally = ask_all(track(corpus, total=None, shown=progress, what="passages"), annotator, journal)
        if not tally.asked + tally.known + tally.failed:
            raise _no_passage()
        result = Annotation(tally, prompt_tokens=journal.prompt_tokens, output_tokens=journal.output_tokens)
        result.cost = prices.cost(result.prompt_tokens, result.output_tokens)
        with completed(output) as partial, partial.open("w", encoding="utf-8", newline="\n") as stream:
            for record in _records(corpus, journal, result):
                stream.write(json.dumps(record.to_dict(), ensure_ascii=False) + "\n")
        with completed(types_path(output)) as partial:
            partial.write_text(json.dumps(dict(result.types.most_common()), ensure_ascii=False, indent=0), "utf-8")
    return result


def types_path(output: Path) -> Path:
    """Where the frequencies of the types are written."""
    return output.with_name(output.name + ".types.json")


def _records(corpus: Iterable[Passage], journal: Journal, result: Annotation) -> Iterator[Example]:
    seen: set[str] = set()
    for passage in corpus:
        key = passage_key(passage.text)
        if key in seen:
            result.repeated_passages += 1
            continue
        seen.add(key)
        if (answered := journal.get(key)) is None:
            result.unanswered += 1
            continue
        read = read_pairs(answered.answer, truncated=answered.truncated)
        result.unparsable += read.problem == "unparsable"
        result.truncated += read.problem == "truncated"
        record, counts = build_record(passage.text, read.pairs, source=passage.origin)
        result.pairs += counts
        if not record.entities:
            result.without_entities += read.problem is None
            continue
        result.records += 1
        result.types.update(entity.label for entity in record.entities)
        yield record
