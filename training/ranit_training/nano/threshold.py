"""How sure the model must be to answer that a text has nothing of a type.

Training sets disagree on what belongs to a type, and long training makes a model sure of what it has seen: of new texts
it says too often that there is nothing, ``[]``. That answer's one token is made less likely everywhere by the same
factor: its embedding, which is its row of the output layer too, is moved so that its logit behind questions falls by
``shift`` (ridge regression on the states there). No engine needs to know of it.

``python -m ranit_training.nano.threshold FILE … --model DIR --shift 3 -o DIR`` reads annotated sets, best such that the
model has not seen.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ranit_rag.errors import DataError
from ranit_rag.evaluation.data_sets import EvaluationSet
from ranit_rag.prompts import load_profile
from ranit_rag.prompts.conversation import Message
from ranit_rag.types import EntityType
from ranit_training.calibration.finding import read_sets
from ranit_training.nano import branches
from ranit_training.nano.branches import encode_branched
from ranit_training.nano.encode import prompts
from ranit_training.nano.episodes import PROFILES
from ranit_training.nano.model import read_model, write_model
from ranit_training.sft.dialogues import Dialogue

EMPTY = "[]"
RIDGE = 1e-3  # of the mean square of a state's component
LONGEST = 2048


def lower_logit(model: Any, states: torch.Tensor, token: int, shift: float) -> float:
    """Lower the logit of ``token`` by ``shift`` where the model is in ``states`` ``[n, hidden]``; the embedding changes
    in place. Returns the standard deviation, over the states, of the change of the logit."""
    states = states.double()
    penalty = RIDGE * states.square().mean() * len(states)
    gram = states.T @ states + penalty * torch.eye(states.shape[1], dtype=torch.float64)
    change = torch.linalg.solve(gram, states.T @ torch.full((len(states),), -shift, dtype=torch.float64))
    with torch.no_grad():
        model.get_input_embeddings().weight[token] += change.float()
    return float((states @ change).std())


@torch.no_grad()
def question_states(model: Any, sets: Sequence[EvaluationSet]) -> tuple[torch.Tensor, int]:
    """The states ``[n, hidden]`` behind every text's questions, and the token that answers that there is nothing."""
    found, tokens = [], set()
    for dialogue in _dialogues(sets):
        row = encode_branched(dialogue, prompts(), LONGEST)
        if row is None:
            continue
        codes = torch.from_numpy(branches.codes([row]))[None]
        out = model.model(
            input_ids=torch.from_numpy(row.ids.astype(np.int64))[None],
            position_ids=torch.from_numpy(row.positions)[None],
            attention_mask=branches.dense_mask(codes),
            use_cache=False,
        ).last_hidden_state[0]
        firsts = np.flatnonzero(row.learned & ~np.roll(row.learned, 1))
        found.append(out[torch.from_numpy(firsts - 1)])
        tokens.update(row.ids[firsts].tolist())
    if not found:
        raise DataError("no text of the sets fits into the context", hint="give sets with shorter texts")
    (token,) = tokens
    return torch.cat(found), token


def _dialogues(sets: Sequence[EvaluationSet]) -> Iterator[Dialogue]:
    for each in sets:
        profile = load_profile(PROFILES[each.language])
        types = [EntityType(name) for name in each.types]
        for example in each.examples:
            asked = profile.conversation(example.text, types, [])
            turns = list(asked.prefix)
            for query in asked.queries:
                turns += [Message("user", query.content), Message("assistant", EMPTY)]
            yield Dialogue(example.id, tuple(turns), has_examples=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--shift", type=float, required=True, help="nats")
    parser.add_argument("--sample", type=int, default=100, help="texts of each set")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    model = read_model(options.model).eval()
    states, token = question_states(model, read_sets(options.files, sample=options.sample))
    spread = lower_logit(model, states, token, options.shift)
    write_model(model, options.output)
    print(f"{len(states):,} questions: the logit of {EMPTY} falls by {options.shift:g} (spread {spread:.2f})")


if __name__ == "__main__":
    main()
