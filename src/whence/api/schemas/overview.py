"""An overview of a team's resources."""

from typing import Literal

from whence.api.schemas.attributions import AttributionRow
from whence.api.schemas.base import Answer
from whence.api.schemas.demo import DemoAnswer
from whence.api.schemas.seekrflow import DeploymentAnswer, FineTune


class OverviewAnswer(Answer):
    """A team's resources. `jobs`: those in progress, then the last five that ended; `attributions`: the last five.

    `files` counts the files for training, `pairs` the pairs in them; `keys` says whether the service has API keys;
    `demo` is null until it was started.
    """

    object: Literal["overview"] = "overview"
    deployments: list[DeploymentAnswer]
    jobs: list[FineTune]
    attributions: list[AttributionRow]
    files: int
    pairs: int
    version: str
    keys: bool
    demo: DemoAnswer | None = None
