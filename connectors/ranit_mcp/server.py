"""The server: its tools and resources, over one Ranit that is opened when it starts."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from mcp.server import MCPServer
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver.resources import ResourceSecurity
from mcp.server.mcpserver.tools import Tool
from mcp_types import ToolAnnotations
from pydantic import AnyHttpUrl

from ranit_mcp.contract import BATCH_SCHEMA, EXTRACTION_SCHEMA, REPORT_SCHEMA
from ranit_mcp.keys import KeyCheck
from ranit_mcp.resources import Resources
from ranit_mcp.tools import Tools
from ranit_rag import Ranit, Settings
from ranit_rag.errors import InputError

INSTRUCTIONS = """\
RANIT finds named entities of any kind in English and Chinese text: name the kinds, and it returns every mention with \
its offsets. Use extract for one text and extract_many for several. Where texts or kinds are unusual, correct examples \
help: list_stores shows which there are, and add_example adds one, which later extractions learn from."""

_READING = ToolAnnotations(read_only_hint=True, open_world_hint=False)
# An example takes the place of one with the same text, so it may overwrite; adding it again changes nothing.
_WRITING = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)
# The name of a store is looked up among the stores and never read as a path, so it may look like one.
_ANY_NAME = ResourceSecurity(exempt_params={"domain"})


def create_server(
    ner: Ranit | None = None,
    *,
    settings: Settings | None = None,
    read_only: bool = False,
    time_limit: float = 300.0,
    keys: Sequence[str] = (),
) -> MCPServer[None]:
    """An MCP server over ``ner``, or over one that is opened by ``settings`` when the server starts.

    ``read_only`` leaves out ``add_example``. A call that takes more than ``time_limit`` seconds is given up. With
    ``keys``, requests over HTTP need one of them as bearer token; without any, whoever reaches the port is served.
    Raises InputError where both a Ranit and settings are given.
    """
    if ner is not None and settings is not None:
        raise InputError("both ner and settings are given", hint="settings are for a Ranit that the server opens")
    tools = Tools(ner, settings, time_limit=time_limit)
    resources = Resources(tools)
    served = [
        _tool(tools.extract, "Find entities", _READING, EXTRACTION_SCHEMA),
        _tool(tools.extract_many, "Find entities in several texts", _READING, BATCH_SCHEMA),
        _tool(tools.list_stores, "List example stores", _READING),
    ]
    if not read_only:
        served.append(_tool(tools.add_example, "Add an example", _WRITING, REPORT_SCHEMA))
    # The SDK has OAuth in mind; for keys of our own it needs an issuer's name, which no client is ever told.
    auth = AuthSettings(issuer_url=AnyHttpUrl("http://localhost"), resource_server_url=None) if keys else None
    server: MCPServer[None] = MCPServer(
        "ranit",
        title="RANIT",
        description="Named entities of any kind, in English and Chinese text.",
        instructions=INSTRUCTIONS,
        version=version("ranit-rag"),
        tools=served,
        lifespan=tools.opened,
        log_level="WARNING",
        auth=auth,
        token_verifier=KeyCheck(keys) if keys else None,
    )
    server.resource("ranit://stores", title="Example stores", mime_type="application/json")(resources.stores)
    server.resource(
        "ranit://stores/{domain}", title="An example store", mime_type="application/json", security=_ANY_NAME
    )(resources.store)
    server.resource(
        "ranit://stores/{domain}/examples{?offset,limit}",
        title="The examples of a store",
        mime_type="application/jsonl",
        security=_ANY_NAME,
    )(resources.examples)
    server.resource("ranit://schemas/extraction.v1", title="What extract returns", mime_type="application/schema+json")(
        resources.schema
    )
    return server


def _tool(
    function: object, title: str, annotations: ToolAnnotations, output_schema: dict[str, object] | None = None
) -> Tool:
    """A tool that is described by its docstring, and whose results follow ``output_schema`` where it is given."""
    tool = Tool.from_function(function, title=title, annotations=annotations)  # type: ignore[arg-type]
    if output_schema is not None:
        tool.fn_metadata.output_schema = output_schema
    return tool
