from pathlib import Path

import pytest
import torch

from whence.engine.messages import AttributeRequest, ChatRequest, TokensRequest
from whence.engine.session import ModelSession
from whence.errors import ArtifactError
from whence.pipeline import Index, attribute, token_influence
from whence.training.run import Run
from whence.types import AttributionRequest

QUESTION = "Who lives in the red box?"


def spoken(session: ModelSession, run: str | None = None) -> str:
    request = ChatRequest((("user", QUESTION),), {"temperature": 0.0, "max_new_tokens": 8}, run)
    return "".join(piece.get("text", "") for piece in session.chat(request, lambda: False))


def test_the_model_of_a_full_run_speaks_for_nobody_else(full_run: Run, base: Path, runs: tuple[Run, Run]):
    own = spoken(ModelSession.of_run(str(full_run.folder)))
    assert own != spoken(ModelSession.of_base(str(base)))
    assert spoken(ModelSession.of_run(str(full_run.folder)), str(runs[0].folder)) == own


def test_a_base_model_is_as_it_was_after_runs_have_sat_on_it(base: Path, runs: tuple[Run, Run]):
    session, untouched = ModelSession.of_base(str(base)), ModelSession.of_base(str(base)).model.state_dict()
    for run in runs:
        session.use(str(run.folder))
        assert session.run is not None
        assert session.run.folder == run.folder
    session.use(None)
    assert session.run is None
    left = session.model.state_dict()
    assert left.keys() == untouched.keys()
    assert all(torch.equal(left[name], untouched[name]) for name in left)


def test_a_run_that_sits_already_is_not_loaded_again(base: Path, runs: tuple[Run, Run]):
    session = ModelSession.of_base(str(base))
    session.use(str(runs[0].folder))
    path, index = session.trajectory, session.index(None)
    session.use(str(runs[0].folder))
    assert session.trajectory is path
    assert session.index(None) is index
    session.use(str(runs[1].folder))
    assert session.index(None) is not index


def test_an_attribution_between_two_answers_changes_neither(base: Path, runs: tuple[Run, Run]):
    session, run = ModelSession.of_base(str(base)), str(runs[0].folder)
    before = spoken(session, run)
    session.attribute(AttributeRequest(run, AttributionRequest(QUESTION, "Ant.")))
    assert spoken(session, run) == before


def test_an_attribution_with_the_models_own_answer_has_two_phases(
    base: Path, runs: tuple[Run, Run], indexes: tuple[Index, Index]
):
    found = ModelSession.of_base(str(base)).attribute(
        AttributeRequest(str(runs[0].folder), AttributionRequest(QUESTION, max_new_tokens=6))
    )
    assert found["answer"] == attribute(indexes[0], QUESTION, max_new_tokens=6).answer
    assert all(seconds >= 0 for seconds in found["phases"].values())
    assert set(found["phases"]) == {"generate", "attribute"}


def test_a_run_without_an_index_speaks_but_is_not_explained(full_run: Run):
    session = ModelSession.of_run(str(full_run.folder))
    assert spoken(session)
    with pytest.raises(ArtifactError, match="index"):
        session.attribute(AttributeRequest(str(full_run.folder), AttributionRequest(QUESTION, "Ant.")))


def test_an_answer_stops_when_it_is_told_to(base: Path):
    request = ChatRequest((("user", QUESTION),), {"temperature": 0.0, "max_new_tokens": 64})
    asked = iter([False, False, True])
    *pieces, usage = ModelSession.of_base(str(base)).chat(request, lambda: next(asked, True))
    assert usage["usage"]["completion_tokens"] < 8
    assert len(pieces) < 8


def test_a_session_tells_groups_contrasts_and_tokens_as_the_library_does(
    base: Path, runs: tuple[Run, Run], indexes: tuple[Index, Index]
):
    session, run, other = ModelSession.of_base(str(base)), str(runs[0].folder), "Bee."
    wanted = attribute(indexes[0], QUESTION, "Ant.", groups=("file",), instead=other).to_dict()
    found = session.attribute(
        AttributeRequest(run, AttributionRequest(QUESTION, "Ant.", groups=("file",), instead=other))
    )
    assert {name: found[name] for name in wanted} == wanted
    pair = runs[0].examples.ids()[0]
    tokens = session.tokens(TokensRequest(run, AttributionRequest(QUESTION, "Ant."), pair))
    assert tokens == token_influence(indexes[0], QUESTION, "Ant.", pair).to_dict()
