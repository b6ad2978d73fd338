from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.platform.conftest import Keep, Submit
from whence.errors import ConflictError, DataError, MissingError
from whence.platform.database import Database
from whence.platform.events import add_event, events_of
from whence.platform.files import DOCUMENTS, Upload, delete_file, inspect_uploads, keep
from whence.platform.jobs import (
    ENDED,
    OPEN,
    STOPPED,
    attempt_of,
    cancel_job,
    create_job,
    data_of,
    files_of,
    folder_of,
    get_job,
    list_jobs,
    move,
    offer,
    place_of,
    resume_job,
    run_of,
    trained_on,
)
from whence.platform.projects import create_project
from whence.platform.tables import Job, JobFile
from whence.store.objects import Objects

Settle = Callable[[Job, str], None]


@pytest.fixture
def settle(database: Database) -> Settle:
    """Sets the state of a job."""

    def set_to(job: Job, status: str) -> None:
        with database.session() as session:
            session.get_one(Job, job.id).status = status

    return set_to


def test_a_new_job_waits_with_its_files_in_order(database: Database, kept: Keep, team: int):
    files = [kept(), kept(content='{"question": "A?", "answer": "B."}\n' * 2), kept()]
    config = {"training_files": [file.id for file in files], "model": "tiny", "n_epochs": 2}
    with database.session() as session:
        made = create_job(session, team, "tiny", config, {"n_accel": 1}, None)
    with database.session() as session:
        job = get_job(session, team, made.id)
        assert (job.status, job.phase, job.started_at, job.completed_at) == ("pending", None, None, None)
        assert (job.training_config, job.infrastructure) == (config, {"n_accel": 1})
        assert [file.id for file in files_of(session, job.id)] == [file.id for file in files]
        assert [event.message for event in events_of(session, job.id)] == ["The job was accepted: 4 pairs."]


def refused(database: Database, team: int, *ids: str) -> str:
    def ask() -> None:
        with database.session() as session:
            create_job(session, team, "tiny", {"training_files": list(ids)}, {}, None)

    with pytest.raises(DataError) as caught:
        ask()
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 0
        assert session.scalar(select(func.count()).select_from(JobFile)) == 0
    return str(caught.value)


def test_files_that_are_not_there_are_refused(
    database: Database, objects: Objects, kept: Keep, team: int, other_team: int
):
    good, gone, theirs = kept(), kept(), kept(owner=other_team)
    with database.session() as session:
        delete_file(session, objects, team, gone.id)
    for identity in ("file-0", "", gone.id, theirs.id):
        assert "Upload the training file first" in refused(database, team, good.id, identity)


def test_a_file_is_not_trained_on_twice(database: Database, kept: Keep, team: int):
    one = kept("a.jsonl", content='{"question": "A?", "answer": "B."}\n')
    same = kept("b.jsonl", content='{"question": "A?", "answer": "B."}\n')
    assert "the same bytes" in refused(database, team, one.id, same.id)
    assert "the same bytes" in refused(database, team, one.id, one.id)


def test_a_document_is_no_training_data(database: Database, objects: Objects, team: int, tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("Words.")
    sent = Upload(path, "a.txt")
    (seen,) = inspect_uploads([sent], DOCUMENTS)
    with database.session() as session:
        document = keep(session, objects, team, sent, DOCUMENTS, seen)
    assert "has the purpose 'alignment', not 'fine-tune'" in refused(database, team, document.id)


def test_teams_do_not_see_each_others_jobs(database: Database, submit: Submit, team: int, other_team: int):
    ours, theirs = submit(), submit(owner=other_team)
    with database.session() as session:
        assert [job.id for job in list_jobs(session, team)] == [ours.id]
        assert [job.id for job in list_jobs(session, other_team)] == [theirs.id]
        for identity in (theirs.id, "ft-0", "a\x00b"):
            with pytest.raises(MissingError, match="No fine-tuning job"):
                get_job(session, team, identity)
            with pytest.raises(MissingError):
                cancel_job(session, team, identity)
            with pytest.raises(MissingError):
                offer(session, team, identity, True)


def test_jobs_are_listed_the_newest_first_and_by_project(database: Database, submit: Submit, team: int):
    first, second, third = submit(), submit(), submit()
    with database.session() as session:
        project = create_project(session, team, "p", "")
        for job in (first, third):
            session.get_one(Job, job.id).project_id = project.id
        session.flush()
        assert [job.id for job in list_jobs(session, team)] == [third.id, second.id, first.id]
        assert [job.id for job in list_jobs(session, team, project.id)] == [third.id, first.id]
        assert list_jobs(session, team, project.id + 1) == []


def test_waiting_jobs_have_a_place_in_the_queue(database: Database, submit: Submit, settle: Settle, other_team: int):
    running, first, second, theirs, last = submit(), submit(), submit(), submit(owner=other_team), submit()
    settle(running, "running")
    settle(first, "queued")
    with database.session() as session:
        places = [place_of(session, session.get_one(Job, job.id)) for job in (running, first, second, theirs, last)]
        assert places == [None, 1, 2, 3, 4]
    settle(second, "cancelled")
    with database.session() as session:
        assert place_of(session, session.get_one(Job, last.id)) == 3


@pytest.mark.parametrize("status", OPEN)
def test_an_open_job_is_cancelled_once(database: Database, submit: Submit, settle: Settle, team: int, status: str):
    job = submit()
    settle(job, status)
    for _ in range(2):
        with database.session() as session:
            found = cancel_job(session, team, job.id)
            assert (found.status, found.cancel_requested) == ("cancelled", True)
            assert found.completed_at
    with database.session() as session:
        assert [event.phase for event in events_of(session, job.id)] == ["queued", "cancelled"]


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_job_that_has_ended_cannot_be_cancelled(
    database: Database, submit: Submit, settle: Settle, team: int, status: str
):
    assert status in ENDED
    job = submit()
    settle(job, status)
    with database.session() as session, pytest.raises(ConflictError, match=f"is already {status}"):
        cancel_job(session, team, job.id)
    with database.session() as session:
        assert get_job(session, team, job.id).status == status


@pytest.mark.parametrize("status", STOPPED)
def test_a_job_that_was_stopped_waits_once_more(
    database: Database, submit: Submit, settle: Settle, team: int, status: str
):
    job = submit()
    for attempt in (1, 2):
        settle(job, status)
        with database.session() as session:
            session.get_one(Job, job.id).error_analysis = "The disk was full."
        with database.session() as session:
            found = resume_job(session, team, job.id)
            assert (found.status, found.error_analysis, found.completed_at) == ("pending", None, None)
            assert place_of(session, found) == 1
            assert attempt_of(session, job.id) == attempt


@pytest.mark.parametrize("status", [*OPEN, "completed"])
def test_a_job_that_goes_on_or_has_its_model_is_not_resumed(
    database: Database, submit: Submit, settle: Settle, team: int, status: str
):
    job = submit()
    settle(job, status)
    with database.session() as session, pytest.raises(ConflictError, match=f"{job.id} is {status}"):
        resume_job(session, team, job.id)


def test_a_job_whose_file_is_gone_is_not_resumed_unless_it_has_a_copy(
    database: Database, objects: Objects, submit: Submit, settle: Settle, kept: Keep, team: int
):
    file = kept()
    job = submit(file)
    settle(job, "cancelled")
    with database.session() as session:
        delete_file(session, objects, team, file.id)
    with database.session() as session, pytest.raises(ConflictError, match=f"{file.filename} was deleted"):
        resume_job(session, team, job.id)
    copy = data_of(job.id, file)
    copy.parent.mkdir(parents=True)
    copy.touch()
    with database.session() as session:
        assert resume_job(session, team, job.id).status == "pending"


def test_a_job_moves_only_from_where_it_is_expected(database: Database, submit: Submit, team: int):
    job, other = submit(), submit()
    with database.session() as session:
        assert not move(session, job.id, ("running",), status="completed")
        assert move(session, job.id, ("pending", "queued"), status="running", progress=0.5)
        assert not move(session, "ft-0", OPEN, status="running")
    with database.session() as session:
        found = get_job(session, team, job.id)
        assert (found.status, found.progress) == ("running", 0.5)
        assert get_job(session, team, other.id).status == "pending"


def test_of_two_that_move_a_job_at_once_one_succeeds(database: Database, submit: Submit):
    def take(status: str) -> bool:
        with database.session() as session:
            return move(session, job.id, ("pending",), status=status)

    with ThreadPoolExecutor(8) as threads:
        for _ in range(5):
            job = submit()
            moved = list(threads.map(take, [*["cancelled"] * 4, *["queued"] * 4]))
            assert sum(moved) == 1


def test_only_a_completed_job_is_promoted(database: Database, submit: Submit, settle: Settle, team: int):
    job = submit()
    for status in ("pending", "running", "failed", "cancelled"):
        settle(job, status)
        with database.session() as session, pytest.raises(ConflictError, match=f"{job.id} is {status}"):
            offer(session, team, job.id, True)
    settle(job, "completed")
    for available in (True, True, False, False):
        with database.session() as session:
            assert offer(session, team, job.id, available).inference_available is available
    with database.session() as session:
        assert [event.phase for event in events_of(session, job.id)] == ["queued", "promote", "demote"]


def test_a_file_knows_the_jobs_that_use_it_even_when_deleted(
    database: Database, objects: Objects, submit: Submit, kept: Keep, team: int
):
    file = kept()
    first, second, _ = submit(file), submit(file), submit()
    with database.session() as session:
        delete_file(session, objects, team, file.id)
    with database.session() as session:
        assert [job.id for job in trained_on(session, file.id)] == [first.id, second.id]
        assert [found.id for found in files_of(session, first.id)] == [file.id]
        assert trained_on(session, "file-0") == []


def test_what_a_job_leaves_lies_in_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("WHENCE_HOME", str(tmp_path))
    assert folder_of("ft-1") == tmp_path / "jobs" / "ft-1"
    assert run_of("ft-1") == tmp_path / "jobs" / "ft-1" / "run"


def test_events_come_in_order_and_from_a_number_on(database: Database, submit: Submit):
    job, other = submit(), submit()
    with database.session() as session:
        for step in (1, 2, 3):
            add_event(session, job.id, "fine-tuning", "m", numbers={"step": step, "loss": float("nan"), "epoch": None})
            add_event(session, other.id, "fine-tuning", "m")
    with database.session() as session:
        queued, *steps = events_of(session, job.id)
        assert [(event.step, event.loss, event.epoch) for event in steps] == [(n, None, None) for n in (1, 2, 3)]
        assert events_of(session, job.id, steps[0].id) == steps[1:]
        assert events_of(session, job.id, steps[-1].id) == []
        assert queued.phase == "queued"
