"""Whence: which training examples made this fine-tuned model give this answer?

All of the public surface stands here. A name is imported when it is first used, so that `import whence` is quick and
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

_ROOMS = {
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
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

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
    # a server that does the same
    "Client",
    "AsyncClient",
    # what they take and give
    "Recipe",
    "EvaluationPlan",
    "AuditPlan",
    "Run",
    "Index",
    "TraceCallback",
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
    elif name in _ROOM_OF:
        value = getattr(import_module(_ROOM_OF[name]), name)
    else:
        raise AttributeError(f"module 'whence' has no attribute {name!r}")
    globals()[name] = value
    return value


def _shown(found: "Attribution") -> dict[str, Any]:
    """What a notebook shows of an attribution; what draws it is imported when there is one to be drawn."""
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
