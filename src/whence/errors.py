"""Every error that Whence raises on purpose. A message states the rule, the value and the next step."""

from dataclasses import dataclass


class WhenceError(Exception):
    """The root: catch this to catch every error that a user can act on."""


class DataError(WhenceError):
    """Training or query data that break a rule. `faults` lists every bad line that was found."""

    def __init__(self, message: str, faults: "tuple[Fault, ...]" = ()) -> None:
        super().__init__(message)
        self.faults = faults


class ModelError(WhenceError):
    """A base model, adapter or checkpoint that cannot be found, read or used."""


class TrainingError(WhenceError):
    """A fine-tuning run that cannot start or cannot go on."""


class ArtifactError(WhenceError):
    """A run or index folder that is missing, damaged, or was made with other settings."""


class MethodError(WhenceError):
    """A method that does not exist, or that lacks what it needs in this run."""


class AccessError(WhenceError):
    """A key or team that cannot be used."""


class MissingError(WhenceError):
    """Something that was asked for by name or id and is not there, or is another team's."""


class ConflictError(WhenceError):
    """Something that cannot be done in the state that things are in."""


class BusyError(WhenceError):
    """More work than can be done now. `seconds` is about how long to wait before asking again."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class TooLargeError(WhenceError):
    """A body or file over its limit."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken rule in a data file. `line` is 1-based (0: the file as a whole)."""

    file: str
    line: int
    rule: str
    value: str
    fix: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        value = f" (found {self.value})" if self.value else ""
        return f"{where}: {self.rule}{value}. {self.fix}"
