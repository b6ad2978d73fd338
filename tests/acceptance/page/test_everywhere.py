"""What every view guarantees: readable at any width, in light and dark, and accessible."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.page.conftest import Tuned, violations, visiting
from tests.acceptance.service import Running

pytestmark = [pytest.mark.process, pytest.mark.browser]

VIEWS = ["#/", "#/data", "#/tune", "#/tune/new", "#/tune/deployments", "#/ask", "#/compare", "#/improve", "#/insights"]
WIDTHS = {390: 844, 1280: 900, 2560: 1300}


def settled(page: Page) -> None:
    """Wait until nothing is loading."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)


def faults(page: Page) -> list[str]:
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return [*violations(page), *([f"{wide} pixels wider than the window"] if wide > 0 else [])]


@pytest.mark.parametrize("shade", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_view_is_sound(browser: Browser, service: Running, width: int, shade: str) -> None:
    size = {"width": width, "height": WIDTHS[width]}
    with visiting(browser, service.url, service.key, viewport=size, color_scheme=shade) as visit:
        found = {}
        for view in VIEWS:
            settled(visit.go(view))
            found[view] = faults(visit.page)
        assert {view: faults for view, faults in found.items() if faults} == {}


def test_nothing_moves_when_reduced_motion_is_set(browser: Browser, service: Running) -> None:
    with visiting(browser, service.url, service.key, color_scheme="dark") as visit:
        page = visit.go("#/ask")
        settled(page)
        page.evaluate("document.documentElement.dataset.theme = 'light'")
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(29, 28, 26)"
        assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.model
@pytest.mark.parametrize("width", WIDTHS)
def test_an_explained_answer_is_sound(browser: Browser, service: Running, tuned: Tuned, width: int) -> None:
    size = {"width": width, "height": WIDTHS[width]}
    with visiting(browser, service.url, service.key, viewport=size, color_scheme="dark") as visit:
        page = visit.go(f"#/ask?model={tuned.deployment}")
        page.get_by_label("Question").fill(tuned.question)
        page.get_by_role("button", name="Ask", exact=True).click()
        page.locator("article[aria-label^=Pair]").wait_for()
        page.locator(".chart svg").first.wait_for(state="attached")
        assert faults(page) == []


def test_a_key_is_requested_when_one_is_required(browser: Browser, service: Running) -> None:
    with visiting(browser, service.url, "") as visit:
        page = visit.go("#/data")
        dialog = page.get_by_role("dialog", name="This service requires an API key")
        dialog.get_by_label("API key").fill(service.key)
        visit.trouble.clear()  # the refusals without a key
        dialog.get_by_role("button", name="Use this key").click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(dialog).to_have_count(0)
