import multiprocessing
from datetime import UTC, datetime, timedelta, timezone
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests.platform.attributions import job_of, pair, result
from whence.platform.database import MIGRATIONS, Database, connect, open_database, upgrade
from whence.platform.keys import default_team
from whence.platform.tables import AttributionRecord, Base, File, InfluenceRecord, JobFile, Project, Team


def test_sqlite_writes_ahead_and_holds_references(tmp_path: Path):
    database = open_database(f"sqlite:///{tmp_path / 'new' / 'whence.db'}")
    with database.session() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
    database.close()


def test_the_migrations_add_up_to_the_tables(database: Database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_migrations_can_be_taken_back_and_applied_again(url: str):
    engine = connect(url)
    upgrade(engine)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    upgrade(engine)
    assert set(inspect(engine).get_table_names()) == {"alembic_version", *Base.metadata.tables}
    engine.dispose()


def test_opening_again_keeps_what_is_there(url: str):
    for name in ("one", "two"):
        database = open_database(url)
        with database.session() as session:
            session.add(Project(team_id=default_team(session), name=name, description=""))
        database.close()
    database = open_database(url)
    with database.session() as session:
        assert list(session.scalars(select(Project.name).order_by(Project.id))) == ["one", "two"]
        assert list(session.scalars(select(Team.name))) == ["default"]
    database.close()


def _open_and_count(url: str, ready: Barrier) -> None:
    ready.wait(60)
    database = open_database(url)
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(Team)) == 1
    database.close()


def test_processes_that_start_together_wait_for_each_other(url: str):
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Barrier(3)
    processes = [spawn.Process(target=_open_and_count, args=(url, ready)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]


def test_a_session_that_fails_keeps_nothing(database: Database, team: int):
    def fail() -> None:
        with database.session() as session:
            session.add(Project(team_id=team, name="half", description=""))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(Project)) == 0


def test_moments_come_back_in_utc(database: Database, team: int):
    moment = datetime(2024, 2, 29, 23, 30, 0, 123456, tzinfo=UTC)
    with database.session() as session:
        session.add(Project(team_id=team, name="p", description="", created_at=moment, updated_at=moment))
    with database.session() as session:
        found = session.scalars(select(Project)).one()
        assert found.created_at == moment
        assert found.created_at.utcoffset() == timedelta(0)


def test_moments_of_other_zones_stay_the_same_moments(database: Database, team: int):
    moment = datetime(2024, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    with database.session() as session:
        session.add(Project(team_id=team, name="p", description="", created_at=moment))
    with database.session() as session:
        assert session.scalars(select(Project)).one().created_at == moment


def test_a_row_of_a_team_that_is_not_there_is_refused(database: Database):
    def add() -> None:
        with database.session() as session:
            session.add(Project(team_id=99, name="nobody's", description=""))

    with pytest.raises(IntegrityError):
        add()


def test_text_and_counts_have_no_small_limits(database: Database, team: int):
    name, many = "é" * 100_000, 1 << 40
    with database.session() as session:
        session.add(
            File(team_id=team, filename=name, purpose="", type="", bytes=many, sha256="", content_id="", object="")
        )
    with database.session() as session:
        file = session.scalars(select(File)).one()
        assert (file.filename, file.bytes) == (name, many)


def test_what_opposed_answers_is_found_in_attributions_that_were_kept_before(url: str):
    """A database of the first tables with a file, a job on it and attributions, brought up to date and taken back."""
    engine = connect(url)
    upgrade(engine)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))

    def move(to: str) -> None:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            (command.downgrade if to == "0001" else command.upgrade)(config, to)

    with Session(engine, expire_on_commit=False) as session, session.begin():
        job, team = job_of(session, default_team(session)), default_team(session)
        named = {"filename": "a.jsonl", "purpose": "fine-tune", "type": "jsonl", "bytes": 1, "sha256": "s"}
        file = File(team_id=team, content_id="c", object="o", **named)
        session.add(file)
        session.flush()
        session.add(JobFile(job_id=job, file_id=file.id, place=0))
        for one in (result(pair(1), opposing=(pair(2), pair(1))), result()):
            session.add(AttributionRecord(team_id=team, model="m", job_id=job, result=one))
    for _ in range(2):
        move("0001")
        move("head")
    with Session(engine) as session:
        sides = session.execute(select(InfluenceRecord.pair_id, InfluenceRecord.side, InfluenceRecord.line)).all()
        assert list(map(tuple, sides)) == [("pair-2", "opposing", 2)]
        assert session.scalar(select(func.count()).select_from(JobFile)) == 1
        assert session.execute(select(File.id, File.origin_file_id, File.changes)).one() == (file.id, None, None)
    engine.dispose()
