import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.client.shapes import ATTRIBUTION, INFLUENCE
from whence.figures.attribution import FEW, fragment
from whence.figures.attribution_page import Origin, page
from whence.types import Attribution, Faithfulness, Level, Message

OPPOSING = replace(
    INFLUENCE,
    id="bad0bad0-bbbb",
    line=7,
    level=Level.LOW,
    score=-4.5,
    share=-0.07,
    p_value=0.003,
    messages=(Message("user", "One?"), Message("assistant", "1"), Message("user", "Two?"), Message("assistant", "2")),
)
FOUND = replace(ATTRIBUTION, opposing=(OPPOSING,), instead=None, selection=(0, 7))
ORIGIN = Origin((("model", "deployment-1"), ("file faq.jsonl", "sha256 abab")), "import whence\n# <again>")


class Reader(HTMLParser):
    """The words of a page, and which of its elements are still open at its end."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)


@pytest.mark.parametrize("made", [fragment(FOUND), page(FOUND, ORIGIN)], ids=["fragment", "page"])
def test_all_that_is_known_is_told(made: str):
    read = Reader(made)
    assert read.open == []
    for said in (
        "Question Which carrier?",
        FOUND.sentence,
        "high 48.69 nats share 77% faq.jsonl:69 Q Who delivers? A Kestrix. by chance: p = 0.000001 · pair 0c0ffee0",
        "Pairs that made it less likely low −4.50 nats share −7% faq.jsonl:7 after 2 earlier turns Q Two? A 2",
        "Shares are relative to the total contribution of fine-tuning",
        "topic carrier, parcels 2 high 50.00 79%",
        "The scores of all 154 pairs",
        "63.4 nats of lift, 8.3 needed",
        "log p of the selected part −2.0 fine-tuned, −65.4 before, 8 tokens",
        "method fisher, at 2 points of the training",
        "2%, against 32 control questions",
        "pairs recovered from their own text 7 of 8",
        "checked against retraining not on this model",
        "One note.",
    ):
        assert said in read.text
    assert "<mark>Kestrix</mark>." in made


def test_the_page_tells_its_origin_and_how_it_is_made_again():
    read = Reader(page(FOUND, ORIGIN))
    assert "model deployment-1 file faq.jsonl sha256 abab" in read.text
    assert read.text.endswith("How to reproduce it import whence # <again>")


@pytest.mark.parametrize("made", [fragment(FOUND), page(FOUND, ORIGIN)], ids=["fragment", "page"])
def test_it_needs_no_script_and_nothing_from_elsewhere(made: str):
    names = {name for name, _ in Reader(made).attributes}
    assert not names & {"src", "href", "srcset", "data", "action"}
    assert not any(name.startswith("on") for name in names)
    bare = made.replace("http://www.w3.org/2000/svg", "")  # a name, never fetched
    assert not re.search(r"https?:|//[a-z]|<script|url\(|@import", bare)


def test_the_page_follows_the_readers_choice_of_light_or_dark_and_fits_a_phone():
    made = page(FOUND, ORIGIN)
    assert "color-scheme:light dark" in made
    assert "prefers-color-scheme:dark" in made
    assert 'name="viewport" content="width=device-width' in made
    assert "@media print" in made


def test_what_pairs_say_stays_text():
    evil = "<script>alert(1)</script>&amp;\"'"
    pair = replace(INFLUENCE, file=evil, id=evil, messages=(Message("user", evil), Message("assistant", evil)))
    group = replace(FOUND.groups[0], name=evil)
    trust = replace(FOUND.trust, notes=(evil,))
    found = replace(
        FOUND, question=evil, answer=evil, selection=(2, 9), results=(pair,), groups=(group,), trust=trust, instead=evil
    )
    for made in (fragment(found), page(found, Origin(((evil, evil),), evil))):
        assert "<script" not in made
        read = Reader(made)
        assert read.open == []
        assert evil in read.text


def test_a_notebook_shows_some_pairs_and_the_page_all():
    found = replace(FOUND, results=(INFLUENCE,) * (FEW + 3))
    assert fragment(found).count("<li ") == FEW + 1
    assert "and 3 more" in Reader(fragment(found)).text
    assert page(found, ORIGIN).count("<li ") == FEW + 4


def test_what_there_is_none_of_is_not_spoken_of():
    bare = replace(FOUND, results=(), opposing=(), groups=(), distribution=None, selection=None, generated=True)
    text = Reader(fragment(bare)).text
    for title in ("learned from", "less likely", "Groups", "scores of all", "Instead of"):
        assert f"Pairs {title}" not in text
        assert f"The {title}" not in text
    assert "The model’s own answer Kestrix." in text
    assert "<svg" not in fragment(bare)


def test_faithfulness_is_told_where_it_was_measured():
    trust = replace(FOUND.trust, faithfulness=Faithfulness(0.7, 0.05, 24, 48))
    text = Reader(fragment(replace(FOUND, trust=trust))).text
    assert "correlation 0.70 ± 0.05 (24 retrainings, 48 questions)" in text


def test_an_attribution_displays_itself():
    found: Attribution = FOUND
    assert found._repr_html_() == fragment(found)
    media = found._repr_mimebundle_()
    assert media == {"text/plain": str(found), "text/html": fragment(found)}  # no kernel here: no widget
