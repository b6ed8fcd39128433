"""``ranit demo``: what RANIT does, shown on texts that come with it."""

from __future__ import annotations

import time

import click

from ranit_rag.cli.options import debug_option
from ranit_rag.cli.terminal import entity_table, highlighted

_TEXTS = (
    (
        "Marie Curie was born in Warsaw and moved to Paris in 1891, where she studied at the University of Paris.",
        ("person", "location", "organization", "date"),
    ),
    (
        "Naloxone reversed the hypotension caused by clonidine in patients with heart failure.",
        ("drug", "disease"),
    ),
    (
        "华为技术有限公司的创始人任正非周三在深圳表示，公司将与清华大学合作。",
        ("人名", "地名", "组织机构"),
    ),
)


@click.command()
@debug_option
def demo() -> None:
    """Find entities in a few built-in texts with the embedded model: no key, no server, no download."""
    from rich.console import Console

    from ranit_rag.config import Settings
    from ranit_rag.pipeline import Ranit

    console = Console(highlight=False)
    started = time.perf_counter()
    ner = Ranit(settings=Settings())
    console.print(f"The embedded model is loaded ({time.perf_counter() - started:.1f} s).\n", style="dim")
    for text, types in _TEXTS:
        started = time.perf_counter()
        extraction = ner.extract(text, types)
        seconds = time.perf_counter() - started
        console.print(highlighted(extraction))
        console.print(entity_table(extraction))
        console.print(f"{extraction.decision.route}: {extraction.decision.reason} · {seconds:.2f} s\n", style="dim")
    console.print("Now with your own text and types:")
    console.print('  ranit extract "Aspirin eased her migraine." -t drug -t disease', style="bold")
    console.print("  ranit extract --file report.txt -t person,company -o report.html", style="bold")
    console.print("\nThe embedded model is small. For better answers, point RANIT at a large one: ranit extract --help")
