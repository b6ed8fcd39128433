"""The query pipeline of llama-index-core 0.12: retriever, judge, extraction in a chain.

Newer versions of LlamaIndex have workflows instead: see ``llama_index_workflow.py`` and ``docs/query-pipelines.md``.
Run it with ``python connectors/examples/llama_index_query_pipeline.py`` where llama-index-core is older than 0.13.
"""

from __future__ import annotations

from llama_index.core.query_pipeline import QueryPipeline

from llama_index_ranit.query_pipeline import JudgeComponent, NerComponent, RetrieverComponent
from ranit_rag import Ranit


def main(ner: Ranit) -> None:
    retriever, judge, extraction = RetrieverComponent(ner), JudgeComponent(ner), NerComponent(ner)
    pipeline = QueryPipeline(chain=[retriever, judge, extraction])
    found = pipeline.run(text="the doctor gave aspirin for the fever", types=["drug", "symptom"])
    print(found.decision.route, "·", found.decision.reason)
    for entity in found.entities:
        print(f"{entity.text} ({entity.label}) {entity.start}:{entity.end}")


if __name__ == "__main__":
    main(Ranit())
