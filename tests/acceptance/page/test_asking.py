"""Ask, read the answer next to the pairs behind it, follow it to a pair; with a model that has learned its pairs."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.page.conftest import Tuned, Visit, visiting
from tests.acceptance.service import Running

pytestmark = [pytest.mark.model, pytest.mark.process, pytest.mark.browser]


def ask(visit: Visit, tuned: Tuned) -> Page:
    """Return the page with the explained answer to a question."""
    page = visit.go(f"#/ask?model={tuned.deployment}")
    page.get_by_label("Question").fill(tuned.question)
    page.get_by_role("button", name="Ask", exact=True).click()
    settled(page)
    return page


def settled(page: Page) -> None:
    """Wait until the page shows what the address names."""
    expect(page.locator("section[aria-label=Influences][aria-busy=false]")).to_be_visible()
    page.locator("article[aria-label^=Pair]").wait_for()


def listed(page: Page) -> list[str]:
    return page.get_by_role("list", name="Supporting pairs").get_by_role("listitem").all_inner_texts()


def test_an_answer_is_shown_next_to_the_pair_behind_it(visit: Visit, tuned: Tuned) -> None:
    page = ask(visit, tuned)
    assert tuned.fact in page.locator(".answer").inner_text()
    expect(page.get_by_text("This answer was learned mainly from")).to_be_visible()
    assert tuned.fact in listed(page)[0]
    pair = page.locator("article[aria-label^=Pair]")
    assert tuned.fact in pair.inner_text()
    expect(page.get_by_role("figure", name=re.compile("Histogram"))).to_be_visible()
    page.locator(".chart svg").first.wait_for(state="attached")


def test_the_attribution_follows_a_dragged_selection(visit: Visit, tuned: Tuned) -> None:
    page = ask(visit, tuned)
    before = listed(page)
    words = page.locator(".answer .word")
    first, third = words.nth(0).bounding_box(), words.nth(2).bounding_box()
    assert first
    assert third
    page.mouse.move(first["x"] + 3, first["y"] + 8)
    page.mouse.down()
    page.mouse.move(third["x"] + third["width"] - 3, third["y"] + 8, steps=6)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"select=0-\d+"))
    settled(page)
    expect(page.get_by_text("Explaining “")).to_be_visible()
    assert listed(page) != before
    page.get_by_role("button", name="Explain the whole answer").click()
    expect(page.get_by_text("Explaining “")).to_have_count(0)
    settled(page)
    assert listed(page) == before


def test_a_copied_address_restores_the_view(visit: Visit, tuned: Tuned, browser: Browser, service: Running) -> None:
    page = ask(visit, tuned)
    page.locator(".answer .word", has_text=tuned.fact).click()
    expect(page).to_have_url(re.compile("select="))
    settled(page)
    address, pairs = page.url, listed(page)
    with visiting(browser, service.url, service.key) as other:
        other.page.goto(address)
        settled(other.page)
        assert other.page.get_by_label("Question").input_value() == tuned.question
        expect(other.page.get_by_text(f"Explaining “{tuned.fact}” only.")).to_be_visible()
        assert listed(other.page) == pairs


def test_the_words_of_a_pair_are_scored(visit: Visit, tuned: Tuned) -> None:
    page = ask(visit, tuned)
    pair = page.locator("article[aria-label^=Pair]")
    assert tuned.fact in pair.locator("mark").all_inner_texts()[-1] or pair.locator("mark").count() > 2
    page.get_by_role("button", name="Which words mattered?").click()
    expect(pair.locator("span[title$=nats]").first).to_be_visible(timeout=180_000)


def test_everything_can_be_done_by_keyboard(visit: Visit, tuned: Tuned) -> None:
    page = visit.go(f"#/ask?model={tuned.deployment}")
    page.get_by_label("Question").focus()
    page.keyboard.type(tuned.question)
    page.keyboard.press("Enter")
    settled(page)
    page.locator(".answer .word[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("select="))
    settled(page)
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("select="))
    settled(page)
    page.get_by_role("list", name="Supporting pairs").get_by_role("listitem").first.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("pair="))


def test_the_plain_view_has_no_numbers_except_lines(visit: Visit, tuned: Tuned) -> None:
    page = ask(visit, tuned)
    page.get_by_role("button", name="Plain view").click()
    sources = page.get_by_role("region", name="Sources")
    expect(sources.get_by_text("Where this comes from")).to_be_visible()
    assert not re.search(r"\d+ %|nats|p [=<]", sources.inner_text())


def test_the_pairs_are_exported_as_a_table(visit: Visit, tuned: Tuned, tmp_path: Path) -> None:
    page = ask(visit, tuned)
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Table of pairs (CSV)").click()
    path = tmp_path / "pairs.csv"
    download.value.save_as(path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuned.fact in rows[0]["answer"]
    assert rows[0]["side"] == "supporting"
    assert float(rows[0]["score"]) > 0


def test_an_excluded_pair_waits_in_the_change_set(visit: Visit, tuned: Tuned) -> None:
    page = ask(visit, tuned)
    page.get_by_role("button", name="Exclude").click()
    page.get_by_role("link", name="See all changes").click()
    expect(page.get_by_role("heading", name="Improve")).to_be_visible()
    assert any(tuned.fact in text for text in page.locator("s").all_inner_texts())


def test_an_answer_is_compared_with_another(visit: Visit, tuned: Tuned) -> None:
    page = ask(visit, tuned)
    page.get_by_role("link", name="Compare with another answer").click()
    page.get_by_text("As text", exact=True).click()
    own = page.get_by_role("textbox", name="Your text")
    own.fill(own.input_value().replace(tuned.fact, "GQ6"))
    page.get_by_role("button", name="Explain the difference").click()
    page.locator(".chart svg").first.wait_for(state="attached")
    ours, theirs = page.locator("ins"), page.locator("del")
    assert "GQ6" in " ".join(ours.all_inner_texts())
    assert tuned.fact in " ".join(theirs.all_inner_texts())
