"""One answer, drawn token by token and told in pieces as it grows. Knows nothing of training or attribution."""

import inspect
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from math import inf
from typing import Any, Literal, cast

import torch
from peft import PeftModel
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.generation.logits_process import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from whence.errors import ModelError
from whence.models.generate import end_tokens, room, tokens_of
from whence.types import Message

UNKNOWN = "\ufffd"
"""What a decoder writes for bytes that are no character, or not one yet."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer is drawn. `temperature` 0 is greedy; `top_k` None leaves all tokens in.

    `top_logprobs` is the number of alternatives told with each token. Without a seed every answer is another.

    Raises:
        ModelError: a value is out of its range.
    """

    max_new_tokens: int = 512
    temperature: float = 0.7
    top_p: float = 1.0
    top_k: int | None = None
    repetition_penalty: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None
    top_logprobs: int = 0

    def __post_init__(self) -> None:
        rules = {
            "max_new_tokens": (self.max_new_tokens >= 1, "be 1 or more"),
            "temperature": (0 <= self.temperature < inf, "be 0 (greedy) or a positive number"),
            "top_p": (0 < self.top_p <= 1, "be above 0 and at most 1 (1: all tokens)"),
            "top_k": (self.top_k is None or self.top_k >= 1, "be 1 or more, or absent (all tokens)"),
            "repetition_penalty": (0 < self.repetition_penalty < inf, "be a positive number (1: none)"),
            "stop": (len(self.stop) <= 4 and all(self.stop), "be at most 4 strings, none of them empty"),
            "seed": (self.seed is None or -(2**63) <= self.seed < 2**63, "be a 64-bit integer, or absent"),
            "top_logprobs": (0 <= self.top_logprobs <= 20, "be from 0 to 20"),
        }
        for name, (sound, rule) in rules.items():
            if not sound:
                raise ModelError(f"{name} must {rule} (found {getattr(self, name)!r}). Change it or leave it out.")


@dataclass(frozen=True, slots=True)
class Token:
    """A drawn token as it is written (special tokens too), and the likeliest ones at its place, likeliest first.

    Log-probabilities are those of the model itself, in nats, before temperature, penalty and cuts.
    """

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next piece of an answer, and the tokens drawn since the one before.

    `text` holds whole characters, no special tokens and nothing of a stop string; `tokens` holds all that were
    drawn, those of the end too. `finish` is set on the last piece: "stop" for an end token or a stop string,
    "length" where the answer was cut off.
    """

    text: str
    tokens: tuple[Token, ...]
    finish: Literal["stop", "length"] | None = None


def never() -> bool:
    """False: nobody stops the answer."""
    return False


def stream_answer(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    conversation: Sequence[Message],
    sampling: Sampling,
    stopped: Callable[[], bool] = never,
) -> Iterator[Chunk]:
    """The model's answer in pieces, the adapter taking part; their texts make up the answer.

    `stopped` is asked before each token; once it is true, what was held back is told, without a `finish`. To stop
    at any time, close the iterator. It computes on demand; afterwards the model is as before and the cache is gone.

    Raises:
        ModelError: at once, where the conversation is empty or fills the context.
    """
    inner = bare(model)
    prompt = tokens_of(tokenizer, conversation)
    return chunks(inner, tokenizer, prompt, room(inner, prompt, sampling.max_new_tokens), sampling, stopped)


def prompt_tokens(
    model: PreTrainedModel | PeftModel, tokenizer: PreTrainedTokenizerBase, conversation: Sequence[Message]
) -> int:
    """How many tokens the model reads before it answers. (An answer has as many as its pieces have.)

    Raises:
        ModelError: the conversation is empty or fills the context.
    """
    prompt = tokens_of(tokenizer, conversation)
    room(bare(model), prompt, 1)
    return len(prompt)


def bare(model: PreTrainedModel | PeftModel) -> PreTrainedModel:
    """The transformers model; the layers of an adapter are inside it."""
    return cast(PreTrainedModel, model.get_base_model()) if isinstance(model, PeftModel) else model


def chunks(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompt: Sequence[int],
    left: int,
    sampling: Sampling,
    stopped: Callable[[], bool],
) -> Generator[Chunk]:
    """The pieces of an answer of at most `left` tokens."""
    ends = end_tokens(model.generation_config, tokenizer)
    transcript, tokens, finish = Transcript(tokenizer, sampling.stop), list[Token](), None
    with evaluating(model), closing(sample_tokens(model, prompt, sampling)) as drawn:
        while finish is None and not stopped():
            token, logits = next(drawn)
            tokens.append(token_of(tokenizer, token, logits, sampling.top_logprobs))
            transcript.add(token)
            left -= 1
            finish = "stop" if token in ends or transcript.stopped else "length" if not left else None
            text = transcript.take(everything=finish is not None)
            if text or finish:
                yield Chunk(text, tuple(tokens), finish)
                tokens = []
    rest = transcript.take(everything=True)
    if rest or tokens:
        yield Chunk(rest, tuple(tokens))


@contextmanager
def evaluating(model: PreTrainedModel) -> Generator[None]:
    """A block in which no part of the model is in training mode; afterwards each part is as before."""
    awake = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in awake:
            module.training = True


def sample_tokens(model: PreTrainedModel, prompt: Sequence[int], sampling: Sampling) -> Generator[tuple[int, Tensor]]:
    """Token after token without end, each with the float32 logits (vocabulary) it was drawn from."""
    random = torch.Generator(model.device)
    if sampling.seed is None:
        random.seed()
    else:
        random.manual_seed(sampling.seed)
    ids, fed, cache = list(prompt), list(prompt), None
    while True:
        logits, cache = forward(model, fed, cache)
        fed = [sample(logits, ids, sampling, random)]
        ids += fed
        yield fed[0], logits


@torch.no_grad()
def forward(model: PreTrainedModel, fed: Sequence[int], cache: object) -> tuple[Tensor, object]:
    """The logits (vocabulary) after the tokens `fed`, and the cache with them in it."""
    # The logits of a whole prompt would be large, and only the last ones are read.
    last_only = {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}
    out = cast(Any, model)(
        input_ids=torch.tensor([fed], device=model.device), past_key_values=cache, use_cache=True, **last_only
    )
    return out.logits[0, -1].float(), out.past_key_values


def sample(logits: Tensor, before: Sequence[int], sampling: Sampling, random: torch.Generator) -> int:
    """A token drawn from its logits (vocabulary): penalty for the tokens `before`, temperature, top k, top p."""
    # In double precision and below 0, so that the smallest temperature neither is 0 nor makes an infinity.
    scores = logits.double()[None]
    if sampling.repetition_penalty != 1:
        penalty = RepetitionPenaltyLogitsProcessor(float(sampling.repetition_penalty))
        scores = penalty(cast(torch.LongTensor, torch.tensor([before], device=logits.device)), scores)
    if sampling.temperature == 0:
        return int(scores.argmax())
    scores = warpers(sampling)(cast(Any, None), cast(Any, scores - scores.max()))
    return int(torch.multinomial(scores.softmax(-1), 1, generator=random))


def warpers(sampling: Sampling) -> LogitsProcessorList:
    """What narrows the choice of a token, in the order of `transformers`: temperature, top k, top p."""
    narrow = LogitsProcessorList([TemperatureLogitsWarper(float(sampling.temperature))])
    if sampling.top_k is not None:
        narrow.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        narrow.append(TopPLogitsWarper(sampling.top_p))
    return narrow


def token_of(tokenizer: PreTrainedTokenizerBase, token: int, logits: Tensor, count: int) -> Token:
    """A drawn token with its log-probability and the `count` likeliest tokens."""
    log_probabilities = logits.log_softmax(-1)
    values, ids = log_probabilities.topk(min(count, len(logits)))
    top = zip((token_text(tokenizer, id) for id in ids.tolist()), cast(list[float], values.tolist()), strict=True)
    return Token(token_text(tokenizer, token), float(log_probabilities[token]), tuple(top))


def token_text(tokenizer: PreTrainedTokenizerBase, token: int) -> str:
    """The text of one token inside an answer: some decoders drop the blank before the first token of a text."""
    once, twice = (cast(str, tokenizer.decode([token] * times, clean_up_tokenization_spaces=False)) for times in (1, 2))
    return twice[len(once) :]


class Transcript:
    """The text of an answer while it grows, and how much of it has been told.

    The end of the text is held back while it may turn into another character, or into a stop string.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stop: Sequence[str]) -> None:
        self.tokenizer, self.stop = tokenizer, stop
        self.ids: list[int] = []
        self.text = ""
        self.sent = 0
        self.stopped = False

    def add(self, token: int) -> None:
        """Append a token; the first stop string to be complete ends the text where it begins."""
        self.ids.append(token)
        # All tokens anew, since what a token adds depends on those before it; next to a forward pass it costs nothing.
        self.text = cast(
            str, self.tokenizer.decode(self.ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )
        found = [(at + len(stop), at) for stop in self.stop if (at := self.text.find(stop, self.sent)) >= 0]
        if found:
            _, begin = min(found)
            self.text, self.stopped = self.text[:begin], True

    def take(self, *, everything: bool) -> str:
        """The text that may be told now and was not told yet; `everything`: no more tokens will come."""
        safe = len(self.text) if everything else self.safe()
        text = self.text[self.sent : safe]
        self.sent = max(self.sent, safe)
        return text

    def safe(self) -> int:
        """The length of the text that no further token can change or make part of a stop string."""
        clear = self.text.rstrip(UNKNOWN)
        begun = (n for stop in self.stop for n in range(1, len(stop)) if clear.endswith(stop[:n]))
        return len(clear) - max(begun, default=0)
