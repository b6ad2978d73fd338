"""The SDK: a Whence server as objects, in sync and async programs. It imports no torch, no numpy and no pydantic."""

from whence.client.asynchronous import AsyncClient
from whence.client.attributions import AttributionSummary, KeptAttribution, VerbatimSpan
from whence.client.chat import ChatCompletion
from whence.client.context import ContextAttribution
from whence.client.deployments import Deployment
from whence.client.embeddings import EmbeddingList
from whence.client.errors import (
    ApiError,
    BadRequest,
    Conflict,
    ConnectionFailed,
    DeploymentFailed,
    InvalidCall,
    JobFailed,
    NotFound,
    Overloaded,
    ServerError,
    TimedOut,
    TooLarge,
    Unauthorized,
)
from whence.client.explainability import InfluentialData
from whence.client.files import FileDeleted, FileInfo
from whence.client.jobs import Job, JobEvent, Lora
from whence.client.models import ModelInfo
from whence.client.pairs import Pair
from whence.client.projects import Project
from whence.client.records import Page
from whence.client.streams import AsyncStream, Stream
from whence.client.sync import Client

__all__ = [
    "Client",
    "AsyncClient",
    # what they give
    "Page",
    "Stream",
    "AsyncStream",
    "Project",
    "FileInfo",
    "FileDeleted",
    "Pair",
    "Job",
    "JobEvent",
    "Lora",
    "Deployment",
    "ModelInfo",
    "ChatCompletion",
    "EmbeddingList",
    "KeptAttribution",
    "AttributionSummary",
    "VerbatimSpan",
    "InfluentialData",
    "ContextAttribution",
    # what they raise
    "ApiError",
    "BadRequest",
    "Unauthorized",
    "NotFound",
    "Conflict",
    "TooLarge",
    "Overloaded",
    "ServerError",
    "ConnectionFailed",
    "TimedOut",
    "InvalidCall",
    "JobFailed",
    "DeploymentFailed",
]
