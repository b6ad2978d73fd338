"""The base models of this service by name. Imports no torch."""

import re
from dataclasses import dataclass
from pathlib import Path

from whence import settings
from whence.errors import DataError
from whence.models.catalog import CATALOG, folder_of

HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*")
EMBEDDING = "all-minilm-l6-v2"


@dataclass(frozen=True)
class CatalogModel:
    """A model that callers may name by its id or by its name."""

    id: str
    name: str
    kind: str
    bytes: int | None
    place: str


def offered_models() -> list[CatalogModel]:
    """All models of this service: the known ones and those that its owner listed."""
    known = [
        CatalogModel(m.name, m.hub_id, "embedding" if m.name == EMBEDDING else "chat", m.megabytes * 1_000_000, m.name)
        for m in CATALOG.values()
    ]
    own = [
        CatalogModel(name, name, "chat", sum(f.stat().st_size for f in folder.glob("*.safetensors")), str(folder))
        for name, folder in settings.base_models().items()
    ]
    return [*own, *known]


def find_model(name: str) -> CatalogModel | None:
    """The model of that id or name, if it is offered."""
    return next((offer for offer in offered_models() if name in (offer.id, offer.name)), None)


def base_model(name: str) -> str:
    """Return the pipeline's name of a base model.

    Raises:
        DataError: this service does not offer it.
    """
    offer = find_model(name)
    if offer and offer.kind == "chat":
        return offer.place
    if offer is None and settings.hub_models() and HUB_ID.fullmatch(name) and not Path("/", name).exists():
        return name  # and no folder of this machine: the processes that load models stand in the root folder
    known = ", ".join(o.id for o in offered_models() if o.kind == "chat")
    raise DataError(f"The base model must be one of {known} (found {name!r}). List them with GET /v1/flow/models.")


def folder(place: str) -> str:
    """The folder of an offered model's files, once they have been downloaded."""
    return str(folder_of(place)) if place in CATALOG else place
