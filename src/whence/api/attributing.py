"""An attribution from request to record: the answer made if need be, explained by an engine, kept, counted."""

import time
from dataclasses import dataclass
from typing import Any

from whence import settings
from whence.api import speech
from whence.api.metrics import Metrics
from whence.api.service import Service
from whence.errors import DataError, MissingError
from whence.platform.deployments import Speaker, speaker_named
from whence.platform.history import record
from whence.platform.jobs import files_of
from whence.platform.pairs import uploads_of
from whence.platform.runs import require_index
from whence.platform.tables import AttributionRecord
from whence.types import ANSWER_TOKENS, GroupKind


@dataclass(frozen=True)
class Wish:
    """What is to be explained, and how."""

    model: str
    question: str
    answer: str | None = None
    system_prompt: str | None = None
    method: str | None = None
    false_discovery_rate: float | None = None
    top: int | None = None
    selection: tuple[int, int] | None = None
    groups: tuple[GroupKind, ...] = ()
    instead: str | None = None


async def attribute(service: Service, metrics: Metrics, team: int, wish: Wish) -> AttributionRecord:
    """The attribution of an answer, as it was kept.

    Raises:
        MissingError: no model of that name is deployed.
        MethodError: there is no method of that name.
        DataError: the question is empty, the model was not fine-tuned here, or has no index of the method.
    """
    if not wish.question.strip():
        raise DataError("The question must not be empty. Write one.")
    speaker = await service.within(lambda session: speaker_named(session, team, wish.model))
    if speaker.run is None or speaker.job_id is None:
        raise DataError(f"{wish.model!r} is a base model: nothing was fine-tuned, so there are no pairs to return.")
    if wish.method is not None:
        require_index(speaker.job_id, wish.method)
    began = time.monotonic()
    given = wish.answer or None
    made = await _made_elsewhere(service, speaker, wish) if given is None and settings.generation_url() else None
    body = {
        "run": speaker.run,
        "question": wish.question,
        "answer": given or made,
        "system_prompt": wish.system_prompt or None,
        "method": wish.method,
        "false_discovery_rate": wish.false_discovery_rate,
        "top": wish.top,
        "selection": wish.selection,
        "groups": wish.groups,
        "instead": wish.instead,
        "max_new_tokens": ANSWER_TOKENS,
    }
    result = await service.engines.ask(speaker.target, "attribute", body)
    result["generated"] = given is None
    result["phases"]["wait"] = max(0.0, time.monotonic() - began - sum(result["phases"].values()))
    metrics.note_phases(result["phases"])
    return await _kept(service, team, speaker, wish, result)


async def tokens(service: Service, team: int, kept: AttributionRecord, pair: str | None) -> dict[str, Any]:
    """The parts that the tokens of a training pair, else of the first result, have in the answer of an attribution.

    Raises:
        DataError: no pair is named, and the attribution returned none.
        MissingError: its model is no longer deployed, or was not trained on such a pair.
    """
    if pair is None and not kept.result["results"]:
        raise DataError("The attribution returned no pair. Name the pair whose tokens you ask about.")
    wanted = pair or kept.result["results"][0]["id"]
    speaker = await service.within(lambda session: speaker_named(session, team, kept.model))
    if speaker.run is None or speaker.job_id != kept.job_id:
        raise MissingError(f"{kept.model!r} is no longer the model that gave the answer. Explain the answer again.")
    names = ("question", "answer", "system_prompt", "method", "selection")
    body = {name: kept.result[name] for name in names}
    other = kept.result.get("instead")
    found = await service.engines.ask(
        speaker.target, "tokens", {"run": speaker.run, "pair": wanted, "instead": other, **body}
    )
    job_id = kept.job_id
    uploaded = await service.within(lambda session: uploads_of(files_of(session, job_id)))
    return {**found, "file_id": uploaded.get(found["file_id"], found["file_id"])}


async def _made_elsewhere(service: Service, speaker: Speaker, wish: Wish) -> str:
    system = [("system", wish.system_prompt)] if wish.system_prompt else []
    greedy = {"max_new_tokens": ANSWER_TOKENS, "temperature": 0.0}
    return (await speech.whole(service, speaker, [*system, ("user", wish.question)], greedy)).text.strip()


async def _kept(service: Service, team: int, speaker: Speaker, wish: Wish, result: dict[str, Any]) -> AttributionRecord:
    job_id = speaker.job_id
    assert job_id is not None

    def work(session: Any) -> AttributionRecord:
        # Pairs name their file by its bytes; callers know it by the id of its upload.
        uploaded = uploads_of(files_of(session, job_id))
        members = [member for group in result["groups"] for member in group["members"]]
        for pair in (*result["results"], *result["opposing"], *members):
            pair["file_id"] = uploaded.get(pair["file_id"], pair["file_id"])
        result["system_prompt"] = wish.system_prompt
        return record(session, team, wish.model, job_id, result)

    return await service.within(work)
