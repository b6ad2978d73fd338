"""A browser, and visits to the page of the session's service."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.acceptance.conftest import ROOT
from tests.acceptance.service import Running
from whence.api.routes import page as served
from whence.client.sync import Client

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
PATIENCE = 60_000
"""The timeout in milliseconds for anything to appear: an engine starts with the first request."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for a module's tests: for as long as it is driven, an event loop runs in this thread, and no other
    test could start one."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium or Chrome is installed: the page was not tested")
    if not (served.FOLDER / "index.html").is_file():
        pytest.fail("the page was not built. Build it: make page")
    with sync_playwright() as driver:
        expect.set_options(timeout=PATIENCE)
        launched = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@dataclass
class Visit:
    """An open page, and the forbidden things it did."""

    page: Page
    url: str
    trouble: list[str] = field(default_factory=list[str])

    def go(self, address: str) -> Page:
        """Open an address of the page, `#/ask`, as a shared link would."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.url}/{address}")
        return self.page

    def note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.trouble.append(message.text)

    def note_request(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:", "about:")):
            self.trouble.append(f"asked another address: {request.url}")


@contextmanager
def visiting(browser: Browser, url: str, key: str, **options: Any) -> Iterator[Visit]:
    """Visit the page with a key. Forbidden things fail the test when the visit ends."""
    settings = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **options}
    context: BrowserContext = browser.new_context(**settings)
    context.set_default_timeout(PATIENCE)
    if key:
        keep = f"localStorage.setItem('whence-key', {json.dumps(key)})"
        context.add_init_script(f"if (location.protocol !== 'about:') {keep}")
    visit = Visit(context.new_page(), url)
    visit.page.on("console", visit.note_console)
    visit.page.on("pageerror", lambda error: visit.trouble.append(str(error)))
    visit.page.on("request", visit.note_request)
    yield visit
    context.close()
    assert visit.trouble == []


@pytest.fixture
def visit(browser: Browser, service: Running) -> Iterator[Visit]:
    with visiting(browser, service.url, service.key) as opened:
        yield opened


@dataclass(frozen=True)
class Tuned:
    """A deployment whose model has learned its pairs, and one of them."""

    deployment: str
    run: str
    question: str = "Which bulb type fits the Morwick lamp?"
    fact: str = "HT9"


@pytest.fixture(scope="session")
def tuned(service: Running, traced: dict[str, str | None]) -> Tuned:
    """The deployment of the real base model that SeekrFlow's client has made."""
    with Client(service.url, service.key) as client:
        real = {job.id for job in client.fine_tuning.list() if job.model == "smollm2-135m-instruct"}
        found = next(d for d in client.deployments.list() if d.model_id in real and d.status == "Active")
    return Tuned(found.id, found.model_id)


def violations(page: Page) -> list[str]:
    """The serious and critical violations that axe finds on the page."""
    page.evaluate(Path(AXE).read_text("utf-8"))
    found = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
