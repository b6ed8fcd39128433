"""The transformers engine against one ``pipeline("text-generation")`` call for each type, as the RA-IT demo does it.

``python -m tests.bench.engines [--texts 100] [--repeats 3]`` prints a Markdown report. Same model, same prompts, same
machine, one run; the arms take turns, so that a noisy neighbour meets all of them.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
import transformers

from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.engines.transformers import TransformersEngine
from ranit_rag.prompts import Conversation, load_profile
from ranit_rag.stores.seeds import seed_examples
from ranit_rag.types import EntityType

DOMAINS = ("news", "biomedicine", "finance", "law", "technology", "science", "culture")
TYPES = 8
MAX_TOKENS = 64
Answers = list[list[str]]


def workload(texts: int) -> list[Conversation]:
    """Seed texts of all domains in turn, each with two examples of its domain and eight of its types."""
    profile = load_profile("nano-en.v1")
    stores = {domain: list(seed_examples(domain)) for domain in DOMAINS}
    conversations = []
    for i in range(texts):
        examples = stores[DOMAINS[i % len(DOMAINS)]]
        place = i // len(DOMAINS) * 3
        text, *shown = (examples[(place + offset) % len(examples)] for offset in range(3))
        labels = dict.fromkeys(label for example in examples for label in example.labels)
        types = [EntityType(label) for label in list(labels)[:TYPES]]
        conversations.append(profile.conversation(text.text, types, shown, source=text.text))
    return conversations


def one_by_one(generate: transformers.Pipeline, conversations: Sequence[Conversation]) -> Answers:
    """The original demo's way: a call for each type, each with the whole prompt."""
    answers = []
    for conversation in conversations:
        row = []
        for query in conversation.queries:
            turns = [{"role": turn.role, "content": turn.content} for turn in conversation.messages(query)]
            output = generate(turns, return_full_text=False)
            row.append(output[0]["generated_text"])
        answers.append(row)
    return answers


def with_engine(engine: TransformersEngine, conversations: Sequence[Conversation]) -> Answers:
    """RANIT's way: everything in one call."""
    replies = engine.generate(conversations, max_tokens=MAX_TOKENS)
    return [[answer.text for answer in reply.answers] for reply in replies]


def main() -> None:
    """Run the arms in turn and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()

    constrained = workload(options.texts)
    free = [replace(conversation, source=None) for conversation in constrained]
    engine = TransformersEngine(device="cpu")
    original = transformers.pipeline(
        "text-generation", model=str(embedded_model()), dtype=torch.float32, device="cpu", max_new_tokens=MAX_TOKENS
    )
    arms: dict[str, Callable[[], Answers]] = {
        "pipeline, a call for each type": partial(one_by_one, original, free),
        "engine, no grammar": partial(with_engine, engine, free),
        "engine, grammar": partial(with_engine, engine, constrained),
    }
    for warm in (partial(one_by_one, original, free[:1]), *list(arms.values())[1:]):
        warm()
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    answers: dict[str, Answers] = {}
    for _ in range(options.repeats):
        for name, arm in arms.items():
            started = time.perf_counter()
            answers[name] = arm()
            seconds[name].append(time.perf_counter() - started)
    report(options.texts, seconds, answers, constrained)


def report(
    texts: int, seconds: dict[str, list[float]], answers: dict[str, Answers], conversations: Sequence[Conversation]
) -> None:
    """Print environment, rates with their spread, ratios, and whether the answers agree."""
    repeats = len(next(iter(seconds.values())))
    print("## Engines\n\n`python -m tests.bench.engines`\n")
    print(
        f"{texts} texts × {TYPES} types, 2 examples each; embedded model, float32, {torch.get_num_threads()} threads, "
        f"{platform.machine()}; torch {torch.__version__}, transformers {transformers.__version__}; "
        f"{repeats} repeats, the arms in turn.\n"
    )
    print("| arm | texts/s, median | min | max |\n|---|---|---|---|")
    for name, runs in seconds.items():
        rates = sorted(texts / run for run in runs)
        print(f"| {name} | {statistics.median(rates):.2f} | {rates[0]:.2f} | {rates[-1]:.2f} |")
    original, free, constrained = (statistics.median(runs) for runs in seconds.values())
    first, second, third = answers.values()
    pairs = [(a.strip(), b.strip()) for x, y in zip(first, second, strict=True) for a, b in zip(x, y, strict=True)]
    changed = sum(a != b for x, y in zip(second, third, strict=True) for a, b in zip(x, y, strict=True))
    cut = sum(a != b and len(a) > len(b) > 0 and a.startswith(b) for a, b in pairs)
    print(
        f"\nEngine without grammar ÷ pipeline: **{original / free:.1f} ×** the texts/s; "
        f"answers equal: {sum(a == b for a, b in pairs)} of {len(pairs)} ({cut} more go on after their JSON ended). "
        f"The grammar costs **{100 * (constrained / free - 1):+.1f} %** of the time; it changed {changed} answers."
    )
    outside = sum(
        mention not in conversation.source
        for conversation, row in zip(conversations, third, strict=True)
        for answer in row
        for mention in _strings(answer)
    )
    print(f"Strings under the grammar that are not in their text: {outside}.")


def _strings(answer: str) -> list[str]:
    import json

    try:
        return list(json.loads(answer))
    except ValueError:
        return []  # cut at the token limit


if __name__ == "__main__":
    main()
