"""A kept attribution as a page: what it was made of stands in the record and in the manifests of its run."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any

from whence.client.decode import attribution
from whence.figures.attribution_page import Origin, page
from whence.platform.runs import indexes_of, manifest_of
from whence.platform.tables import AttributionRecord, File

AGAIN = ("question", "answer", "system_prompt", "method", "instead")
"""The arguments that reproduce an attribution, from its record."""


def report(kept: AttributionRecord, files: Sequence[File]) -> str:
    """The page of an attribution; `files` are those that its model was trained on."""
    run, index = manifest_of(kept.job_id), indexes_of(kept.job_id).get(kept.result["method"])
    facts = [*_record(kept), *(_file(file) for file in files), *_made(run, index)]
    return page(attribution(kept.result), Origin(tuple(facts), again(kept)))


def again(kept: AttributionRecord) -> str:
    """Python that makes an attribution like it."""
    result = kept.result
    given: dict[str, Any] = {name: result.get(name) for name in AGAIN}
    given["selection"] = tuple(result["selection"]) if result.get("selection") else None
    given["groups"] = list(dict.fromkeys(group["kind"] for group in result.get("groups", ()))) or None
    given["false_discovery_rate"] = result["trust"]["false_discovery_rate"]
    lines = [f"    {name}={value!r}," for name, value in given.items() if value is not None]
    call = ["found = client.explainability.attribute(", f"    {kept.model!r},", *lines, ")"]
    return "\n".join(["import whence", "", "client = whence.Client()", *call, "print(found)"])


def _record(kept: AttributionRecord) -> Iterator[tuple[str, str]]:
    made = kept.created_at if kept.created_at.tzinfo else kept.created_at.replace(tzinfo=UTC)
    yield "attribution", kept.id
    yield "made", f"{made.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    yield "model", kept.model
    yield "job", kept.job_id
    if kept.result.get("system_prompt"):
        yield "system prompt", kept.result["system_prompt"]


def _file(file: File) -> tuple[str, str]:
    gone = ", deleted since" if file.deleted_at is not None else ""
    return f"file {file.filename}", f"{file.id}{gone}, sha256 {file.sha256}"


def _made(run: Mapping[str, Any] | None, index: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    if run is None:
        yield "run", "no longer there"
        return
    yield "recipe", _words(run["config"])
    if index is not None:
        yield "index", _words({**index["config"], **index["config"].get("settings", {})})
        yield "versions of the index", _words(index["versions"])
    yield "versions of the run", _words(run["versions"])


def _words(values: Mapping[str, Any]) -> str:
    plain = {name: value for name, value in values.items() if value is not None and not isinstance(value, Mapping)}
    return ", ".join(f"{name} {value}" for name, value in plain.items())
