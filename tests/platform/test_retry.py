import itertools
import sqlite3

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError

from whence.platform import retry
from whence.platform.database import Database, open_database
from whence.platform.retry import is_away, retry_while_unavailable
from whence.platform.tables import Team


def away() -> OperationalError:
    return OperationalError("SELECT 1", {}, sqlite3.OperationalError("database is locked"))


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, without making them."""
    pauses: list[float] = []
    monkeypatch.setattr(retry.time, "sleep", pauses.append)
    return pauses


def test_what_works_is_not_waited_for(slept: list[float]):
    assert retry_while_unavailable(lambda: 7) == 7
    assert slept == []


def test_it_is_tried_again_later_each_time_while_the_database_is_away(slept: list[float]):
    tries = itertools.count()

    def work() -> str:
        if next(tries) < 7:
            raise away()
        return "done"

    assert retry_while_unavailable(work) == "done"
    assert slept == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_patience_ends(slept: list[float]):
    def work() -> None:
        raise away()

    with pytest.raises(OperationalError):
        retry_while_unavailable(work, seconds=0.1)
    assert slept == []


def test_what_is_wrong_is_not_tried_again(slept: list[float]):
    def work() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        retry_while_unavailable(work)
    assert slept == []


def test_a_wrong_statement_is_no_absence(database: Database, slept: list[float]):
    def twice() -> None:
        with database.session() as session:
            session.add(Team(name="default"))

    with pytest.raises(IntegrityError) as caught:
        retry_while_unavailable(twice)
    assert not is_away(caught.value)
    assert slept == []


def test_a_lost_connection_is_an_absence(postgres_tables: str):
    database = open_database(postgres_tables)
    with pytest.raises(DBAPIError) as caught, database.session() as session:
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert is_away(caught.value)
    with database.session() as session:
        assert session.scalar(text("SELECT 1")) == 1
    database.close()


def test_a_statement_that_cannot_be_read_is_no_absence(database: Database):
    with pytest.raises(DBAPIError) as caught, database.session() as session:
        session.execute(text("SELEKT 1"))
    assert isinstance(caught.value, OperationalError | ProgrammingError)
    if database.engine.dialect.name == "postgresql":
        assert not is_away(caught.value)
