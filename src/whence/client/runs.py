"""Runs: the training run, indexes and evaluation of a job."""

from typing import Any

from whence.client.calls import Call, Streamed, given, segment
from whence.client.jobs import JobEvent
from whence.client.pairs import Pair
from whence.client.records import Page
from whence.client.resource import D_co, Method, Resource, StreamMethod

ROOT = "/v1/whence/runs"


def _object(answer: Any) -> dict[str, Any]:
    return dict(answer)


def retrieve(job_id: str) -> Call[dict[str, Any]]:
    """The run's manifest, indexes, evaluation and files."""
    return Call("GET", f"{ROOT}/{segment(job_id)}", _object)


def pairs(
    job_id: str, limit: int | None = None, offset: int | None = None, search: str | None = None
) -> Call[Page[Pair]]:
    """The pairs that the model was trained on; with `search`, those that hold this text."""
    query = given(limit=limit, offset=offset, search=search)
    return Call("GET", f"{ROOT}/{segment(job_id)}/pairs", Page.of(Pair.of), query=query)


def chart(job_id: str) -> Call[dict[str, Any]]:
    """The loss by step as a Vega-Lite specification."""
    return Call("GET", f"{ROOT}/{segment(job_id)}/charts/loss", _object)


def pair(job_id: str, pair_id: str) -> Call[Pair]:
    """The pair of that id; `extra` holds the other keys of its line as `metadata`, and its `neighbours`."""
    return Call("GET", f"/v1/whence/pairs/{segment(pair_id)}", Pair.of, query={"model": job_id})


def insights(job_id: str) -> Call[dict[str, Any]]:
    """Findings about the run's data: suspects, contradictions, duplicates, topics, answers without a pair."""
    return Call("GET", f"{ROOT}/{segment(job_id)}/insights", _object)


def events(job_id: str) -> Streamed[JobEvent]:
    """The job's progress as it happens, until the job is over."""
    return Streamed.of("GET", f"{ROOT}/{segment(job_id)}/events", JobEvent.of)


class Runs(Resource[D_co]):
    """`client.runs`."""

    retrieve = Method(retrieve)
    pairs = Method(pairs)
    pair = Method(pair)
    insights = Method(insights)
    chart = Method(chart)
    events = StreamMethod(events)
