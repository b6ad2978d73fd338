"""What all request bodies share."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A request body: types are taken as they are, and keys that nobody knows are left alone."""

    model_config = ConfigDict(strict=True, extra="allow", str_max_length=1 << 20)


class Answer(BaseModel):
    """A response body; what else the record has may stand beside the named fields."""

    model_config = ConfigDict(extra="allow")
