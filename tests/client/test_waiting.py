import asyncio

import pytest

from tests.client.service import Reply, Service, serving
from tests.client.shapes import DEPLOYMENT, EVENT, JOB, page
from whence.client import DeploymentFailed, JobFailed, TimedOut
from whence.types import Progress

QUEUED = JOB | {"status": "queued", "place": 2, "progress": None, "phase": None, "seconds_left": None}
COMPLETED = JOB | {"status": "completed", "progress": 1.0, "phase": None, "seconds_left": None}
TRAINED: list[Reply] = [QUEUED, JOB, page(EVENT, EVENT | {"loss": 0.5}, EVENT | {"loss": None}), COMPLETED]


def test_a_job_is_followed_until_it_is_completed():
    service = serving(QUEUED, JOB, JOB, COMPLETED)
    with service.client() as client:
        job = client.fine_tuning.wait("ft-1", progress=False)
    assert job.status == "completed"
    assert service.slept == [0.5, 0.75, 1.125]
    assert {request.url.path for request in service.requests} == {"/v1/flow/fine-tunes/ft-1"}


def test_phase_loss_and_time_left_are_reported():
    told: list[Progress] = []
    with serving(*TRAINED).client() as client:
        client.fine_tuning.wait("ft-1", progress=told.append)
    assert told == [
        Progress("queued, place 2", 0, 100, "%"),
        Progress("fine-tuning", 40, 100, "%", {"loss": 0.5, "seconds_left": 130.2}),
        Progress("completed", 100, 100, "%"),
    ]


def test_a_bar_is_drawn_where_there_is_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    with serving(*TRAINED).client() as client:
        client.fine_tuning.wait("ft-1")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "completed" in shown.err
    assert "100 %" in shown.err


def test_the_async_client_waits_the_same():
    service = serving(*TRAINED)
    told: list[Progress] = []

    async def waited() -> str:
        async with service.async_client() as client:
            return (await client.fine_tuning.wait("ft-1", progress=told.append)).status

    assert asyncio.run(waited()) == "completed"
    assert [progress.done for progress in told] == [0, 40, 100]
    assert service.slept == [0.5, 0.75]


@pytest.mark.parametrize("status", ["failed", "cancelled", "deleted"])
def test_a_job_that_ends_without_a_model_is_an_error(status: str):
    reply = JOB | {"status": status, "error_analysis": "The disk is full."}
    with serving(reply).client() as client, pytest.raises(JobFailed, match="The disk is full") as failed:
        client.fine_tuning.wait("ft-1", progress=False)
    assert (failed.value.id, failed.value.status, failed.value.reason) == ("ft-1", status, "The disk is full.")


def test_waiting_ends_when_its_time_is_over():
    service = serving(JOB)
    with service.client() as client, pytest.raises(TimedOut, match="It continues"):
        client.fine_tuning.wait("ft-1", progress=False, timeout=0)
    assert len(service.requests) == 1


def test_a_wait_that_is_interrupted_takes_its_bar_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("FORCE_COLOR", "1")

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with serving(QUEUED).client(sleep=interrupted) as client, pytest.raises(KeyboardInterrupt) as held:
        client.fine_tuning.wait("ft-1")
    assert held.tb  # as long as somebody looks at the traceback, no garbage collection tidies up for us
    assert capsys.readouterr().err.endswith("\x1b[?25h")  # the cursor is back


def test_a_deployment_is_awaited_until_it_is_active():
    service: Service = serving(DEPLOYMENT | {"status": "Pending"}, DEPLOYMENT | {"status": "Started"}, DEPLOYMENT)
    with service.client() as client:
        assert client.deployments.wait("deployment-1", progress=False).status == "Active"
    assert len(service.requests) == 3


def test_a_deployment_that_fails_says_why():
    reply = DEPLOYMENT | {"status": "Failed", "failure": "The model does not fit into memory."}
    with serving(reply).client() as client, pytest.raises(DeploymentFailed, match="does not fit"):
        client.deployments.wait("deployment-1", progress=False)
