"""The pipe ``ranit``: entities of any named types in ``doc.ents`` and ``doc.spans``, with scores and the decision."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import srsly
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.pipeline.spancat import spancat_score
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example
from spacy.util import SimpleFrozenList, minibatch, registry

from ranit_rag import Extraction, Failure, Ranit, Request, Settings
from ranit_rag.errors import InputError

Types = list[str] | dict[str, str] | None
AlignmentMode = Literal["strict", "contract", "expand"]
Filter = Callable[[Iterable[Span], Iterable[Span]], Iterable[Span]]
Scorer = Callable[..., dict[str, Any]]

_SECRETS = ("api_key", "stores_token")


def _score_of(span: Span) -> float | None:
    """The score of an entity; by its label too, which an extension with a value of its own would not look at."""
    for group in span.doc.spans.values():
        if group.attrs.get("factory") == "ranit":
            for other, score in zip(group, group.attrs["scores"], strict=True):
                if (other.start, other.end, other.label) == (span.start, span.end, span.label):
                    return float(score) if score is not None else None
    return None


Doc.set_extension("ranit", default=None, force=True)
Span.set_extension("ranit_score", getter=_score_of, force=True)


@registry.scorers("ranit.scorer.v1")
def make_scorer() -> Scorer:
    return score


def score(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """spaCy's own scores of ``doc.ents`` (``ents_f`` …) and of the span group (``spans_ranit_f`` …)."""
    examples = list(examples)
    return {**get_ner_prf(examples), **spancat_score(examples, **kwargs)}


@Language.factory(
    "ranit",
    assigns=["doc.ents", "doc.spans", "doc._.ranit", "span._.ranit_score", "token.ent_iob", "token.ent_type"],
    default_config={
        "types": None,
        "settings": {},
        "ner": None,
        "spans_key": "ranit",
        "annotate_ents": True,
        "ents_filter": {"@misc": "spacy.prioritize_existing_ents_filter.v1"},
        "threshold": 0.0,
        "alignment_mode": "expand",
        "scorer": {"@scorers": "ranit.scorer.v1"},
    },
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_ranit(
    nlp: Language,  # noqa: ARG001 — every factory is given it
    name: str,
    types: Types,
    settings: dict[str, Any],
    ner: Any,
    spans_key: str,
    annotate_ents: bool,
    ents_filter: Filter,
    threshold: float,
    alignment_mode: AlignmentMode,
    scorer: Scorer | None,
) -> RanitPipe:
    """What ``nlp.add_pipe("ranit", config=…)`` calls; the config's keys are documented at ``RanitPipe``."""
    return RanitPipe(
        name,
        types=types,
        settings=settings,
        ner=ner,
        spans_key=spans_key,
        annotate_ents=annotate_ents,
        ents_filter=ents_filter,
        threshold=threshold,
        alignment_mode=alignment_mode,
        scorer=scorer,
    )


class RanitPipe(Pipe):
    """Finds entities with a ``Ranit``, by default one of its own that is opened with the first text.

    ``types`` are names or ``{name: definition}``, None those of the store that the judge chooses. ``settings`` are
    what ``ranit.toml`` could hold (``{"engine": "openai", "model": …}``); they are saved with the pipeline, so keys
    belong in the environment. To share a Ranit, set ``nlp.get_pipe("ranit").ner``, or name a registered function that
    returns one in the config: ``{"ner": {"@misc": …}}``. With several processes each opens its own, from ``settings``.

    All entities, nested ones too, are spans of ``doc.spans[spans_key]``, whose ``attrs["scores"]`` holds their scores;
    each has its own as ``span._.ranit_score``. Those that do not overlap are ``doc.ents``, chosen by ``ents_filter``
    as in spaCy's span ruler, unless ``annotate_ents`` is false. Scores below ``threshold`` are not annotated.
    Where an entity ends within a token, ``alignment_mode`` says what becomes of the span, as in ``doc.char_span``;
    ``doc._.ranit`` holds the whole extraction with its exact offsets, in the JSON contract.
    """

    def __init__(
        self,
        name: str = "ranit",
        *,
        types: Types = None,
        settings: Mapping[str, Any] | None = None,
        ner: Ranit | None = None,
        spans_key: str = "ranit",
        annotate_ents: bool = True,
        ents_filter: Filter | None = None,
        threshold: float = 0.0,
        alignment_mode: AlignmentMode = "expand",
        scorer: Scorer | None = score,
    ) -> None:
        self.name = name
        self.cfg: dict[str, Any] = {
            "types": types,
            "settings": dict(settings or {}),
            "spans_key": spans_key,
            "annotate_ents": annotate_ents,
            "threshold": threshold,
            "alignment_mode": alignment_mode,
        }
        for secret in _SECRETS:
            if secret in self.cfg["settings"]:
                raise InputError(
                    f"{secret} would be saved with the pipeline", hint=f"set the variable RANIT_{secret.upper()}"
                )
        if ner is not None and self.cfg["settings"]:
            raise InputError("both ner and settings are given", hint="settings are for a Ranit that the pipe opens")
        Settings.load(**self.cfg["settings"])  # a wrong setting is told now, not with the first text
        self.scorer = scorer
        self.ents_filter = ents_filter or registry.misc.get("spacy.prioritize_existing_ents_filter.v1")()
        self._given = ner
        self._opened: tuple[int, Ranit] | None = None

    @property
    def ner(self) -> Ranit:
        """The Ranit in use: the one given, else one of this process."""
        if self._given is not None:
            return self._given
        if self._opened is None or self._opened[0] != os.getpid():
            settings = Settings.load(**self.cfg["settings"])
            if multiprocessing.parent_process() is not None and settings.engine == "transformers":
                import torch

                # Workers share the cores, and threads of OpenMP do not survive the fork that made them.
                torch.set_num_threads(1)
            self._opened = (os.getpid(), Ranit(settings=settings))
        return self._opened[1]

    @ner.setter
    def ner(self, ner: Ranit) -> None:
        self._given = ner

    @property
    def labels(self) -> tuple[str, ...]:
        """The types asked for; empty where they are those of the routed store."""
        return tuple(self.cfg["types"] or ())

    def __call__(self, doc: Doc) -> Doc:
        """Annotate one document. Raises RanitError, unless an error handler is set."""
        for annotated in self.pipe([doc]):
            return annotated
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Annotate documents, ``batch_size`` at once; one that fails goes to the error handler."""
        handle = self.get_error_handler()
        types = self.cfg["types"]
        for docs in minibatch(stream, size=batch_size):
            read = [Request(doc.text, types) for doc in docs if doc.text.strip()]
            results = iter(self.ner.extract_batch(read))
            for doc in docs:
                if doc.text.strip():
                    result = next(results)
                    if isinstance(result, Failure):
                        handle(self.name, self, [doc], result.error)
                        continue
                    self.annotate(doc, result)
                yield doc

    def annotate(self, doc: Doc, extraction: Extraction) -> None:
        """Write an extraction of the document's text into it."""
        doc._.ranit = extraction.to_dict()
        found: list[tuple[Span, float | None]] = []
        for entity in extraction.entities:
            span = doc.char_span(
                entity.start, entity.end, label=entity.label, alignment_mode=self.cfg["alignment_mode"]
            )
            if span is not None and (entity.score is None or entity.score >= self.cfg["threshold"]):
                found.append((span, entity.score))
        spans = [span for span, _ in found]
        attrs = {"factory": "ranit", "scores": [score for _, score in found]}
        doc.spans[self.cfg["spans_key"]] = SpanGroup(doc, name=self.cfg["spans_key"], spans=spans, attrs=attrs)
        if self.cfg["annotate_ents"]:
            # Of spans that are as long as each other the filter keeps the first, which shall be the surer one.
            surest = [span for span, _ in sorted(found, key=lambda item: -(item[1] or 0.0))]
            doc.ents = tuple(self.ents_filter(doc.ents, surest))

    def to_bytes(self, *, exclude: Iterable[str] = SimpleFrozenList()) -> bytes:  # noqa: ARG002 — spaCy's signature
        return srsly.json_dumps(self.cfg).encode()

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = SimpleFrozenList()) -> RanitPipe:  # noqa: ARG002 — spaCy's signature
        self.cfg.update(srsly.json_loads(data))
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = SimpleFrozenList()) -> None:  # noqa: ARG002 — spaCy's signature
        Path(path).mkdir(parents=True, exist_ok=True)
        srsly.write_json(Path(path) / "cfg", self.cfg)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = SimpleFrozenList()) -> RanitPipe:  # noqa: ARG002 — spaCy's signature
        self.cfg.update(srsly.read_json(Path(path) / "cfg"))
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """What a worker process is sent: never a model that was opened here."""
        return _rebuilt, (self.name, self.cfg, self.ents_filter, self.scorer, self._given)


def _rebuilt(
    name: str, cfg: dict[str, Any], ents_filter: Filter, scorer: Scorer | None, ner: Ranit | None
) -> RanitPipe:
    return RanitPipe(name, **cfg, ents_filter=ents_filter, scorer=scorer, ner=ner)
