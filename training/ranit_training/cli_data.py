"""``ranit data``: the commands that make training and evaluation data."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from ranit_rag.cli.options import debug_option
from ranit_rag.errors import DataError, InputError
from ranit_rag.retrieval.strategies import STRATEGIES
from ranit_training.layouts import Layout
from ranit_training.run_file import run_file_option

if TYPE_CHECKING:
    from ranit_training.annotate import Corpus
    from ranit_training.data_sets import Made, Output
    from ranit_training.showing import Examples, Records

Command = TypeVar("Command", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path)
_RECORDS = click.argument("records", nargs=-1, required=True, type=_FILE)
_OUTPUT = click.option("-o", "--output", type=_FILE, required=True, help="Where to write.")


def _options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_writing = _options(
    _RECORDS,
    _OUTPUT,
    click.option("--split", help="Read this split of the records only."),
    click.option("--skip-broken", is_flag=True, help="Pass over records that cannot be read."),
    click.option("--profile", "profiles", multiple=True, help="A prompt profile; one for each language at most."),
    click.option("--layout", type=click.Choice(get_args(Layout)), default="files", show_default=True),
    click.option("--name", default="ranit", show_default=True, help="The data set's name in the layout llama-factory."),
    click.option("--seed", type=int, default=42, show_default=True),
    run_file_option,
    debug_option,
)
_training = _options(
    click.option("--absent-rate", type=float, default=0.5, show_default=True, help="Absent types for a present one."),
    click.option("--absent-from", type=click.Choice(["all", "domain"]), default="all", show_default=True),
    click.option("--evaluation", type=_FILE, multiple=True, help="Evaluation texts that no record may repeat."),
    click.option("--evaluation-split", help="Read this split of the evaluation texts only."),
    click.option("--drop-overlaps", is_flag=True, help="Leave out the records that repeat evaluation texts."),
)
_retrieving = _options(
    click.option("--k", type=int, default=2, show_default=True, help="Examples for a record."),
    click.option("--pool-size", type=int, default=128, show_default=True, help="Neighbours to choose from."),
    click.option("--threshold", type=float, default=20.0, show_default=True, help="The least BM25 score."),
    click.option("--vectors", type=_FILE, help="The records' embeddings (.npy), a row for each."),
    click.option("--pool-vectors", type=_FILE, help="The embeddings of the pool."),
    click.option("--embedder", help="An embedding model, where no vectors are given. Default: by language."),
    click.option("--pool", type=_FILE, multiple=True, help="Records to take examples from."),
    click.option("--pool-split", help="Read this split of the pool only."),
    click.option("--device", default="auto", show_default=True, help="cpu, cuda …"),
)


@click.group(short_help="Make data for training and evaluation.")
def data() -> None:
    """Make data for training: annotate texts, make conversations, add examples, make benchmarks."""


@data.command(short_help="Annotate raw texts with a model behind a server.")
@click.argument("sources", nargs=-1, required=True)
@_OUTPUT
@click.option("--model", required=True, help="The annotating model's name at its server.")
@click.option("--base-url", help="The server. Default: OPENAI_BASE_URL, else OpenAI's. The key is OPENAI_API_KEY.")
@click.option("--recipe", default="uniner-en.v1", show_default=True, help="A recipe's name, or its .toml file.")
@click.option("--journal", type=_FILE, help="Where answers are kept. Default: <output>.journal.")
@click.option("--column", default="text", show_default=True, help="The field or column that holds the text.")
@click.option("--split", default="train", show_default=True, help="The split of data sets that have splits.")
@click.option("--passage-tokens", type=int, default=256, show_default=True, help="The longest passage.")
@click.option("--tokenizer", help="Counts a passage's tokens. Default: the embedded model's.")
@click.option("--sample", type=int, help="Annotate so many passages, drawn at random.")
@click.option("--seed", type=int, default=42, show_default=True)
@click.option("--concurrency", type=int, default=16, show_default=True)
@click.option("--max-tokens", type=int, default=1024, show_default=True, help="The longest answer.")
@click.option("--timeout", type=float, default=120.0, show_default=True, help="Seconds for one attempt.")
@click.option("--retries", type=int, default=4, show_default=True)
@click.option("--patience", type=float, default=900.0, show_default=True, help="Seconds to wait for a busy server.")
@click.option("--request", default="{}", help="JSON that is merged into each request; null removes a field.")
@click.option("--price-prompt", type=float, default=0.0, help="The price of a million prompt tokens.")
@click.option("--price-output", type=float, default=0.0, help="The price of a million output tokens.")
@click.option("--dry-run", is_flag=True, help="Count passages, tokens and cost, and ask nothing.")
@run_file_option
@debug_option
@click.pass_context
def annotate(context: click.Context, /, sources: tuple[str, ...], output: Path, **given: Any) -> None:
    """Annotate raw texts (.txt, .jsonl, .parquet, data sets) with an OpenAI-compatible model.

    A run that was cut off goes on where it was: run the same command again.
    """
    from ranit_training.annotate import Annotator, Corpus, Prices, estimate, load_recipe
    from ranit_training.annotate import annotate as run
    from ranit_training.annotate.run import types_path
    from ranit_training.manifest import Manifest
    from ranit_training.passages import load_token_counter

    corpus = Corpus(
        sources,
        load_token_counter(given["tokenizer"]),
        given["column"],
        given["split"],
        given["passage_tokens"],
        given["sample"],
        given["seed"],
    )
    annotator = Annotator(
        given["model"],
        load_recipe(given["recipe"]),
        base_url=given["base_url"],
        request=_json_object(given["request"]),
        **{name: given[name] for name in ("concurrency", "max_tokens", "timeout", "retries", "patience")},
    )
    prices = Prices(given["price_prompt"], given["price_output"])
    journal = given["journal"] or output.with_name(output.name + ".journal")
    if given["dry_run"]:
        _tell({**asdict(estimate(corpus, annotator, journal, prices)), **_left_out(corpus)})
        return
    result = run(corpus, annotator, journal, output, prices=prices, progress=sys.stderr.isatty())
    counts = {**result.counts(), **_left_out(corpus)}
    manifest = Manifest(
        "annotate",
        inputs=[Path(source) for source in sources],
        seed=corpus.seed if corpus.sample else None,
        profiles=(annotator.recipe.pin,),
        parameters={
            **annotator.asked,
            "passage_tokens": corpus.max_tokens,
            "sample": corpus.sample,
            "column": corpus.column,
            "split": corpus.split,
        },
        counts=counts,
    )
    _tell({"asked": result.tally.asked, "failed": result.tally.failed, **counts})
    _tell({"manifest": str(manifest.write([output, types_path(output)]))})
    for problem in [*corpus.told, *result.tally.failures]:
        click.echo(f"warning: {problem}", err=True)
    if result.tally.failed or corpus.broken:
        context.exit(1)


def _left_out(corpus: Corpus) -> dict[str, int]:
    """What of the sources is in no passage."""
    return {"short_pieces": corpus.short, "broken_rows": corpus.broken}


@data.command(short_help="Make conversations of annotated records.")
@_writing
@_training
def conversations(**given: Any) -> None:
    """Make conversations of annotated records: all types of a text, and types that it does not have."""
    _make_training_set(given, None)


@data.command(short_help="Make conversations with retrieved examples (RA-IT).")
@_writing
@_training
@click.option("--strategy", type=click.Choice(STRATEGIES), default="nn", show_default=True)
@_retrieving
def augment(**given: Any) -> None:
    """Make conversations with retrieved examples before each text (RA-IT)."""
    _make_training_set(given, given["strategy"])


def _make_training_set(given: Mapping[str, Any], strategy: str | None) -> None:
    from ranit_training.conversations import Asking, load_profiles
    from ranit_training.data_sets import make_training_set
    from ranit_training.showing import Records

    asking = Asking(load_profiles(given["profiles"]), given["seed"], given["absent_rate"], given["absent_from"])
    evaluation = Records(given["evaluation"], given["evaluation_split"]) if given["evaluation"] else None
    if given["drop_overlaps"] and evaluation is None:
        raise InputError("there is nothing that records may overlap with", hint="give --evaluation FILE")
    made = make_training_set(
        _records(given),
        _output(given),
        asking,
        _examples(given, strategy),
        evaluation=evaluation,
        drop_overlaps=given["drop_overlaps"],
    )
    _tell_made(made)


@data.command(short_help="Make an evaluation set.")
@_writing
@click.option("--type", "types", multiple=True, help="A type to ask, or label=name asked. Default: all labels.")
@click.option("--repeats", is_flag=True, help="List a mention as often as it is annotated.")
@click.option("--strategy", type=click.Choice(STRATEGIES), help="How examples are chosen. Default: none are shown.")
@_retrieving
def benchmark(**given: Any) -> None:
    """Make an evaluation set: every type asked of every text, one in each conversation."""
    from ranit_training.conversations import load_profiles
    from ranit_training.data_sets import make_benchmark

    made = make_benchmark(
        _records(given),
        _output(given),
        load_profiles(given["profiles"]),
        _examples(given, given["strategy"]),
        types=given["types"],
        repeats=given["repeats"],
    )
    _tell_made(made)


def _records(given: Mapping[str, Any]) -> Records:
    from ranit_training.showing import Records

    return Records(given["records"], given["split"], given["skip_broken"], given.get("vectors"))


def _output(given: Mapping[str, Any]) -> Output:
    from ranit_training.data_sets import Output

    return Output(given["output"], given["layout"], given["name"])


def _examples(given: Mapping[str, Any], strategy: str | None) -> Examples | None:
    if strategy is None:
        return None
    from ranit_rag.retrieval.embedding import load_embedder
    from ranit_rag.retrieval.strategies import check_strategy
    from ranit_training.augment import Retrieval
    from ranit_training.showing import Examples, Records

    names = ("k", "threshold", "seed", "device")
    retrieval = Retrieval(check_strategy(strategy), pool=given["pool_size"], **{name: given[name] for name in names})
    pool = Records(given["pool"], given["pool_split"], given["skip_broken"], given["pool_vectors"])
    embedder = load_embedder(given["embedder"]) if given["embedder"] else None
    return Examples(retrieval, pool if given["pool"] else None, embedder, progress=sys.stderr.isatty())


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InputError(f"--request is not JSON: {error}", hint="""for example '{"top_p": 0.9}'""") from error
    if not isinstance(value, dict):
        raise DataError(f"--request is {text}", hint="it must be a JSON object")
    return value


def _tell_made(made: Made) -> None:
    """The counts of the manifest without its list of overlaps."""
    counts = dict(made.counts)
    if "contamination" in counts:
        counts["contamination"] = {**counts["contamination"]}
        del counts["contamination"]["overlaps"]
    _tell({**counts, "manifest": str(made.manifest)})


def _tell(facts: Mapping[str, Any]) -> None:
    click.echo(json.dumps(facts, ensure_ascii=False))
