"""A model folder from a stranger: it may hold nonsense, but loading it runs none of its code."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest

from ranit_rag.engines.checkpoint import embedded_model
from ranit_rag.engines.transformers import TransformersEngine
from ranit_rag.errors import EngineError, RanitError
from ranit_rag.prompts.conversation import Conversation, Message, Query

CODE = "from pathlib import Path\nPath({mark!r}).touch()\nclass Custom: pass\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(embedded_model(), tmp_path / "model"))


def change(path: Path, **fields: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


@pytest.mark.parametrize("model_type", ["custom", None])
def test_code_beside_the_weights_is_not_run(folder: Path, tmp_path: Path, model_type: str | None) -> None:
    (folder / "modeling_custom.py").write_text(CODE.format(mark=str(tmp_path / "ran")))
    classes = {"AutoConfig": "modeling_custom.Custom", "AutoModelForCausalLM": "modeling_custom.Custom"}
    change(folder / "config.json", auto_map=classes, **({"model_type": model_type} if model_type else {}))
    change(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["modeling_custom.Custom", None]})
    try:
        TransformersEngine(folder)
    except EngineError as error:
        assert str(folder) in error.message  # noqa: PT017 — a known architecture loads without its code
    assert not (tmp_path / "ran").exists()


class Touch:
    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self._mark),))


def test_weights_that_are_a_program_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Touch(tmp_path / "ran")))
    with pytest.raises(EngineError, match="cannot load"):
        TransformersEngine(folder)
    assert not (tmp_path / "ran").exists()


def test_a_chat_template_cannot_reach_python(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    attack = "{{ ''.__class__.__mro__[1].__subclasses__() }}{{ cycler.__init__.__globals__.os.mkdir('MARK') }}"
    attack = attack.replace("MARK", str(mark))
    (folder / "chat_template.jinja").write_text(attack)
    conversation = Conversation((Message("user", "Text: Bob"), Message("assistant", "Read.")), (Query("Who?", ("x",)),))
    try:
        reply = TransformersEngine(folder).generate([conversation])[0]
    except RanitError as error:
        assert error.hint  # noqa: PT017
    else:
        assert reply.error is not None
    assert not mark.exists()
