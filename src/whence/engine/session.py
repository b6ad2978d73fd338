"""A base model in memory, with the adapter of at most one fine-tuned run on it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from whence.engine.messages import AttributeRequest, ChatRequest, ContextRequest, LoadRequest, TokensRequest
from whence.gradients.trajectory import Trajectory
from whence.models.adapter import remove_adapter
from whence.models.base import fingerprint, load_tokenizer, resolve
from whence.models.stream import Sampling, prompt_tokens, stream_answer
from whence.pipeline import Index, attribute_context, explain, explain_pair
from whence.training.run import Run, load_base
from whence.types import Message, Progress, encode

DEFAULT_ABLATIONS = 64


@dataclass
class ModelSession:
    """The model of one engine. Not for several threads at once."""

    model: PreTrainedModel | PeftModel
    tokenizer: PreTrainedTokenizerBase
    fingerprint: str = ""
    fixed: bool = False
    run: Run | None = None
    trajectory: Trajectory | None = None
    indexes: dict[str | None, Index] = field(default_factory=dict[str | None, Index])

    @staticmethod
    def of_base(place: str) -> "ModelSession":
        """A base model on which adapters are swapped; loaded now."""
        folder = resolve(place)
        return ModelSession(load_base(folder, full=False), load_tokenizer(folder), fingerprint(folder))

    @staticmethod
    def of_run(folder: str) -> "ModelSession":
        """The model of a fully fine-tuned run, which serves no other run."""
        run = Run.open(folder)
        trajectory = run.trajectory
        return ModelSession(trajectory.model, trajectory.tokenizer, fixed=True, run=run, trajectory=trajectory)

    def use(self, folder: str | None) -> None:
        """Switch to the model of a run, or (None) to the base model."""
        if self.fixed or folder == (str(self.run.folder) if self.run else None):
            return
        if isinstance(self.model, PeftModel):
            self.model = remove_adapter(self.model)
        self.run, self.trajectory, self.indexes = None, None, {}
        if folder is not None:
            run = Run.open(folder)
            run.require_base(self.fingerprint)
            self._attach(run)

    def _attach(self, run: Run) -> None:
        assert not isinstance(self.model, PeftModel)
        try:
            self.trajectory = run.on(self.model)
        except BaseException:
            self.model = load_base(run.base_folder, full=False)  # half an adapter may be on the other one
            raise
        self.model, self.run = self.trajectory.model, run

    def index(self, method: str | None) -> Index:
        """The index of the current run, opened once."""
        assert self.run is not None
        if method not in self.indexes:
            self.indexes[method] = Index.open(self.run, method, self.trajectory)
        return self.indexes[method]

    def load(self, request: LoadRequest) -> dict[str, Any]:
        """Confirm that the model is loaded."""
        self.use(request.run)
        return {"loaded": True}

    def chat(self, request: ChatRequest, stopped: Callable[[], bool]) -> Iterator[dict[str, Any]]:
        """The answer in chunks, then its usage, as JSON has them."""
        self.use(request.run)
        self._to_final_weights()
        conversation = [Message(role, content) for role, content in request.messages]  # type: ignore[arg-type]
        settings: dict[str, Any] = {**request.sampling, "stop": tuple(request.sampling.get("stop", ()))}
        prompt = prompt_tokens(self.model, self.tokenizer, conversation)
        completion = 0
        for chunk in stream_answer(self.model, self.tokenizer, conversation, Sampling(**settings), stopped):
            completion += len(chunk.tokens)
            yield encode(chunk)
        yield {
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": prompt + completion,
            }
        }

    def attribute(self, request: AttributeRequest) -> dict[str, Any]:
        """The attribution of an answer, with the seconds that each phase took."""
        self.use(request.run)
        clock = Clock()
        found = explain(self.index(request.request.method), request.request, clock)
        phases = clock.seconds(generated=request.request.answer is None)
        return {**found.to_dict(), "sentence": found.sentence, "phases": phases}

    def tokens(self, request: TokensRequest) -> dict[str, Any]:
        """The influence of a training pair's tokens on an answer."""
        self.use(request.run)
        return explain_pair(self.index(request.request.method), request.request, request.pair).to_dict()

    def context(self, request: ContextRequest) -> dict[str, Any]:
        """The parts of the context that each part of the response rests on."""
        self.use(request.run)
        self._to_final_weights()
        return attribute_context(
            self.model,
            self.tokenizer,
            request.context,
            request.query,
            request.response,
            highlight=request.highlight,
            granularity=request.granularity,
            top_k=request.top_k,
            ablations=request.ablations or DEFAULT_ABLATIONS,
        ).to_dict()

    def _to_final_weights(self) -> None:
        if self.trajectory is not None:
            self.trajectory.move_to(self.trajectory.last)


class Clock:
    """A `Report` that notes when the answer was complete, to tell the phases apart."""

    def __init__(self) -> None:
        self.began = self.answered = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        """Note the time of the last answer."""
        if progress.step == "generate":
            self.answered = time.monotonic()

    def seconds(self, generated: bool) -> dict[str, float]:
        """The seconds of each phase so far."""
        scoring = {"attribute": time.monotonic() - self.answered}
        return {"generate": self.answered - self.began, **scoring} if generated else scoring
