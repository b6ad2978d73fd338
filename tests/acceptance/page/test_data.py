"""A file dropped on the page: checked line by line, uploaded, and read pair by pair."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.page.conftest import Visit

pytestmark = [pytest.mark.process, pytest.mark.browser]

BROKEN = '{"question": "Who lives in the white box?", "answer": "Emu."}\n{"question": "And in the red one?"}\n'


def drop(page: Page, name: str, content: bytes) -> None:
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "application/jsonl", "buffer": content})


def test_an_invalid_line_is_shown_in_context_and_a_valid_file_is_uploaded(visit: Visit, twelve: Path) -> None:
    page = visit.go("#/data")
    drop(page, "broken.jsonl", BROKEN.encode())
    lines = page.get_by_role("list", name="Lines to fix")
    expect(lines).to_contain_text("And in the red one?")
    expect(lines.locator(".bad .at")).to_contain_text("2")
    expect(page.get_by_role("button", name="Upload")).to_have_count(0)

    drop(page, "twelve.jsonl", twelve.read_bytes())
    page.get_by_role("button", name="Upload 12 pairs").click()
    expect(page.get_by_text("Which bulb type fits the Morwick lamp?").first).to_be_visible()


def test_the_pairs_of_a_file_can_be_searched_and_opened(visit: Visit, twelve: Path) -> None:
    page = visit.go("#/data")
    drop(page, "searched.jsonl", twelve.read_bytes())
    page.get_by_role("button", name="Upload 12 pairs").click()
    rows = page.locator("[data-row]")
    expect(rows).to_have_count(12)
    page.get_by_role("searchbox").fill("HT9")
    expect(rows).to_have_count(1)
    rows.first.click()
    expect(page.get_by_text("The Morwick lamp takes a bulb of type HT9 and no other.").first).to_be_visible()
