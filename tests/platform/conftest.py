"""Empty and ready databases of both kinds, and what a service would have in them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.postgres import postgres
from tests.training.runs import write_pairs
from whence.platform.database import Database, open_database
from whence.platform.files import PAIRS, Upload, inspect_uploads, keep
from whence.platform.jobs import create_job
from whence.platform.keys import create_key, default_team, team_of
from whence.platform.tables import Base, File, Job
from whence.store.objects import Objects

KINDS = ("sqlite", "postgresql")
NUMBERS = count()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL of this session's own."""
    with postgres() as server:
        yield server.get_uri()


@contextmanager
def new_postgres(server_url: str) -> Iterator[str]:
    """The URL of a new database in a PostgreSQL."""
    name = f"whence_{next(NUMBERS)}"
    server = create_engine(make_url(server_url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database in which there is nothing yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'whence.db'}"
        return
    with new_postgres(request.getfixturevalue("postgres_url")) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def postgres_tables(postgres_url: str) -> Iterator[str]:
    """The URL of a database with all tables: emptying it after a test is quicker than making another."""
    with new_postgres(postgres_url) as url:
        yield url


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with all tables and nothing in them, of either kind."""
    if request.param == "sqlite":
        opened = open_database(f"sqlite:///{tmp_path / 'whence.db'}")
        yield opened
    else:
        opened = open_database(request.getfixturevalue("postgres_tables"))
        yield opened
        with opened.session() as session:
            for table in reversed(Base.metadata.sorted_tables):
                session.execute(table.delete())
    opened.close()


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects.at(str(tmp_path / "objects"))


@pytest.fixture
def team(database: Database) -> int:
    """The team that owns what is made without a key."""
    with database.session() as session:
        return default_team(session)


@pytest.fixture
def other_team(database: Database) -> int:
    with database.session() as session:
        found = team_of(session, create_key(session, "others").key)
    assert found is not None
    return found


Keep = Callable[..., File]
Submit = Callable[..., Job]


@pytest.fixture
def kept(database: Database, objects: Objects, team: int, tmp_path: Path) -> Keep:
    """Uploads a file of pairs, for the default team unless told otherwise; no two have the same bytes."""

    def upload(name: str = "pairs.jsonl", owner: int | None = None, content: str | None = None) -> File:
        number = next(NUMBERS)
        path = tmp_path / f"upload-{number}{Path(name).suffix}"
        if content is None:
            content = f'{{"question": "What is {number}?", "answer": "A number."}}\n'
        path.write_text(content, "utf-8")
        sent = Upload(path, name)
        (seen,) = inspect_uploads([sent], PAIRS)
        with database.session() as session:
            return keep(session, objects, owner or team, sent, PAIRS, seen)

    return upload


@pytest.fixture
def colours(tmp_path: Path) -> str:
    """Twelve pairs as JSONL: a colour and an animal each."""
    return write_pairs(tmp_path / "colours.jsonl").read_text("utf-8")


@pytest.fixture
def submit(database: Database, team: int, kept: Keep) -> Submit:
    """Accepts a job on a file, which is uploaded if none is given."""

    def ask(file: File | None = None, model: str = "tiny", owner: int | None = None, **config: Any) -> Job:
        file = file or kept(owner=owner)
        with database.session() as session:
            wanted = {"training_files": [file.id], "model": model, **config}
            return create_job(session, owner or team, model, wanted, {}, None)

    return ask
