"""Examples as nodes. Metadata is flat, so that every vector store and cache takes it."""

from __future__ import annotations

import json

from llama_index.core.schema import NodeWithScore, TextNode

from ranit_rag import ShownExample


def example_node(shown: ShownExample) -> NodeWithScore:
    """An example as a node of the same id: its text, and what is annotated in it; the score is the cosine."""
    record = shown.example.to_dict()
    metadata = {key: record[key] for key in ("domain", "language", "source")}
    metadata["entities"] = json.dumps(record["entities"], ensure_ascii=False)
    # The text alone is embedded: offsets and sources say nothing of what it is about.
    node = TextNode(id_=record["id"], text=record["text"], metadata=metadata, excluded_embed_metadata_keys=[*metadata])
    return NodeWithScore(node=node, score=shown.similarity)
