"""A summary of what a team has, for the start view."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from whence.platform.deployments import list_deployments
from whence.platform.files import PAIRS
from whence.platform.history import list_attributions
from whence.platform.jobs import OPEN
from whence.platform.keys import keys_exist
from whence.platform.tables import AttributionRecord, Deployment, File, Job

RECENT = 5
"""How many jobs that have ended, and how many attributions, are shown."""
DEPLOYMENTS = 100


@dataclass(frozen=True)
class Overview:
    """What a team has. `jobs` are the open ones, then the last ones that ended; `pairs` counts those of the `files`."""

    deployments: list[Deployment]
    jobs: list[Job]
    attributions: list[AttributionRecord]
    files: int
    pairs: int
    keys: bool


def overview_of(session: Session, team: int) -> Overview:
    """Return what the team has now, newest first."""
    there = (File.team_id == team, File.deleted_at.is_(None), File.purpose == PAIRS)
    files, pairs = session.execute(select(func.count(), func.sum(File.examples)).where(*there)).one()
    return Overview(
        deployments=list_deployments(session, team, 0, DEPLOYMENTS),
        jobs=recent_jobs(session, team),
        attributions=list_attributions(session, team, None, RECENT, 0)[0],
        files=files,
        pairs=pairs or 0,
        keys=keys_exist(session),
    )


def recent_jobs(session: Session, team: int) -> list[Job]:
    """The jobs that go on, then the last that have ended, each the newest first."""
    own = select(Job).where(Job.team_id == team, Job.deleted_at.is_(None)).order_by(Job.created_at.desc(), Job.id)
    going = list(session.scalars(own.where(Job.status.in_(OPEN))))
    return [*going, *session.scalars(own.where(Job.status.not_in(OPEN)).limit(RECENT))]
