"""``--dry-run``: the prompts that would be sent, and why they look as they do."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from ranit_rag.cli.explain import explained
from ranit_rag.cli.terminal import printable
from ranit_rag.corpus.records import Record, Unreadable
from ranit_rag.corpus.rows import to_json
from ranit_rag.types import Example

if TYPE_CHECKING:
    from ranit_rag.pipeline import Plan, Ranit


def show_prompts(
    ner: Ranit,
    records: Iterable[Record | Unreadable],
    types: Mapping[str, str] | None,
    examples: tuple[Example, ...],
    *,
    as_json: bool,
) -> None:
    """Write the decision of each window and the prompt of each query: for people, or a line of JSON for each window."""
    for record in records:
        if isinstance(record, Unreadable):
            raise record.error
        plans = ner.conversations(
            record.text,
            types if record.types is None else record.types,
            examples=examples if record.examples is None else record.examples,
            language=record.language,
        )
        for plan in plans:
            if as_json:
                sys.stdout.buffer.write(to_json(_described(ner, plan, record)) + b"\n")
            else:
                click.echo("\n".join(_told(ner, plan, record)))


def _described(ner: Ranit, plan: Plan, record: Record) -> dict[str, Any]:
    conversation = plan.conversation
    queries = [
        {
            "types": list(query.types),
            "messages": [{"role": turn.role, "content": turn.content} for turn in conversation.messages(query)],
            "prompt": ner.render(conversation, query),
        }
        for query in conversation.queries
    ]
    return {"id": record.id, "decision": plan.decision.to_dict(), "profile": plan.profile.pin, "queries": queries}


def _told(ner: Ranit, plan: Plan, record: Record) -> Iterator[str]:
    conversation, decision = plan.conversation, plan.decision
    place = f"{record.id} " if record.id is not None else ""
    yield f"# {printable(place, lines=False)}window {decision.start}:{decision.end}, profile {plan.profile.pin}"
    yield from (f"# {line}" for line in explained([decision]))
    for query in conversation.queries:
        yield f"\n## {printable(', '.join(query.types), lines=False)}"
        yield from (f"[{turn.role}] {printable(turn.content)}" for turn in conversation.messages(query))
        prompt = ner.render(conversation, query)
        if prompt is not None:
            yield f"### as the model reads it\n{printable(prompt)}"
    yield ""
