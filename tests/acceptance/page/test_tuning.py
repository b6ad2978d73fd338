"""From a file to a deployed model and to a better one, all on the page, with a tiny base model."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.page.conftest import Visit
from tests.acceptance.service import Running
from whence.client.sync import Client

pytestmark = [pytest.mark.process, pytest.mark.browser]

QUESTION = "Which bulb type fits the Morwick lamp?"


def tuned(visit: Visit, file: str) -> Page:
    """Return the page of a job that was started on the page, once it has completed."""
    page = visit.go(f"#/tune/new?file={file}")
    page.get_by_label("Base model").select_option("tiny-llama")
    page.get_by_label("Epochs").fill("2")
    page.get_by_role("button", name="Start fine-tuning").click()
    expect(page).to_have_url(re.compile("#/tune/ft-"))
    expect(page.locator("main")).to_contain_text("Completed", timeout=240_000)
    return page


def test_a_model_is_tuned_deployed_asked_and_improved(visit: Visit, service: Running, twelve: Path) -> None:
    with Client(service.url, service.key) as client:
        file = client.files.upload(twelve)
    page = tuned(visit, file.id)
    page.locator(".chart svg").first.wait_for(state="attached")
    run = page.url.rpartition("/")[2].partition("?")[0]

    page.get_by_label("Deployment name").fill("from-the-page")
    page.get_by_role("button", name="Deploy", exact=True).click()
    expect(page.get_by_role("region", name="Deployments of this job")).to_contain_text("from-the-page")
    deployment = wait_until_active(service, run)

    visit.go(f"#/ask?model={deployment}")
    page.get_by_label("Question").fill(QUESTION)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("section[aria-label=Influences][aria-busy=false]")).to_be_visible()

    visit.go(f"#/data?run={run}")
    page.locator("[data-row]").first.click()
    page.get_by_role("button", name="Exclude").click()
    visit.go(f"#/improve?run={run}")
    page.get_by_role("button", name="Choose answers").click()
    page.get_by_role("dialog").get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Retrain", exact=True).click()
    expect(page.get_by_role("button", name="Accept")).to_be_visible(timeout=300_000)
    expect(page.get_by_role("region", name="Before and after")).to_contain_text(QUESTION)
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Accepted: the new model is active")).to_be_visible()

    with Client(service.url, service.key) as client:
        states = {one.id: one.status for one in client.deployments.list()}
        assert states[deployment] == "Inactive"
        jobs = client.fine_tuning.list()
    newest = max(jobs, key=lambda job: job.created_at)
    assert newest.training_files != [file.id]


def wait_until_active(service: Running, run: str) -> str:
    with Client(service.url, service.key) as client:
        made = next(one for one in client.deployments.list() if one.model_id == run)
        return client.deployments.wait(made.id, progress=False, timeout=120).id
