"""Starting must be quick: importing the package or asking for help loads no framework."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "chromadb", "numpy", "rich", "openai", "llguidance", "jieba")


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=True)


def test_importing_the_package_is_quick() -> None:
    totals = []
    for _ in range(3):
        report = _python("-X", "importtime", "-c", "import ranit_rag").stderr
        (total,) = re.findall(r"\| +(\d+) \| ranit_rag$", report, re.MULTILINE)
        totals.append(int(total) / 1000)
    assert min(totals) <= 100, f"milliseconds: {totals}"


@pytest.mark.parametrize(
    "code",
    [
        "import ranit_rag",
        "from ranit_rag.cli.main import main; sys.argv[1:] = ['--help']; main()",
        "from ranit_rag.cli.main import main; sys.argv[1:] = ['extract', '--help']; main()",
        "from ranit_rag.cli.main import main; sys.argv[1:] = ['store', '--help']; main()",
    ],
)
def test_no_framework_is_loaded(code: str) -> None:
    report = "atexit.register(lambda: sys.stderr.write(json.dumps([m for m in sys.modules])))"
    modules = json.loads(_python("-c", f"import atexit, json, sys; {report}; {code}").stderr)
    assert "ranit_rag" in modules
    assert not set(HEAVY) & set(modules)


def test_help_lists_the_commands_and_the_version_is_told() -> None:
    shown = _python("-m", "ranit_rag", "--help").stdout
    assert re.search(r"^  extract +\w", shown, re.MULTILINE)
    assert re.search(r"^  demo +\w", shown, re.MULTILINE)
    assert re.fullmatch(r"ranit, version \d+\.\d+\.\d+\n", _python("-m", "ranit_rag", "--version").stdout)
