from pathlib import Path

import pytest

from tests.platform.conftest import Submit
from whence.engine.pool import Target
from whence.errors import DataError, MissingError
from whence.platform.database import Database
from whence.platform.deployments import (
    BASE,
    TUNED,
    count_tokens,
    create_deployment,
    demote,
    finish_loading,
    get_deployment,
    list_deployments,
    pending,
    promote,
    served_model,
)
from whence.platform.jobs import run_of
from whence.platform.models import base_model, find_model, offered_models
from whence.platform.projects import create_project, get_project, list_projects
from whence.platform.tables import Deployment, Job

LORA = {"r": 2, "alpha": 4, "dropout": 0.0}


@pytest.fixture(autouse=True)
def base(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A base model in name, and where it would lie."""
    monkeypatch.setenv("WHENCE_BASE_MODELS", str(home / "tiny"))
    monkeypatch.delenv("WHENCE_HUB_MODELS", raising=False)
    return str(home / "tiny")


@pytest.fixture
def completed(database: Database, submit: Submit) -> Job:
    """A job that was carried out with LoRA."""
    job = submit(lora_config=LORA)
    with database.session() as session:
        session.get_one(Job, job.id).status = "completed"
    return job


@pytest.fixture
def deployment(database: Database, team: int, completed: Job) -> Deployment:
    with database.session() as session:
        return create_deployment(session, team, TUNED, completed.id, "mine", "", 1)


def test_models_are_offered_under_their_ids_and_names(base: str):
    assert base_model("tiny") == base
    assert base_model("smollm2-135m-instruct") == base_model("HuggingFaceTB/SmolLM2-135M-Instruct")
    assert len({offer.id for offer in offered_models()}) == len(offered_models())
    with pytest.raises(DataError, match=r"must be one of tiny, smollm2.*found 'gpt-5'"):
        base_model("gpt-5")


def test_an_encoder_is_no_base_model():
    assert find_model("all-minilm-l6-v2") is not None
    with pytest.raises(DataError):
        base_model("all-minilm-l6-v2")


def test_models_of_a_hub_are_offered_where_they_are_allowed(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(DataError):
        base_model("someone/model")
    monkeypatch.setenv("WHENCE_HUB_MODELS", "1")
    assert base_model("someone/model") == "someone/model"
    for name in ("../model", "/etc", "someone/..", "-a/b", "a/b/c", "usr/bin"):
        with pytest.raises(DataError):
            base_model(name)


def test_only_models_that_are_there_can_be_deployed(
    database: Database, submit: Submit, team: int, other_team: int, completed: Job
):
    waiting = submit()
    with database.session() as session:
        for kind, model, words in (
            (TUNED, "ft-0", "Give the id of a completed job"),
            (TUNED, waiting.id, f"{waiting.id} is pending"),
            (BASE, "gpt-5", "must be one of"),
        ):
            with pytest.raises(DataError, match=words):
                create_deployment(session, team, kind, model, "n", "", 1)
        with pytest.raises(DataError):
            create_deployment(session, other_team, TUNED, completed.id, "n", "", 1)
        assert list_deployments(session, team, 0, 10) == []


def test_a_deployment_is_promoted_settled_and_demoted(database: Database, team: int, deployment: Deployment):
    with database.session() as session:
        assert get_deployment(session, team, deployment.id).status == "Inactive"
        finish_loading(session, deployment.id, None)
        assert get_deployment(session, team, deployment.id).status == "Inactive"
        assert promote(session, team, deployment.id).status == "Pending"
        assert [one.id for one in pending(session)] == [deployment.id]
    with database.session() as session:
        finish_loading(session, deployment.id, None)
    with database.session() as session:
        found = promote(session, team, deployment.id)
        assert (found.status, found.failure) == ("Active", None)
        assert found.last_deployed_at
        assert pending(session) == []
        assert demote(session, team, deployment.id).status == "Inactive"


def test_a_deployment_whose_model_did_not_load_says_why_until_the_next_try(
    database: Database, team: int, deployment: Deployment
):
    with database.session() as session:
        promote(session, team, deployment.id)
    with database.session() as session:
        finish_loading(session, deployment.id, "No memory.")
    with database.session() as session:
        found = get_deployment(session, team, deployment.id)
        assert (found.status, found.failure) == ("Failed", "No memory.")
        assert promote(session, team, deployment.id).failure is None


def test_a_deployment_that_was_demoted_meanwhile_stays_so(database: Database, team: int, deployment: Deployment):
    with database.session() as session:
        promote(session, team, deployment.id)
        demote(session, team, deployment.id)
        finish_loading(session, deployment.id, None)
    with database.session() as session:
        assert get_deployment(session, team, deployment.id).status == "Inactive"


def test_who_answers_under_a_name(
    database: Database, submit: Submit, team: int, completed: Job, deployment: Deployment, base: str
):
    whole = submit()
    with database.session() as session:
        for name in (deployment.id, completed.id, whole.id, "nobody", "", "a\x00b"):
            with pytest.raises(MissingError, match="No deployed model"):
                served_model(session, team, name)
        promote(session, team, deployment.id)
        for job in (completed, whole):
            session.get_one(Job, job.id).inference_available = True
    with database.session() as session:
        swapped = served_model(session, team, deployment.id)
        assert (swapped.target, swapped.run) == (Target("base", base), str(run_of(completed.id)))
        assert (swapped.job_id, swapped.deployment_id) == (completed.id, deployment.id)
        assert served_model(session, team, completed.id).target == Target("base", base)
        own = served_model(session, team, whole.id)
        assert own.target == Target("run", str(run_of(whole.id)))
        assert served_model(session, team, "tiny").run is None


def test_nobody_answers_for_another_team(
    database: Database, team: int, other_team: int, completed: Job, deployment: Deployment
):
    with database.session() as session:
        promote(session, team, deployment.id)
        session.get_one(Job, completed.id).inference_available = True
    with database.session() as session:
        for name in (deployment.id, completed.id):
            with pytest.raises(MissingError):
                served_model(session, other_team, name)
        with pytest.raises(MissingError):
            get_deployment(session, other_team, deployment.id)
        assert list_deployments(session, other_team, 0, 10) == []


def test_tokens_are_counted_and_are_no_change_of_the_deployment(database: Database, team: int, deployment: Deployment):
    for prompt, completion in ((10, 3), (1 << 33, 4)):
        with database.session() as session:
            count_tokens(session, deployment.id, prompt, completion)
    with database.session() as session:
        found = get_deployment(session, team, deployment.id)
        assert (found.total_input_tokens, found.total_output_tokens) == ((1 << 33) + 10, 7)
        assert found.updated_at == deployment.updated_at


def test_projects_count_their_jobs(database: Database, submit: Submit, team: int, other_team: int):
    jobs = [submit(), submit(), submit()]
    with database.session() as session:
        empty = create_project(session, team, "empty", "")
        full = create_project(session, team, "full", "Two jobs.")
        create_project(session, other_team, "theirs", "")
        for job in jobs[:2]:
            session.get_one(Job, job.id).project_id = full.id
        session.get_one(Job, jobs[0].id).inference_available = True
    with database.session() as session:
        found = list_projects(session, team, 0, 10)
        assert [(one.project.id, one.runs, one.runs_deployed) for one in found] == [(full.id, 2, 1), (empty.id, 0, 0)]
        assert found[0].last_modified >= full.updated_at
        assert [one.project.id for one in list_projects(session, team, 1, 1)] == [empty.id]
        with pytest.raises(MissingError):
            get_project(session, other_team, full.id)
