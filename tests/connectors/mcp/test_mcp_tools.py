"""The tools and resources as a client sees them, in memory."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
from mcp import Client, MCPError
from mcp_types import CallToolResult

from ranit_mcp import create_server
from ranit_mcp.contract import EXTRACTION_SCHEMA
from ranit_rag import Ranit, Settings
from ranit_rag.errors import InputError, ServerError
from ranit_rag.stores.memory import MemoryStores
from ranit_rag.testing import ScriptedEngine

TEXT = "the doctor gave aspirin for the fever and a tablet for the cough"
TYPES = ["drug", "symptom"]


def said(result: CallToolResult) -> Any:
    return json.loads(result.content[0].text)  # type: ignore[union-attr]


async def test_an_extraction_is_structured_by_the_contract_and_short_for_the_model(medicine: Ranit) -> None:
    async with Client(create_server(medicine)) as client:
        result = await client.call_tool("extract", {"text": TEXT, "types": TYPES})
    assert result.structured_content is not None
    jsonschema.validate(result.structured_content, EXTRACTION_SCHEMA)
    assert result.structured_content["decisions"][0]["store"] == "medicine"
    assert [(e["text"], e["label"]) for e in said(result)["entities"]] == [
        ("aspirin", "drug"),
        ("fever", "symptom"),
        ("cough", "symptom"),
    ]
    assert said(result) == {"entities": result.structured_content["entities"]}


async def test_every_tool_says_what_it_returns_and_whether_it_writes(medicine: Ranit) -> None:
    async with Client(create_server(medicine)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {"extract", "extract_many", "list_stores", "add_example"}
    for tool in tools.values():
        assert tool.output_schema is not None
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is (tool.name != "add_example")
    assert tools["add_example"].annotations.destructive_hint  # type: ignore[union-attr]
    assert tools["extract"].output_schema["$id"] == "urn:ranit-rag:extraction.v1"  # type: ignore[index]


async def test_a_server_that_only_reads_offers_no_tool_that_writes(medicine: Ranit) -> None:
    async with Client(create_server(medicine, read_only=True)) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
    assert "add_example" not in names
    assert "extract" in names


async def test_many_texts_count_their_progress_and_a_failure_stays_in_its_place(medicine: Ranit) -> None:
    seen: list[tuple[float, float | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append((done, total))

    async with Client(create_server(medicine)) as client:
        result = await client.call_tool(
            "extract_many", {"texts": [TEXT, " ", "cough"], "types": TYPES}, progress_callback=progress
        )
    assert result.structured_content is not None
    results = result.structured_content["results"]
    assert [("error" in one, one["text"]) for one in results] == [(False, TEXT), (True, " "), (False, "cough")]
    assert results[1]["error"]["type"] == "InputError"
    assert [set(one) for one in said(result)["results"]] == [{"entities"}, {"error"}, {"entities"}]
    assert sorted(seen) == [(1, 3), (2, 3), (3, 3)]


async def test_one_text_tells_its_progress(medicine: Ranit) -> None:
    seen: list[tuple[float, float | None, str | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append((done, total, message))

    async with Client(create_server(medicine)) as client:
        await client.call_tool("extract", {"text": TEXT, "types": TYPES}, progress_callback=progress)
    assert seen == [(0, 1, "reading"), (1, 1, "3 entities")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": TEXT, "types": [" "]}, "is not a type name: a type needs a name"),
        ({"text": " ", "types": TYPES}, "the text is empty"),
        ({"text": TEXT, "types": TYPES, "language": "fr"}, "language"),
        ({"types": TYPES}, "text"),
    ],
)
async def test_a_model_reads_what_was_wrong_with_its_call(
    medicine: Ranit, arguments: dict[str, Any], message: str
) -> None:
    async with Client(create_server(medicine)) as client:
        result = await client.call_tool("extract", arguments)
    assert result.is_error
    assert message in result.content[0].text  # type: ignore[union-attr]


async def test_a_server_that_is_down_is_told_with_the_remedy() -> None:
    error = ServerError("nobody answers at http://127.0.0.1:1", hint="start the server")
    ner = Ranit(ScriptedEngine({("aspirin", "drug"): error}), judge="never")
    async with Client(create_server(ner)) as client:
        result = await client.call_tool("extract", {"text": "aspirin", "types": ["drug"]})
    assert result.is_error
    assert result.content[0].text.endswith("nobody answers at http://127.0.0.1:1: start the server")  # type: ignore[union-attr]


async def test_an_added_example_is_stored_and_shown_next(medicine: Ranit) -> None:
    example = {"store": "medicine", "text": "a pill for the fever", "entities": {"drug": ["pill"]}}
    async with Client(create_server(medicine)) as client:
        added = await client.call_tool("add_example", example)
        again = await client.call_tool("add_example", example)
        other = "the nurse had a pill for the fever of the patient"
        result = await client.call_tool("extract", {"text": other, "types": ["drug"]})
    assert added.structured_content == {"added": 1, "replaced": 0, "present": 0, "duplicates": 0}
    assert again.structured_content == {"added": 0, "replaced": 0, "present": 1, "duplicates": 0}
    assert result.structured_content is not None
    assert example["text"] in [shown["text"] for shown in result.structured_content["decisions"][0]["examples"]]


async def test_an_example_that_does_not_stand_in_its_text_is_refused(medicine: Ranit) -> None:
    async with Client(create_server(medicine)) as client:
        result = await client.call_tool(
            "add_example", {"store": "medicine", "text": "a pill", "entities": {"drug": ["tablet"]}}
        )
    assert result.is_error
    assert "'tablet' (drug) does not stand in the text" in result.content[0].text  # type: ignore[union-attr]


async def test_stores_are_listed_by_tool_and_resource_alike(medicine: Ranit) -> None:
    async with Client(create_server(medicine)) as client:
        listed = await client.call_tool("list_stores", {})
        resource = await client.read_resource("ranit://stores")
        one = await client.read_resource("ranit://stores/law")
        examples = await client.read_resource("ranit://stores/law/examples?offset=2&limit=3")
        schema = await client.read_resource("ranit://schemas/extraction.v1")
    assert listed.structured_content is not None
    stores = listed.structured_content["result"]
    assert [store["domain"] for store in stores] == ["law", "medicine", "money"]
    assert stores[1]["types"].keys() == {"drug", "symptom"}
    assert json.loads(resource.contents[0].text) == stores  # type: ignore[union-attr]
    assert json.loads(one.contents[0].text) == stores[0]  # type: ignore[union-attr]
    assert len(examples.contents[0].text.splitlines()) == 3  # type: ignore[union-attr]
    assert json.loads(schema.contents[0].text) == EXTRACTION_SCHEMA  # type: ignore[union-attr]


async def test_any_name_of_a_store_is_a_name_and_never_a_path() -> None:
    ner = Ranit(ScriptedEngine({}), stores=MemoryStores(), judge="never")
    name = "../药 {a}?"
    async with Client(create_server(ner)) as client:
        await client.call_tool("add_example", {"store": name, "text": "阿司匹林有效", "entities": {"药": ["阿司匹林"]}})
        found = await client.read_resource(f"ranit://stores/{quote(name, safe='')}")
        with pytest.raises(MCPError, match="there is no store 'nobody'"):
            await client.read_resource("ranit://stores/nobody")
    assert json.loads(found.contents[0].text)["domain"] == name  # type: ignore[union-attr]


def test_settings_beside_a_ranit_are_refused(medicine: Ranit) -> None:
    with pytest.raises(InputError, match="both ner and settings"):
        create_server(medicine, settings=Settings())
