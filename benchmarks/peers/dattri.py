"""dattri: LoGra (arXiv:2405.13954), TRAK (arXiv:2303.14186) at the last checkpoint, TracIn (arXiv:2002.08484) at all.

LoGra and TRAK keep a projected gradient for each pair; TracIn stores nothing and goes over all pairs for every
question.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from dattri.algorithm.logra import LoGraAttributor
from dattri.algorithm.tracin import TracInAttributor
from dattri.algorithm.trak import TRAKAttributor
from dattri.task import AttributionTask
from peft import PeftModel
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.data import DataLoader

from benchmarks.peers.material import (
    Job,
    Outcome,
    adapter_layers,
    answer_losses,
    collate,
    load,
    main,
    summed_loss,
    timed,
)

BATCH = 8
MANY = 32
"""Pairs or questions at once for TracIn, which measures every question again for each batch of pairs."""
LOGRA = 256
"""16 × 16 numbers a layer; the library's own 4,096 would need a 4,096 × 4,096 inverse for each of the 112 layers."""
DAMPING = 0.1
"""Of LoGra, as a share of the mean eigenvalue, as in its paper; the library's own 1e-5 is next to none."""
TRAK = 64
"""Fewer numbers than pairs: TRAK inverts their covariance without damping."""
TRACIN = 512
"""The library's own."""


class Losing(nn.Module):
    """A model that returns its loss, summed over the answers, as the library expects it of `transformers` models."""

    def __init__(self, model: PeftModel) -> None:
        super().__init__()
        self.inner = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> Any:
        """The loss, under the name that the library reads."""
        batch = {"input_ids": input_ids, "attention_mask": attention_mask, "labels": labels}
        return type("Output", (), {"loss": summed_loss(self.inner, batch)})


def batches(rows: list[dict[str, list[int]]], pad: int) -> DataLoader[dict[str, Tensor]]:
    """Conversations in order, in batches."""
    return DataLoader(rows, batch_size=BATCH, collate_fn=lambda part: collate(part, pad))  # type: ignore[arg-type]


def stacked(
    rows: list[dict[str, list[int]]], pad: int, width: int, size: int = BATCH
) -> DataLoader[tuple[Tensor, ...]]:
    """Conversations as tuples of tensors, all padded to one width."""
    filler = {"input_ids": [pad] * width, "labels": [-100] * width}

    def together(part: list[dict[str, list[int]]]) -> tuple[Tensor, ...]:
        return tuple(value[:-1] for value in collate([*part, filler], pad).values())

    return DataLoader(rows, batch_size=size, collate_fn=together)  # type: ignore[arg-type]


def logra(job: Job) -> Outcome:
    """LoGra with the inverse Fisher of the projected gradients, layer by layer."""
    model = Losing(load(job))

    def loss(module: nn.Module, batch: Mapping[str, Tensor], device: str) -> Tensor:
        return module(**batch).loss

    task = AttributionTask(loss, model, model.state_dict())
    layers = adapter_layers(model)
    attributor = LoGraAttributor(task, layers, damping=DAMPING, proj_dim=LOGRA)
    train = batches(job.train, job.pad)
    _, build = timed(lambda: attributor.cache(train))

    def ask(queries: list[dict[str, list[int]]]) -> Tensor:
        return attributor.attribute(train, batches(queries, job.pad)).T

    _, one = timed(lambda: ask(job.queries[:1]))
    scores, every = timed(lambda: ask(job.queries))
    stored = 2 * 4 * LOGRA * len(layers) * len(job.train) + 4 * LOGRA**2 * len(layers)
    settings = {"proj_dim": LOGRA, "damping": DAMPING, "hessian": "eFIM"}
    return Outcome(scores.numpy(), build, every / len(job.queries), one, stored, settings)


def functional(model: PeftModel, of_loss: Callable[[Tensor], Tensor]) -> Callable[[Any, tuple[Tensor, ...]], Tensor]:
    """A function of the adapter's weights and one conversation, made of its loss."""

    def call(weights: dict[str, Tensor], data: tuple[Tensor, ...]) -> Tensor:
        ids, mask, labels = (part.reshape(1, -1) for part in data)
        inputs = {"input_ids": ids, "attention_mask": causal(mask, ids.shape[1]), "use_cache": False}
        logits = functional_call(model, weights, (), inputs).logits
        return of_loss(answer_losses(logits, labels)[0])

    return call


def causal(mask: Tensor, width: int) -> Tensor:
    """The attention mask written out, added to the attention: under vmap it cannot be derived from values."""
    seen = torch.ones(width, width, dtype=torch.bool).tril() & mask.bool()[:, None, None, :]
    return torch.zeros(1, 1, width, width).masked_fill(~seen, torch.finfo(torch.float32).min)


def weights_at(folder: str) -> dict[str, Tensor]:
    """A point's adapter, by parameter name."""
    found = load_file(f"{folder}/adapter_model.safetensors")
    return {name.removesuffix(".weight") + ".default.weight": value for name, value in found.items()}


def put(model: PeftModel, weights: dict[str, Tensor]) -> PeftModel:
    """The model with a point's adapter in it."""
    model.load_state_dict(weights, strict=False)
    return model.eval()


@torch.no_grad()  # gradients are taken by torch.func; a graph here would only cost memory
def trak(job: Job) -> Outcome:
    """TRAK's features are gradients of log(p / (1 - p)), p the probability of the whole answer."""
    model, width = load(job), longest(job)
    odds = functional(model, lambda loss: -loss - torch.log1p(-torch.exp(-loss).clamp(max=1 - 1e-6)))
    chance = functional(model, lambda loss: torch.exp(-loss))
    task = AttributionTask(odds, model, [weights_at(job.adapter)], checkpoints_load_func=put)
    attributor = TRAKAttributor(task, lambda weights, data: chance(weights, data), {"proj_dim": TRAK})
    _, build = timed(lambda: attributor.cache(stacked(job.train, job.pad, width)))

    def ask(queries: list[dict[str, list[int]]]) -> Tensor:
        return attributor.attribute(stacked(queries, job.pad, width)).T

    _, one = timed(lambda: ask(job.queries[:1]))
    scores, every = timed(lambda: ask(job.queries))
    stored = 4 * (TRAK + 1) * len(job.train)
    return Outcome(scores.numpy(), build, every / len(job.queries), one, stored, {"proj_dim": TRAK})


@torch.no_grad()
def tracin(job: Job) -> Outcome:
    """TracIn at all recorded points, weighted by the learning rates of each."""
    model, width = load(job), longest(job)
    loss = functional(model, lambda loss: loss)
    points = [weights_at(point.folder) for point in job.points]
    task = AttributionTask(loss, model, points, checkpoints_load_func=put)
    rates = torch.tensor([point.weight for point in job.points])
    attributor = TracInAttributor(task, rates, normalized_grad=False, projector_kwargs={"proj_dim": TRACIN})

    def ask(queries: list[dict[str, list[int]]]) -> Tensor:
        train, asked = (stacked(rows, job.pad, width, MANY) for rows in (job.train, queries))
        return attributor.attribute(train, asked).T

    _, one = timed(lambda: ask(job.queries[:1]))
    scores, every = timed(lambda: ask(job.queries))
    settings = {"proj_dim": TRACIN, "checkpoints": len(points)}
    return Outcome(scores.numpy(), 0.0, every / len(job.queries), one, 0, settings)


def longest(job: Job) -> int:
    """Tokens of the longest conversation."""
    return max(len(row["input_ids"]) for row in [*job.train, *job.queries])


VARIANTS = {"logra": logra, "trak": trak, "tracin": tracin}

if __name__ == "__main__":
    main(VARIANTS)
