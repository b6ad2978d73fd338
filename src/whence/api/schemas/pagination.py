"""Common parameters of list requests."""

from typing import Annotated

from fastapi import Query

Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
Offset = Annotated[int, Query(ge=0, lt=2**31, description="How many to skip.")]
Search = Annotated[
    str | None, Query(max_length=1000, description="Only pairs whose question or answer holds this text, in any case.")
]
ModelName = Annotated[str | None, Query(max_length=300, description="Only those of this deployment, or of this job.")]
