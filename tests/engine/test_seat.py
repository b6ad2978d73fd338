from pathlib import Path

import pytest
import torch

from whence.engine.orders import AttributeOrder, ChatOrder, TokensOrder
from whence.engine.seat import Seat
from whence.errors import ArtifactError
from whence.pipeline import Index, attribute, token_influence
from whence.training.run import Run

QUESTION = "Who lives in the red box?"


def spoken(seat: Seat, run: str | None = None) -> str:
    order = ChatOrder((("user", QUESTION),), {"temperature": 0.0, "max_new_tokens": 8}, run)
    return "".join(piece.get("text", "") for piece in seat.chat(order, lambda: False))


def test_the_model_of_a_full_run_speaks_for_nobody_else(full_run: Run, base: Path, runs: tuple[Run, Run]):
    own = spoken(Seat.of_run(str(full_run.folder)))
    assert own != spoken(Seat.of_base(str(base)))
    assert spoken(Seat.of_run(str(full_run.folder)), str(runs[0].folder)) == own


def test_a_base_model_is_as_it_was_after_runs_have_sat_on_it(base: Path, runs: tuple[Run, Run]):
    seat, untouched = Seat.of_base(str(base)), Seat.of_base(str(base)).model.state_dict()
    for run in runs:
        seat.take(str(run.folder))
        assert seat.run is not None
        assert seat.run.folder == run.folder
    seat.take(None)
    assert seat.run is None
    left = seat.model.state_dict()
    assert left.keys() == untouched.keys()
    assert all(torch.equal(left[name], untouched[name]) for name in left)


def test_a_run_that_sits_already_is_not_loaded_again(base: Path, runs: tuple[Run, Run]):
    seat = Seat.of_base(str(base))
    seat.take(str(runs[0].folder))
    path, index = seat.path, seat.index(None)
    seat.take(str(runs[0].folder))
    assert seat.path is path
    assert seat.index(None) is index
    seat.take(str(runs[1].folder))
    assert seat.index(None) is not index


def test_an_attribution_between_two_answers_changes_neither(base: Path, runs: tuple[Run, Run]):
    seat, run = Seat.of_base(str(base)), str(runs[0].folder)
    before = spoken(seat, run)
    seat.attribute(AttributeOrder(run, QUESTION, "Ant."))
    assert spoken(seat, run) == before


def test_an_attribution_with_the_models_own_answer_has_two_phases(
    base: Path, runs: tuple[Run, Run], indexes: tuple[Index, Index]
):
    found = Seat.of_base(str(base)).attribute(AttributeOrder(str(runs[0].folder), QUESTION, max_new_tokens=6))
    assert found["answer"] == attribute(indexes[0], QUESTION, max_new_tokens=6).answer
    assert all(seconds >= 0 for seconds in found["phases"].values())
    assert set(found["phases"]) == {"generate", "attribute"}


def test_a_run_without_an_index_speaks_but_is_not_explained(full_run: Run):
    seat = Seat.of_run(str(full_run.folder))
    assert spoken(seat)
    with pytest.raises(ArtifactError, match="index"):
        seat.attribute(AttributeOrder(str(full_run.folder), QUESTION, "Ant."))


def test_an_answer_stops_when_it_is_told_to(base: Path):
    order = ChatOrder((("user", QUESTION),), {"temperature": 0.0, "max_new_tokens": 64})
    asked = iter([False, False, True])
    *pieces, usage = Seat.of_base(str(base)).chat(order, lambda: next(asked, True))
    assert usage["usage"]["completion_tokens"] < 8
    assert len(pieces) < 8


def test_a_seat_tells_groups_contrasts_and_tokens_as_the_library_does(
    base: Path, runs: tuple[Run, Run], indexes: tuple[Index, Index]
):
    seat, run, other = Seat.of_base(str(base)), str(runs[0].folder), "Bee."
    wanted = attribute(indexes[0], QUESTION, "Ant.", groups=("file",), instead=other).to_dict()
    found = seat.attribute(AttributeOrder(run, QUESTION, "Ant.", groups=("file",), instead=other))
    assert {name: found[name] for name in wanted} == wanted
    pair = runs[0].examples.ids()[0]
    tokens = seat.tokens(TokensOrder(run, QUESTION, "Ant.", pair))
    assert tokens == token_influence(indexes[0], QUESTION, "Ant.", pair).to_dict()
