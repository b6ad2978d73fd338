"""New versions of files."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from whence.api.schemas.base import Answer, Body
from whence.api.schemas.seekrflow import FileAnswer

PairId = Annotated[str, StringConstraints(min_length=1, max_length=100)]
MOST = 10_000
"""Changes of a kind that one revision may make."""


class NewPair(Body):
    """A pair to be added."""

    question: str
    answer: str


class EditedPair(NewPair):
    """A pair of the file, by its id, with what is to stand there."""

    id: PairId


class NewRevision(Body):
    """Changes to a file: pairs excluded by id, edited in place, added at the end."""

    exclude: list[PairId] = Field(default_factory=list[PairId], max_length=MOST)
    edit: list[EditedPair] = Field(default_factory=list[EditedPair], max_length=MOST)
    add: list[NewPair] = Field(default_factory=list[NewPair], max_length=MOST)
    name: str | None = Field(None, description="What the new version is called, else such as `faq-v2.jsonl`.")


class RevisionAnswer(FileAnswer):
    """A version of a file, and how many pairs were changed in it with regard to `origin_file_id`."""

    excluded: int
    edited: int
    added: int


class RevisionList(Answer):
    """The versions of a file, the oldest first."""

    object: Literal["list"] = "list"
    data: list[RevisionAnswer]
