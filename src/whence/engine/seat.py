"""One base model in memory, and whoever sits on it: the adapter of a fine-tuned run, or nobody."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from whence.context.attribute import attribute_context
from whence.engine.orders import AttributeOrder, ChatOrder, ContextOrder, TokensOrder
from whence.gradients.trajectory import Trajectory
from whence.models.adapter import remove_adapter
from whence.models.base import fingerprint, load_tokenizer, resolve
from whence.models.stream import Chunk, Sampling, prompt_tokens, stream_answer
from whence.pipeline import Index, attribute, token_influence
from whence.training.run import Run, load_base
from whence.types import DISCOVERY_RATE, Message, Progress

DEFAULT_ABLATIONS = 64


@dataclass
class Seat:
    """The model of one engine. Not for several threads at once."""

    model: PreTrainedModel | PeftModel
    tokenizer: PreTrainedTokenizerBase
    fingerprint: str = ""
    fixed: bool = False
    run: Run | None = None
    path: Trajectory | None = None
    indexes: dict[str | None, Index] = field(default_factory=dict[str | None, Index])

    @staticmethod
    def of_base(place: str) -> "Seat":
        """A base model on which adapters are swapped; loaded now."""
        folder = resolve(place)
        return Seat(load_base(folder, full=False), load_tokenizer(folder), fingerprint(folder))

    @staticmethod
    def of_run(folder: str) -> "Seat":
        """The model of a fully fine-tuned run, which is nobody else's."""
        run = Run.open(folder)
        path = run.trajectory
        return Seat(path.model, path.tokenizer, fixed=True, run=run, path=path)

    def take(self, folder: str | None) -> None:
        """Let the model of a run speak, or (None) the base model."""
        if self.fixed or folder == (str(self.run.folder) if self.run else None):
            return
        if isinstance(self.model, PeftModel):
            self.model = remove_adapter(self.model)
        self.run, self.path, self.indexes = None, None, {}
        if folder is not None:
            run = Run.open(folder)
            run.require_base(self.fingerprint)
            self._put_on(run)

    def _put_on(self, run: Run) -> None:
        assert not isinstance(self.model, PeftModel)
        try:
            self.path = run.on(self.model)
        except BaseException:
            self.model = load_base(run.base_folder, full=False)  # half an adapter may be on the other one
            raise
        self.model, self.run = self.path.model, run

    def index(self, method: str | None) -> Index:
        """The index of the run that sits here, opened once."""
        assert self.run is not None
        if method not in self.indexes:
            self.indexes[method] = Index.open(self.run, method, self.path)
        return self.indexes[method]

    def chat(self, order: ChatOrder, stopped: Callable[[], bool]) -> Iterator[dict[str, Any]]:
        """The answer in pieces, then what it took, as JSON has it."""
        self.take(order.run)
        self._at_the_end()
        conversation = [Message(role, content) for role, content in order.messages]  # type: ignore[arg-type]
        settings: dict[str, Any] = {**order.sampling, "stop": tuple(order.sampling.get("stop", ()))}
        prompt = prompt_tokens(self.model, self.tokenizer, conversation)
        spoken = 0
        for piece in stream_answer(self.model, self.tokenizer, conversation, Sampling(**settings), stopped):
            spoken += len(piece.tokens)
            yield piece_of(piece)
        yield {"usage": {"prompt_tokens": prompt, "completion_tokens": spoken, "total_tokens": prompt + spoken}}

    def attribute(self, order: AttributeOrder) -> dict[str, Any]:
        """The attribution of an answer, with the seconds that its phases took."""
        self.take(order.run)
        clock = Clock()
        rate = DISCOVERY_RATE if order.false_discovery_rate is None else order.false_discovery_rate
        found = attribute(
            self.index(order.method),
            order.question,
            order.answer,
            order.system_prompt,
            rate,
            order.top,
            clock,
            selection=order.selection,
            groups=order.groups,
            instead=order.instead,
            max_new_tokens=order.max_new_tokens,
        )
        return {**found.to_dict(), "sentence": found.sentence, "phases": clock.seconds(order.answer is None)}

    def tokens(self, order: TokensOrder) -> dict[str, Any]:
        """The parts that the tokens of a training pair have in an answer."""
        self.take(order.run)
        index, asked = self.index(order.method), (order.question, order.answer, order.pair)
        return token_influence(index, *asked, order.system_prompt, order.selection, order.instead).to_dict()

    def context(self, order: ContextOrder) -> dict[str, Any]:
        """The parts of the context that each part of the response rests on."""
        self.take(order.run)
        self._at_the_end()
        found = attribute_context(
            self.model,
            self.tokenizer,
            order.context,
            order.query,
            order.response,
            highlight=order.highlight,
            granularity=order.granularity,
            top_k=order.top_k,
            ablations=order.ablations or DEFAULT_ABLATIONS,
        )
        return found.to_dict()

    def _at_the_end(self) -> None:
        if self.path is not None:
            self.path.move_to(self.path.last)


class Clock:
    """A `Report` that notes when the answer was there, so that the phases can be told apart."""

    def __init__(self) -> None:
        self.began = self.answered = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        """Note the time of the last answer."""
        if progress.step == "generate":
            self.answered = time.monotonic()

    def seconds(self, generated: bool) -> dict[str, float]:
        """Seconds of each phase so far."""
        scoring = {"attribute": time.monotonic() - self.answered}
        return {"generate": self.answered - self.began, **scoring} if generated else scoring


def piece_of(piece: Chunk) -> dict[str, Any]:
    """A piece of an answer as JSON has it."""
    tokens = [{"text": t.text, "logprob": t.logprob, "top": [list(pair) for pair in t.top]} for t in piece.tokens]
    return {"text": piece.text, "tokens": tokens, "finish": piece.finish}
