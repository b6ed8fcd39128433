"""``ranit eval routing``: do texts find their stores?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ranit_rag.cli.eval.tables import print_tables
from ranit_rag.cli.logs import set_up_logs
from ranit_rag.cli.options import debug_option, engine_options
from ranit_rag.cli.store.tables import write_json
from ranit_rag.errors import InputError

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(short_help="Measure whether texts find the stores that they belong to.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
@click.option("--stranger", "strangers", multiple=True, type=_FILE, help="A file without a store. Repeatable.")
@click.option("--stored", type=click.IntRange(min=1), default=500, show_default=True, help="The most texts of a store.")
@click.option(
    "--queries", type=click.IntRange(min=1), default=80, show_default=True, help="The most queries of a file."
)
@click.option(
    "--rate", type=click.FloatRange(0, 1), default=0.1, show_default=True, help="A false-in-domain rate to be kept."
)
@click.option(
    "--ask", type=click.IntRange(min=0), default=0, help="Also measure the judge llm, on so many queries of each file."
)
@click.option("--embedder", help="The embedding model. Default: what suits the language.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="Default: table.")
@engine_options
@debug_option
def routing(
    files: tuple[Path, ...],
    strangers: tuple[Path, ...],
    language: str | None,
    stored: int,
    queries: int,
    rate: float,
    ask: int,
    embedder: str | None,
    form: str,
    **settings: Any,
) -> None:
    """Make a store of each FILE's train split, and route its other texts: with their store there, and without it.

    Each text is put with types of its own set, with two common types, and with none. Told are how often the right store
    wins and how well presence is told from absence, for the calibrated judge, the nearest cosine, the p-value and the
    paper's rule; and the calibrated judge's error rates and calibration.
    """
    if len(files) < 2:
        raise InputError("one file makes one store, and no choice", hint="give two FILEs or more")
    set_up_logs(quiet=False)
    from ranit_rag.config import Settings
    from ranit_rag.engines import open_engine
    from ranit_rag.engines.asking import asking
    from ranit_rag.evaluation.routing import measure_routing
    from ranit_rag.evaluation.routing_sets import read_routing_set
    from ranit_rag.evaluation.routing_tables import routing_tables
    from ranit_rag.progress import progress_bar
    from ranit_rag.retrieval.embedding import default_embedder, load_embedder

    sets = [read_routing_set(path, language, stored=stored, queries=queries) for path in files]
    sets += [read_routing_set(path, language, queries=queries, store=False) for path in strangers]
    spoken = sorted({each.language for each in sets})
    if len(spoken) > 1:
        raise InputError(f"the files are of several languages: {', '.join(spoken)}", hint="measure one at a time")
    model = asking(open_engine(Settings.load(**settings))) if ask else None
    done: list[str] = []
    with progress_bar("sets", shown=sys.stderr.isatty(), total=len(sets)) as bar:

        def tell(name: str) -> None:
            done.append(name)
            bar.show(len(done))

        space = load_embedder(embedder) if embedder else default_embedder(spoken[0])
        report = measure_routing(sets, space, wanted_rate=rate, ask=model, asked=ask, on_progress=tell)
    if form == "json":
        write_json(report.to_dict())
    else:
        print_tables(routing_tables(report))
