"""The models that OpenAI's client can list and ask."""

import pytest
from fastapi.testclient import TestClient
from openai import BadRequestError, NotFoundError, OpenAI

from tests.api.conftest import BASE, Trained
from tests.api.openai.conftest import opened
from whence.api.service import Service
from whence.models.catalog import CATALOG
from whence.platform.deployments import BASE as BASE_MODEL
from whence.platform.deployments import create_deployment, demote, promote
from whence.platform.keys import create_key, default_team
from whence.platform.models import EMBEDDING


def names(official: OpenAI) -> list[str]:
    return [model.id for model in official.models.list()]


def deployed(service: Service) -> str:
    """A deployment of the tiny base model that was told to answer."""
    with service.database.session() as session:
        team = default_team(session)
        made = create_deployment(session, team, BASE_MODEL, BASE, "A deployment", "For a test.", 1)
        return promote(session, team, made.id).id


def test_base_models_and_the_encoder_are_listed(starting: OpenAI):
    listed = list(starting.models.list())
    assert [model.id for model in listed] == [BASE, *CATALOG]
    assert EMBEDDING in CATALOG
    assert {(model.object, model.owned_by, model.created) for model in listed} == {("model", "system", 0)}


def test_a_job_that_answers_is_a_model_of_its_team(official: OpenAI, trained: Trained):
    assert trained.id in names(official)
    model = official.models.retrieve(trained.id)
    assert (model.id, model.owned_by) == (trained.id, "default")
    assert model.created == official.fine_tuning.jobs.retrieve(trained.id).created_at


def test_a_deployment_is_a_model_while_it_answers(starting: OpenAI, inside: Service):
    made = deployed(inside)
    assert names(starting)[0] == made
    assert starting.models.retrieve(made).owned_by == "default"
    with inside.database.session() as session:
        demote(session, default_team(session), made)
    assert made not in names(starting)
    with pytest.raises(NotFoundError):
        starting.models.retrieve(made)


def test_another_teams_models_are_not_there(inside: Service, fresh: TestClient):
    made = deployed(inside)
    with inside.database.session() as session:
        other = opened(fresh, create_key(session, "others").key)
    assert made not in names(other)
    with pytest.raises(NotFoundError):
        other.models.retrieve(made)


def test_a_base_model_is_found_by_its_id_on_a_hub_too(starting: OpenAI):
    for known in CATALOG.values():
        assert starting.models.retrieve(known.name).id == known.name
        assert starting.models.retrieve(known.hub_id).id == known.name


def test_an_unknown_model_is_not_found(starting: OpenAI):
    with pytest.raises(NotFoundError, match="No model 'no/body' exists") as error:
        starting.models.retrieve("no/body")
    assert error.value.type == "not_found_error"
    with pytest.raises(NotFoundError):
        starting.models.delete("nobody")


def test_deleting_a_job_s_model_silences_it_and_keeps_the_job(official: OpenAI, client: TestClient, trained: Trained):
    asked = {"model": trained.id, "messages": [{"role": "user", "content": trained.question}], "max_tokens": 1}
    try:
        deleted = official.models.delete(trained.id)
        assert (deleted.id, deleted.deleted, deleted.object) == (trained.id, True, "model")
        assert trained.id not in names(official)
        with pytest.raises(NotFoundError):
            official.chat.completions.create(**asked)
        with pytest.raises(NotFoundError):
            official.models.delete(trained.id)
        assert official.fine_tuning.jobs.retrieve(trained.id).status == "succeeded"
    finally:
        client.get(f"/v1/flow/fine-tunes/{trained.id}/promote-model")
    assert official.chat.completions.create(**asked).choices


def test_a_base_model_or_deployment_cannot_be_deleted(starting: OpenAI, inside: Service):
    for name in (BASE, deployed(inside)):
        with pytest.raises(BadRequestError, match="Only a fine-tuned model can be deleted"):
            starting.models.delete(name)
        assert name in names(starting)
