"""SeekrFlow's requests about answers and texts: attribution to pairs and to context, and vectors."""

from typing import Annotated, Any, Literal

from pydantic import Field

from whence.api.schemas.base import Answer, Body


class InfluentialPair(Answer):
    """A pair of the training data that the answer rests on."""

    id: str
    influence_level: Literal["high", "medium", "low"]
    file_id: str
    messages: str
    file: str
    line: int
    score: float
    share: float
    p_value: float
    rank: int


class InfluentialData(Answer):
    """The pairs that an answer rests on, the most influential first."""

    results: list[InfluentialPair]
    answer: str
    version: Literal["v0"] = "v0"
    id: str
    method: str
    unit: str
    lift: dict[str, Any]
    trust: dict[str, Any]
    sentence: str


class NewEmbeddings(Body):
    """Texts to be turned into vectors."""

    input: str | Annotated[list[str], Field(min_length=1, max_length=2048)]
    model: str
    encoding_format: Literal["float", "base64"] | None = None


class EmbeddingVector(Answer):
    """The vector of one text."""

    index: int
    object: Literal["embedding"] = "embedding"
    embedding: list[float]


class Embeddings(Answer):
    """The vectors of all texts, in order."""

    object: Literal["list"] = "list"
    model: str
    data: list[EmbeddingVector]


class NewContextAttribution(Body):
    """A response whose sentences are to be traced to its context. `model`: a deployed model (else the latest one)."""

    context: str = Field(min_length=1)
    query: str = Field(min_length=1)
    response: str = Field(min_length=1)
    highlight: str | None = None
    granularity: Literal["sentence", "paragraph"] | None = None
    top_k: int | None = Field(None, ge=1, le=512)
    num_ablations: int | None = Field(None, ge=32, le=256)
    model: str | None = None


class ContextAttributionAnswer(Answer):
    """The parts of the context that each part of the response rests on."""

    response_text: str
    segments: list[dict[str, Any]]
    highlight: str | None
    sources: list[dict[str, Any]] | None
