"""The registered methods by name."""

import json
from dataclasses import asdict, fields
from typing import Any

from whence.errors import MethodError
from whence.methods.base import Method
from whence.methods.bm25 import Bm25
from whence.methods.datainf import DataInf
from whence.methods.dda import Dda
from whence.methods.ekfac import EkfacInfluence
from whence.methods.embedding import Embedding
from whence.methods.fisher import FisherInfluence
from whence.methods.fisher_cg import FisherCg
from whence.methods.grad_dot import GradCos, GradDot
from whence.methods.kfac import KfacInfluence
from whence.methods.less import Less
from whence.methods.logra import LoGra
from whence.methods.repsim import RepSim
from whence.methods.source import Source
from whence.methods.tracin import TracIn
from whence.methods.trackstar import TrackStar
from whence.methods.trak import Trak
from whence.methods.unrolled import Unrolled

ALL = (
    FisherInfluence,
    TracIn,
    GradDot,
    GradCos,
    Less,
    Trak,
    LoGra,
    TrackStar,
    DataInf,
    KfacInfluence,
    EkfacInfluence,
    FisherCg,
    Source,
    Unrolled,
    Dda,
    RepSim,
    Bm25,
    Embedding,
)
METHODS: dict[str, type[Any]] = {method.name: method for method in ALL}


def method_named(name: str, settings: dict[str, Any] | None = None) -> Method:
    """The method of that name with its settings.

    Raises:
        MethodError: no method has this name, or it has no such setting.
    """
    if name not in METHODS:
        raise MethodError(f"A method is one of {', '.join(METHODS)} (found {name!r}). Choose one.")
    try:
        return METHODS[name](**(settings or {}))
    except TypeError as error:
        known = ", ".join(field.name for field in fields(METHODS[name]))
        raise MethodError(f"{name} has the settings {known or 'none'} ({error}).") from error


def settings_of(method: Any) -> dict[str, Any]:
    """A method's settings as JSON keeps them; `method_named` rebuilds the method from them."""
    return json.loads(json.dumps(asdict(method)))
