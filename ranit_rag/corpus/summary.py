"""What a run came to: counts over its rows, whoever wrote them and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ranit_rag.errors import InputError
from ranit_rag.results import Extraction, Failure

Row = Mapping[str, Any]
_TOKENS = ("prompt_tokens", "cached_tokens", "output_tokens", "calls")


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens cost, in the currency of your choice; ``cached`` None: as other tokens of a prompt."""

    prompt: float = 0.0
    output: float = 0.0
    cached: float | None = None

    def __post_init__(self) -> None:
        for name in ("prompt", "output", "cached"):
            if (getattr(self, name) or 0.0) < 0:
                raise InputError(f"the price of {name} tokens is {getattr(self, name)}", hint="it cannot be negative")

    def cost(self, tokens: Mapping[str, int]) -> float:
        """The cost of ``prompt_tokens`` (of which ``cached_tokens`` were cached) and ``output_tokens``."""
        cached = tokens.get("cached_tokens", 0)
        fresh = tokens.get("prompt_tokens", 0) - cached
        of_cached = self.prompt if self.cached is None else self.cached
        return (fresh * self.prompt + cached * of_cached + tokens.get("output_tokens", 0) * self.output) / 1_000_000


@dataclass(slots=True)
class Tally:
    """Counts of rows and failures, as they are written or found."""

    records: int = 0
    characters: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    entities: Counter[str] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, result: Extraction | Failure) -> Tally:
        """The counts of one result, less its usage."""
        if isinstance(result, Failure):
            return cls(records=1, failures=Counter([type(result.error).__name__]))
        return cls(
            records=1,
            characters=len(result.text),
            entities=Counter(entity.label for entity in result.entities),
            routes=Counter(decision.route for decision in result.decisions),
            dropped=Counter(dropped.reason for dropped in result.dropped),
        )

    @classmethod
    def of_row(cls, row: Row) -> Tally:
        """The counts of a row of a part, or of its failures, less its usage."""
        if "error" in row:
            return cls(records=1, failures=Counter([row["error"]["type"]]))
        return cls(
            records=1,
            characters=len(row["text"]),
            entities=Counter(entity["label"] for entity in row["entities"]),
            routes=Counter(decision["route"] for decision in row["decisions"]),
            dropped=Counter(dropped["reason"] for dropped in row["dropped"]),
        )

    @classmethod
    def from_dict(cls, counts: Mapping[str, Any]) -> Tally:
        """What ``to_dict`` made."""
        tally = cls()
        for name, value in counts.items():
            setattr(tally, name, Counter(value) if isinstance(value, dict) else value)
        return tally

    def to_dict(self) -> dict[str, Any]:
        """As JSON, less what is nothing."""
        return {each.name: value for each in fields(self) if (value := getattr(self, each.name))}

    def spend(self, usage: Mapping[str, Any]) -> None:
        """Count the usage of a row."""
        self.tokens.update({name: usage[name] for name in _TOKENS})
        self.seconds.update(usage["seconds"])

    def add(self, other: Tally) -> None:
        """Count all that another one counted."""
        self.records += other.records
        self.characters += other.characters
        for name in ("failures", "entities", "routes", "dropped", "tokens", "seconds"):
            getattr(self, name).update(getattr(other, name))


@dataclass(frozen=True, slots=True)
class Summary:
    """A run at its end. ``tally`` covers the whole corpus; ``asked`` and ``seconds`` are of this run alone."""

    tally: Tally
    asked: int
    seconds: float
    skipped: tuple[str, ...] = ()
    prices: Prices | None = None

    @property
    def failed(self) -> int:
        return self.tally.failures.total()

    def to_dict(self) -> dict[str, Any]:
        """``summary.json``. Tokens are those of answers that came: what a broken request cost, no client can know."""
        tally = self.tally
        tokens = {name: tally.tokens[name] for name in _TOKENS}
        cost = {} if self.prices is None else {"cost": round(self.prices.cost(tokens), 6)}
        return {
            "records": tally.records,
            "succeeded": tally.records - self.failed,
            "failed": self.failed,
            "failures": dict(tally.failures.most_common()),
            "characters": tally.characters,
            "entities": dict(tally.entities.most_common()),
            "routes": dict(tally.routes.most_common()),
            "dropped": dict(tally.dropped.most_common()),
            "tokens": tokens,
            **cost,
            "engine_seconds": {name: round(value, 3) for name, value in tally.seconds.items()},
            "skipped_files": list(self.skipped),
            "this_run": {"asked": self.asked, "seconds": round(self.seconds, 3)},
        }
