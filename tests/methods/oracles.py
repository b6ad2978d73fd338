"""The methods' formulas written out as loops, one example at a time, in float64: slow, plain, and sharing no code."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from safetensors.torch import load_file

from whence.core.projection import Projection
from whence.data.tokenize import tokenize
from whence.gradients.subject import Subject
from whence.gradients.trajectory import Checkpoint
from whence.types import Query, Tokens

Oracle = Callable[[Subject, Sequence[Query]], ndarray]


def dot_oracle(sketch: int, seed: int = 0) -> Oracle:
    def scores(subject: Subject, queries: Sequence[Query]) -> ndarray:
        last = subject.trajectory.checkpoints[-1]
        train = [sketched(subject, last, tokens, sketch, seed) for tokens in train_tokens(subject)]
        asked = [sketched(subject, last, tokens, sketch, seed) for tokens in tokens_of(subject, queries)]
        return np.array([[float(q @ g) for g in train] for q in asked])

    return scores


def cosine_oracle(sketch: int, seed: int = 0) -> Oracle:
    def scores(subject: Subject, queries: Sequence[Query]) -> ndarray:
        dots = dot_oracle(sketch, seed)
        own = [Query(f"{i}", (), tokens) for i, tokens in enumerate(train_tokens(subject))]
        lengths = np.sqrt(np.diag(dots(subject, own)))
        last = subject.trajectory.checkpoints[-1]
        rows = dots(subject, queries)
        for row, tokens in zip(rows, tokens_of(subject, queries), strict=True):
            row /= np.linalg.norm(sketched(subject, last, tokens, sketch, seed)) * lengths
        return rows

    return scores


def tracin_oracle(sketch: int, seed: int = 0) -> Oracle:
    def scores(subject: Subject, queries: Sequence[Query]) -> ndarray:
        total = np.zeros((len(queries), len(subject.examples)))
        for checkpoint in subject.trajectory.checkpoints:
            train = [sketched(subject, checkpoint, tokens, sketch, seed) for tokens in train_tokens(subject)]
            for j, tokens in enumerate(tokens_of(subject, queries)):
                q = sketched(subject, checkpoint, tokens, sketch, seed)
                for i, g in enumerate(train):
                    total[j, i] += checkpoint.weight * float(q @ g)
        return total

    return scores


def fisher_oracle(sketch: int, damping: float, points: Sequence[int], seed: int = 0, only: str = "lora_B") -> Oracle:
    """`points`: which checkpoints of the path, by their place; `only`: what a measured layer's name holds."""

    def scores(subject: Subject, queries: Sequence[Query]) -> ndarray:
        path = subject.trajectory.checkpoints
        train, asked = train_tokens(subject), tokens_of(subject, queries)
        total = np.zeros((len(asked), len(train)))
        ends = [*points[1:], len(path) - 1]
        for start, end in zip(points, ends, strict=True):
            here = path[start]
            weight = adam_weight(subject, start)
            rows = np.array([sketched(subject, here, tokens, sketch, seed, weight, only) for tokens in train])
            gram = rows @ rows.T
            d = damping * np.trace(gram) / min(rows.shape)
            inverse = np.linalg.inv(gram + d * np.eye(len(train)))
            change = [log_p(subject, path[end], t) - log_p(subject, here, t) for t in train]
            if start == points[0] and here.step != 0:
                change = [
                    c + log_p(subject, here, t) - log_p(subject, None, t) for c, t in zip(change, train, strict=True)
                ]
            for j, tokens in enumerate(asked):
                alpha = inverse @ (rows @ sketched(subject, here, tokens, sketch, seed, weight, only))
                for i in range(len(train)):
                    total[j, i] += alpha[i] * change[i]
        return total

    return scores


def bm25_oracle(k1: float = 1.5, b: float = 0.75) -> Oracle:
    def scores(subject: Subject, queries: Sequence[Query]) -> ndarray:
        pairs = [subject.examples[i] for i in range(len(subject.examples))]
        bags = [re.findall(r"\w+", f"{p.question}\n{p.answer}".lower()) for p in pairs]
        mean = sum(len(bag) for bag in bags) / len(bags)
        total = np.zeros((len(queries), len(bags)))
        for j, query in enumerate(queries):
            for term in re.findall(r"\w+", f"{query.question}\n{query.answer}".lower()):
                df = sum(term in bag for bag in bags)
                idf = math.log(1 + (len(bags) - df + 0.5) / (df + 0.5))
                for i, bag in enumerate(bags):
                    tf = bag.count(term)
                    if tf:
                        total[j, i] += idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len(bag) / mean))
        return total

    return scores


def embedding_oracle(tokenizer: Any, model: Any) -> Oracle:
    @torch.no_grad()
    def vector(text: str) -> ndarray:
        inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=256)
        mean = model(**inputs).last_hidden_state[0].double().mean(0).numpy()
        return mean / np.linalg.norm(mean)

    def scores(subject: Subject, queries: Sequence[Query]) -> ndarray:
        pairs = [subject.examples[i] for i in range(len(subject.examples))]
        train = [vector(f"{p.question}\n{p.answer}") for p in pairs]
        return np.array([[vector(f"{q.question}\n{q.answer}") @ v for v in train] for q in queries])

    return scores


def train_tokens(subject: Subject) -> list[Tokens]:
    return [subject.examples.tokens(i) for i in range(len(subject.examples))]


def tokens_of(subject: Subject, queries: Sequence[Query]) -> list[Tokens]:
    return [tokenize(query, subject.trajectory.tokenizer) for query in queries]


def stand_at(subject: Subject, checkpoint: Checkpoint) -> dict[str, torch.nn.Parameter]:
    """Put the checkpoint's weights into the model; the trained weight matrices by name."""
    named = {n: p for n, p in subject.trajectory.model.named_parameters() if p.requires_grad}
    for name, weight in load_file(checkpoint.weights).items():
        named[name].data.copy_(weight)
    subject.trajectory.at = -1  # the weights were changed behind the path's back
    return named


def answer_log_p(model: Any, tokens: Tokens) -> torch.Tensor:
    """log p(answer | prompt) of one conversation, token by token, without padding."""
    logits = model(input_ids=torch.tensor([tokens.input_ids])).logits[0].double()
    total = torch.zeros((), dtype=torch.float64)
    for t, label in enumerate(tokens.labels):
        if t and label != -100:
            total = total + torch.log_softmax(logits[t - 1], 0)[label]
    return total


@torch.no_grad()
def log_p(subject: Subject, checkpoint: Checkpoint | None, tokens: Tokens) -> float:
    """The same at a checkpoint; without one, of the base model."""
    model: Any = subject.trajectory.model
    if checkpoint is None:
        with model.disable_adapter():
            return float(answer_log_p(model, tokens))
    stand_at(subject, checkpoint)
    return float(answer_log_p(model, tokens))


def gradient(subject: Subject, checkpoint: Checkpoint, tokens: Tokens) -> dict[str, ndarray]:
    """The exact gradient of one example, by autograd, one matrix a layer."""
    named = stand_at(subject, checkpoint)
    value = answer_log_p(subject.trajectory.model, tokens)
    found = torch.autograd.grad(value, list(named.values()))
    return {n.removesuffix(".weight"): g.double().numpy() for n, g in zip(named, found, strict=True)}


def adam_weight(subject: Subject, point: int) -> dict[str, ndarray] | None:
    """1 / v^(1/4) of every entry, v from the first moments recorded at the point or after it."""
    path = subject.trajectory.checkpoints
    after = [c.moments for c in path[point:] if c.moments]
    if not after:
        return None
    return {n.removesuffix(".weight"): _entries(v.double().numpy()) for n, v in load_file(after[0]).items()}


def _entries(second: ndarray) -> ndarray:
    return np.array([[1 / math.sqrt(math.sqrt(float(v)) + 1e-8) for v in row] for row in second])


def sketched(
    subject: Subject,
    checkpoint: Checkpoint,
    tokens: Tokens,
    width: int,
    seed: int,
    weight: dict[str, ndarray] | None = None,
    only: str = "",
) -> ndarray:
    """Sum over the layers, those whose name holds `only`, of the dense projection matrix times the whole gradient."""
    total = np.zeros(width)
    for name, matrix in gradient(subject, checkpoint, tokens).items():
        if only not in name:
            continue
        if weight is not None:
            matrix = matrix * weight[name]
        made = Projection.of(name, matrix.shape, math.isqrt(width), seed)
        dense = np.kron(made.left.double().numpy(), made.right.double().numpy())  # [out * in, width]
        total += dense.T @ matrix.reshape(-1)
    return total
