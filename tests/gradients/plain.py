"""The slow and obvious way: one example at a time, unpadded, whole logits, `torch.autograd.grad`; models, data."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tests.tiny import tiny_gpt2, tiny_llama
from whence.gradients.capture import weight_layout
from whence.gradients.measurement import Batch, collate
from whence.models.adapter import put_weights, trainable_weights, with_lora
from whence.types import NO_LOSS, Tokens

PAD = 2  # also a token of the conversations, as with a model that pads with its end token


def adapted(base: Any, size: float = 0.3, dropout: float = 0.0) -> Any:
    """A LoRA model with both factors away from zero."""
    model = with_lora(base, 4, 8, "all-linear", seed=0, dropout=dropout)
    generator = torch.Generator().manual_seed(1)
    put_weights(
        model, {n: size * torch.randn(w.shape, generator=generator) for n, w in trainable_weights(model).items()}
    )
    return model.eval()


MODELS: Mapping[str, Callable[[], Any]] = {
    "llama": tiny_llama,
    "llama-untied": lambda: tiny_llama(tie_word_embeddings=False),
    "gpt2": tiny_gpt2,
    "llama-lora": lambda: adapted(tiny_llama()),
    "gpt2-lora": lambda: adapted(tiny_gpt2()),
}


def conversation(seed: int, length: int, *answers: range) -> Tokens:
    """Random tokens, of which those in `answers` carry loss."""
    ids = torch.randint(2, 259, (length,), generator=torch.Generator().manual_seed(seed)).tolist()
    ids[-1] = PAD
    return Tokens(tuple(ids), tuple(ids[t] if any(t in a for a in answers) else -100 for t in range(length)))


ITEMS = (
    conversation(0, 9, range(5, 9)),
    conversation(1, 14, range(3, 5), range(7, 8), range(11, 14)),
    conversation(2, 2, range(1, 2)),
    conversation(3, 6, range(6)),  # the first token carries a label, but nothing precedes it
    conversation(4, 11, range(4, 7)),
)


def batch_of(items: Sequence[Tokens], side: Any = "right") -> Batch:
    return collate(items, PAD, side, torch.device("cpu"))


def one_by_one(tokens: Tokens) -> list[Tokens]:
    """The conversation once for each token of its answer, with the loss of that token only."""
    bare = [NO_LOSS] * len(tokens.labels)
    places = [t for t, label in enumerate(tokens.labels) if t and label != NO_LOSS]
    return [Tokens(tokens.input_ids, (*bare[:t], tokens.labels[t], *bare[t + 1 :])) for t in places]


def plain_value(model: Any, item: Tokens) -> Tensor:
    """log p of the labelled tokens, added up in a loop."""
    logs = model(input_ids=torch.tensor([item.input_ids]), use_cache=False).logits[0].float().log_softmax(-1)
    total = torch.zeros(())
    for t in range(1, len(item.labels)):
        if item.labels[t] != -100:
            total = total + logs[t - 1, item.labels[t]]
    return total


def plain_gradients(model: Any, layers: Mapping[str, nn.Module], items: Sequence[Tokens]) -> dict[str, Tensor]:
    """Each item's gradient with respect to each layer's weight, as [item, out, in]."""
    weights: Any = [layer.weight for layer in layers.values()]
    rows = [torch.autograd.grad(plain_value(model, item), weights) for item in items]
    return {
        name: torch.stack([weight_layout(layer, row[i]).float() for row in rows])
        for i, (name, layer) in enumerate(layers.items())
    }
