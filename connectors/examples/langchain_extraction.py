"""RANIT in LangChain: entities in a chain, and stored examples in a few-shot prompt for any other model.

Run it: pip install 'ranit-rag[langchain]' && python connectors/examples/langchain_extraction.py
"""

from __future__ import annotations

from langchain_core.documents import Document
from langchain_core.prompts import ChatPromptTemplate, FewShotChatMessagePromptTemplate
from langchain_core.runnables import RunnableLambda

from langchain_ranit import RanitExampleSelector, RanitExtractor, RanitRetriever
from ranit_rag import Example, Ranit

TEXTS = ["Ada Lovelace wrote to Charles Babbage from London.", "Marie Curie worked in Paris."]


def main() -> None:
    # One Ranit, with one model and one set of stores, is behind everything that follows.
    ner = Ranit(stores=":memory:", judge="always", k=1)
    ner.add_examples(
        "letters",
        [
            Example.from_mentions("Darwin wrote to Gray from Down.", {"person": ["Darwin", "Gray"], "city": ["Down"]}),
            Example.from_mentions("The ship left Plymouth at dawn.", {"city": ["Plymouth"]}),
        ],
    )

    print("# A chain: texts in, documents with their entities as metadata out")
    extract = RanitExtractor(ner, ["person", "city"])
    to_document = RunnableLambda(
        lambda found: Document(found["text"], metadata={e["text"]: e["label"] for e in found["entities"]})
    )
    for document in (extract | to_document).batch(TEXTS):
        print(document.page_content, document.metadata)

    print("\n# A retriever: which stored examples are worth showing with a text")
    for found in RanitRetriever(ner=ner, types=["person", "city"]).invoke(TEXTS[0]):
        print(f"{found.metadata['similarity']:.2f}", found.page_content)

    print("\n# A few-shot prompt for another model, with the examples that the judge chose")
    shown = FewShotChatMessagePromptTemplate(
        example_selector=RanitExampleSelector(ner, types=["person", "city"]),
        example_prompt=ChatPromptTemplate.from_messages([("human", "{text}"), ("ai", "{entities}")]),
        input_variables=["text"],
    )
    prompt = ChatPromptTemplate.from_messages([("system", "List people and cities."), shown, ("human", "{text}")])
    print(prompt.invoke({"text": TEXTS[0]}).to_string())


if __name__ == "__main__":
    main()
