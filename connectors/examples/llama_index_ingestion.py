"""Ingest documents with their entities as metadata, and ask for those that mention one: by a filter and by a graph.

The second run takes everything from the cache. Run it with ``python connectors/examples/llama_index_ingestion.py``.
"""

from __future__ import annotations

from llama_index.core import Document, PropertyGraphIndex, VectorStoreIndex
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.vector_stores import FilterOperator, MetadataFilter, MetadataFilters

from llama_index_ranit import RanitEntityExtractor, RanitGraphExtractor
from ranit_rag import Ranit

TYPES = ["person", "city"]
DOCUMENTS = [
    "Marie Curie left Warsaw for Paris in 1891.",
    "Ada Lovelace met Charles Babbage in London.",
    "Frida Kahlo was born in Mexico City and showed her pictures in Paris.",
]


def main(ner: Ranit) -> None:
    documents = [Document(text=text) for text in DOCUMENTS]
    extractor = RanitEntityExtractor(TYPES, ner=ner, show_progress=False)
    pipeline = IngestionPipeline(transformations=[SentenceSplitter(chunk_size=200, chunk_overlap=0), extractor])
    nodes = pipeline.run(documents=documents)
    for node in nodes:
        print("entities:", node.metadata["entities"])
    pipeline.run(documents=documents)  # from the cache: no model is asked

    # Any embedding model will do; the filter alone decides here.
    index = VectorStoreIndex(nodes, embed_model=MockEmbedding(8))
    paris = MetadataFilter(key="entities_city", operator=FilterOperator.TEXT_MATCH, value="Paris")
    retriever = index.as_retriever(similarity_top_k=10, filters=MetadataFilters(filters=[paris]))
    for found in retriever.retrieve("What happened there?"):
        print("by the filter:", found.node.get_content())

    graph = PropertyGraphIndex.from_documents(
        documents, kg_extractors=[RanitGraphExtractor(TYPES, ner=ner)], embed_kg_nodes=False
    )
    for chunk, relation, entity in graph.property_graph_store.get_triplets(entity_names=["Paris"]):
        print("by the graph:", chunk, relation.label, entity.name, relation.properties["starts"])


if __name__ == "__main__":
    main(Ranit())
