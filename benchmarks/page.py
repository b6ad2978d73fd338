"""Speed of the page in a real Chromium, with a service on the same machine: `python -m benchmarks.page`.

Measured are a cold visit, scrolling through 100,000 pairs, a list of 10,000 influences, and the time that the page adds
to the service's when words are selected. The long list is an answer of the service whose pairs are repeated.
"""

import json
import shutil
import statistics
from typing import Any

from playwright.sync_api import Browser, Page, Request, Route, expect, sync_playwright

from benchmarks.service import QUESTION, Service, running
from whence.client.sync import Client

MODEL = "smollm2-135m-instruct"
VISITS, SELECTIONS, FRAMES = 5, 10, 120
PAIRS, INFLUENCES = 100_000, 10_000
STEP = 400
"""Pixels that a list is scrolled by, each frame."""
PATIENCE = 180_000

SCROLL = """async ([label, frames, step]) => {
  const frame = document.querySelector(`[role=list][aria-label="${label}"]`), times = [];
  const next = () => new Promise(requestAnimationFrame);
  let before = await next();
  for (let n = 0; n < frames; n += 1) {
    frame.scrollTop += step;
    const now = await next();
    times.push(now - before);
    before = now;
  }
  return times;
}"""
ON_CHANGES = """() => {
  window.seen = { frames: [] };
  addEventListener("pointerup", () => (window.seen = { chosen: performance.now(), frames: [] }), true);
  new MutationObserver(() => requestAnimationFrame(() => window.seen.frames.push(performance.now()))).observe(
    document.querySelector("section[aria-label=Influences]"),
    { subtree: true, childList: true, characterData: true },
  );
}"""
ADDED = """() => {
  const { chosen, frames } = window.seen;
  const asked = performance.getEntriesByName(location.origin + "/v1/whence/attributions").at(-1);
  if (!asked || asked.startTime < chosen) return null;
  const shown = frames.find((frame) => frame > asked.responseEnd);
  return shown ? shown - chosen - asked.duration : null;
}"""


def visited(browser: Browser, service: Service) -> Page:
    """A visit with an empty cache."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE)
    page.add_init_script(f"localStorage.setItem('whence-key', {json.dumps(service.key)})")
    return page


def cold(browser: Browser, service: Service, view: str, ready: str) -> tuple[float, float, float]:
    """Milliseconds to the first paint and until an element can be used, and bytes transferred, of one visit."""
    page = visited(browser, service)
    page.goto(f"{service.url}/#/{view}")
    page.locator(ready).first.wait_for()
    usable = page.evaluate("performance.now()")
    page.wait_for_load_state("networkidle")
    paint, size = page.evaluate(
        """() => [performance.getEntriesByName("first-contentful-paint")[0].startTime,
          performance.getEntries().reduce((sum, one) => sum + (one.transferSize ?? 0), 0)]"""
    )
    page.context.close()
    return paint, usable, size


def jumped(page: Page, label: str, last: int) -> float:
    """Milliseconds from the End key until the last row is shown with its text."""
    page.get_by_role("list", name=label).locator("[data-row]").first.focus()
    began = page.evaluate("performance.now()")
    page.keyboard.press("End")
    expect(page.locator(f"[data-row='{last}']")).to_contain_text(str(last))
    return page.evaluate("performance.now()") - began


def long_file(page: Page, service: Service) -> None:
    """Scroll a file of 100,000 pairs."""
    rows = (
        json.dumps({"question": f"Where is box number {n}?", "answer": f"On shelf {n}."}) + "\n" for n in range(PAIRS)
    )
    with service.client() as client:
        files = {"files": ("boxes.jsonl", "".join(rows).encode())}
        file_id = client.put("/v1/flow/files", files=files, data={"purpose": "fine-tune"}).json()["id"]
    page.goto(f"{service.url}/#/data?file={file_id}")
    page.locator("[data-row]").first.wait_for()
    label = str(page.locator("[data-row]").first.locator("xpath=ancestor::*[@role='list']").get_attribute("aria-label"))
    print(f"{PAIRS:,} pairs, rows in the document: {page.locator('[data-row]').count()}")
    tell(f"{PAIRS:,} pairs, a frame while scrolling", page.evaluate(SCROLL, [label, FRAMES, STEP]))
    print(f"{PAIRS:,} pairs, a jump to the end: {jumped(page, label, PAIRS - 1):.0f} ms")


def asked(page: Page, service: Service, deployment: str) -> None:
    """Show an explained answer on the page."""
    page.goto(f"{service.url}/#/ask?model={deployment}")
    page.get_by_label("Question").fill(QUESTION)
    page.get_by_role("button", name="Ask", exact=True).click()
    page.locator("article[aria-label^=Pair]").wait_for()
    expect(page.locator("section[aria-label=Influences][aria-busy=false]")).to_be_visible()


def selections(page: Page) -> None:
    """Select words, one after the other, and print the time that the page adds to the request."""
    added: list[float] = []
    page.evaluate(ON_CHANGES)
    for n in range(SELECTIONS):
        page.locator(".answer .word").nth(n).click()
        while (taken := page.evaluate(ADDED)) is None:  # the page's security policy forbids Playwright's own wait
            page.wait_for_timeout(200)
        added.append(taken)
        expect(page.locator("section[aria-label=Influences][aria-busy=false]")).to_be_visible()
    tell("a selection, without the service's time", added)


def repeated(route: Route, request: Request) -> None:
    """The service's answer with its pairs repeated, numbered, until there are enough."""
    if request.method != "POST":
        return route.continue_()
    response = route.fetch()
    found: dict[str, Any] = response.json()
    pairs = found["results"]
    found["results"] = [
        {**pairs[n % len(pairs)], "id": f"pair-{n}", "rank": n + 1, "line": n} for n in range(INFLUENCES)
    ]
    return route.fulfill(response=response, json=found)


def long_list(page: Page, service: Service, deployment: str) -> None:
    """Show 10,000 influences of one answer, and scroll them."""
    page.route("**/v1/whence/attributions", repeated)
    asked(page, service, deployment)
    thumb = page.get_by_role("slider")
    thumb.focus()
    began = page.evaluate("performance.now()")
    page.keyboard.press("End")
    expect(page.get_by_text(f"Show {INFLUENCES}").first).to_be_visible()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    print(f"{INFLUENCES:,} influences, from ten to all: {page.evaluate('performance.now()') - began:.0f} ms")
    rows = page.get_by_role("list", name="Supporting pairs").locator("[data-row]").count()
    print(f"{INFLUENCES:,} influences, rows in the document: {rows}")
    times = page.evaluate(SCROLL, ["Supporting pairs", FRAMES, STEP])
    tell(f"{INFLUENCES:,} influences, a frame while scrolling", times)


def tell(what: str, times: list[float]) -> None:
    """A line with the median and the worst of some milliseconds."""
    print(f"{what}: {statistics.median(times):.0f} ms, at worst {max(times):.0f}", flush=True)


def deployed(service: Service, job_id: str) -> str:
    """A deployment of a job."""
    with Client(service.url, service.key) as client:
        made = client.deployments.create(job_id, "for-the-page").id
        client.deployments.promote(made)
        return client.deployments.wait(made, progress=False).id


def measure(browser: Browser, service: Service, deployment: str) -> None:
    """Print each measurement on a line."""
    for view, ready in (("", "h1"), ("ask", "main input")):
        visits = [cold(browser, service, view, ready) for _ in range(VISITS)]
        paint, usable, size = zip(*visits, strict=True)
        tell(f"#/{view}, first paint", list(paint))
        tell(f"#/{view}, ready", list(usable))
        print(f"#/{view}, transferred: {size[0] / 1000:.0f} kB")
    page = visited(browser, service)
    long_file(page, service)
    asked(page, service, deployment)
    selections(page)
    long_list(page, service, deployment)


def main() -> None:
    """Measure on a service of its own."""
    found = next(path for name in ("chromium", "google-chrome") if (path := shutil.which(name)))
    expect.set_options(timeout=PATIENCE)
    with running() as service, sync_playwright() as driver:
        deployment = deployed(service, service.trained(MODEL))
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        measure(browser, service, deployment)
        browser.close()


if __name__ == "__main__":
    main()
