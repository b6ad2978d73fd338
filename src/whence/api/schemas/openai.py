"""Requests and responses in OpenAI's words."""

from collections.abc import Sequence
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import Field, StringConstraints

from whence.api.schemas.base import Answer, Body
from whence.errors import DataError


class Listed(Answer):
    """An item of a list."""

    id: str


Item = TypeVar("Item", bound=Listed)


class Listing(Answer, Generic[Item]):
    """One page of a list; the next one begins after `last_id`."""

    object: Literal["list"] = "list"
    data: list[Item]
    has_more: bool = False
    first_id: str | None = None
    last_id: str | None = None

    @classmethod
    def page(cls, items: Sequence[Item], after: str | None, limit: int) -> Self:
        """At most `limit` of the items, beginning after the one whose id is `after`.

        Raises:
            DataError: no item has that id.
        """
        places = {item.id: place for place, item in enumerate(items, 1)}
        if after is not None and after not in places:
            raise DataError(f"after must be the id of an item of this list (found {after[:80]!r}). Leave it out.")
        start = places[after] if after is not None else 0
        data = list(items[start : start + limit])
        first, last = (data[0].id, data[-1].id) if data else (None, None)
        return cls(data=data, has_more=start + limit < len(items), first_id=first, last_id=last)


class OpenAIModel(Answer):
    """A model that can be asked. `created` is in seconds since 1970, and 0 for a base model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class OpenAIModels(Answer):
    """All models that can be asked."""

    object: Literal["list"] = "list"
    data: list[OpenAIModel]


class OpenAIModelDeleted(Answer):
    """A fine-tuned model that no longer answers."""

    id: str
    object: Literal["model"] = "model"
    deleted: Literal[True] = True


class OpenAIFile(Listed):
    """An uploaded file. It was checked before it became visible, so it is always processed."""

    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    filename: str
    purpose: str
    status: Literal["processed"] = "processed"


class OpenAIFileDeleted(Answer):
    """A deleted file."""

    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


class Hyperparameters(Body):
    """Training settings; with `auto` they follow from the size of the data."""

    n_epochs: Literal["auto"] | Annotated[int, Field(ge=1, le=1000)] = "auto"
    batch_size: Literal["auto"] | Annotated[int, Field(ge=1, le=1024)] = "auto"
    learning_rate_multiplier: Literal["auto"] | float = "auto"


class Supervised(Body):
    """Fine-tuning on question/answer pairs."""

    hyperparameters: Hyperparameters | None = None


class Method(Body):
    """The kind of fine-tuning: `supervised` is the only one."""

    type: str
    supervised: Supervised | None = None


class NewJob(Body):
    """A model to be fine-tuned."""

    model: str = Field(min_length=1, max_length=300)
    training_file: str = Field(min_length=1)
    hyperparameters: Hyperparameters | None = None
    method: Method | None = None
    suffix: str | None = Field(None, max_length=64)
    seed: int | None = Field(None, ge=0, lt=2**31)
    validation_file: str | None = None
    integrations: list[Any] | None = None
    metadata: (
        Annotated[
            dict[
                Annotated[str, StringConstraints(max_length=64)],
                Annotated[str, StringConstraints(max_length=512)],
            ],
            Field(max_length=16),
        ]
        | None
    ) = None


class JobError(Answer):
    """Why a job failed."""

    code: str
    message: str
    param: str | None = None


class OpenAIJob(Listed):
    """A fine-tuning job. `fine_tuned_model` is the name of its model, once it is completed."""

    object: Literal["fine_tuning.job"] = "fine_tuning.job"
    created_at: int
    finished_at: int | None
    model: str
    fine_tuned_model: str | None
    organization_id: str
    status: Literal["validating_files", "queued", "running", "succeeded", "failed", "cancelled"]
    hyperparameters: dict[str, Any]
    method: dict[str, Any]
    training_file: str
    validation_file: None = None
    result_files: list[str] = Field(default_factory=list[str])
    trained_tokens: int | None = None
    error: JobError | None
    seed: int
    user_provided_suffix: str | None
    estimated_finish: int | None = None
    integrations: list[Any] = Field(default_factory=list[Any])
    metadata: dict[str, str] | None


class OpenAIJobEvent(Listed):
    """Something that happened to a job."""

    object: Literal["fine_tuning.job.event"] = "fine_tuning.job.event"
    created_at: int
    level: Literal["info", "warn", "error"]
    message: str
    type: Literal["message", "metrics"]
    data: dict[str, Any]


class OpenAIJobCheckpoint(Listed):
    """A recorded point of a job's training. Only the last point is a model that answers, under the id of the job."""

    object: Literal["fine_tuning.job.checkpoint"] = "fine_tuning.job.checkpoint"
    created_at: int
    fine_tuning_job_id: str
    fine_tuned_model_checkpoint: str
    step_number: int
    metrics: dict[str, float | None]


class ChatCompletion(Answer):
    """An answered conversation."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: dict[str, int]
    system_fingerprint: None = None


class NewVectors(Body):
    """Texts to be turned into vectors. Lists of tokens are refused."""

    input: str | Annotated[list[Any], Field(min_length=1, max_length=2048)]
    model: str
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = None


class Vector(Answer):
    """The vector of one text: numbers, or the base64 of little-endian float32 numbers."""

    index: int
    object: Literal["embedding"] = "embedding"
    embedding: list[float] | str


class Vectors(Answer):
    """The vectors of all texts, in order."""

    object: Literal["list"] = "list"
    model: str
    data: list[Vector]
    usage: dict[str, int]
