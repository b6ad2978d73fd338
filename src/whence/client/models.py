"""The models that can be fine-tuned or asked."""

from dataclasses import dataclass, field
from typing import Any

from whence.client.calls import Call
from whence.client.records import Page, brief, record
from whence.client.resource import D_co, Method, Resource


@dataclass(frozen=True, slots=True, repr=False)
class ModelInfo:
    """A model that the server knows."""

    id: str
    name: str = ""
    size: int | None = None
    model_type: str | None = None
    supports_lora: bool = False
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "ModelInfo":
        """A model out of its JSON object."""
        return record(ModelInfo, data)

    def __repr__(self) -> str:
        name = self.name if self.name != self.id else None
        return brief(f"ModelInfo {self.id}", name, self.model_type)


def listing() -> Call[Page[ModelInfo]]:
    """The models."""
    return Call("GET", "/v1/flow/models", Page.of(ModelInfo.of))


class Models(Resource[D_co]):
    """`client.models`."""

    list = Method(listing)
