"""The demo: a job on the shipped sample, and what to ask its model."""

from typing import Literal

from whence.api.schemas.base import Answer
from whence.api.schemas.runs import Status


class DemoQuestionAnswer(Answer):
    """A question to the demo's model. `answer`: its own when it was last explained; `about`: what to look for."""

    question: str
    answer: str | None
    about: str


class DemoAnswer(Answer):
    """The demo. `status` is that of its job; `deployment_id` is null until somebody deploys its model."""

    object: Literal["demo"] = "demo"
    job_id: str
    file_id: str
    deployment_id: str | None
    status: Status
    questions: list[DemoQuestionAnswer]
