"""The base classes of request and response bodies."""

from typing import Any, cast

from pydantic import BaseModel, ConfigDict, model_validator


class Body(BaseModel):
    """A request body: types are taken as they are, and keys that nobody knows are left alone."""

    model_config = ConfigDict(strict=True, extra="allow", str_max_length=1 << 20)

    @model_validator(mode="before")
    @classmethod
    def without_nul(cls, data: Any) -> Any:
        """Refuse NUL, which no database holds."""
        if isinstance(data, dict) and any(
            isinstance(text, str) and "\0" in text for text in cast(dict[str, Any], data).values()
        ):
            raise ValueError("Text must hold no NUL character. Remove it")
        return data


class Answer(BaseModel):
    """A response body; what else the record has may stand beside the named fields."""

    model_config = ConfigDict(extra="allow")
