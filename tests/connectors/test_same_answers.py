"""The same text gives the same entities and the same decision, whichever connector it goes through."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ranit_rag import Ranit

Reader = Callable[[Ranit, str, list[str]], Awaitable[dict[str, Any]]]
"""Reads a text through a connector; what comes back has the ``entities`` and ``decisions`` of the JSON contract."""


async def langchain_tool(ner: Ranit, text: str, types: list[str]) -> dict[str, Any]:
    from langchain_ranit import RanitTool

    call = {"name": "find_entities", "id": "1", "type": "tool_call", "args": {"text": text, "types": types}}
    message = await RanitTool(ner=ner).ainvoke(call)
    return dict(message.artifact)


async def langchain_runnable(ner: Ranit, text: str, types: list[str]) -> dict[str, Any]:
    from langchain_ranit import RanitExtractor

    (extraction,) = await RanitExtractor(ner, types).abatch([text])
    return extraction


async def langgraph_node(ner: Ranit, text: str, types: list[str]) -> dict[str, Any]:
    from langchain_ranit import RanitNode

    return dict(RanitNode(ner, types).invoke({"text": text})["extraction"])


async def spacy_pipe(ner: Ranit, text: str, types: list[str]) -> dict[str, Any]:
    import spacy

    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe("ranit", config={"types": types})
    pipe.ner = ner
    (doc,) = nlp.pipe([text])
    entities = [
        {"text": s.text, "label": s.label_, "start": s.start_char, "end": s.end_char, "score": s._.ranit_score}
        for s in doc.spans["ranit"]
    ]
    return {"entities": entities, "decisions": doc._.ranit["decisions"]}


async def mcp_tool(ner: Ranit, text: str, types: list[str]) -> dict[str, Any]:
    from mcp import Client

    from ranit_mcp import create_server

    async with Client(create_server(ner)) as client:
        result = await client.call_tool("extract", {"text": text, "types": types})
    return dict(result.structured_content or {})


async def llama_index_tool(ner: Ranit, text: str, types: list[str]) -> dict[str, Any]:
    from llama_index_ranit import RanitToolSpec

    (tool,) = RanitToolSpec(ner).to_tool_list()
    return dict((await tool.acall(text=text, types=types)).raw_output)


async def llama_index_workflow(ner: Ranit, text: str, types: list[str]) -> dict[str, Any]:
    from llama_index_ranit import NerWorkflow

    return dict((await NerWorkflow(ner).run(text=text, types=types)).to_dict())


async def llama_index_extractor(ner: Ranit, text: str, types: list[str]) -> dict[str, Any]:
    from llama_index.core.ingestion import IngestionPipeline
    from llama_index.core.schema import TextNode

    from llama_index_ranit import RanitEntityExtractor

    pipeline = IngestionPipeline(transformations=[RanitEntityExtractor(types, ner=ner, show_progress=False)])
    (node,) = await pipeline.arun(nodes=[TextNode(text=text)])
    return {"entities": json.loads(node.metadata["entities"]), **json.loads(node.metadata["ner"])}


READERS: dict[str, Reader] = {
    "LangChain tool": langchain_tool,
    "LangChain runnable": langchain_runnable,
    "LangGraph node": langgraph_node,
    "LlamaIndex tool": llama_index_tool,
    "LlamaIndex workflow": llama_index_workflow,
    "LlamaIndex extractor": llama_index_extractor,
    "spaCy pipe": spacy_pipe,
    "MCP tool": mcp_tool,
}

TEXTS = {
    "in domain": "the doctor gave aspirin for the fever and a tablet for the cough",
    "foreign": "somebody walked a dog",
    "several windows": "the doctor gave aspirin for the fever. " * 40 + "😀 the nurse had a tablet for the cough.",
    "nested and offset": "\n 发烧 — the fever after aspirin ; aspirin , fever .",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
async def test_every_connector_answers_as_ranit_itself(medicine: Ranit, reader: Reader, text: str) -> None:
    types = ["drug", "symptom"]
    expected = medicine.extract(text, types).to_dict()
    answer = await reader(medicine, text, types)
    assert answer["entities"] == expected["entities"]
    assert answer["decisions"] == expected["decisions"]
