"""Projects: names under which a team gathers its jobs."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from whence.errors import MissingError
from whence.platform.tables import Job, Project


@dataclass(frozen=True)
class ProjectSummary:
    """A project and how much has been done in it."""

    project: Project
    runs: int
    runs_deployed: int
    last_modified: datetime


def create_project(session: Session, team: int, name: str, description: str) -> Project:
    """A new project of a team."""
    project = Project(team_id=team, name=name, description=description)
    session.add(project)
    session.flush()
    return project


def get_project(session: Session, team: int, identity: int) -> Project:
    """A project of the team.

    Raises:
        MissingError: it has none of that id.
    """
    project = session.get(Project, identity)
    if project is None or project.team_id != team:
        raise MissingError(f"No project {identity} exists for your user.")
    return project


def list_projects(session: Session, team: int, skip: int, limit: int) -> list[ProjectSummary]:
    """The team's projects with their counts of runs, the newest first."""
    deployed = func.sum(case((Job.inference_available, 1), else_=0))
    counts = (
        select(
            Job.project_id,
            func.count().label("runs"),
            deployed.label("deployed"),
            func.max(Job.created_at).label("last"),
        )
        .where(Job.team_id == team, Job.deleted_at.is_(None))
        .group_by(Job.project_id)
        .subquery()
    )
    wanted = (
        select(Project, counts.c.runs, counts.c.deployed, counts.c.last)
        .outerjoin(counts, counts.c.project_id == Project.id)
        .where(Project.team_id == team)
        .order_by(Project.id.desc())
        .offset(skip)
        .limit(limit)
    )
    return [
        ProjectSummary(project, int(runs or 0), int(deployed or 0), max(project.updated_at, last or project.updated_at))
        for project, runs, deployed, last in session.execute(wanted)
    ]
