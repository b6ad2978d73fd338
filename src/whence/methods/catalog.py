"""Name, unit and needs of each method, for code that must not load the methods themselves; those are in `registry`."""

from dataclasses import dataclass
from typing import Literal

from whence.errors import MethodError
from whence.types import Unit


@dataclass(frozen=True, slots=True)
class MethodInfo:
    """One method. `checkpoints` that it needs: "none" (text only), "last", or "all" (the recorded trajectory)."""

    name: str
    unit: Unit
    checkpoints: Literal["none", "last", "all"]


CATALOG = (
    MethodInfo("fisher", "nats", "all"),
    MethodInfo("tracin", "similarity", "all"),
    MethodInfo("grad_dot", "similarity", "last"),
    MethodInfo("grad_cos", "similarity", "last"),
    MethodInfo("less", "similarity", "all"),
    MethodInfo("trak", "similarity", "last"),
    MethodInfo("logra", "similarity", "last"),
    MethodInfo("trackstar", "similarity", "last"),
    MethodInfo("datainf", "similarity", "last"),
    MethodInfo("kfac", "similarity", "last"),
    MethodInfo("ekfac", "similarity", "last"),
    MethodInfo("fisher_cg", "similarity", "last"),
    MethodInfo("source", "similarity", "all"),
    MethodInfo("unrolled", "similarity", "all"),
    MethodInfo("dda", "similarity", "all"),
    MethodInfo("repsim", "similarity", "last"),
    MethodInfo("bm25", "similarity", "none"),
    MethodInfo("embedding", "similarity", "none"),
)


def method_info(name: str) -> MethodInfo:
    """The entry of that name.

    Raises:
        MethodError: no method has this name.
    """
    found = next((method for method in CATALOG if method.name == name), None)
    if found is None:
        raise MethodError(f"A method is one of {', '.join(m.name for m in CATALOG)} (found {name[:60]!r}). Choose one.")
    return found
