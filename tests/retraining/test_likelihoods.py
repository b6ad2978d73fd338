import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.methods.oracles import answer_log_p
from tests.training.runs import ANSWERS, COLOURS
from whence.data.tokenize import tokenize
from whence.errors import MethodError
from whence.models.base import load
from whence.retraining.likelihoods import RetrainedModels, read_values, tokens_key, values_file
from whence.retraining.retrainings import Retrainings
from whence.retraining.subsets import Subset
from whence.training.run import Run
from whence.types import Query, Tokens

QUERIES = [Query.of(f"Who lives in the {COLOURS[i]} box?", ANSWERS[i], id=str(i)) for i in range(3)]


def by_hand(run: Run, weights: dict[str, torch.Tensor], query: Query) -> float:
    """The query's log p, with the weights put into a model of its own."""
    path = run.on(load(run.base_folder, dtype=torch.float32))
    named = dict(path.model.named_parameters())
    for name, weight in weights.items():
        named[name].data.copy_(weight)
    with torch.no_grad():
        return float(answer_log_p(path.model, tokenize(query, path.tokenizer)))


def test_values_are_those_of_the_retrained_models(learned: Run, parts: list[Subset], models: RetrainedModels):
    found = models.under(parts[:2], QUERIES)
    for row, part in zip(found, parts[:2], strict=True):
        wanted = [by_hand(learned, Retrainings(learned).weights(part), query) for query in QUERIES]
        assert row.tolist() == pytest.approx(wanted, abs=1e-3)
    end = load_file(learned.trajectory.last.weights)
    assert models.own(QUERIES).tolist() == pytest.approx([by_hand(learned, end, query) for query in QUERIES], abs=1e-3)


def test_each_is_measured_once_and_a_new_query_adds_its_own(
    learned: Run, parts: list[Subset], models: RetrainedModels, monkeypatch: pytest.MonkeyPatch
):
    first = models.under(parts, QUERIES[:2])
    measured: list[int] = []
    measure = RetrainedModels._measured

    def counted(self: RetrainedModels, subset: Subset, items: list[Tokens]) -> list[float]:
        measured.append(len(items))
        return measure(self, subset, items)

    monkeypatch.setattr(RetrainedModels, "_measured", counted)
    new = Query.of("Who lives in the wet box?", "Ant.")
    again = models.under(parts, [new, *QUERIES[:2], new])
    assert measured == [1] * len(parts)
    assert np.array_equal(again[:, 1:3], first)
    assert np.array_equal(again[:, 0], again[:, 3])
    assert np.array_equal(models.under(parts, [new])[:, 0], again[:, 0])
    assert measured == [1] * len(parts)


def test_afterwards_the_model_stands_at_the_end_of_its_run(parts: list[Subset], models: RetrainedModels):
    before = models.own(QUERIES)
    models.under(parts[:1], [Query.of("Who lives in the dry box?", "Bee.")])
    assert np.array_equal(models.own(QUERIES), before)


def test_a_key_differs_with_the_tokens_and_with_what_is_the_answer():
    keys = {tokens_key(Tokens((1, 2, 3), labels)) for labels in ((-100, 2, 3), (-100, -100, 3))}
    assert len(keys | {tokens_key(Tokens((1, 2, 4), (-100, 2, 3)))}) == 3


def test_an_empty_answer_is_refused(models: RetrainedModels, parts: list[Subset]):
    with pytest.raises(MethodError, match="must not be empty"):
        models.under(parts, [Query.of("Who?", " ")])


def test_without_a_file_nothing_is_known(learned: Run):
    assert read_values(values_file(Retrainings(learned), Subset((0,), 99))) == {}
