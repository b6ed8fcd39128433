"""``ranit store calibrate``: from which probability on the judge shows a store's examples, by what helps the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ranit_rag.cli.options import engine_options
from ranit_rag.cli.store.place import open_place, place_options
from ranit_rag.cli.store.tables import format_option, wide_console, write_json
from ranit_rag.cli.terminal import printable

if TYPE_CHECKING:
    from ranit_rag.evaluation.utility import UtilityReport


@click.command(short_help="Learn from which probability on a store's examples help the model.")
@click.argument("name")
@click.option("--texts", type=click.IntRange(min=1), default=40, show_default=True, help="How many texts to try.")
@click.option("--seed", type=int, default=0, help="Which texts are drawn. Default: 0.")
@click.option("--dry-run", is_flag=True, help="Measure, and leave the store as it is.")
@click.option("--reset", is_flag=True, help="Forget what was learned; measure nothing.")
@format_option
@engine_options
@place_options
def calibrate(
    name: str,
    texts: int,
    seed: int,
    dry_run: bool,
    reset: bool,
    form: str,
    stores: str | None,
    tenant: str | None,
    database: str | None,
    **engine: Any,
) -> None:
    """Find the judge's threshold for the store NAME that gives the best F1, and keep it with the store.

    Some examples are taken out of a copy of the store and extracted from, once with the examples that the store has for
    them and once without. The threshold holds for the model that it was measured with.
    """
    with open_place(stores=stores, tenant=tenant, database=database) as place:
        store = place.open(name)
        if reset:
            store.note("threshold", None)
            store.note("utility", None)
            click.echo(f"{printable(name, lines=False)}: the threshold is the default again", err=True)
            return
        from ranit_rag.cli.store.destination import bar_is_shown
        from ranit_rag.config import Settings
        from ranit_rag.engines import open_engine
        from ranit_rag.evaluation.utility import keep_threshold, measure_utility

        settings = Settings.load(**engine)
        model = open_engine(settings)
        report = measure_utility(model, place, name, settings=settings, texts=texts, seed=seed, progress=bar_is_shown())
        if not dry_run:
            keep_threshold(store, report, model.info.model)
    if form == "json":
        write_json(report.to_dict())
    else:
        _print_report(report)
    kept = "not kept" if dry_run else "kept with the store"
    click.echo(f"{printable(name, lines=False)}: threshold {report.threshold:.2f}, {kept}", err=True)


def _print_report(report: UtilityReport) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    out = wide_console()
    elsewhere = f", {report.elsewhere} more were taken for another store's" if report.elsewhere else ""
    out.print(f"texts: {report.sampled}{elsewhere}")
    out.print(f"F1 with examples {report.f1_with:.3f}, without {report.f1_without:.3f}")
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("Threshold", "F1", "Shown to"):
        table.add_column(heading, justify="right")
    for score in report.scores:
        chosen = "bold" if score.threshold == report.threshold else None
        table.add_row(f"{score.threshold:.2f}", f"{score.f1:.3f}", f"{score.shown:.0%}", style=chosen)
    out.print(table)
