"""What each method is called, counts in and needs, for those who must not load it: `registry` has the methods."""

from dataclasses import dataclass
from typing import Literal

from whence.errors import MethodError
from whence.types import Unit


@dataclass(frozen=True, slots=True)
class Listed:
    """A method by name. `checkpoints` it needs of a run: "none" (text only), "last", or "all" (the recorded path)."""

    name: str
    unit: Unit
    checkpoints: Literal["none", "last", "all"]


LISTED = (
    Listed("fisher", "nats", "all"),
    Listed("tracin", "similarity", "all"),
    Listed("grad_dot", "similarity", "last"),
    Listed("grad_cos", "similarity", "last"),
    Listed("less", "similarity", "all"),
    Listed("trak", "similarity", "last"),
    Listed("logra", "similarity", "last"),
    Listed("trackstar", "similarity", "last"),
    Listed("datainf", "similarity", "last"),
    Listed("kfac", "similarity", "last"),
    Listed("ekfac", "similarity", "last"),
    Listed("fisher_cg", "similarity", "last"),
    Listed("source", "similarity", "all"),
    Listed("unrolled", "similarity", "all"),
    Listed("dda", "similarity", "all"),
    Listed("repsim", "similarity", "last"),
    Listed("bm25", "similarity", "none"),
    Listed("embedding", "similarity", "none"),
)


def listed(name: str) -> Listed:
    """The entry of that name.

    Raises:
        MethodError: there is no such method.
    """
    found = next((method for method in LISTED if method.name == name), None)
    if found is None:
        raise MethodError(f"A method is one of {', '.join(m.name for m in LISTED)} (found {name[:60]!r}). Choose one.")
    return found
