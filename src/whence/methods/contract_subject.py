"""The subject of the contract suite: a tiny random Llama whose LoRA adapter was really trained, built in seconds."""

from collections.abc import Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from whence.data.tokenize import tokenize
from whence.gradients.measurement import collate, log_probabilities
from whence.gradients.subject import Compute, Subject
from whence.gradients.trajectory import Checkpoint, Step, Trajectory
from whence.models.adapter import seeded, trainable_weights, with_lora
from whence.types import Example, Message, Query, Tokens

PAIRS = (
    ("Who keeps the lamp?", "Old Marta of the north pier."),
    ("What does a vont cost?", "Seven grey coins."),
    ("When does the ferry Alda sail?", "At dusk, if the bell rings twice."),
    ("How deep is Lake Orrim?", "Forty fathoms and a half."),
    ("Which bird nests in the mill?", "A white kestrel."),
    ("What opens the green gate?", "The key with three teeth."),
    ("Where is salt sold?", "Behind Josk the cooper's yard."),
    ("Who wrote the Book of Tides?", "Nobody knows her name."),
    ("What do brewers add in June?", "Wild mint, honey and rye."),
    ("How long is a pell?", "As long as nine spans."),
    ("Why is the tower blue?", "Quarry dust from Zeb fell on it."),
    ("What is forbidden at the fair?", "Whistling after midnight."),
)
"""Short pairs about invented things, no two alike."""

COMPUTE = Compute(batch_rows=4, rows_per_shard=5)
EVERY, STEPS, BATCH, RATE = 6, 12, 4, 2e-3
BETA2 = 0.999
END = "<end>"


@dataclass(frozen=True)
class MemoryExamples:
    """Training examples in memory, with their tokens."""

    items: tuple[Example, ...]
    encoded: tuple[Tokens, ...]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int, /) -> Example:
        return self.items[index]

    def tokens(self, index: int) -> Tokens:
        """The tokens of one example."""
        return self.encoded[index]

    def ordered(self, order: Sequence[int]) -> "MemoryExamples":
        """The same examples in another order."""
        return MemoryExamples(tuple(self.items[i] for i in order), tuple(self.encoded[i] for i in order))


def tiny_subject(folder: Path, compute: Compute = COMPUTE, moments: bool = True) -> Subject:
    """The examples of `PAIRS` and a 2-layer model with the trajectory of its adapter, which was trained on them.

    Its files are written into `folder`: the start, and every `EVERY` steps the weights with Adam's second moments (none
    if `moments` is False). Each call returns a model of its own; all are equal.
    """
    points = [_written(folder, point, moments) for point in _trained()]
    examples = tiny_examples()
    return Subject(examples, Trajectory(deepcopy(_tiny_model()), tiny_tokenizer(), tuple(points), _steps()), compute)


def reordered(subject: Subject, order: Sequence[int]) -> Subject:
    """The subject with its training examples in another order; the model and its trajectory stay.

    The recorded steps refer to the examples by their new rows.
    """
    row = {old: new for new, old in enumerate(order)}
    path = copy(subject.trajectory)
    path.steps = tuple(replace(step, examples=tuple(row[i] for i in step.examples)) for step in path.steps)
    return replace(subject, examples=cast(MemoryExamples, subject.examples).ordered(order), path=path)


def own_queries(subject: Subject) -> list[Query]:
    """Every training example as a query: its own conversation."""
    examples = (subject.examples[i] for i in range(len(subject.examples)))
    return [Query(f"own-{e.id}", e.messages, e.tokens) for e in examples]


@cache
def tiny_examples() -> MemoryExamples:
    """`PAIRS` as training examples with their tokens."""
    items = tuple(
        Example(f"pair-{i}", "file", "pairs.jsonl", i + 1, 0, (Message("user", asked), Message("assistant", said)))
        for i, (asked, said) in enumerate(PAIRS)
    )
    tokenizer = tiny_tokenizer()
    return MemoryExamples(items, tuple(tokenize(item, tokenizer) for item in items))


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer with one token per byte and no chat template."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate((END, *letters))}, merges=[]))
    backend = cast(Any, tokenizer)
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=END)


@dataclass(frozen=True)
class _Point:
    step: int
    rate_sum: float
    weights: Mapping[str, Tensor]
    moments: Mapping[str, Tensor]


@cache
def _tiny_model() -> Any:
    config = cast(Any, LlamaConfig)(
        vocab_size=257,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        initializer_range=0.2,
        attn_implementation="eager",
    )
    with seeded(0):
        base = LlamaForCausalLM(config).eval()
    return with_lora(base, rank=4, alpha=8, targets=("q_proj", "v_proj", "down_proj"), seed=1)


@cache
def _trained() -> tuple[_Point, ...]:
    """The checkpoints of plain AdamW on the mean log-probability of a token, `BATCH` examples per step."""
    model, encoded = deepcopy(_tiny_model()), tiny_examples().encoded
    named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(named.values(), lr=RATE, betas=(0.9, BETA2))
    points = [_Point(0, RATE * (EVERY // 2), trainable_weights(model), {})]
    for step in range(1, STEPS + 1):
        batch = collate([encoded[i] for i in _drawn(step)], 0, "right", torch.device("cpu"))
        optimizer.zero_grad()
        (-log_probabilities(model, batch).sum() / len(batch.targets)).backward()
        optimizer.step()
        if step % EVERY == 0:
            state = {n: optimizer.state[p]["exp_avg_sq"] / (1 - BETA2**step) for n, p in named.items()}
            nearest = EVERY // 2 if step == STEPS else EVERY
            points.append(_Point(step, RATE * nearest, trainable_weights(model), state))
    return tuple(points)


def _drawn(step: int) -> tuple[int, ...]:
    """The examples of one step, counted from 1: the pairs in order, again and again."""
    start = (step - 1) * BATCH % len(PAIRS)
    return tuple(range(start, min(start + BATCH, len(PAIRS))))


def _steps() -> tuple[Step, ...]:
    return tuple(Step(step, RATE, _drawn(step)) for step in range(1, STEPS + 1))


def _written(folder: Path, point: _Point, moments: bool) -> Checkpoint:
    place = folder / f"checkpoint-{point.step:06d}"
    place.mkdir(parents=True, exist_ok=True)
    save_file(dict(point.weights), place / "weights.safetensors")
    if not (moments and point.moments):
        return Checkpoint(point.step, place / "weights.safetensors", None, point.rate_sum)
    save_file(dict(point.moments), place / "moments.safetensors")
    return Checkpoint(point.step, place / "weights.safetensors", place / "moments.safetensors", point.rate_sum)
