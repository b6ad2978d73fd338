"""The tables of the service: references and status, never arrays. A change here needs a migration beside it."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Index, Text, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Moment(TypeDecorator[datetime]):
    """A point in time, always in UTC: SQLite forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment as it is stored."""
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment with its zone."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Words(TypeDecorator[str]):
    """Text of any length. What no database holds (NUL, lone surrogates) is replaced, so that looking it up finds
    nothing."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The text as it is stored."""
        return UNSTORABLE.sub("\ufffd", value) if value is not None else None


def now() -> datetime:
    """This moment in UTC."""
    return datetime.now(UTC)


def new_id(kind: str) -> str:
    """A new id such as `file-4ac3fcbe-…`."""
    return f"{kind}-{uuid4()}"


class Base(DeclarativeBase):
    """The base of all tables: text is unbounded, dictionaries are JSON, times are in UTC."""

    type_annotation_map = {str: Words(), dict[str, Any]: JSON(), list[Any]: JSON(), datetime: Moment()}  # noqa: RUF012


class Team(Base):
    """The owner of files, jobs and deployments. Team 1, `default`, owns what is created without a key."""

    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Key(Base):
    """An API key: only the hash of its secret is kept."""

    __tablename__ = "keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    revoked_at: Mapped[datetime | None]


class Project(Base):
    """A name under which jobs are gathered."""

    __tablename__ = "projects"

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), index=True)
    name: Mapped[str]
    description: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class File(Base):
    """An uploaded file. `content_id` names its bytes, as the pairs of a run do; `examples` counts its pairs.

    `origin_file_id` is the file that this one is a new version of; `changes` counts what was changed in it.
    """

    __tablename__ = "files"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_id("file"))
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), index=True)
    filename: Mapped[str]
    purpose: Mapped[str]
    type: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    content_id: Mapped[str]
    examples: Mapped[int | None]
    object: Mapped[str]
    origin_file_id: Mapped[str | None] = mapped_column(index=True)
    changes: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    deleted_at: Mapped[datetime | None]


class Job(Base):
    """A fine-tuning job, with its index. `training_config` and `infrastructure` are as they were asked for."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_team_id_created_at", "team_id", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_id("ft"))
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id"))
    model: Mapped[str]
    training_config: Mapped[dict[str, Any]]
    infrastructure: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(default="pending", index=True)
    phase: Mapped[str | None]
    progress: Mapped[float | None]
    seconds_left: Mapped[float | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    inference_available: Mapped[bool] = mapped_column(default=False)
    error_analysis: Mapped[str | None]
    evaluation: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class JobFile(Base):
    """A file that a job was trained on; it stays when the file is deleted."""

    __tablename__ = "job_files"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    file_id: Mapped[str] = mapped_column(ForeignKey("files.id"), primary_key=True)
    place: Mapped[int]


class Event(Base):
    """Something that happened to a job."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    level: Mapped[str] = mapped_column(default="info")
    phase: Mapped[str]
    message: Mapped[str]
    step: Mapped[int | None]
    total_steps: Mapped[int | None]
    loss: Mapped[float | None]
    epoch: Mapped[float | None]
    seconds_left: Mapped[float | None]


class Deployment(Base):
    """A model that answers: a fine-tuned run or a base model."""

    __tablename__ = "deployments"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_id("deployment"))
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), index=True)
    model_type: Mapped[str]
    model_id: Mapped[str]
    name: Mapped[str]
    description: Mapped[str]
    status: Mapped[str] = mapped_column(default="Inactive")
    failure: Mapped[str | None]
    n_instances: Mapped[int]
    total_input_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    total_output_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    last_deployed_at: Mapped[datetime | None]


class AttributionRecord(Base):
    """An attribution that was asked for; `result` is what was answered."""

    __tablename__ = "attributions"
    __table_args__ = (Index("ix_attributions_team_id_created_at", "team_id", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: new_id("attribution"))
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    model: Mapped[str] = mapped_column(index=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    result: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)


class InfluenceRecord(Base):
    """A pair that an attribution returned, for finding pairs that recur. `side` is supporting or opposing."""

    __tablename__ = "influences"

    attribution_id: Mapped[str] = mapped_column(ForeignKey("attributions.id", ondelete="CASCADE"), primary_key=True)
    pair_id: Mapped[str] = mapped_column(primary_key=True, index=True)
    file_id: Mapped[str]
    file: Mapped[str]
    line: Mapped[int]
    messages: Mapped[str]
    level: Mapped[str]
    share: Mapped[float]
    side: Mapped[str] = mapped_column(default="supporting", server_default="supporting")


class Replay(Base):
    """A create that was done under an idempotency key, so that a repeated one returns the same record."""

    __tablename__ = "replays"

    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    record: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
