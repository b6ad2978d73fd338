"""The pictures of the page in these documents, taken of a running service on which the demo is finished and deployed.

whence up                       # then, on the page: run the demo, and wait until it is deployed
python docs/pictures.py [http://127.0.0.1:8321]
"""

import shutil
import sys
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, expect, sync_playwright

FOLDER = Path(__file__).parent / "pictures"
WRONG = "How tall does the Morwick lamp stand at its full height?"
WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}, "device_scale_factor": 1.5}
NARROW: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}


def asked(page: Page, url: str, deployment: str) -> None:
    """Have the wrong answer on the page, explained."""
    page.goto(f"{url}/#/ask?model={deployment}")
    page.get_by_label("Question").fill(WRONG)
    page.get_by_role("button", name="Ask", exact=True).click()
    page.locator("article[aria-label^=Pair]").wait_for()
    page.locator(".chart svg").first.wait_for(state="attached")


def compared(page: Page) -> None:
    """Have the wrong answer on the page beside the right one."""
    page.get_by_role("link", name="Compare with another answer").click()
    page.get_by_text("As text", exact=True).click()
    own = page.get_by_role("textbox", name="Your text")
    own.fill(own.input_value().replace("181", "118"))
    page.get_by_role("button", name="Explain the difference").click()
    page.locator(".chart svg").first.wait_for(state="attached")
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)


def take(page: Page, name: str) -> None:
    """One picture, once nothing moves."""
    page.wait_for_timeout(1500)
    page.mouse.move(2, 2)
    page.screenshot(path=FOLDER / f"{name}.png")
    print(FOLDER / f"{name}.png")


def opened(browser: Browser, settings: dict[str, Any], shade: str) -> Page:
    """A fresh visit in one of the two colour schemes."""
    page = browser.new_context(**settings, color_scheme=shade, reduced_motion="reduce").new_page()
    page.set_default_timeout(180_000)
    return page


def main() -> None:
    """Take all four."""
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8321"
    demo = httpx.get(f"{url}/v1/whence/demo").json()
    found = next(path for name in ("chromium", "google-chrome") if (path := shutil.which(name)))
    expect.set_options(timeout=180_000)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        page = opened(browser, WIDE, "light")
        asked(page, url, demo["deployment_id"])
        take(page, "ask")
        compared(page)
        take(page, "compare")
        page.goto(f"{url}/#/insights?run={demo['job_id']}")
        expect(page.locator(".loading")).to_have_count(0)
        take(page, "insights")
        phone = opened(browser, NARROW, "dark")
        asked(phone, url, demo["deployment_id"])
        take(phone, "phone")
        browser.close()


if __name__ == "__main__":
    main()
