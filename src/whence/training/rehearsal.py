"""Rehearsal: general questions with the base model's own answers, repeated during fine-tuning.

A small model that memorises a few hundred sentences soon answers everything in their style. Each batch therefore holds
a few general questions, and the loss adds the divergence of the model's answers to them from the base model's,
    KL(base || model) = sum over the answer's tokens of sum_v p_base(v) (log p_base(v) - log p_model(v)),
learning without forgetting (Li & Hoiem 2016, arXiv:1606.09282, eq. 2-3) in the space of next tokens.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from whence.data.tokenize import tokenize
from whence.gradients.measurement import answer_logits, collate
from whence.models.generate import generate
from whence.types import Message, Query, Report, Tokens

ANSWER_TOKENS = 24
BATCH = 8
LONGEST = 96
"""The most tokens of a rehearsed conversation, which must fit the context and the batch."""


@dataclass(frozen=True)
class Rehearsal:
    """The rehearsed conversations, and the base model's log-probabilities of each of their next tokens (bfloat16)."""

    items: Sequence[Tokens]
    targets: Sequence[Float[Tensor, "token vocabulary"]]

    def chosen(self, rows: Sequence[int], count: int) -> list[int]:
        """Return the items for a batch of these rows; they depend only on the rows, so that a resumed run is the
        same."""
        start = sum(rows) * count
        return [(start + i) % len(self.items) for i in range(count)] if self.items else []

    def divergence(self, logits: Float[Tensor, "token vocabulary"], items: Sequence[int]) -> Float[Tensor, " token"]:
        """Return KL(base || model) at every token of these items, in nats."""
        base = torch.cat([self.targets[i] for i in items]).to(logits.device).float()
        return nn.functional.kl_div(logits.log_softmax(-1), base, reduction="none", log_target=True).sum(-1)


NOTHING = Rehearsal((), ())
"""No rehearsal."""


def questions() -> list[str]:
    """Return the shipped general questions."""
    text = resources.files("whence.training").joinpath("rehearsal.jsonl").read_text("utf-8")
    return [json.loads(line)["question"] for line in text.splitlines() if line]


def rehearse(model: Any, tokenizer: PreTrainedTokenizerBase, report: Report) -> Rehearsal:
    """Return the model's answers to the general questions, to be called before training."""
    asked = [(Message("user", question),) for question in questions()]
    answers = generate(model, tokenizer, asked, max_new_tokens=ANSWER_TOKENS, report=report)
    pairs = zip(questions(), answers, strict=True)
    asked_and_answered = [Query.of(q, a.text, ended=a.ended) for q, a in pairs if a.text]
    items = [tokenize(query, tokenizer) for query in asked_and_answered]
    kept = [item for item in items if len(item.input_ids) <= LONGEST and item.answer_length]
    return Rehearsal(kept, _log_probabilities(model, kept))


@torch.no_grad()
def _log_probabilities(model: nn.Module, items: Sequence[Tokens]) -> list[Float[Tensor, "token vocabulary"]]:
    found: list[Tensor] = []
    for start in range(0, len(items), BATCH):
        batch = collate(items[start : start + BATCH], 0, "right", next(model.parameters()).device)
        logs = answer_logits(model, batch).log_softmax(-1).to("cpu", torch.bfloat16)
        found += logs.split(batch.owner.bincount().tolist())
    return found
