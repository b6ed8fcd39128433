"""``ranit eval``: what works better, measured on annotated texts."""

from __future__ import annotations

import click

from ranit_rag.cli.eval.comparing import compare
from ranit_rag.cli.eval.reporting import report
from ranit_rag.cli.eval.routing import routing
from ranit_rag.cli.eval.running import run


@click.group("eval", context_settings={"max_content_width": 100})
def eval() -> None:
    """Measure strategies, judges, stores and models on annotated texts.

    \b
    ranit eval run test.jsonl                          # no examples against the judge's choice
    ranit eval run data.jsonl --ablation paper -o out  # the strategies of the RA-IT paper, as a report
    ranit eval compare before after
    """


for _command in (run, compare, routing, report):
    eval.add_command(_command)
