"""How well texts are routed to their stores, on the annotated sets that lie beside the repository.

``python -m tests.bench.routing [--part development|held-out] [--language en|zh] [--json FILE]``. Weights and thresholds
were chosen on the development sets alone. Embeds some 15,000 English or 9,000 Chinese texts: minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import replace
from pathlib import Path

from ranit_rag.engines.asking import asking
from ranit_rag.engines.transformers import TransformersEngine
from ranit_rag.evaluation.report.markdown import tables_markdown
from ranit_rag.evaluation.routing import RoutingSet, measure_routing
from ranit_rag.evaluation.routing_sets import read_routing_set
from ranit_rag.evaluation.routing_tables import routing_tables
from ranit_rag.retrieval.embedding import default_embedder

# The sets after the bar have no store: their texts belong nowhere.
SETS = {
    ("en", "development"): "fewnerd sgd_slots gmb_kaggle wetlab_protocols cs_ner bio_jnlpba bio_craft snips conll2003 "
    "bio_bc5cdr aptner matscholar stackoverflow_ner litbank broad_twitter hipe_topres19th wnut17 e_ner_edgar "
    "bio_ncbi_disease mit_movie_trivia | skillspan tasteset atis pilener_slimer_val",
    (
        "en",
        "held-out",
    ): "mit_movie crossner_politics crossner_science crossner_ai music_reco_ner resumes_en sec_filings "
    "drug_names hwu64 re3d cyner indian_legal_ner gum_ner conll04 ozrock food_ingredients fb_multilingual_tod_en "
    "scierc bio_bionlp13cg bio_anem wikigold somesci dnrti bio_linnaeus | textile_synthetic harveyner sofc_exp "
    "fashion_brands",
    ("zh", "development"): "ecsa_zh msra ecommerce_zh literature_zh tianchi_tcm_zh resume_zh ontonotes4_zh youku_zh |",
    ("zh", "held-out"): "cmeee cluener2020 boson_zh video_music_book_zh classical_zh healthner_zh smp2019_nlu_zh "
    "people_daily_1998 |",
}


def load(data: Path, language: str, part: str) -> list[RoutingSet]:
    """The sets of a part. The Chinese ones held out stand among the stores of the development sets."""
    stored, _, strangers = SETS[language, part].partition("|")

    def read(name: str, *, store: bool = True) -> RoutingSet:
        return read_routing_set(data / "ner" / f"{name}.jsonl.xz", language, store=store)

    sets = [read(name) for name in stored.split()] + [read(name, store=False) for name in strangers.split()]
    if (language, part) == ("zh", "held-out"):
        sets += [replace(item, queries=()) for item in load(data, language, "development")]
    return sets


def main() -> None:
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("RANIT_SHARED_DATA", beside)))
    parser.add_argument("--part", choices=("development", "held-out"), default="held-out")
    parser.add_argument("--language", choices=("en", "zh"), default="en")
    parser.add_argument("--ask", type=int, default=0, help="texts of each set that the embedded model is asked of")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    started = time.perf_counter()
    report = measure_routing(
        load(given.data, given.language, given.part),
        default_embedder(given.language),
        ask=asking(TransformersEngine()) if given.ask else None,
        asked=given.ask,
    )
    tables = tables_markdown(routing_tables(report), level=3)
    print(f"{given.language}, {given.part}: {time.perf_counter() - started:.0f} s\n\n{tables}")
    if given.json:
        given.json.write_text(json.dumps(report.to_dict(), indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
