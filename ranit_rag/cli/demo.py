"""``ranit demo``: what RANIT does, shown on texts that come with it."""

from __future__ import annotations

import time

import click

from ranit_rag.cli.explain import explained
from ranit_rag.cli.logs import set_up_logs
from ranit_rag.cli.options import debug_option
from ranit_rag.cli.terminal import console, entity_table, highlighted

# One for each route of the judge over the seed stores, and one in Chinese.
_TEXTS = (
    ("Metformin lowered blood glucose in patients with type 2 diabetes.", ("drug", "disease")),
    ("Play the new album by Adele on Spotify.", ("artist", "music service")),
    (
        "Marie Curie was born in Warsaw and moved to Paris in 1891, where she studied at the University of Paris.",
        ("person", "city", "organization"),
    ),
    ("王芳，女，硕士，现任腾讯公司高级工程师。", ("姓名", "学历", "公司", "职务")),
)


@click.command()
@debug_option
def demo() -> None:
    """Find entities in a few built-in texts with the embedded model: no key, no server, no download."""
    set_up_logs(quiet=True)
    from ranit_rag.cli.loading import open_ranit
    from ranit_rag.config import Settings

    out = console()
    started = time.perf_counter()
    ner = open_ranit(Settings(home=Settings.load().home))
    out.print(f"The embedded model is loaded ({time.perf_counter() - started:.1f} s).", style="dim")
    started = time.perf_counter()
    ner.decide(*_TEXTS[0])
    out.print(f"The example stores are open ({time.perf_counter() - started:.1f} s).\n", style="dim")
    for text, types in _TEXTS:
        started = time.perf_counter()
        extraction = ner.extract(text, types)
        seconds = time.perf_counter() - started
        out.print(highlighted(extraction))
        out.print(entity_table(extraction))
        for line in explained(extraction.decisions):
            out.print(line, style="dim", soft_wrap=True)
        out.print(f"{seconds:.2f} s\n", style="dim")
    out.print("Now with your own texts and types:")
    out.print(
        '  ranit extract "Ada Lovelace met Charles Babbage in London." -t person --explain',
        style="bold",
        soft_wrap=True,
    )
    out.print("  ranit extract --file report.txt -t person,company -o report.html", style="bold", soft_wrap=True)
    out.print("\nThe embedded model is small and errs often; `ranit extract --help` says how to use a larger one.")
