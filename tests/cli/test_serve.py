"""What ``ranit serve`` refuses before it loads anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.conftest import Run


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--port", "65536"], "65536 is not in the range 0<=x<=65535"),
        (["--port", "-1"], "-1 is not in the range 0<=x<=65535"),
        (["--host", "0.0.0.0"], "give --keys FILE or set RANIT_KEYS"),
        (["--host", "::"], "give --keys FILE or set RANIT_KEYS"),
        (["--keys", "missing.toml"], "'missing.toml' does not exist"),
        (["--queue", "0"], "the limit queue is 0"),
        (["--deadline", "-1"], "the limit deadline is -1.0"),
        (["--max-body", "0"], "the limit body_bytes is 0"),
        (["--batch-wait", "-1"], "the limit batch_wait is -0.001"),
    ],
)
def test_options_that_cannot_be_are_refused(run: Run, options: list[str], told: str) -> None:
    result = run("serve", *options)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_a_secret_that_is_too_short_is_refused(run: Run) -> None:
    Path("keys.toml").write_text('[clinic]\nsecret = "short"\n')
    result = run("serve", "--keys", "keys.toml")
    assert result.exit_code == 2
    assert "has 5 characters" in result.stderr


def test_mcp_takes_the_same_ports(run: Run) -> None:
    assert "is not in the range" in run("mcp", "--http", "--port", "65536").stderr
