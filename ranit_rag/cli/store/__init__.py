"""``ranit store``: the user's own examples, by domain."""

from __future__ import annotations

import click

from ranit_rag.cli.store.adding import add
from ranit_rag.cli.store.calibrating import calibrate
from ranit_rag.cli.store.checking import check
from ranit_rag.cli.store.exporting import export
from ranit_rag.cli.store.importing import import_file
from ranit_rag.cli.store.managing import delete, rename
from ranit_rag.cli.store.reading import list_stores, show, stats


@click.group(context_settings={"max_content_width": 100})
def store() -> None:
    """Keep examples of annotated text, a store for each domain.

    RANIT shows the model those that suit a text. Stores lie in RANIT_HOME, in the directory of --stores, or on a
    Chroma server: --stores http://host:8000.

    \b
    ranit store add news "Ada Lovelace met Babbage." -e person="Ada Lovelace" -e person=Babbage
    ranit store import 法律 cases.jsonl
    ranit store list
    """


for _command in (add, import_file, list_stores, show, stats, export, delete, rename, calibrate, check):
    store.add_command(_command)
