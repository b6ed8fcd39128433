"""What the rows of a corpus depend on beside the text: runs that differ in it must not mix in one folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ranit_rag.corpus.records import Record, Unreadable
from ranit_rag.errors import InputError, MissingExtraError
from ranit_rag.types import Example, entity_types

if TYPE_CHECKING:
    from ranit_rag.pipeline import Ranit


def run_identity(ner: Ranit, types: Mapping[str, str] | None, examples: Sequence[Example]) -> dict[str, Any]:
    """Everything that a row depends on and that no record says itself, as JSON that people can compare.

    The model counts by its files, or by its name where a server has it: servers may move. Opens the stores, so that
    what is wrong with them is raised before a text is asked.
    """
    from ranit_rag.engines.identity import identify
    from ranit_rag.prompts.profile import choose_profile

    info, settings = ner.engine.info, ner.settings
    model = {key: value for key, value in identify(info, settings).items() if key != "server"}
    profiles = {
        each: choose_profile(language=each, model=info.model, checkpoint=info.profiles, given=settings.profile).pin
        for each in ("en", "zh")
    }
    return {
        "model": model,
        "profiles": profiles,
        "grammar": settings.grammar,
        "max_output_tokens": settings.max_output_tokens,
        "overlaps": settings.overlaps,
        "min_score": settings.min_score,
        "precedents": settings.precedents,
        "language": settings.language,
        "types": _types(types),
        "examples": _digest([example.to_dict() for example in examples]) if examples else None,
        "retriever": _retriever(ner),
    }


def _retriever(ner: Ranit) -> dict[str, Any]:
    judge = getattr(ner.retriever, "judge", type(ner.retriever).__qualname__)
    if judge == "never":
        return {"judge": judge}
    settings = ner.settings
    return {
        "judge": judge,
        "strategy": settings.strategy,
        "k": settings.k,
        "domain": settings.domain,
        "stores": _versions(ner),
    }


def _versions(ner: Ranit) -> dict[str, int] | None:
    try:
        stores = ner.stores
    except (InputError, MissingExtraError):  # a retriever without stores, or none that can be opened: no examples
        return None
    return {name: stores.open(name).version for name in stores.names()}


def record_key(run: str, record: Record | Unreadable) -> str:
    """The content of a record under a run of this digest, as 24 hex digits; its id and meta do not count."""
    if isinstance(record, Unreadable):
        return _digest([run, "unreadable", record.error.message], record.text)
    examples = None if record.examples is None else [example.to_dict() for example in record.examples]
    return _digest([run, _types(record.types), examples, record.language], record.text)


def digest_of(identity: Mapping[str, Any]) -> str:
    """The digest of an identity, for the keys of its records."""
    return _digest(identity)


def _types(types: Sequence[str] | Mapping[str, str] | None) -> list[list[str]] | None:
    if types is None:
        return None
    try:
        return [[each.name, each.definition] for each in entity_types(types)]
    except InputError:  # the record will fail, and be known by what it asked
        return [[str(each), ""] for each in types]


def _digest(content: object, text: str = "") -> str:
    # The text is hashed by itself: as JSON a long one would be copied twice.
    written = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(written + b"\0")
    digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:24]
