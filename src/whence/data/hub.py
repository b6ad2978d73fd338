"""Data sets on the Hugging Face hub, streamed as records: `hub:owner/name[:split]`. None is downloaded whole."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from whence.data.read import Row, refusal, short
from whence.errors import Fault

PREFIX = "hub:"


@dataclass(frozen=True, slots=True)
class HubSet:
    """One split of a data set on the hub, at one revision (the newest commit when it was opened)."""

    name: str
    split: str
    revision: str

    @property
    def source(self) -> str:
        """The name of this split: `hub:owner/name:split`."""
        return f"{PREFIX}{self.name}:{self.split}"


def is_hub(source: object) -> bool:
    """Return True if a source names a data set on the hub instead of a file."""
    return isinstance(source, str) and source.startswith(PREFIX)


def open_set(source: str) -> HubSet:
    """Open the split that `hub:owner/name[:split]` names (default: train), pinned to its newest revision.

    Raises:
        DataError: the name is malformed, the hub cannot be reached, or it has no such data set.
    """
    name, _, split = source.removeprefix(PREFIX).partition(":")
    if name.count("/") != 1 or not all(name.split("/")):
        fix = "Write hub:owner/name or hub:owner/name:split."
        raise refusal(Fault(source, 0, "a data set id must have an owner and a name", name, fix))
    api = _library("huggingface_hub", source).HfApi()
    try:
        info: Any = api.dataset_info(name)
    except Exception as error:  # the client raises its own errors, httpx's and OSError
        raise refusal(_unreachable(source, error)) from error
    return HubSet(name, split or "train", str(info.sha))


def rows(hub: HubSet) -> Iterator[Row]:
    """Yield the records of a split in order, streamed; `line` is the row's number from 1.

    Raises:
        DataError: the hub cannot be reached, there is no such split, or it has no rows.
    """
    datasets = _library("datasets", hub.source)
    line = 0
    try:
        stream: Any = datasets.load_dataset(hub.name, split=hub.split, revision=hub.revision, streaming=True)
        for line, record in enumerate(stream, 1):
            yield Row(line, dict(record))
    except Exception as error:
        raise refusal(_unreachable(hub.source, error)) from error
    if not line:
        raise refusal(Fault(hub.source, 0, "a data set must have at least one row", "", "Name another split."))


def _library(name: str, source: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        fix = "Install it with: pip install 'whence[local]'."
        fault = Fault(source, 0, f"a data set on the hub needs the package {name}", "not installed", fix)
        raise refusal(fault) from error


def _unreachable(source: str, error: Exception) -> Fault:
    fix = "Check the name, the split and the connection, or give a file instead."
    reason = short(f"{type(error).__name__}: {error}", 160)
    return Fault(source, 0, "the data set must be reachable on the hub", reason, fix)
