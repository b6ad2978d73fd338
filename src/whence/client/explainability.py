"""Attribution of answers to training pairs and to parts of a context."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from whence.client.attributions import ROOT, KeptAttribution
from whence.client.calls import Call, given, segment
from whence.client.context import ContextAttribution
from whence.client.decode import influence
from whence.client.records import brief, record
from whence.client.resource import D_co, Method, Resource
from whence.types import DISCOVERY_RATE, AttributionRequest, GroupKind, Influence, TokenInfluence, decode


@dataclass(frozen=True, slots=True, repr=False)
class InfluentialData:
    """The pairs behind an answer, most influential first; none for an answer that was not learned from any.

    A number that the server does not give is NaN.
    """

    results: tuple[Influence, ...]
    version: str
    answer: str | None = None
    sentence: str | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "InfluentialData":
        """The pairs out of the JSON answer."""
        return record(InfluentialData, data, results=tuple(map(influence, data["results"])))

    def __repr__(self) -> str:
        return brief("InfluentialData", repr(self.answer or ""), f"{len(self.results)} pairs", self.sentence)


def get_influential_finetuning_data(
    model_id: str, question: str, system_prompt: str | None = None, answer: str | None = None
) -> Call[InfluentialData]:
    """The training pairs behind the answer of a model (a deployment's id); without `answer`, behind its own."""
    path = f"/v1/flow/explain/models/{segment(model_id)}/influential-finetuning-data"
    query = given(question=question, system_prompt=system_prompt, answer=answer)
    return Call("GET", path, InfluentialData.of, query=query)


def attribute(
    model: str,
    question: str,
    answer: str | None = None,
    system_prompt: str | None = None,
    method: str | None = None,
    top_k: int | None = None,
    false_discovery_rate: float | None = None,
    selection: tuple[int, int] | None = None,
    groups: Sequence[GroupKind] | None = None,
    instead: str | None = None,
) -> Call[KeptAttribution]:
    """The training pairs behind an answer, with scores, opposing pairs, lift and trust. Print it for a table.

    Without `answer`, the model (a deployment's id) gives its own. `selection` is the part of the answer to explain, by
    characters, half open. `groups` are kinds of groups to judge as well: file, duplicates, topic.
    With `instead`: why the answer rather than this other one. What is None is the server's default.
    """
    request = AttributionRequest(
        question,
        answer,
        system_prompt,
        selection,
        instead,
        tuple(groups or ()),
        method,
        top_k,
        DISCOVERY_RATE if false_discovery_rate is None else false_discovery_rate,
    )
    body = {"model": model, **request.stated()}
    if selection is not None:
        body["selection"] = {"start": selection[0], "end": selection[1]}
    return Call("POST", ROOT, KeptAttribution.of, body=body)


def token_influence(attribution: str, pair: str | None = None) -> Call[TokenInfluence]:
    """The parts that the tokens of a training pair have in the answer of a kept attribution, both named by their ids;
    without `pair`, of the first result. Print it for a table."""
    path, query = f"{ROOT}/{segment(attribution)}/tokens", given(pair=pair)
    return Call("GET", path, _token_influence, query=query)


def get_context_attribution(
    context: str,
    query: str,
    response: str,
    highlight: str | None = None,
    granularity: str = "sentence",
    top_k: int = 5,
    num_ablations: int | None = None,
    model: str | None = None,
) -> Call[ContextAttribution]:
    """The parts of `context` behind each segment of `response`, and behind the `highlight` in it.

    `granularity` is sentence or paragraph; `num_ablations`, 32 to 256, how often parts are left out to see.
    """
    body = given(
        context=context,
        query=query,
        response=response,
        highlight=highlight,
        granularity=granularity,
        top_k=top_k,
        num_ablations=num_ablations,
        model=model,
    )
    return Call("POST", "/v1/explainability/context-attributor", ContextAttribution.of, body=body)


def _token_influence(data: Any) -> TokenInfluence:
    return decode(TokenInfluence, data)


class Explainability(Resource[D_co]):
    """`client.explainability`."""

    get_influential_finetuning_data = Method(get_influential_finetuning_data)
    attribute = Method(attribute)
    token_influence = Method(token_influence)
    get_context_attribution = Method(get_context_attribution)
