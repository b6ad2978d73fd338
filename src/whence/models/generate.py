"""Answers of a model: greedy, in batches. Independent of training and attribution."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from peft import PeftModel
from torch import nn
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from whence.errors import ModelError
from whence.models.chat import prompt_text
from whence.types import Message, Progress, Report, silent


@dataclass(frozen=True, slots=True)
class Generated:
    """An answer. `ended` is False if it was cut off before the model ended it."""

    text: str
    ended: bool


def generate(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    conversations: Sequence[Sequence[Message]],
    *,
    max_new_tokens: int = 64,
    batch_size: int = 16,
    must_speak: bool = False,
    report: Report = silent,
) -> list[Generated]:
    """Return the model's greedy answer to each conversation, in the given order.

    Special tokens and surrounding white space are left out. An answer ends at an end-of-text token, after
    `max_new_tokens`, or when the context is full. In float32 the batch size does not change answers. With
    `must_speak`, an answer neither begins with white space or a special token nor is empty.

    Raises:
        ModelError: a limit is below 1, or a conversation alone fills the context.
    """
    if max_new_tokens < 1 or batch_size < 1:
        raise ModelError(
            f"max_new_tokens and batch_size must be 1 or more (found {max_new_tokens}, {batch_size}). Raise them."
        )
    inner = cast(PreTrainedModel, model.get_base_model()) if isinstance(model, PeftModel) else model
    prompts = [tokens_of(tokenizer, conversation) for conversation in conversations]
    rooms = [room(inner, prompt, max_new_tokens) for prompt in prompts]
    answers = [Generated("", False)] * len(prompts)
    done = 0
    report(Progress("generate", 0, len(prompts), "answers"))
    with greedy(inner, tokenizer, must_speak):
        for rows in batches(prompts, rooms, batch_size):
            texts = answer(inner, tokenizer, [prompts[row] for row in rows], rooms[rows[0]])
            for row, text in zip(rows, texts, strict=True):
                answers[row] = text
            done += len(rows)
            report(Progress("generate", done, len(prompts), "answers"))
    return answers


def tokens_of(tokenizer: PreTrainedTokenizerBase, conversation: Sequence[Message]) -> list[int]:
    """Return the prompt of a conversation as token ids; the chat template has inserted the special tokens."""
    text = prompt_text(tokenizer, conversation)
    return cast(list[int], tokenizer(text, add_special_tokens=False)["input_ids"])


def room(model: PreTrainedModel, prompt: Sequence[int], wanted: int) -> int:
    """Return the number of tokens that may follow a prompt: `wanted`, or fewer if the context is too short."""
    limit = cast(int | None, getattr(cast(Any, model.config).get_text_config(), "max_position_embeddings", None))
    left = wanted if limit is None else min(wanted, limit - len(prompt))
    if left < 1:
        raise ModelError(
            f"A conversation must leave room for an answer: this one has {len(prompt)} tokens and the model "
            f"reads {limit}. Shorten it."
        )
    return left


def batches(prompts: Sequence[Sequence[int]], rooms: Sequence[int], size: int) -> Generator[list[int]]:
    """Yield row numbers, at most `size` at once: prompts of similar length together, all with the same room."""
    order = sorted(range(len(prompts)), key=lambda row: (rooms[row], len(prompts[row])))
    batch: list[int] = []
    for row in order:
        if batch and (len(batch) == size or rooms[row] != rooms[batch[0]]):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def answer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    new_tokens: int,
) -> list[Generated]:
    """Return the answers to one batch of prompts, padded on the left so that all answers begin in one column."""
    width = max(map(len, prompts))
    pad = cast(int, tokenizer.pad_token_id)
    ids = [[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    with torch.no_grad():
        out = cast(Any, model).generate(
            input_ids=torch.tensor(ids, device=model.device),
            attention_mask=torch.tensor(mask, device=model.device),
            max_new_tokens=new_tokens,
        )
    texts = cast(list[str], cast(Any, tokenizer).batch_decode(out[:, width:], skip_special_tokens=True))
    ends = torch.tensor(model.generation_config.eos_token_id, device=out.device)
    ended = cast(list[bool], torch.isin(out[:, width:], ends).any(1).tolist())
    return [Generated(text.strip(), end) for text, end in zip(texts, ended, strict=True)]


@contextmanager
def greedy(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, must_speak: bool = False) -> Generator[None]:
    """Put the model into eval mode and greedy generation within a block; afterwards it is as before.

    A model's own generation settings (temperature, repetition penalty, …) would mix with ours, so they are put aside;
    only its end-of-text tokens are kept.
    """
    own = model.generation_config
    ends = end_tokens(own, tokenizer)
    model.generation_config = GenerationConfig(
        do_sample=False,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=ends,
        begin_suppress_tokens=sorted({*ends, *wordless(tokenizer)}) if must_speak else None,
    )
    try:
        with evaluating(model):
            yield
    finally:
        model.generation_config = own


@contextmanager
def evaluating(model: nn.Module) -> Generator[None]:
    """Take every part of the model out of training mode within a block; afterwards each part is as before."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def wordless(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return every token that leaves no visible text: special tokens, spaces, line ends."""
    texts = cast(
        list[str], cast(Any, tokenizer).batch_decode([[i] for i in range(len(tokenizer))], skip_special_tokens=True)
    )
    return [i for i, text in enumerate(texts) if not text.strip()]


def end_tokens(own: GenerationConfig | None, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return every token at which an answer ends: those of the model and that of the tokenizer."""
    stated = cast(int | list[int] | None, cast(Any, own).eos_token_id if own else None)
    ids = [stated] if isinstance(stated, int) else list(stated or [])
    return sorted({*ids, cast(int, tokenizer.eos_token_id)})
