"""The measured quantity: the summed log-probability of an answer's tokens.

    log p(answer | prompt; theta) = sum over t with labels[t] != -100 of log softmax(logits[t - 1])[labels[t]]

Logits are computed at those positions only: the output embedding is the widest layer of a small model, and its
input is cut down before it runs.
"""

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from peft import PeftModel
from torch import Tensor, nn
from transformers import PreTrainedModel

from whence.types import NO_LOSS, Tokens


@dataclass(frozen=True)
class Batch:
    """Padded token rows. `counted[b, t]` marks the positions whose next token belongs to the answer; `targets`
    holds those next tokens and `owner` the row each belongs to, in row-major order."""

    input_ids: Int[Tensor, "row token"]
    attention_mask: Int[Tensor, "row token"]
    position_ids: Int[Tensor, "row token"]
    counted: Bool[Tensor, "row token"]
    targets: Int[Tensor, " answer"]
    owner: Int[Tensor, " answer"]

    @property
    def rows(self) -> int:
        """Number of conversations."""
        return self.input_ids.shape[0]


def collate(items: Sequence[Tokens], pad: int, side: Literal["left", "right"], device: torch.device) -> Batch:
    """The items as one padded batch; the padding side does not change any measured value."""
    width = max(len(item.input_ids) for item in items)
    ids = torch.full((len(items), width), pad)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, NO_LOSS)
    for row, item in enumerate(items):
        length = len(item.input_ids)
        start = width - length if side == "left" else 0
        ids[row, start : start + length] = torch.tensor(item.input_ids)
        labels[row, start + 1 : start + length] = torch.tensor(item.labels[1:])
        mask[row, start : start + length] = 1
    counted = torch.zeros_like(ids, dtype=torch.bool)
    counted[:, :-1] = labels[:, 1:] != NO_LOSS
    owner = torch.arange(len(items)).repeat_interleave(counted.sum(1))
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    parts = (ids, mask, positions, counted, labels[:, 1:][counted[:, :-1]], owner)
    return Batch(*(part.to(device) for part in parts))


@contextmanager
def logits_only_at(model: nn.Module, counted: Bool[Tensor, "row token"]) -> Generator[None]:
    """While open, the model's output embedding sees the counted positions only, as one flat batch."""
    head = output_embedding(model)

    def narrow(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return (inputs[0][counted],)

    handle = head.register_forward_pre_hook(narrow)
    try:
        yield
    finally:
        handle.remove()


def fast_arithmetic(model: nn.Module) -> AbstractContextManager[Any]:
    """While open, float32 adapter weights on a bfloat16 base multiply in bfloat16, as the base does.

    Without it every adapted layer would widen its input to float32; a float32 model is left in float32.
    """
    weight = output_embedding(model).weight
    assert isinstance(weight, Tensor)
    return torch.autocast(weight.device.type, torch.bfloat16, enabled=weight.dtype == torch.bfloat16)


def output_embedding(model: nn.Module) -> nn.Module:
    """The layer that turns hidden states into logits, also under an adapter."""
    inner = model.get_base_model() if isinstance(model, PeftModel) else model
    assert isinstance(inner, PreTrainedModel)
    head = inner.get_output_embeddings()
    assert head is not None
    return head


def answer_logits(model: nn.Module, batch: Batch) -> Float[Tensor, "answer vocabulary"]:
    """Float32 logits at the counted positions, row after row."""
    with logits_only_at(model, batch.counted), fast_arithmetic(model):
        output = model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            position_ids=batch.position_ids,
            use_cache=False,
        )
    return output.logits.float()


def token_log_probabilities(model: nn.Module, batch: Batch) -> Float[Tensor, " answer"]:
    """log p of every answer token, row after row, in nats."""
    logits = answer_logits(model, batch)
    return -nn.functional.cross_entropy(logits, batch.targets, reduction="none")


def log_probabilities(model: nn.Module, batch: Batch) -> Float[Tensor, " row"]:
    """log p(answer | prompt) of every row, in nats."""
    tokens = token_log_probabilities(model, batch)
    return torch.zeros(batch.rows, device=tokens.device).index_add(0, batch.owner, tokens)
