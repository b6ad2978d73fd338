"""kronfluence: EK-FAC influence functions (arXiv:2308.03296) and plain gradient dots, on the adapter's layers.

It stores factors and no gradients: a question costs a pass over all training pairs.
"""

import shutil
from pathlib import Path

import torch
from kronfluence.analyzer import Analyzer, prepare_model
from kronfluence.arguments import FactorArguments, ScoreArguments
from kronfluence.task import Task
from kronfluence.utils.dataset import DataLoaderKwargs
from torch import Tensor, nn
from torch.utils.data import Dataset

from benchmarks.peers.material import (
    Job,
    Outcome,
    adapter_layers,
    answer_losses,
    bytes_in,
    collate,
    load,
    main,
    summed_loss,
    timed,
)

BATCH = 8


class Answers(Task):
    """The answer's loss, for pairs and questions alike."""

    def __init__(self, layers: list[str]) -> None:
        self.layers = layers

    def compute_train_loss(self, batch: dict[str, Tensor], model: nn.Module, sample: bool = False) -> Tensor:
        """The loss of the pairs' answers, or of answers drawn token by token from the model's own distribution."""
        if not sample:
            return summed_loss(model, batch)
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False).logits
        with torch.no_grad():
            drawn = torch.multinomial(logits[:, :-1].softmax(-1).flatten(0, 1), 1).view_as(batch["labels"][:, 1:])
            labels = batch["labels"].clone()
            labels[:, 1:] = drawn.where(labels[:, 1:] != -100, labels[:, 1:])
        return answer_losses(logits, labels).sum()

    def compute_measurement(self, batch: dict[str, Tensor], model: nn.Module) -> Tensor:
        """The same loss: two losses that fall together give a positive score."""
        return summed_loss(model, batch)

    def get_influence_tracked_modules(self) -> list[str]:
        """Both factors of every adapted layer."""
        return self.layers

    def get_attention_mask(self, batch: dict[str, Tensor]) -> Tensor:
        """The mask of tokens that are not padding."""
        return batch["attention_mask"]


class Rows(Dataset[dict[str, list[int]]]):
    """Conversations as a data set."""

    def __init__(self, rows: list[dict[str, list[int]]]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        return self.rows[index]


def influence(job: Job, strategy: str, damping: float | None) -> Outcome:
    """Scores with one kind of factors; damping None is the library's heuristic, a tenth of the mean eigenvalue."""
    model = load(job)
    task = Answers(adapter_layers(model))
    folder = job.folder / f"kronfluence-{strategy}"
    shutil.rmtree(folder, ignore_errors=True)
    analyzer = Analyzer("peer", prepare_model(model, task), task, cpu=True, disable_tqdm=True, output_dir=str(folder))
    analyzer.set_dataloader_kwargs(DataLoaderKwargs(num_workers=0, collate_fn=lambda rows: collate(rows, job.pad)))
    factors, arguments = FactorArguments(strategy=strategy), ScoreArguments(damping_factor=damping)
    train = Rows(job.train)
    _, build = timed(lambda: analyzer.fit_all_factors("factors", train, BATCH, factor_args=factors))
    stored = bytes_in(Path(analyzer.factors_output_dir("factors")))

    def ask(name: str, queries: list[dict[str, list[int]]]) -> Tensor:
        size = min(BATCH, len(queries))
        analyzer.compute_pairwise_scores(name, "factors", Rows(queries), train, size, BATCH, score_args=arguments)
        found = analyzer.load_pairwise_scores(name)
        assert found is not None
        return found["all_modules"]

    _, one = timed(lambda: ask("one", job.queries[:1]))
    scores, every = timed(lambda: ask("all", job.queries))
    settings = {"strategy": strategy, "damping_factor": damping, "batch": BATCH}
    return Outcome(scores.numpy(), build, every / len(job.queries), one, stored, settings)


VARIANTS = {
    "ekfac": lambda job: influence(job, "ekfac", None),
    "identity": lambda job: influence(job, "identity", 1e-8),
}

if __name__ == "__main__":
    main(VARIANTS)
