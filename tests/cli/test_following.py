"""Whoever starts a corpus run sees how far it is, at a terminal and in the log of a night."""

from __future__ import annotations

import io
import re

import pytest

from ranit_rag.cli.following import EVERY, followed
from ranit_rag.corpus import Corpus, Prices
from ranit_rag.corpus.run import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def corpus(size: int) -> Corpus:
    made = Corpus([])
    made.size = size
    return made


def progress(records: int, *, asked: int, failed: int = 0) -> Progress:
    return Progress(records, asked, failed, {"prompt_tokens": 1000 * asked, "output_tokens": 10 * asked})


def test_a_terminal_shows_a_bar_with_rate_tokens_cost_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    read, terminal = corpus(1000), Terminal()
    with followed(read, Prices(prompt=5.0), terminal) as show:
        for place in (100, 250):
            read.position = place
            show(progress(place, asked=place, failed=2))
    last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue()).replace("\r", "\n").strip().splitlines()[-1]
    assert re.search(
        r"25 % 250 records · [\d.]+/s · 2 failed · 252,500 tokens · cost 1\.25 \d:\d\d:\d\d (\d:\d\d:\d\d|-:--:--)",
        last,
    ), last


def test_a_log_has_a_line_each_minute_with_the_time_left() -> None:
    read, log, clock = corpus(1000), io.StringIO(), Clock()
    with followed(read, Prices(prompt=5.0), log, clock=clock) as show:
        read.position = 400  # of an earlier run
        show(progress(400, asked=0))
        show(progress(401, asked=1))
        for minute in (1, 2):
            clock.now = EVERY * minute
            read.position = 400 + 100 * minute
            show(progress(read.position, asked=60 * minute))
            clock.now += 1
            show(progress(read.position, asked=60 * minute + 1))
    assert log.getvalue().splitlines() == [
        "50% · 500 records · 1.0/s · 60,600 tokens · cost 0.30 · 0:05:00 left",
        "60% · 600 records · 1.0/s · 121,200 tokens · cost 0.60 · 0:04:00 left",
    ]


def test_an_input_without_a_size_has_no_time_left() -> None:
    log, clock = io.StringIO(), Clock()
    with followed(corpus(0), None, log, clock=clock) as show:
        clock.now = EVERY
        show(progress(3, asked=3))
    assert log.getvalue() == "3 records · 0.1/s · 3,030 tokens\n"
