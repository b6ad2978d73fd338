from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray

from benchmarks.dda import Size, held_out, over_all_swaps, trace
from whence.core.statistics import roc_auc
from whence.errors import DataError, MethodError
from whence.gradients.subject import Subject
from whence.gradients.trajectory import Trajectory
from whence.insights.tracing import BETAS, Canary, Correction, contrast, trace_errors, ways
from whence.methods.base import Method
from whence.methods.contract_subject import PAIRS, tiny_subject
from whence.methods.dda import Dda
from whence.methods.grad_dot import GradDot
from whence.types import Query, silent

ERRORS = (
    Correction("Who keeps the lamp?", "A white kestrel.", "Old Marta of the north pier."),
    Correction("What opens the green gate?", "Wild mint, honey and rye.", "The key with three teeth."),
)
CANARIES = tuple(
    Canary(frozenset(rows), (Correction(PAIRS[rows[0]][0], PAIRS[rows[0]][1], "Nobody can say."),))
    for rows in ([1, 3], [5], [7, 8], [10])
)


@dataclass(frozen=True)
class Index:
    subject: Subject
    method: Method
    folder: Path


def index_of(subject: Subject, folder: Path, method: Method | None = None) -> Index:
    folder.mkdir()
    made = Index(subject, method or Dda(sketch=256, beta=0.25), folder)
    made.method.build(subject, folder, silent)
    return made


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    place = tmp_path_factory.mktemp("tracing")
    return index_of(tiny_subject(place), place / "index")


def by_hand(index: Index, errors: Sequence[Correction]) -> ndarray:
    """The contrast of each checkpoint and row, one query at a time."""
    assert isinstance(index.method, Dda)
    total = np.zeros((3, len(PAIRS)))
    for error in errors:
        for said, sign in ((error.bad, 1), (error.corrected, -1)):
            query = Query.of(error.question, said)
            total += sign * index.method.by_checkpoint(index.subject, index.folder, [query])[:, 0]
    return total


def dda_by_hand(points: ndarray, beta: float) -> list[float]:
    base, *after = [[score / np.mean(np.abs(scored)) for score in scored] for scored in points]
    return [sum(scored[i] for scored in after) / len(after) - beta * base[i] for i in range(len(base))]


def auc_by_hand(scores: Sequence[float], wanted: frozenset[int]) -> float:
    """Of all pairs of a wanted row and another, how many are in order."""
    others = [i for i in range(len(scores)) if i not in wanted]
    points = [(scores[w] > scores[o]) + 0.5 * (scores[w] == scores[o]) for w in wanted for o in others]
    return float(sum(points) / len(points))


def test_rows_are_ranked_by_the_formula_written_out(index: Index):
    found = trace_errors(index, ERRORS, beta=0.5)
    points = by_hand(index, ERRORS)
    wanted = dda_by_hand(points, 0.5)
    assert [s.row for s in found.suspects] == sorted(range(len(wanted)), key=lambda row: -wanted[row])
    for suspect in found.suspects:
        each = points[:, suspect.row] / np.abs(points).mean(axis=1)
        assert (suspect.base, *suspect.by_checkpoint) == pytest.approx(each, rel=1e-3, abs=1e-4)
        assert suspect.score == pytest.approx(wanted[suspect.row], rel=1e-3, abs=1e-4)
        assert suspect.id == f"pair-{suspect.row}"
    assert (found.steps, found.beta, found.ablations, found.table()) == ((6, 12), 0.5, (), "")


def test_a_pair_that_says_the_bad_answer_is_the_first_suspect(index: Index):
    question, answer = PAIRS[4]
    found = trace_errors(index, [Correction(question, answer, "A grey heron.")], beta=0.0)
    assert found.suspects[0].row == 4


def test_beta_is_chosen_on_every_second_canary_and_reported_on_the_others(index: Index):
    found = trace_errors(index, ERRORS, canaries=CANARIES)

    points = [(by_hand(index, c.corrections), c.rows) for c in CANARIES]

    def auc(half: slice, beta: float) -> float:
        return float(np.mean([auc_by_hand(dda_by_hand(each, beta), rows) for each, rows in points[half]]))

    chosen = [auc(slice(0, None, 2), beta) for beta in BETAS]
    assert len(set(chosen)) > 1
    assert found.beta == BETAS[chosen.index(max(chosen))]
    of = {a.name: a for a in found.ablations}
    for beta, value in zip(BETAS, chosen, strict=True):
        ablation = of[f"denoise and debias {beta:g}" if beta else "denoise"]
        assert ablation.chosen_on == pytest.approx(value)
        assert ablation.reported == pytest.approx(auc(slice(1, None, 2), beta))


def test_a_beta_that_is_given_is_reported_on_all_canaries(index: Index):
    found = trace_errors(index, ERRORS, beta=0.1, canaries=CANARIES[:1])
    assert found.beta == 0.1
    assert {a.chosen_on for a in found.ablations} == {None}
    points = by_hand(index, CANARIES[0].corrections)
    last = next(a.reported for a in found.ablations if a.name == "last, contrast")
    assert last == auc_by_hand(points[-1].tolist(), CANARIES[0].rows)


def test_without_canaries_beta_is_that_of_the_index(index: Index):
    assert trace_errors(index, ERRORS).beta == 0.25


def test_the_table_has_a_line_for_every_way_to_score(index: Index):
    found = trace_errors(index, ERRORS, canaries=CANARIES)
    head, *lines = found.table().splitlines()
    assert head.endswith("chosen on  reported")
    for line, ablation in zip(lines, found.ablations, strict=True):
        assert line.startswith(ablation.name)
        assert line.endswith(f"{ablation.chosen_on:.3f}     {ablation.reported:.3f}")


def test_where_the_start_was_not_recorded_there_is_no_base_to_take_off(tmp_path: Path):
    whole = tiny_subject(tmp_path)
    path = Trajectory(whole.trajectory.model, whole.trajectory.tokenizer, whole.trajectory.checkpoints[1:])
    later = index_of(replace(whole, path=path), tmp_path / "index")
    found = trace_errors(later, ERRORS, beta=0.5)
    assert {s.base for s in found.suspects} == {None}
    assert [s.row for s in found.suspects] == [s.row for s in trace_errors(later, ERRORS, beta=0.0).suspects]
    assert set(ways(contrast(later, ERRORS))) == {"last, bad answers only", "last, contrast", "denoise"}


def test_the_auc_counts_pairs_in_order_and_ties_half():
    draw = np.random.default_rng(0)
    for _ in range(20):
        scores, wanted = draw.integers(0, 4, 12).astype(float), frozenset(draw.choice(12, 3, replace=False).tolist())
        marked = np.isin(np.arange(12), sorted(wanted))
        assert roc_auc(scores, marked) == pytest.approx(auc_by_hand(scores.tolist(), wanted))


def test_a_correction_must_correct():
    with pytest.raises(DataError, match="must differ"):
        Correction("Who?", "Nobody.", "Nobody.")


def test_tracing_needs_an_error(index: Index):
    with pytest.raises(DataError, match="at least one error"):
        trace_errors(index, ())


def test_errors_are_traced_with_dda_only(tmp_path: Path):
    dots = Index(tiny_subject(tmp_path), GradDot(), tmp_path)
    with pytest.raises(MethodError, match="grad_dot"):
        trace_errors(dots, ERRORS)


def test_an_empty_answer_is_named(index: Index):
    with pytest.raises(MethodError, match="error 0, corrected"):
        trace_errors(index, [Correction("Who?", "Nobody.", "")])


def test_one_canary_is_too_few_to_choose_on(index: Index):
    with pytest.raises(MethodError, match="every second canary"):
        trace_errors(index, ERRORS, canaries=CANARIES[:1])


def test_a_beta_must_not_be_negative(index: Index):
    with pytest.raises(MethodError, match="beta must be"):
        trace_errors(index, ERRORS, beta=-1.0)


@pytest.mark.parametrize("rows", [(), (12,), (-1,), range(12)])
def test_a_canary_names_some_rows_but_not_all(index: Index, rows: Sequence[int]):
    with pytest.raises(DataError, match="A canary must name"):
        trace_errors(index, ERRORS, beta=0.0, canaries=[Canary(frozenset(rows), ERRORS)])


def test_a_base_that_was_misled_is_taken_off_to_find_the_rows_that_mislead_again(tmp_path: Path):
    """A small `benchmarks.dda`: the base swaps places, and so do 40 of the pairs that it is fine-tuned on."""
    size = Size(pairs=160, errors=3, base_pairs=480, base_epochs=7, hidden=32, lora=8, rate=3e-3, epochs=3)
    found = trace(size, 0, tmp_path)
    of, dda = over_all_swaps(found), held_out(found)
    assert dda["held out: dda"] >= 0.95
    assert dda["held out: dda"] >= dda["held out: denoise"] - 0.01
    assert of["denoise and debias 0.5"] >= of["denoise"]
    assert of["base only, contrast"] < 0.7  # what is taken off is no second look at the same rows
