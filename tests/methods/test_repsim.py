from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy import ndarray

from tests.methods import oracles
from whence.errors import MethodError
from whence.gradients.likelihood import passes
from whence.gradients.subject import Compute, Subject
from whence.methods.contract import built, check_formula
from whence.methods.repsim import RepSim, answers, hidden_width, last_states
from whence.types import Query, Tokens


def repsim_oracle(pool: str) -> oracles.Oracle:
    def scores(subject: Subject, queries: Sequence[Query]) -> ndarray:
        oracles.stand_at(subject, subject.trajectory.last)
        train = [vector(subject, tokens) for tokens in oracles.train_tokens(subject)]
        asked = [vector(subject, tokens) for tokens in oracles.tokens_of(subject, queries)]
        return np.array([[q @ v / np.linalg.norm(q) / np.linalg.norm(v) for v in train] for q in asked])

    @torch.no_grad()
    def vector(subject: Subject, tokens: Tokens) -> ndarray:
        model: Any = subject.trajectory.model
        states = model(torch.tensor([tokens.input_ids]), output_hidden_states=True).hidden_states[-1][0].double()
        own = [states[t].numpy() for t, label in enumerate(tokens.labels) if t and label != -100]
        return own[-1] if pool == "last" else sum(own, np.zeros(states.shape[1])) / len(own)

    return scores


@pytest.mark.parametrize("pool", ["mean", "last"])
def test_scores_agree_with_the_formula_written_out(pool: str, tmp_path: Path) -> None:
    check_formula(RepSim(pool), repsim_oracle(pool), tmp_path)


@pytest.mark.parametrize("padding", ["left", "right"])
def test_answers_are_where_their_own_tokens_stand(subject: Subject, padding: Any) -> None:
    items = oracles.train_tokens(subject)[:4]
    for chosen, batch in passes(subject.trajectory, items, Compute(padding=padding)):
        marked = [batch.input_ids[row][answers(batch)[row]].tolist() for row in range(batch.rows)]
        assert marked == [[y for y in items[i].labels[1:] if y != -100] for i in chosen]


def test_the_states_are_those_before_the_logits(subject: Subject) -> None:
    model = cast(Any, subject.trajectory.model)
    (_, batch), *_ = passes(subject.trajectory, oracles.train_tokens(subject)[:3], Compute())
    states = last_states(model, batch)
    with torch.no_grad():
        logits = model(batch.input_ids, batch.attention_mask, position_ids=batch.position_ids).logits
        torch.testing.assert_close(model.get_output_embeddings()(states), logits)
    assert states.shape[2] == hidden_width(subject.trajectory) == 32


def test_a_part_of_an_answer_is_compared_by_its_own_tokens(subject: Subject, tmp_path: Path) -> None:
    query = Query.of("Who keeps the lamp?", "Old Marta of the north pier.", id="whole")
    part = replace(query, selected=(4, 9))
    index = built(RepSim(), subject, tmp_path / "index")
    found = index.scores([query, part])
    np.testing.assert_allclose(found[1], repsim_oracle("mean")(subject, [part])[0], atol=2**-8)
    assert not np.allclose(found[0], found[1], atol=0.1)


def test_another_pool_is_refused() -> None:
    with pytest.raises(MethodError, match=r"mean, last \(found 'max'\)"):
        RepSim("max")
