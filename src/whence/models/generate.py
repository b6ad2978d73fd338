"""Answers of a model: greedy, in batches. Knows nothing of training or attribution."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from peft import PeftModel
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from whence.errors import ModelError
from whence.models.chat import prompt_text
from whence.types import Message, Progress, Report, silent


@dataclass(frozen=True, slots=True)
class Generated:
    """An answer. `ended` is False where it was cut off before the model ended it."""

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
    """The model's most likely answer to each conversation, token by token, in the order they came.

    Special tokens and surrounding blanks are left out. An answer ends at an end-of-text token, after
    `max_new_tokens`, or where the model's context is full. In float32 the batch size changes no answer.
    With `must_speak` no answer may begin with a blank or a special token, nor end before it began.

    Raises:
        ModelError: a limit is below 1, or a conversation alone fills the context.
    """
    if max_new_tokens < 1 or batch_size < 1:
        raise ModelError(f"max_new_tokens and batch_size must be 1 or more (found {max_new_tokens}, {batch_size}).")
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
    """The prompt of a conversation as token ids; the chat template has put in the special tokens."""
    text = prompt_text(tokenizer, conversation)
    return cast(list[int], tokenizer(text, add_special_tokens=False)["input_ids"])


def room(model: PreTrainedModel, prompt: Sequence[int], wanted: int) -> int:
    """How many tokens may follow a prompt: `wanted`, or what the context leaves."""
    limit = cast(int | None, getattr(cast(Any, model.config).get_text_config(), "max_position_embeddings", None))
    left = wanted if limit is None else min(wanted, limit - len(prompt))
    if left < 1:
        raise ModelError(
            f"A conversation must leave room for an answer: this one has {len(prompt)} tokens and the model "
            f"reads {limit}. Shorten it."
        )
    return left


def batches(prompts: Sequence[Sequence[int]], rooms: Sequence[int], size: int) -> Generator[list[int]]:
    """Row numbers, at most `size` at once: prompts of like length together, all with the same room."""
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
    """The answers to one batch of prompts, padded on the left so that all answers begin in one column."""
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
    """A block in which the model is in eval mode and generates greedily; afterwards it is as before.

    A model's own generation settings (temperature, repetition penalty, …) would be mixed into ours, so they
    are put aside; only its end-of-text tokens are kept.
    """
    own, training = model.generation_config, model.training
    ends = end_tokens(own, tokenizer)
    model.generation_config = GenerationConfig(
        do_sample=False,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=ends,
        begin_suppress_tokens=sorted({*ends, *wordless(tokenizer)}) if must_speak else None,
    )
    model.eval()
    try:
        yield
    finally:
        model.generation_config = own
        model.train(training)


def wordless(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Every token that alone leaves nothing to read: special tokens, blanks, line ends."""
    texts = cast(
        list[str], cast(Any, tokenizer).batch_decode([[i] for i in range(len(tokenizer))], skip_special_tokens=True)
    )
    return [i for i, text in enumerate(texts) if not text.strip()]


def end_tokens(own: GenerationConfig | None, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Every token at which an answer ends: the model's, which may be several, and the tokenizer's."""
    stated = cast(int | list[int] | None, cast(Any, own).eos_token_id if own else None)
    ids = [stated] if isinstance(stated, int) else list(stated or [])
    return sorted({*ids, cast(int, tokenizer.eos_token_id)})
