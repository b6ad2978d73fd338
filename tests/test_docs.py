"""What can be called, typed or set stands in the documentation, and what the documentation names is there."""

import ast
import configparser
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cyclopts import App
from prometheus_client.parser import text_string_to_metric_families

import whence
from whence.api.app import create_app
from whence.api.process import LONGEST_HEAD
from whence.api.service import Service
from whence.api.traffic import LARGEST_BODY
from whence.cli.main import app as commands
from whence.cli.up import PORT
from whence.client.resource import Opened, Sent
from whence.platform.retry import PATIENCE as AWAY
from whence.platform.supervisor import PATIENCE

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS]
COMPOSE = ("compose.yaml", "compose.postgres.yaml")
METHODS = {"get", "post", "put", "delete", "patch"}


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def variables(text: str) -> set[str]:
    return set(re.findall(r"WHENCE_[A-Z_]+[A-Z]", text))


SETTINGS = variables(read("src/whence/settings.py"))


@pytest.fixture
def service(home: Path) -> Iterator[Service]:
    opened = Service.open()
    yield opened
    opened.database.close()


# What the service and the command line offer


def test_every_route_is_in_the_api_reference(service: Service):
    paths: dict[str, Any] = create_app(service).openapi()["paths"]
    routes = [(method.upper(), path) for path, operations in paths.items() for method in METHODS & set(operations)]
    lines = read("docs/api-reference.md").splitlines()
    assert len(routes) > 40
    assert [route for route in routes if not any(names(line, *route) for line in lines)] == []


def names(line: str, method: str, path: str) -> bool:
    """Whether a line names a route, and not only one that begins like it."""
    return bool(re.search(rf"\b{method}\b", line) and re.search(rf"{re.escape(path)}(?![\w/{{-])", line))


def test_a_line_that_names_a_longer_route_does_not_name_this_one():
    assert names("### `GET /v1/files`", "GET", "/v1/files")
    assert not names("### `GET /v1/files/{file_id}`", "GET", "/v1/files")
    assert not names("### `GET /v1/files`", "PUT", "/v1/files")


def test_every_command_is_shown_in_the_documentation():
    shown = "\n".join(page.read_text("utf-8") for page in PAGES)
    typed = list(lines_of(commands, "whence"))
    assert "whence up" in typed
    assert "whence keys create" in typed
    assert [line for line in typed if line not in shown] == []


def lines_of(app: App, line: str) -> Iterator[str]:
    """What is typed for each command of an app, those inside commands among them."""
    for name in app:
        if not name.startswith("-"):
            yield f"{line} {name}"
            yield from lines_of(app[name], f"{line} {name}")


def test_every_call_of_the_client_is_shown():
    shown = read("docs/sdk.md")
    with whence.Client() as client:
        groups = {name: type(value) for name, value in vars(client).items() if not name.startswith("_")}
    calls = [f"client.{group}.{call}(" for group, kind in groups.items() for call in calls_of(kind)]
    assert "client.files.upload(" in calls
    assert "client.runs.events(" in calls
    assert [call for call in calls if call not in shown] == []


def calls_of(kind: type) -> list[str]:
    return [name for name in vars(kind) if isinstance(inspect.getattr_static(kind, name), Sent | Opened)]


def test_every_error_of_the_client_is_explained():
    shown = read("docs/sdk.md")
    errors = [name for name in whence.client.__all__ if is_error(getattr(whence.client, name))]
    assert len(errors) > 10
    assert [name for name in errors if f"`{name}`" not in shown] == []


def is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Exception)


def test_every_metric_is_explained(service: Service):
    text = create_app(service).state.metrics.text().decode()
    families = [family for family in text_string_to_metric_families(text) if not family.name.endswith("_created")]
    shown = read("docs/operations.md")
    assert len(families) > 4
    assert [family.name for family in families if f"`{family.name}" not in shown] == []


def test_the_limits_of_the_service_are_as_they_are_told():
    shown = " ".join(read("docs/operations.md").split())
    assert f"takes {LONGEST_HEAD >> 10} KiB of request line and headers" in shown
    assert f"in a body, up to {LARGEST_BODY >> 20} MiB" in shown
    assert f"waits for it, up to {AWAY / 3600:.0f} hours" in shown
    assert f"{PATIENCE:.0f} s are what it may take" in shown


# Settings


def test_every_variable_is_in_the_table_of_settings():
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
    listed = re.findall(r"^\| `(WHENCE_\w+)` \|", read("docs/settings.md"), re.MULTILINE)
    assert sorted(listed) == sorted(variables(sources))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_name_no_variable_that_does_not_exist(page: Path):
    assert variables(page.read_text("utf-8")) <= SETTINGS


# Links


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert [link for link in links if not leads(page, link)] == []


def leads(page: Path, link: str) -> bool:
    place, _, anchor = link.partition("#")
    target = page.parent / place if place else page
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(page: Path) -> set[str]:
    """The names that its headings get."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    titles = (title.strip().lower() for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def test_the_index_of_the_documentation_has_every_page():
    shown = read("docs/README.md")
    assert [page.name for page in DOCS if page.name != "README.md" and f"({page.name})" not in shown] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_on_a_page_is_python(page: Path):
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        ast.parse(block)


# Words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_use_the_words_of_the_glossary(page: Path):
    if page.name == "api-reference.md":  # made from the code's descriptions
        return
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
    others = r"foretells?|foretold|anew|nought|stand-ins?|unless told|held against|any more|sets of pairs"
    assert re.findall(rf"\b(?:{others})\b", text, re.IGNORECASE) == []


def test_the_glossary_names_classes_that_exist():
    named = set(re.findall(r"`([A-Z][A-Za-z]+)`", read("docs/glossary.md")))
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "src/whence").rglob("*.py"))
    assert len(named) > 12
    assert [name for name in sorted(named) if not re.search(rf"^class {name}\b", sources, re.MULTILINE)] == []


@pytest.mark.parametrize("head", ["sentence begins", "what you see"])
def test_messages_that_the_tutorial_explains_are_shown_by_the_program(head: str):
    table = re.search(rf"^\| {head} \|.*\n\|.*\n((?:\|.*\n)+)", read("docs/tutorial.md"), re.MULTILINE)
    assert table
    explained = [line.split("|")[1].strip(" `") for line in table[1].splitlines()]
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "src/whence").rglob("*.py"))
    shown = re.sub(r"\"\s+f?\"", "", sources)  # one literal in several pieces
    assert len(explained) > 2
    assert [m for m in explained if not all(part.strip() in shown for part in m.split("…"))] == []


# The map of the folders


def test_the_map_names_every_folder_once_and_none_that_is_gone():
    named = re.findall(
        r"^\| `((?:src|web|tests|benchmarks|docs)\b[^`]*)` \| \S", read("docs/architecture.md"), re.MULTILINE
    )
    there = [*folders("src/whence"), *folders("web")[1:], *folders("docs"), *folders("benchmarks")]
    there = [folder for folder in there if not folder.startswith("benchmarks/results/")]  # one per comparison
    there += [folder for folder in folders("tests")[1:] if not mirrors(folder)]
    assert sorted(set(there) - set(named)) == []
    assert sorted(set(named) - set(there)) == []
    assert len(named) == len(set(named))


def folders(top: str) -> list[str]:
    """A folder and those below it that hold sources, at any depth; not what was built or installed there."""
    built = {"__pycache__", "node_modules", "static"}
    files = (path.relative_to(ROOT) for path in (ROOT / top).rglob("*") if path.is_file())
    kept = (path for path in files if not built & set(path.parts) and "src/whence/api/page" not in path.as_posix())
    return sorted({folder.as_posix() for path in kept for folder in path.parents if folder.is_relative_to(top)})


def mirrors(folder: str) -> bool:
    """True if a folder of tests is named after the sources that it tests."""
    name = folder.removeprefix("tests/").replace("api/", "api/routes/")
    return (ROOT / "src/whence" / name).is_dir()


def test_the_import_order_is_the_one_that_is_checked():
    (stated,) = re.findall(
        r"^## Import order\n.*?^```\n(.*?)^```", read("docs/architecture.md"), re.DOTALL | re.MULTILINE
    )
    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers: list[str] = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert stated.splitlines() == [re.sub(r"[()]|whence\.", "", layer) for layer in layers]


# Containers and systemd


@pytest.mark.parametrize("name", COMPOSE)
def test_compose_files_set_what_exists(name: str):
    services: dict[str, Any] = yaml.safe_load(read(name))["services"]
    set_there = {line.partition("=")[0] for line in services["whence"]["environment"]}
    assert set_there
    assert set_there <= SETTINGS


def test_compose_files_fit_together():
    plain, postgres = (yaml.safe_load(read(name)) for name in COMPOSE)
    service = plain["services"]["whence"]
    assert int(service["stop_grace_period"].removesuffix("s")) > PATIENCE
    assert service["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    assert set(postgres["services"]["whence"]["depends_on"]) <= set(postgres["services"])
    volumes = {**plain["volumes"], **postgres["volumes"]}
    mounted = [line for each in (plain, postgres) for s in each["services"].values() for line in s.get("volumes", ())]
    assert [line for line in mounted if line.partition(":")[0] not in volumes] == []


def test_what_the_image_is_built_from_exists():
    ignored = read(".dockerignore").split()
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", read("Dockerfile"), re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert "src" in copied
    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert [source for source in copied if f"!{source}" not in ignored] == []  # all others are kept out


def test_the_image_starts_what_exists(service: Service):
    dockerfile = read("Dockerfile")
    (probed,) = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", dockerfile)
    assert probed == (str(PORT), "/healthz")
    assert probed[1] in create_app(service).openapi()["paths"]
    assert f"EXPOSE {PORT}" in dockerfile
    assert 'CMD ["whence", "up", "--host", "0.0.0.0"]' in dockerfile
    assert variables(dockerfile) <= SETTINGS


def test_the_systemd_unit_starts_what_exists():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment]
    unit.read_string(read("docs/whence.service"))
    service = unit["Service"]
    assert service["ExecStart"].split()[1] in set(commands)
    assert int(service["TimeoutStopSec"]) > PATIENCE
    assert variables(service["Environment"]) <= SETTINGS
