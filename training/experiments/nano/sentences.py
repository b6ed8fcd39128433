"""Ten sentences in each language, written before any was tried: what the embedded model finds in them as it ships.

``python training/experiments/nano/sentences.py [CHECKPOINT]`` prints a table for the card: what was found, what is
wrong in it, and what is missing.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from ranit_rag import Ranit

Gold = dict[str, list[str]]

SENTENCES: dict[str, tuple[tuple[str, Gold], ...]] = {
    "en": (
        (
            "Angela Merkel met Emmanuel Macron in Berlin to discuss the European budget.",
            {"politician": ["Angela Merkel", "Emmanuel Macron"], "city": ["Berlin"], "date": []},
        ),
        (
            "The patient was started on metformin for type 2 diabetes after complaining of blurred vision.",
            {"drug": ["metformin"], "disease": ["type 2 diabetes"], "symptom": ["blurred vision"]},
        ),
        (
            "We fine-tuned BERT on SQuAD with PyTorch and report an F1 score of 88.5.",
            {"model": ["BERT"], "dataset": ["SQuAD"], "software library": ["PyTorch"], "metric": ["F1 score"]},
        ),
        (
            "Toyota will build a new plant in Ohio, its chief executive Koji Sato said on Friday.",
            {"company": ["Toyota"], "location": ["Ohio"], "person": ["Koji Sato"], "date": ["Friday"]},
        ),
        (
            "remind me to call mom tomorrow at 7 pm",
            {"contact": ["mom"], "date": ["tomorrow"], "time": ["7 pm"], "place": []},
        ),
        (
            "Knead 500 g of flour with two eggs and a pinch of salt, then bake for 40 minutes.",
            {"ingredient": ["flour", "eggs", "salt"], "duration": ["40 minutes"], "tool": []},
        ),
        (
            "APT29 used the Cobalt Strike beacon to move through the network of the ministry.",
            {"hacker group": ["APT29"], "malware": ["Cobalt Strike"], "organization": ["ministry"], "date": []},
        ),
        (
            "In The Old Man and the Sea, Hemingway tells of Santiago, a fisherman from Cuba.",
            {
                "book": ["The Old Man and the Sea"],
                "author": ["Hemingway"],
                "character": ["Santiago"],
                "country": ["Cuba"],
            },
        ),
        (
            "The Supreme Court held in Miranda v. Arizona that suspects must be told of their rights.",
            {"court": ["Supreme Court"], "case": ["Miranda v. Arizona"], "judge": []},
        ),
        (
            "Expression of TP53 was lower in HeLa cells that had been treated with cisplatin.",
            {"gene": ["TP53"], "cell line": ["HeLa"], "chemical": ["cisplatin"], "species": []},
        ),
    ),
    "zh": (
        (
            "昨天，李明在北京大学听了一场关于人工智能的讲座。",
            {"人名": ["李明"], "学校": ["北京大学"], "时间": ["昨天"]},
        ),
        (
            "患者因发热、咳嗽入院，诊断为肺炎，给予阿莫西林治疗。",
            {"症状": ["发热", "咳嗽"], "疾病": ["肺炎"], "药物": ["阿莫西林"], "检查": []},
        ),
        (
            "华为在深圳发布了新款手机Mate 60。",
            {"公司": ["华为"], "地点": ["深圳"], "产品": ["Mate 60"], "人名": []},
        ),
        (
            "张艺谋导演的《英雄》由李连杰和梁朝伟主演。",
            {"导演": ["张艺谋"], "电影": ["英雄"], "演员": ["李连杰", "梁朝伟"]},
        ),
        (
            "帮我订一张明天从上海到广州的机票。",
            {"出发地": ["上海"], "目的地": ["广州"], "日期": ["明天"], "航空公司": []},
        ),
        (
            "中国人民银行宣布下调存款准备金率0.5个百分点。",
            {"组织机构": ["中国人民银行"], "百分比": ["0.5个百分点"], "人名": []},
        ),
        (
            "红色修身连衣裙女夏季新款优衣库",
            {"颜色": ["红色"], "商品": ["连衣裙"], "品牌": ["优衣库"], "季节": ["夏季"]},
        ),
        (
            "诸葛亮率军北伐，屯兵五丈原。",
            {"人名": ["诸葛亮"], "地名": ["五丈原"], "官职": []},
        ),
        (
            "王芳，女，硕士，现任腾讯公司高级工程师。",
            {"姓名": ["王芳"], "学历": ["硕士"], "公司": ["腾讯公司"], "职务": ["高级工程师"]},
        ),
        (
            "长江发源于青藏高原，流经武汉，在上海注入东海。",
            {"河流": ["长江"], "城市": ["武汉", "上海"], "山脉": []},
        ),
    ),
}


def rows(ner: Ranit, language: str) -> Iterator[str]:
    for text, gold in SENTENCES[language]:
        result = ner.extract(text, list(gold), language=language)
        found = {(name, e.text) for name in gold for e in result.entities if e.label == name}
        wanted = {(name, mention) for name, mentions in gold.items() for mention in mentions}
        told = (found & wanted, found - wanted, wanted - found)
        yield f"| {text} | {', '.join(gold)} | {' | '.join(_listed(each) for each in told)} |"


def _listed(mentions: set[tuple[str, str]]) -> str:
    return "; ".join(f"{mention} ({name})" for name, mention in sorted(mentions)) or "–"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", nargs="?", help="the embedded model, if none is given")
    options = parser.parse_args()
    ner = Ranit(options.checkpoint)
    print("| text | types asked | found | wrong | missing |\n|---|---|---|---|---|")
    for language in SENTENCES:
        print("\n".join(rows(ner, language)), flush=True)


if __name__ == "__main__":
    main()
