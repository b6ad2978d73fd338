"""Texts as vectors."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from whence.client.calls import Call
from whence.client.records import brief, record
from whence.client.resource import D_co, Method, Resource


@dataclass(frozen=True, slots=True)
class Embedding:
    """The vector of the text at place `index` of the input."""

    index: int
    embedding: tuple[float, ...]
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "Embedding":
        """A vector out of its JSON object."""
        return record(Embedding, data, embedding=tuple(data["embedding"]))


@dataclass(frozen=True, slots=True, repr=False)
class EmbeddingList:
    """Vectors, in the order of the texts."""

    data: tuple[Embedding, ...]
    model: str | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "EmbeddingList":
        """Vectors out of the JSON answer."""
        return record(EmbeddingList, data, data=tuple(map(Embedding.of, data["data"])))

    def __repr__(self) -> str:
        return brief(f"EmbeddingList {self.model}", f"{len(self.data)} vectors")


def create(input: str | Sequence[str], model: str = "all-minilm-l6-v2") -> Call[EmbeddingList]:
    """The vector of a text, or one for each of several."""
    texts = input if isinstance(input, str) else list(input)
    return Call("POST", "/v1/inference/embeddings", EmbeddingList.of, body={"input": texts, "model": model})


class Embeddings(Resource[D_co]):
    """`client.embeddings`."""

    create = Method(create)
