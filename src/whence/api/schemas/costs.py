"""The estimated cost of a job."""

from typing import Annotated

from pydantic import Field, StringConstraints

from whence.api.schemas.base import Answer, Body


class NewEstimate(Body):
    """A job whose cost is asked for. What is left out follows from the data, as it does in a job."""

    files: list[Annotated[str, StringConstraints(max_length=100)]] = Field(min_length=1, max_length=100)
    model: str = Field(min_length=1, max_length=300)
    epochs: int | None = Field(None, ge=1, le=1000)
    rank: int | None = Field(None, ge=1, le=1024)
    full: bool | None = None


class EstimateAnswer(Answer):
    """The estimated cost of a job: seconds of fine-tuning and indexing, and bytes. `basis`: its source."""

    train_seconds: float
    index_seconds: float
    memory_bytes: int
    disk_bytes: int
    tokens: int
    epochs: int
    basis: str
