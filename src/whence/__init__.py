"""Whence: which training examples made this fine-tuned model give this answer?

The whole public surface. A name is imported when it is first used, so that `import whence` is quick and
loads no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from whence import types as _types

if TYPE_CHECKING:
    from whence.client import AsyncClient as AsyncClient
    from whence.client import Client as Client
    from whence.errors import ArtifactError as ArtifactError
    from whence.errors import DataError as DataError
    from whence.errors import Fault as Fault
    from whence.errors import MethodError as MethodError
    from whence.errors import ModelError as ModelError
    from whence.errors import TrainingError as TrainingError
    from whence.errors import WhenceError as WhenceError
    from whence.insights.tracing import Correction as Correction
    from whence.insights.tracing import trace_errors as trace_errors
    from whence.pipeline import AuditPlan as AuditPlan
    from whence.pipeline import Dossier as Dossier
    from whence.pipeline import Evaluation as Evaluation
    from whence.pipeline import EvaluationPlan as EvaluationPlan
    from whence.pipeline import Index as Index
    from whence.pipeline import attribute as attribute
    from whence.pipeline import audit as audit
    from whence.pipeline import build_index as build_index
    from whence.pipeline import evaluate as evaluate
    from whence.pipeline import finetune as finetune
    from whence.pipeline import import_run as import_run
    from whence.pipeline import score as score
    from whence.pipeline import token_influence as token_influence
    from whence.training.recipe import Recipe as Recipe
    from whence.training.run import Run as Run
    from whence.training.trace import TraceCallback as TraceCallback
    from whence.types import Attribution as Attribution
    from whence.types import Example as Example
    from whence.types import Group as Group
    from whence.types import Influence as Influence
    from whence.types import Level as Level
    from whence.types import Lift as Lift
    from whence.types import Message as Message
    from whence.types import Query as Query
    from whence.types import TokenInfluence as TokenInfluence
    from whence.types import Trust as Trust

    __version__: str

_EXPORTS = {
    "whence.client": ("Client", "AsyncClient"),
    "whence.pipeline": (
        "finetune",
        "import_run",
        "build_index",
        "attribute",
        "token_influence",
        "score",
        "evaluate",
        "audit",
        "EvaluationPlan",
        "AuditPlan",
        "Index",
        "Evaluation",
        "Dossier",
    ),
    "whence.insights.tracing": ("trace_errors", "Correction"),
    "whence.training.run": ("Run",),
    "whence.training.recipe": ("Recipe",),
    "whence.training.trace": ("TraceCallback",),
    "whence.types": (
        "Attribution",
        "Influence",
        "Group",
        "TokenInfluence",
        "Level",
        "Lift",
        "Trust",
        "Query",
        "Example",
        "Message",
    ),
    "whence.errors": (
        "WhenceError",
        "DataError",
        "ModelError",
        "TrainingError",
        "ArtifactError",
        "MethodError",
        "Fault",
    ),
}
_MODULE_OF = {name: module for module, names in _EXPORTS.items() for name in names}

__all__ = [
    # the stages
    "finetune",
    "import_run",
    "build_index",
    "attribute",
    "token_influence",
    "score",
    "evaluate",
    "audit",
    "trace_errors",
    # the same through a server
    "Client",
    "AsyncClient",
    # what they take and return
    "Recipe",
    "EvaluationPlan",
    "AuditPlan",
    "Run",
    "Index",
    "TraceCallback",
    "Correction",
    "Attribution",
    "Influence",
    "Group",
    "TokenInfluence",
    "Level",
    "Lift",
    "Trust",
    "Evaluation",
    "Dossier",
    "Query",
    "Example",
    "Message",
    # what they raise
    "WhenceError",
    "DataError",
    "ModelError",
    "TrainingError",
    "ArtifactError",
    "MethodError",
    "Fault",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """A public name, imported now (PEP 562)."""
    if name == "__version__":
        value: Any = _version()
    elif name in _MODULE_OF:
        value = getattr(import_module(_MODULE_OF[name]), name)
    else:
        raise AttributeError(f"module 'whence' has no attribute {name!r}")
    globals()[name] = value
    return value


def _shown(found: "Attribution") -> dict[str, Any]:
    """Return an attribution as a notebook shows it; the code that draws it is imported when it is first needed."""
    return import_module("whence.widget.display").shown(found)


_types.set_repr(_shown)


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("whence")
    except PackageNotFoundError:  # run from its source, never installed
        return "0+source"
