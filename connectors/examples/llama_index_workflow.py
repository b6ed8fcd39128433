"""Watch the judge decide, window by window, while a workflow extracts.

Run it with ``python connectors/examples/llama_index_workflow.py``.
"""

from __future__ import annotations

import asyncio

from llama_index.core.workflow import StopEvent

from llama_index_ranit import NerWorkflow
from ranit_rag import Ranit

TEXTS = {
    "Aspirin eased her migraine.": ["drug", "disease"],
    "Ada Lovelace met Charles Babbage in London.": ["person", "location"],
}


async def main(ner: Ranit) -> None:
    workflow = NerWorkflow(ner)
    for text, types in TEXTS.items():
        handler = workflow.run(text=text, types=types)
        async for event in handler.stream_events():
            if not isinstance(event, StopEvent):
                print(f"{type(event).__name__}: {event.decision.reason}")
        for entity in (await handler).entities:
            print(f"{entity.text} ({entity.label}) {entity.start}:{entity.end}")


if __name__ == "__main__":
    asyncio.run(main(Ranit()))
