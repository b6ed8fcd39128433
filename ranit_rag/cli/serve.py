"""``ranit serve``: the REST service and its page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from ranit_rag.cli.logs import set_up_logs
from ranit_rag.cli.options import debug_option, decoding_options, engine_options, retrieval_options
from ranit_rag.extras import require

_MIB = 1024 * 1024


@click.command(context_settings={"max_content_width": 100})
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="The port to listen on; 0 for a free one.",
)
@click.option(
    "--keys",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file of keys, as above. More may stand in RANIT_KEYS, as name:secret[:read|write], …",
)
@click.option("--queue", default=256, show_default=True, help="Texts in hand from which on more are refused (429).")
@click.option("--batch", default=32, show_default=True, help="The most windows that the engine is asked about at once.")
@click.option("--batch-wait", default=5.0, show_default=True, help="Milliseconds that an idle engine waits for more.")
@click.option("--deadline", default=60.0, show_default=True, help="Seconds after which a request is given up (504).")
@click.option("--grace", default=30.0, show_default=True, help="Seconds for requests in hand when it is stopped.")
@click.option("--max-body", default=8, show_default=True, help="MiB of a request's body (413).")
@click.option("--max-import", default=32, show_default=True, help="MiB of a file to import (413).")
@retrieval_options
@decoding_options
@engine_options
@debug_option
def serve(
    host: str,
    port: int,
    keys: Path | None,
    queue: int,
    batch: int,
    batch_wait: float,
    deadline: float,
    grace: float,
    max_body: int,
    max_import: int,
    **settings: Any,
) -> None:
    """Serve extraction, the example stores and a web page at http://127.0.0.1:8080.

    On this machine no key is needed unless some are given; listening on another address takes keys. The interface is
    described at /docs. Logs go to standard error as JSON lines, without the texts. SIGTERM lets requests in hand end.

    \b
    ranit serve
    ranit serve --host 0.0.0.0 --keys keys.toml

    \b
    [clinic]                        # a key's name
    secret = "at least 16 characters"
    access = "write"                # or "read"
    stores = ["clinic", "lab"]      # the only ones it sees; left out: all
    """
    require("fastapi", extra="serve")
    require("uvicorn", extra="serve")
    require("prometheus_client", extra="serve")
    set_up_logs(quiet=False)
    from ranit_rag.config import Settings
    from ranit_rag.service import create_app
    from ranit_rag.service.access import KEYS_VARIABLE, read_keys
    from ranit_rag.service.limits import Limits
    from ranit_rag.service.logs import set_up_json_logs
    from ranit_rag.service.server import is_loopback, listen
    from ranit_rag.service.server import serve as serve_app

    known = read_keys(keys, os.environ.get(KEYS_VARIABLE, ""))
    if not known and not is_loopback(host):
        raise click.UsageError(f"{host} is reached from other machines: give --keys FILE or set {KEYS_VARIABLE}")
    limits = Limits(
        body_bytes=max_body * _MIB,
        import_bytes=max_import * _MIB,
        queue=queue,
        batch=batch,
        batch_wait=batch_wait / 1000,
        deadline=deadline,
        grace=grace,
    )
    loaded = Settings.load(**settings)
    listening = listen(host, port)
    set_up_json_logs()
    hosts = () if known else ("localhost", "127.0.0.1", "::1", host)
    serve_app(create_app(loaded, limits=limits, keys=known, hosts=hosts), listening)
