"""Projects: names under which jobs are gathered."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from whence.client.calls import Call, fresh_key, segment
from whence.client.records import Page, brief, moments, record
from whence.client.resource import D_co, Method, Resource

ROOT = "/v1/flow/projects"


@dataclass(frozen=True, slots=True, repr=False)
class Project:
    """A project. `runs` counts its jobs, where the server says."""

    id: int
    name: str
    description: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    runs: int | None = None
    runs_deployed: int | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "Project":
        """A project out of its JSON object."""
        return record(Project, data, **moments(data, "created_at", "updated_at"))

    def __repr__(self) -> str:
        return brief(f"Project {self.id}", self.name)


def create(name: str, description: str) -> Call[Project]:
    """The new project. `name` has 5 to 100 characters, `description` 5 to 1,000."""
    body = {"name": name, "description": description}
    return Call("POST", ROOT, Project.of, body=body, key=fresh_key())


def listing(skip: int = 0, limit: int = 100) -> Call[Page[Project]]:
    """The projects, at most `limit` after the first `skip`."""
    return Call("GET", ROOT, Page.of(Project.of), query={"skip": skip, "limit": limit})


def retrieve(id: int) -> Call[Project]:
    """The project with this number."""
    return Call("GET", f"{ROOT}/{segment(id)}", Project.of)


class Projects(Resource[D_co]):
    """`client.projects`."""

    create = Method(create)
    list = Method(listing)
    retrieve = Method(retrieve)
