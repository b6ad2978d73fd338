"""Projects."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from whence.api.auth import Open, Team
from whence.api.schemas.seekrflow import NewProject, Page, ProjectAnswer, ProjectId, ProjectList
from whence.platform.projects import create_project, get_project, list_projects
from whence.platform.tables import Project

router = APIRouter(prefix="/flow/projects", tags=["Projects"])


def fields_of(project: Project) -> dict[str, Any]:
    """A project as its answer has it."""
    names = ("id", "name", "description", "created_at", "updated_at")
    return {name: getattr(project, name) for name in names} | {
        "user_id": project.team_id,
        "team_id": str(project.team_id),
    }


@router.post("", summary="Create a project", operation_id="create_project")
def create(body: NewProject, team: Team, service: Open) -> ProjectAnswer:
    """The new project."""
    with service.database.session() as session:
        return ProjectAnswer(**fields_of(create_project(session, team, body.name, body.description)))


@router.get("", summary="List projects", operation_id="list_projects")
def listed(
    team: Team, service: Open, skip: Annotated[int, Query(ge=0, le=2**31)] = 0, limit: Annotated[Page, Query()] = 100
) -> ProjectList:
    """The projects, the newest first."""
    with service.database.session() as session:
        found = [
            {**fields_of(s.project), "runs": s.runs, "runs_deployed": s.runs_deployed, "last_modified": s.last_modified}
            for s in list_projects(session, team, skip, limit)
        ]
    return ProjectList.model_validate({"data": found})


@router.get("/{project_id}", summary="Retrieve a project", operation_id="retrieve_project")
def retrieve(project_id: Annotated[ProjectId, Path()], team: Team, service: Open) -> ProjectAnswer:
    """The project."""
    with service.database.session() as session:
        return ProjectAnswer(**fields_of(get_project(session, team, project_id)))
