"""The service's database: SQLite in WAL mode or PostgreSQL, brought up to date on start under a lock."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from filelock import FileLock
from sqlalchemy import Connection, Engine, create_engine, event, insert, make_url, select, text
from sqlalchemy.orm import Session, sessionmaker

from whence.platform.tables import Team

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 727_466_001
"""The number of PostgreSQL's advisory lock that an upgrade holds."""
BUSY = 15_000
"""Milliseconds that SQLite waits for another writer."""
DEFAULT_TEAM = "default"


@dataclass(frozen=True)
class Database:
    """An open database."""

    engine: Engine
    sessions: sessionmaker[Session]

    @contextmanager
    def session(self) -> Generator[Session]:
        """A session whose changes are kept if the block ends without an error."""
        with self.sessions.begin() as session:
            yield session

    def close(self) -> None:
        """Let all connections go."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """The database at `url`, at the newest version of the tables."""
    engine = connect(url)
    upgrade(engine)
    return Database(engine, sessionmaker(engine, expire_on_commit=False))


def connect(url: str) -> Engine:
    """An engine for `url`, as the service uses it; nothing is opened yet."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True, pool_size=10, max_overflow=20
        )
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": BUSY / 1000})
    event.listen(engine, "connect", _as_we_use_sqlite)
    return engine


def _as_we_use_sqlite(connection: Any, _: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={BUSY}"):
        connection.execute(f"PRAGMA {pragma}")


def upgrade(engine: Engine) -> None:
    """Bring the tables to the newest version, with the default team. Processes that start together take turns."""
    with _locked(engine) as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if connection.scalar(select(Team.id).where(Team.name == DEFAULT_TEAM)) is None:
            connection.execute(insert(Team).values(name=DEFAULT_TEAM))


@contextmanager
def _locked(engine: Engine) -> Generator[Connection]:
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": LOCK})
            yield connection
        return
    with FileLock(f"{engine.url.database}.lock"), engine.begin() as connection:
        yield connection
