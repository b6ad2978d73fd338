"""The contract of every method, as checks that also run on methods outside this package.

    for check in contract.CHECKS:
        check(MyMethod(), empty_folder)
    contract.check_formula(MyMethod(), my_formula_as_a_loop, empty_folder)

Each check raises an AssertionError that says which promise was broken. All of them run on `tiny_subject`: twelve
pairs, a 2-layer model, seconds. The index with the default `Compute` is built once per method, settings and process;
each check gets its own copy of the files.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from whence.errors import MethodError, WhenceError
from whence.gradients.subject import Compute, Examples, Subject
from whence.methods.base import Method, Needs
from whence.methods.contract_subject import COMPUTE, own_queries, reordered, tiny_subject
from whence.types import NO_LOSS, Example, Progress, Query, Report, Tokens, silent

Check = Callable[[Method, Path], None]
Oracle = Callable[[Subject, Sequence[Query]], Float[ndarray, "query train"]]
"""A method's formula, written out as a loop: the score of every training example for every query."""

TOLERANCE = 2**-8
"""Error allowed in a score, as a share of its query's largest score. Rows are bfloat16: a stored number is off by at
most 2^-9 of itself, and by 2^-8 from one that was rounded the other way. In a sum of many such errors most cancel."""

SOME = 3
"""Number of queries in most checks."""


def check_settings(method: Method, folder: Path) -> None:
    """A method is a frozen dataclass whose settings survive JSON, with a name, a unit and its needs."""
    assert isinstance(method, Method), f"{type(method).__name__} lacks a part of the Method protocol."
    assert is_dataclass(method), f"{method.name}: a method must be a dataclass."
    assert cast(Any, method).__dataclass_params__.frozen, f"{method.name}: the dataclass must be frozen."
    assert method.unit in ("nats", "similarity"), (
        f"{method.name}: the unit must be 'nats' or 'similarity', not {method.unit!r}."
    )
    assert isinstance(method.needs, Needs), f"{method.name}: `needs` must be a Needs."
    assert fresh(method) == method, f"{method.name}: the settings do not survive JSON."


def check_notes(method: Method, folder: Path) -> None:
    """The notes are sentences."""
    for note in method.notes(tiny_subject(folder)):
        sentence = note[:1].isupper() and note.endswith(".")
        assert sentence, f"{method.name}: a note must be a sentence, not {note!r}."


def check_scores(method: Method, folder: Path) -> None:
    """Scores are finite float32 numbers, a row per query and a column per training example; no queries, no rows."""
    subject, found = tiny_subject(folder), usual_scores(method, folder)
    assert found.shape == (SOME, len(subject.examples)), f"{method.name}: {SOME} queries gave the shape {found.shape}."
    assert found.dtype == np.float32, f"{method.name}: scores must be float32, not {found.dtype}."
    assert np.isfinite(found).all(), f"{method.name}: a score is not finite."
    none = usual(method, folder).scores([])
    assert none.shape == (0, len(subject.examples)), f"{method.name}: no queries gave the shape {none.shape}."


def check_same_bytes(method: Method, folder: Path) -> None:
    """The same seed gives the same bytes in every file of the index."""
    differing = built(method, tiny_subject(folder), folder / "other").differs_from(usual(method, folder))
    assert not differing, f"{method.name}: two builds with the same seed differ in {differing}."


def check_batch_size(method: Method, folder: Path) -> None:
    """Scores do not depend on the batch size."""
    _same_scores(method, folder, "batch size", replace(COMPUTE, batch_rows=1))


def check_padding(method: Method, folder: Path) -> None:
    """Scores do not depend on the padding side."""
    _same_scores(method, folder, "padding side", replace(COMPUTE, padding="left"))


def check_shards(method: Method, folder: Path) -> None:
    """Scores do not depend on the shard size."""
    _same_scores(method, folder, "shard count", replace(COMPUTE, rows_per_shard=99))


def check_order(method: Method, folder: Path) -> None:
    """Scores follow the order of the training examples, and nothing else changes with it."""
    subject = tiny_subject(folder)
    queries = own_queries(subject)[:SOME]
    order = np.random.default_rng(0).permutation(len(subject.examples))
    wanted = usual_scores(method, folder)[:, order]
    found = built(method, reordered(subject, order.tolist()), folder / "shuffled").scores(queries)
    assert_close(found, wanted, f"{method.name}: scores change with the order of the training examples")


def check_saved(method: Method, folder: Path) -> None:
    """An index gives the same scores when opened again: another model in memory, a method rebuilt from its settings."""
    before, index = usual_scores(method, folder), usual(method, folder)
    after = fresh(method).score(index.subject, index.folder, own_queries(index.subject)[:SOME])
    assert np.array_equal(before, after), f"{method.name}: an index that is opened again gives other scores."


def check_own_text(method: Method, folder: Path) -> None:
    """At least nine in ten pairs score above all others on their own text."""
    index = usual(method, folder)
    found = index.scores(own_queries(index.subject))
    missed = np.flatnonzero(found.argmax(axis=1) != np.arange(len(found)))
    assert len(missed) <= len(found) // 10, f"{method.name}: pairs {missed.tolist()} do not win on their own text."


def check_resume(method: Method, folder: Path) -> None:
    """An interrupted build that is started again ends with the same bytes, and reads no example of a finished shard.

    It is interrupted once after starting the second shard, and once at its last report. A finished shard is a file
    `…-00000.bf16` (`store/shards.py`); a method that writes none may start over.
    """
    whole, reports = usual(method, folder), _first(method, folder).reports
    assert reports, f"{method.name}: a build must report its progress."
    for name, last in (("second", False), ("last", True)):
        place = folder / name
        place.mkdir()
        _interrupt(method, tiny_subject(folder), place, reports if last else None)
        finished = any(place.rglob("*-00000.bf16"))
        subject, watched = _watched(tiny_subject(folder))
        method.build(subject, place, silent)
        differing = Built(method, subject, place).differs_from(whole)
        assert not differing, f"{method.name}: a resumed build differs in {differing}."
        again = watched.read & set(range(COMPUTE.rows_per_shard)) if finished else set[int]()
        assert not again, f"{method.name}: a resumed build reads {sorted(again)} of a finished shard again."


def check_empty_answer(method: Method, folder: Path) -> None:
    """A query without an answer is refused with a `WhenceError`."""
    index = usual(method, folder)
    tokens = index.subject.examples.tokens(0)
    silent_tokens = Tokens(tokens.input_ids, tuple(NO_LOSS for _ in tokens.labels))
    for query in (Query.of("Who keeps the lamp?", ""), Query("tokens", (), silent_tokens)):
        error = _refusal(lambda asked=query: index.scores([asked]))
        assert error is not None, f"{method.name}: a query with an empty answer was scored."
        assert query.id in str(error), f"{method.name}: the error must name the query {query.id!r} ({error})."


def check_without_model(method: Method, folder: Path) -> None:
    """Without the model, a method that needs it raises a MethodError; a method that reads text works."""
    subject = replace(tiny_subject(folder), path=None)
    error = _refusal(lambda: built(method, subject, folder / "index").scores(own_queries(subject)[:1]))
    if method.needs.checkpoints == "none":
        assert error is None, f"{method.name}: needs no checkpoints, yet fails without a model ({error})."
    else:
        assert isinstance(error, MethodError), f"{method.name}: needs a model, but without one raised {error!r}."


CHECKS: tuple[Check, ...] = (
    check_settings,
    check_notes,
    check_scores,
    check_same_bytes,
    check_batch_size,
    check_padding,
    check_shards,
    check_order,
    check_saved,
    check_own_text,
    check_resume,
    check_empty_answer,
    check_without_model,
)


def check_formula(method: Method, oracle: Oracle, folder: Path) -> None:
    """Scores agree with the method's formula written out as a loop, for texts of the training data and a new one."""
    index = usual(method, folder)
    own = own_queries(index.subject)[:SOME]
    queries = [*own, Query.of("Who keeps the gate?", "The cooper of the north pier.", id="new")]
    assert_close(
        index.scores(queries), oracle(index.subject, queries), f"{method.name}: scores differ from the formula"
    )


def assert_close(found: ndarray, wanted: ndarray, what: str) -> None:
    """Raise unless every query's scores agree within `TOLERANCE` of its largest."""
    assert found.shape == wanted.shape, f"{what}: the shapes are {found.shape} and {wanted.shape}."
    error = np.abs(found - wanted).max(axis=1) / np.maximum(np.abs(wanted).max(axis=1), 1e-30)
    worst = int(error.argmax())
    assert error[worst] <= TOLERANCE, (
        f"{what}: query {worst} is off by {error[worst]:.2g} of its largest score, more than {TOLERANCE:.2g}."
    )


def fresh(method: Method) -> Method:
    """The same method, rebuilt from its settings after a round trip through JSON."""
    kind = cast(type[Any], type(method))
    return cast(Method, kind(**json.loads(json.dumps(asdict(cast(Any, method))))))


@dataclass(frozen=True)
class Built:
    """A finished index."""

    method: Method
    subject: Subject
    folder: Path

    def scores(self, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """The scores of every training example for every query."""
        return self.method.score(self.subject, self.folder, queries)

    def differs_from(self, other: "Built") -> list[str]:
        """Names of the files in which two indexes differ."""
        one, two = _contents(self.folder), _contents(other.folder)
        return sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))


def built(method: Method, subject: Subject, folder: Path, report: Report = silent) -> Built:
    """The index of `subject`, built in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    method.build(subject, folder, report)
    return Built(method, subject, folder)


@dataclass
class _First:
    """The first build of a method in this process, with its scores for the first `SOME` training examples as queries.
    The subject that gave the scores is kept, so that no later one can have its `id`."""

    files: dict[str, bytes]
    reports: int
    scores: Float[ndarray, "query train"] | None = None
    subject: Subject | None = None


_BUILDS: dict[tuple[type[Any], str], _First] = {}


def _first(method: Method, folder: Path) -> _First:
    key = (type(method), json.dumps(asdict(cast(Any, method)), sort_keys=True, default=repr))
    if key not in _BUILDS:
        reports = list[Progress]()
        index = built(method, tiny_subject(folder), folder / "first", reports.append)
        _BUILDS[key] = _First(_contents(index.folder), len(reports))
    return _BUILDS[key]


def usual(method: Method, folder: Path) -> Built:
    """The index of a `tiny_subject`, written into `folder` from the first build."""
    place = folder / "index"
    place.mkdir(parents=True, exist_ok=True)
    for name, content in _first(method, folder).files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    return Built(method, tiny_subject(folder), place)


def usual_scores(method: Method, folder: Path) -> Float[ndarray, "query train"]:
    """The scores of that index for the first `SOME` training examples as queries; computed once."""
    first = _first(method, folder)
    if first.scores is None:
        index = usual(method, folder)
        first.scores, first.subject = index.scores(own_queries(index.subject)[:SOME]), index.subject
    return first.scores


def _refusal(work: Callable[[], Any]) -> WhenceError | None:
    try:
        work()
    except WhenceError as error:
        return error
    return None


def _same_scores(method: Method, folder: Path, what: str, compute: Compute) -> None:
    other = tiny_subject(folder, compute)
    found = built(method, other, folder / "other").scores(own_queries(other)[:SOME])
    assert_close(found, usual_scores(method, folder), f"{method.name}: scores change with the {what}")


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class _Interrupted(Exception):  # noqa: N818 - a power cut, not an error
    pass


def _interrupt(method: Method, subject: Subject, folder: Path, at: int | None) -> None:
    """Build until report number `at`; without one, until the second shard was started."""
    subject, watched = _watched(subject)
    count = 0

    def report(_: Progress) -> None:
        nonlocal count
        count += 1
        if count == at or (at is None and len(watched.read) > COMPUTE.rows_per_shard):
            raise _Interrupted

    try:
        method.build(subject, folder, report)
    except _Interrupted:
        return
    raise AssertionError(f"{method.name}: a build must report while it works and must not catch an error of `report`.")


@dataclass(frozen=True)
class _Watched:
    """Training examples that remember which of them were read."""

    inner: Examples
    read: set[int] = field(default_factory=set[int])

    def __len__(self) -> int:
        return len(self.inner)

    def __getitem__(self, index: int, /) -> Example:
        self.read.add(index)
        return self.inner[index]

    def tokens(self, index: int) -> Tokens:
        self.read.add(index)
        return self.inner.tokens(index)


def _watched(subject: Subject) -> tuple[Subject, _Watched]:
    watched = _Watched(subject.examples)
    return replace(subject, examples=watched), watched
