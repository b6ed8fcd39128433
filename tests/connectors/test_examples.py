"""The example files of the connectors run as they stand, with the embedded model."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "connectors" / "examples"

# What a reader should see at least, whichever model is embedded.
SHOWN = {
    "langchain_extraction.py": [
        "'Paris': 'city'",
        "Darwin wrote to Gray from Down.",
        'AI: [["Darwin", "person"], ["Gray", "person"], ["Down", "city"]]',
    ],
    "agent_loop.py": ["'types': ['person']", '"label": "city"', "model: person: Ada Lovelace, Charles Babbage"],
    "spacy_pipeline.py": ["('Paris', 'city', 0.", "saved, loaded and drawn"],
    "mcp_client.py": ["added: {'added': 1", "progress: 1 of 1", "shown: ['The ship left Plymouth at dawn.']"],
}


@pytest.mark.parametrize("name", SHOWN)
def test_an_example_runs_and_shows_what_it_is_about(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    said = capfd.readouterr().out
    for line in SHOWN[name]:
        assert line in said
