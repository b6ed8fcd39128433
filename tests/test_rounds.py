"""A long text is asked in rounds: its prompts and answers never fill the memory, and nothing shows of the seams."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ranit_rag import Conversation, Failure, Ranit, Reply, Request, rounds
from ranit_rag.errors import EngineError, ServerError
from ranit_rag.testing import ScriptedEngine

TEXT = "".join(f"Aspirin, the Aspirin of day {n}. " for n in range(200))


class Counting(ScriptedEngine):
    """Knows how many conversations came at once; breaks down, or loses a reply, when it is called for the n-th time."""

    def __init__(self, *, broken: int | None = None, short: int | None = None) -> None:
        failing = {("day 150", "drug"): ServerError("the server hung up")} if broken == -1 else {}
        super().__init__({**failing, ("Aspirin", "drug"): ["Aspirin", "Aspirin of day"]}, window=100)
        self.sizes: list[int] = []
        self._broken, self._short = broken, short

    def generate(self, conversations: Sequence[Conversation], *, max_tokens: int = 256) -> list[Reply]:
        self.sizes.append(len(conversations))
        if len(self.sizes) == self._broken:
            raise RuntimeError("the graphics card fell off")
        replies = super().generate(conversations, max_tokens=max_tokens)
        return replies[1:] if len(self.sizes) == self._short else replies


@pytest.fixture
def small_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "_CHARACTERS_AT_ONCE", 500)


def test_rounds_change_nothing_but_what_is_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Ranit(Counting(), judge="never").extract(TEXT, ["drug"])
    monkeypatch.setattr(rounds, "_CHARACTERS_AT_ONCE", 500)
    engine = Counting()
    parted = Ranit(engine, judge="never").extract(TEXT, ["drug"])
    assert max(engine.sizes) <= 6
    assert len(engine.sizes) > 10
    assert (parted.entities, parted.decisions, parted.dropped) == (whole.entities, whole.decisions, whole.dropped)
    assert len(whole.entities) == 400
    assert parted.coverage == 1.0
    assert parted.usage.calls == whole.usage.calls


@pytest.mark.usefixtures("small_rounds")
async def test_a_long_text_is_awaited_in_rounds_too() -> None:
    engine = Counting()
    extraction = await Ranit(engine, judge="never").aextract(TEXT, ["drug"])
    assert len(engine.sizes) > 10
    assert len(extraction.entities) == 400


@pytest.mark.usefixtures("small_rounds")
def test_a_text_that_fails_half_way_is_not_asked_to_its_end_and_costs_no_other() -> None:
    engine = Counting(broken=-1)
    texts = ["Aspirin", TEXT, "more Aspirin"]
    first, long, last = Ranit(engine, judge="never").extract_batch([Request(text, ["drug"]) for text in texts])
    assert isinstance(long, Failure)
    assert isinstance(long.error, ServerError)
    assert 0 < long.usage.calls < 100
    assert not any("day 190" in (asked.source or "") for asked in engine.conversations)
    assert [len(each.entities) for each in (first, last) if not isinstance(each, Failure)] == [1, 1]


@pytest.mark.usefixtures("small_rounds")
@pytest.mark.parametrize("engine", [Counting(broken=2), Counting(short=2)])
def test_an_engine_that_breaks_down_in_a_later_round_fails_the_text(engine: Counting) -> None:
    with pytest.raises((RuntimeError, EngineError), match=r"graphics card|gave \d replies to \d conversations"):
        Ranit(engine, judge="never").extract(TEXT, ["drug"])
    assert len(engine.sizes) == 2
