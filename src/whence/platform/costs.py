"""Estimates of what a fine-tuning job and its index take on this machine, before it starts. Loads no model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from whence.data.report import DataReport, TokenCounts
from whence.errors import DataError, ModelError
from whence.platform.files import PAIRS
from whence.platform.models import base_model, find_model, folder
from whence.platform.pairs import Window, pairs_of_file
from whence.platform.runs import manifest_of
from whence.platform.tables import Event, File, Job
from whence.store.objects import Objects
from whence.training.estimate import Parameters, estimate, parameters_of, speed_of
from whence.training.recipe import Recipe

CHARACTERS = 4.0
"""Characters of a token, of English text: whoever counts needs the model's tokenizer."""
TEMPLATE = 30
"""Tokens that a chat template puts around a pair."""
SAMPLE = 1000
"""Pairs of a file that are read; the others are taken to be as long."""
SPEED = 5e10
"""FLOP/s of a machine on which no job was finished yet: an assumption, about right for two cores of a server."""
BITS = 5.0
"""Bits a weight of a known model that is not unpacked yet, by the size of its download."""
PER_RANK = 0.0015
"""Weights of an adapter for each rank, as a share of the model's, where its layers cannot be looked at."""
PROCESS = 700 << 20
"""Bytes of a process that trains, without the model."""


@dataclass(frozen=True)
class Cost:
    """The estimate for a job. `basis` says where the numbers come from."""

    train_seconds: float
    index_seconds: float
    memory_bytes: int
    disk_bytes: int
    tokens: int
    epochs: int
    basis: str


def cost_of(session: Session, objects: Objects, files: Sequence[File], model: str, recipe: Recipe) -> Cost:
    """Estimate fine-tuning this model on these files and building the index.

    Raises:
        DataError: there is no such base model, or a file holds no pairs.
    """
    place = base_model(model)
    report = _report(objects, files)
    parameters, guessed = _parameters(place, model)
    speed, measured = _speed(session)
    chosen = recipe.for_examples(report.examples)
    found = estimate(report, chosen, parameters, speed)
    assert report.tokens
    assert chosen.epochs
    trained = parameters.total if recipe.full else recipe.rank * parameters.per_rank
    basis = [
        f"Tokens from characters, {CHARACTERS:g} each, and {TEMPLATE} for the template of each pair.",
        "Speed measured on the last job that finished on this machine." if measured
        else f"Speed assumed, {SPEED / 1e9:g} GFLOP/s: no job has finished on this machine yet.",
        *(["Size of the model estimated from its download: it is not unpacked yet."] if guessed else []),
        "Expect it to be right within a factor of 2.",
    ]  # fmt: skip
    memory = PROCESS + 4 * parameters.total + 12 * trained
    return Cost(
        found.train_seconds,
        found.index_seconds,
        int(memory),
        int(found.disk_bytes),
        report.tokens.total,
        chosen.epochs,
        " ".join(basis),
    )


def _report(objects: Objects, files: Sequence[File]) -> DataReport:
    """A report of the files as far as an estimate needs it, with tokens reckoned from characters."""
    pairs = size = tokens = 0
    for file in files:
        if file.purpose != PAIRS or not file.examples:
            raise DataError(f"Only training files hold pairs (found {file.id}). Choose one.")
        found = pairs_of_file(objects, file, Window(SAMPLE)).pairs
        length = sum(sum(len(m.content) for m in pair.messages) or CHARACTERS * _given(pair.tokens) for pair in found)
        tokens += round(file.examples * (length / len(found) / CHARACTERS + TEMPLATE))
        pairs += file.examples
        size += file.bytes
    counts = TokenCounts(tokens, 0, tokens / pairs, 0)
    return DataReport(pairs, pairs, size, {}, counts, (), (), 0)


def _given(tokens: Any) -> int:
    return len(tokens.input_ids) if tokens else 0


def _parameters(place: str, model: str) -> tuple[Parameters, bool]:
    """The size of a model, and whether it was guessed because its files are not here."""
    there = Path(folder(place))
    if any(there.glob("*.safetensors")):
        return parameters_of(there), False
    offer = find_model(model)
    if offer is None or not offer.bytes:
        raise DataError(f"The size of {model} is not known before its download. Run: whence models pull {model}.")
    total = round(offer.bytes * 8 / BITS)
    return Parameters(total, round(PER_RANK * total)), True


def _speed(session: Session) -> tuple[float, bool]:
    """FLOP/s of this machine, and whether they were seen in the last finished job rather than assumed."""
    done = select(Job).where(Job.status == "completed").order_by(Job.completed_at.desc()).limit(10)
    for job in session.scalars(done):
        found = _seen(session, job)
        if found is not None:
            return found, True
    return SPEED, False


def _seen(session: Session, job: Job) -> float | None:
    """The speed of the machine measured by a finished job's fine-tuning; None if its trace is gone."""
    manifest = manifest_of(job.id)
    index = session.scalar(select(Event.created_at).where(Event.job_id == job.id, Event.phase == "index").limit(1))
    if manifest is None or index is None or job.started_at is None or not manifest["facts"].get("tokens"):
        return None
    seconds = (index - job.started_at).total_seconds()
    config, tokens = manifest["config"], manifest["facts"]["tokens"]["total"]
    try:
        parameters, guessed = _parameters(base_model(job.model), job.model)
    except (DataError, ModelError):
        return None
    if seconds <= 0 or guessed:
        return None
    return speed_of(seconds, tokens, Recipe(full=config["full"], epochs=config["epochs"]), parameters)
