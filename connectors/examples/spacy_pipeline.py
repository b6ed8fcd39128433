"""RANIT as a pipe of spaCy: entities of your own kinds, in several processes, saved, and drawn.

Run it: pip install 'ranit-rag[spacy]' && python connectors/examples/spacy_pipeline.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import spacy
from spacy import displacy

TEXTS = ["Ada Lovelace wrote to Charles Babbage.", "Marie Curie worked in Paris.", "A dog barked."]


def main() -> None:
    nlp = spacy.blank("en")
    types = {"person": "somebody with a name", "city": ""}
    nlp.add_pipe("ranit", config={"types": types, "settings": {"judge": "never"}})

    for doc in nlp.pipe(TEXTS, n_process=2, batch_size=2):
        print([(ent.text, ent.label_, ent._.ranit_score) for ent in doc.ents])

    with tempfile.TemporaryDirectory() as folder:
        nlp.to_disk(folder)
        doc = spacy.load(folder)(TEXTS[1])
        page = Path(folder) / "entities.html"
        page.write_text(displacy.render(doc, style="ent", page=True, jupyter=False), encoding="utf-8")
        print(f"saved, loaded and drawn: {page.stat().st_size} bytes of HTML")
    print("the judge:", doc._.ranit["decisions"][0]["reason"])


if __name__ == "__main__":
    main()
