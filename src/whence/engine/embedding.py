"""A sentence encoder in memory."""

from typing import Any

from whence.engine.messages import EmbedRequest, LoadRequest
from whence.methods.embedding import Embedding


class EmbeddingSession:
    """The encoder of one engine."""

    def __init__(self, place: str) -> None:
        self.model = Embedding(place)

    def load(self, _: LoadRequest) -> dict[str, Any]:
        """Confirm that the encoder is loaded."""
        return {"loaded": True}

    def embed(self, request: EmbedRequest) -> list[list[float]]:
        """One vector per text, in order."""
        return self.model.vectors(list(request.texts)).tolist()
