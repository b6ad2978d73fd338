"""Requests and responses in SeekrFlow's words. Enumerations hold just what its client accepts."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from whence.api.schemas.base import Answer, Body

Accelerator = Literal["GAUDI2", "GAUDI3", "A100", "A10", "H100", "MI300X"]
Name = Annotated[str, StringConstraints(min_length=5, max_length=100)]
Description = Annotated[str, StringConstraints(min_length=5, max_length=1000)]
Page = Annotated[int, Field(ge=1, le=1000)]
ProjectId = Annotated[int, Field(ge=0, lt=2**31)]


class NewProject(Body):
    """A project to be made."""

    id: int | None = None
    name: Name
    description: Description


class ProjectAnswer(Answer):
    """A project."""

    id: int
    name: str
    description: str
    user_id: int
    team_id: str | None
    created_at: datetime
    updated_at: datetime


class ProjectWithRuns(ProjectAnswer):
    """A project and how much has been done in it."""

    runs: int
    runs_deployed: int
    last_modified: datetime


class ProjectList(Answer):
    """Projects, the newest first."""

    data: list[ProjectWithRuns]


class FileAnswer(Answer):
    """An uploaded file."""

    id: str
    object: Literal["file"] = "file"
    created_at: datetime
    type: str
    purpose: str
    filename: str
    bytes: int
    created_by: str | None
    origin_file_id: str | None
    deleted: bool
    examples: int | None
    sha256: str


class FileList(Answer):
    """Files."""

    object: Literal["list"] = "list"
    data: list[FileAnswer]
    total: int


class FileDeleted(Answer):
    """A deleted file. `note` says what is kept of it, if a model was trained on it."""

    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True
    note: str | None


class NewName(Body):
    """A new name for a file."""

    new_filename: str


class DocumentMetadata(Body):
    """A document that may be uploaded."""

    purpose: str
    suffix: str
    size: int


class MetadataVerdict(Answer):
    """The verdict on a document."""

    is_valid: bool
    errors: str


class LoRA(Body):
    """The settings of an adapter."""

    r: int = Field(8, gt=0, le=1024)
    alpha: int = Field(32, gt=0)
    dropout: float = Field(0.1, ge=0, lt=1)
    bias: Literal["none", "all", "lora_only"] = "none"
    extras: dict[str, Any] = Field(default_factory=dict)


class TrainingConfig(Body):
    """Fine-tuning settings. Without `lora_config` all weights are trained."""

    training_files: list[str] = Field(min_length=1, max_length=100)
    model: str = Field(min_length=1, max_length=300)
    n_epochs: int | None = Field(None, ge=1, le=1000)
    learning_rate: float | None = Field(None, gt=0, le=10)
    n_checkpoints: int | None = Field(None, ge=1, le=100)
    batch_size: int | None = Field(None, ge=1, le=1024)
    experiment_name: str | None = None
    max_length: int | None = Field(None, ge=8, le=1 << 20)
    pre_train: bool | None = None
    fine_tune_type: Literal["STANDARD", "GRPO", "PREFERENCE", "REINFORCEMENT"] | None = None
    lora_config: LoRA | None = None
    validation_files: list[str] | None = None
    reward_components: Any = None
    beta: float | None = None
    gradient_checkpointing: bool | None = None
    seed: int | None = Field(None, ge=0, lt=2**31)


class Infrastructure(Body):
    """Hardware for SeekrFlow; kept and returned, but not used."""

    accel_type: Accelerator = "A100"
    n_accel: Annotated[int, Field(ge=1, le=1024)] = 1
    n_node: Annotated[int, Field(ge=1, le=1024)] = 1


class NewFineTune(Body):
    """A model to be fine-tuned."""

    project_id: ProjectId | None = None
    training_config: TrainingConfig
    infrastructure_config: Infrastructure = Infrastructure()


class FineTune(Answer):
    """A fine-tuning job. `place` is its place in the queue, `phase` what is done now, `seconds_left` of it."""

    id: str
    fine_tune_type: str
    training_files: list[str]
    model: str
    accel_type: Accelerator
    n_accel: int
    n_node: int
    n_epochs: int | None
    batch_size: int | None
    learning_rate: float | None
    lora_config: dict[str, Any] | None
    max_length: int | None
    n_checkpoints: int | None
    created_at: datetime
    experiment_name: str | None
    status: Literal["pending", "queued", "running", "cancelled", "failed", "completed", "deleted"]
    deleted_at: datetime | None
    inference_available: bool
    project_id: int | None
    completed_at: datetime | None
    error_analysis: str | None
    phase: str | None
    place: int | None
    progress: float | None
    seconds_left: float | None
    evaluation: dict[str, Any] | None


class FineTuneList(Answer):
    """Fine-tuning jobs, the newest first."""

    object: Literal["list"] = "list"
    data: list[FineTune]


class FineTuneEvent(Answer):
    """Something that happened to a job."""

    object: Literal["fine-tune-event"] = "fine-tune-event"
    id: int
    created_at: datetime
    loss: float | None
    epoch: float | None
    reward: float | None = None
    step: int | None
    total_steps: int | None
    phase: str
    message: str
    level: str
    seconds_left: float | None


class FineTuneEvents(Answer):
    """Events in order."""

    object: Literal["list"] = "list"
    data: list[FineTuneEvent]


class NewDeployment(Body):
    """A model to be deployed: the id of a completed job, or a base model."""

    model_type: Literal["Fine-tuned Run", "Base Model"]
    model_id: str
    name: Name
    description: Description
    n_instances: int = Field(ge=1, le=50)


class DeploymentAnswer(Answer):
    """A deployment. `failure` says why its model could not be loaded."""

    id: str
    model_type: str
    model_id: str
    name: str
    description: str
    status: Literal["Inactive", "Pending", "Active", "Failed", "Started", "Success"]
    memory: str | None
    total_input_tokens: int
    total_output_tokens: int
    created_at: datetime
    last_deployed_at: datetime | None
    updated_at: datetime
    n_instances: int
    user_id: int
    team_id: str | None
    failure: str | None


class DeploymentList(Answer):
    """Deployments, the newest first."""

    data: list[DeploymentAnswer]


class ModelAnswer(Answer):
    """A base model."""

    id: str
    name: str
    object: Literal["model"] = "model"
    size: int | None
    bytes: int | None
    type: Literal["chat", "embedding"]
    model_type: str
    supports_lora: bool


class ModelList(Answer):
    """Base models."""

    object: Literal["list"] = "list"
    data: list[ModelAnswer]
