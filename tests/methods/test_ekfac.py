"""EK-FAC against an explicit matrix for each layer, and K-FAC and EK-FAC against kronfluence."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy import ndarray
from safetensors.torch import save_file
from torch import Tensor, nn

from tests.gradients.plain import adapted
from tests.methods.test_kfac import kronecker_oracle, scored
from tests.tiny import tiny_llama
from whence.gradients.subject import Compute, Subject
from whence.gradients.trajectory import Checkpoint, Trajectory
from whence.methods import contract
from whence.methods.contract_subject import own_queries, tiny_examples, tiny_tokenizer
from whence.methods.ekfac import EkfacInfluence
from whence.methods.kfac import KfacInfluence
from whence.models.adapter import trainable_weights


def test_whole_gradients_agree_with_the_formula_written_out(tmp_path: Path):
    contract.check_formula(EkfacInfluence(sketch=0), kronecker_oracle(True, "sampled"), tmp_path)


@pytest.mark.filterwarnings("ignore:.*GradScaler:FutureWarning")  # kronfluence makes one, switched off
@pytest.mark.parametrize("strategy", ["kfac", "ekfac"])
@pytest.mark.parametrize("kind", ["full", "lora"])
def test_scores_agree_with_kronfluence(kind: str, strategy: str, tmp_path: Path):
    pytest.importorskip("kronfluence", reason="needs kronfluence 1.0.1, which is installed apart")
    model = tiny_llama() if kind == "full" else adapted(tiny_llama())
    subject = standing(model, tmp_path)
    method = {"kfac": KfacInfluence, "ekfac": EkfacInfluence}[strategy](sketch=0, labels="data")
    wanted = of_kronfluence(subject, strategy, tmp_path)
    found = scored(method, subject, own_queries(subject), tmp_path / "index")
    assert found.shape == wanted.shape
    error = np.abs(found - wanted).max(axis=1) / np.abs(wanted).max(axis=1)
    assert error.max() < 1e-4


def standing(model: Any, folder: Path) -> Subject:
    """The contract's examples under a model as it is, which need not have been trained on them."""
    save_file(trainable_weights(model), folder / "weights.safetensors")
    path = Trajectory(model, tiny_tokenizer(), (Checkpoint(1, folder / "weights.safetensors"),))
    return Subject(tiny_examples(), path, Compute(batch_rows=4, rows_per_shard=5))


def of_kronfluence(subject: Subject, strategy: str, folder: Path) -> ndarray:
    """The scores of every example for every example, by kronfluence with the labels of the data."""
    from kronfluence import Analyzer, FactorArguments, ScoreArguments, prepare_model

    task, data = task_of(list(subject.trajectory.layers)), rows_of(subject)
    model = prepare_model(deepcopy(subject.trajectory.model), task)
    analyzer = Analyzer("peer", model, task, cpu=True, disable_tqdm=True, output_dir=str(folder / "kronfluence"))
    factors = FactorArguments(strategy=strategy, use_empirical_fisher=True)
    analyzer.fit_all_factors("factors", data, per_device_batch_size=4, factor_args=factors)
    analyzer.compute_pairwise_scores(
        "scores",
        "factors",
        data,
        data,
        per_device_query_batch_size=4,
        per_device_train_batch_size=4,
        score_args=ScoreArguments(damping_factor=None),
    )
    return analyzer.load_pairwise_scores("scores")["all_modules"].double().numpy()


def task_of(names: list[str]) -> Any:
    """What kronfluence differentiates: the summed loss of the labelled tokens, as training and as query."""
    from kronfluence import Task

    class AnswerLoss(Task):
        def compute_train_loss(self, batch: Any, model: nn.Module, sample: bool = False) -> Tensor:
            assert not sample
            logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False).logits
            return nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), batch["labels"].flatten(), reduction="sum")

        def compute_measurement(self, batch: Any, model: nn.Module) -> Tensor:
            return self.compute_train_loss(batch, model)

        def get_influence_tracked_modules(self) -> list[str]:
            return names

        def get_attention_mask(self, batch: Any) -> Tensor:
            return batch["attention_mask"]

    return AnswerLoss()


def rows_of(subject: Subject) -> Any:
    """The examples as kronfluence reads them, padded to one length."""
    items = [subject.examples.tokens(i) for i in range(len(subject.examples))]
    length = max(len(tokens.input_ids) for tokens in items)
    return [
        {
            "input_ids": torch.tensor(tokens.input_ids + (0,) * (length - len(tokens.input_ids))),
            "attention_mask": torch.tensor([t < len(tokens.input_ids) for t in range(length)]).long(),
            "labels": torch.tensor(tokens.labels[1:] + (-100,) * (length - len(tokens.labels))),
        }
        for tokens in items
    ]
