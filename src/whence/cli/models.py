"""`whence models`: base models that Whence knows by name."""

from typing import Annotated

from cyclopts import App, Parameter

from whence.cli.flags import Json
from whence.cli.output import console, print_json, show
from whence.cli.progress import reporting

app = App(name="models", help="List base models, or download one.")


@app.command(name="list")
def list_models(*, as_json: Json = False) -> None:
    """List the known models and show which are downloaded."""
    from dataclasses import asdict

    from whence.models.catalog import CATALOG, installed

    known = [(model, str(folder) if (folder := installed(name)) else None) for name, model in CATALOG.items()]
    if as_json:
        print_json({"models": [{**asdict(model), "folder": folder} for model, folder in known]})
        return
    from whence.cli.tables import models

    show(models(known))


@app.command
def pull(
    name: Annotated[str, Parameter(name="NAME", help="A known model or a hub ID.")],
    /,
    *,
    as_json: Json = False,
) -> None:
    """Download a base model, check it, and convert it if necessary."""
    with reporting(as_json) as report:
        from whence.models.base import pull as pull_model

        folder = pull_model(name, report)
    if as_json:
        print_json({"name": name, "folder": str(folder)})
    else:
        console().print(f"{name} is in {folder}", soft_wrap=True)
