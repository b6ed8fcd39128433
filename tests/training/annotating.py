"""What the tests of annotation share: a corpus on disk, and a server that knows its cities."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ranit_training.annotate import Annotator, Corpus, load_recipe

CITY = re.compile(r"City\d+")


def write_corpus(path: Path, passages: int) -> Path:
    """A JSONL file with one passage in each text."""
    rows = [
        {"text": f"In City{n} there are many people who like to live there, said a mayor."} for n in range(passages)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def asked_text(request: dict[str, Any]) -> str:
    """The passage that a request asks about."""
    return str(request["messages"][-1]["content"]).partition("Passage: ")[2]


def annotated(request: dict[str, Any]) -> str:
    """A model's answer, with a mention that is not in the text and one without a type."""
    city = CITY.findall(asked_text(request))[0]
    return f'[("{city}", "City"), ("mayor", "occupation"), ("Atlantis", "city"), ("people", "entity")]'


def corpus_of(*sources: Path, **options: Any) -> Corpus:
    return Corpus(tuple(map(str, sources)), len, **options)


def annotator_for(url: str, **options: Any) -> Annotator:
    return Annotator("nano", load_recipe("uniner-en.v1"), base_url=url, api_key="k", **options)
