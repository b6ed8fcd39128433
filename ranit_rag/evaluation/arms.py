"""Arms: the ways of choosing examples that are measured against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any, Literal, get_args

from ranit_rag.errors import InputError
from ranit_rag.overlaps import Decoding, Overlaps
from ranit_rag.retrieval.judge import Case, Verdict
from ranit_rag.retrieval.strategies import check_strategy

ArmJudge = Literal["calibrated", "paper", "always", "never", "llm", "nearest"]
ARM_JUDGES: tuple[ArmJudge, ...] = get_args(ArmJudge)
Ablation = Literal["paper"]
ABLATIONS: tuple[Ablation, ...] = get_args(Ablation)
ALL = "all"


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of choosing examples for the texts of a set.

    ``judge`` is a judge's name, or ``nearest``: the nearest examples of all stores, unfiltered. ``pool`` is how many
    examples the set's own store holds: 0 for no such store, None for all there are. ``others`` says whether the
    configured stores are there as well. ``overlaps``, ``min_score`` and ``precedents`` are those of a Decoding;
    arms that differ in them alone share the answers. ``name`` is made of these where none is given.
    """

    judge: str = "calibrated"
    strategy: str = "nn"
    k: int = 2
    pool: int | None = 0
    others: bool = True
    name: str = ""
    overlaps: Overlaps | None = None
    min_score: float | None = None
    precedents: bool | None = None

    def __post_init__(self) -> None:
        if self.judge not in ARM_JUDGES:
            raise InputError(f"{self.judge!r} is not a judge", hint=f"judges are {', '.join(ARM_JUDGES)}")
        check_strategy(self.strategy)
        _ = self.decoding
        if self.k < 1 or (self.pool is not None and self.pool < 0):
            raise InputError(f"k is {self.k} and the pool {self.pool}", hint="k is 1 or more, the pool 0 or more")
        if not self.name:
            object.__setattr__(self, "name", self._described())

    @property
    def decoding(self) -> Decoding:
        """What becomes of the entities found. Raises InputError."""
        return Decoding(self.overlaps, self.min_score, self.precedents)

    def _described(self) -> str:
        decoded: list[str] = [self.overlaps] if self.overlaps is not None else []
        if self.min_score is not None:
            decoded.append(f"from {self.min_score:g}")
        if self.precedents is not None:
            decoded.append("precedents" if self.precedents else "no precedents")
        if self.judge == "never":
            return " ".join(["none", *decoded])
        own = [] if self.pool == 0 else [f"own {ALL if self.pool is None else self.pool}"]
        alone = [] if self.others else ["alone"]
        return " ".join([self.judge, self.strategy, f"k{self.k}", *own, *alone, *decoded])

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def grid(
    judges: Sequence[str],
    strategies: Sequence[str],
    ks: Sequence[int],
    pools: Sequence[int | None],
    *,
    others: bool = True,
    overlaps: Sequence[Overlaps | None] = (None,),
    min_scores: Sequence[float | None] = (None,),
) -> tuple[Arm, ...]:
    """Every combination; arms that never show examples are one for each way of decoding."""
    arms = []
    for judge, strategy, k, pool, overlap, least in product(judges, strategies, ks, pools, overlaps, min_scores):
        chosen = Arm("never") if judge == "never" else Arm(judge, strategy, k, pool, others)
        arms.append(replace(chosen, name="", overlaps=overlap, min_score=least))
    return tuple(dict.fromkeys(arms))


def ablation(name: str, k: int = 2) -> tuple[Arm, ...]:
    """The arms of a study by name.

    ``paper``: what RA-IT compares at inference, and the calibrated judge beside it, without and with precedents.
    """
    if name not in ABLATIONS:
        raise InputError(f"{name!r} is not an ablation", hint=f"ablations are {', '.join(ABLATIONS)}")
    arms = (
        Arm("never", k=k),
        Arm("always", k=k, pool=8, others=False, name="in-domain 8"),
        Arm("always", k=k, pool=32, others=False, name="in-domain 32"),
        Arm("always", k=k, pool=None, others=False, name="in-domain all"),
        Arm("nearest", k=k, name="out-domain NN"),
        Arm("paper", "nn_bm25", k=k, name="out-domain NN + BM25"),
        Arm("paper", "diverse_nn_bm25", k=k, name="out-domain diverse NN + BM25"),
        Arm("calibrated", k=k, pool=None, name="judge"),
    )
    # The paper knows examples alone.
    alone = [replace(arm, precedents=False) for arm in arms]
    return (*alone, Arm("calibrated", k=k, pool=None, precedents=True, name="judge and precedents"))


def nearest(case: Case) -> Verdict:
    """A judge that shows the nearest examples of all stores, whatever they are."""
    return Verdict("out_domain", f"the nearest of {len(case.evidence)} stores", bm25_share=0.0)
