"""Can a model learn a type from two examples? ``python training/experiments/nano/probe.py [CHECKPOINT]``.

Types and words are invented, so that nothing but the two examples tells what a type is. Of each item two types are
asked: one that the text has and one that it has not. Items are of two kinds:

- ``words``: the text's word stands in an example, in another sentence. What is that word's type?
- ``places``: the word is new, and stands where the type's word stood in an example. What stands there?

Right is an answer that is exactly the gold mentions; printed are the shares of right answers of present and absent
types and of items with both, with 95 % Wilson intervals.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from ranit_rag import Example, Failure, Ranit
from ranit_rag.planning import Request
from ranit_rag.retrieval.base import NoExamples
from ranit_training.nano.naming import pseudo_word

FRAMES = {
    "en": (
        "Yesterday the {a} was seen near the {b} .",
        "Nobody in the {b} had heard of a {a} before .",
        "They bought a {a} and carried it to the {b} .",
        "A small {a} can replace any {b} , the report says .",
        "After the rain , {a} grew all over the {b} .",
        "In spring each {b} is given one {a} .",
    ),
    "zh": (
        "昨天有人在{b}附近看到了{a}。",
        "在{b}里，没有人听说过{a}。",
        "他们买了一个{a}，带到了{b}。",
        "报告说，小小的{a}可以代替{b}。",
        "雨后，{b}上长满了{a}。",
        "春天，每个{b}都会得到一个{a}。",
    ),
}


@dataclass(frozen=True, slots=True)
class Item:
    """Two examples, a text, and the gold mentions of the types asked."""

    examples: tuple[Example, Example]
    text: str
    gold: dict[str, list[str]]


def make_item(kind: str, language: str, rng: random.Random) -> Item:
    """The text has a word of type ``a`` or of type ``b``, each as often; the other type is absent."""
    types, words = _different(2, language, rng), _different(6, language, rng)
    frames = rng.sample(FRAMES[language], 3)
    present = rng.choice("ab")
    first, second = dict(zip("ab", words[:2], strict=True)), dict(zip("ab", words[2:4], strict=True))
    shown = (_example(frames[0], first, types, language), _example(frames[1], second, types, language))
    if kind == "words":
        word, frame = rng.choice((first, second))[present], frames[2]
    else:
        word, frame = words[4], rng.choice(frames[:2])
    filled = {"a": "thing" if language == "en" else "东西", "b": "place" if language == "en" else "地方"} | {
        present: word
    }
    gold = {types["ab".index(kind_of)]: [word] if kind_of == present else [] for kind_of in "ab"}
    return Item(shown, frame.format(**filled), gold)


def _different(count: int, language: str, rng: random.Random) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[pseudo_word(language, rng)] = None
    return list(found)


def _example(frame: str, words: dict[str, str], types: Sequence[str], language: str) -> Example:
    mentions = {types["ab".index(key)]: [word] for key, word in words.items()}
    return Example.from_mentions(frame.format(**words), mentions, language=language)


def share(right: int, of: int) -> str:
    """A share with its Wilson interval, in percent."""
    z, p = 1.96, right / of
    middle, width = p + z * z / (2 * of), z * sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    low, high = ((middle + sign * width) / (1 + z * z / of) for sign in (-1, 1))
    return f"{100 * p:.0f} [{100 * low:.0f}, {100 * high:.0f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", nargs="?", help="the embedded model, if none is given")
    parser.add_argument("--items", type=int, default=100, help="of each kind and language")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-precedents", action="store_true", help="the model alone, shown the examples")
    options = parser.parse_args()
    ner = Ranit(options.checkpoint, retriever=NoExamples("the probe gives them"), precedents=not options.no_precedents)
    print("| language | taught by | present | absent | both |\n|---|---|---|---|---|")
    for language in FRAMES:
        for kind in ("words", "places"):
            rng = random.Random(f"{options.seed}/{language}/{kind}")
            items = [make_item(kind, language, rng) for _ in range(options.items)]
            print(f"| {language} | {kind} | {' | '.join(_row(ner, items, language))} |", flush=True)


def _row(ner: Ranit, items: Sequence[Item], language: str) -> list[str]:
    asked = [Request(item.text, list(item.gold), item.examples, language) for item in items]
    present, absent, both = 0, 0, 0
    for item, found in zip(items, ner.extract_many(asked), strict=True):
        if isinstance(found, Failure):
            raise SystemExit(f"a text failed: {found.error}")
        mentions = {name: [e.text for e in found.entities if e.label == name] for name in item.gold}
        right = {bool(gold): mentions[name] == gold for name, gold in item.gold.items()}
        present, absent, both = present + right[True], absent + right[False], both + all(right.values())
    return [share(count, len(items)) for count in (present, absent, both)]


if __name__ == "__main__":
    main()
