"""The widget in this process: a part that is selected is explained by the index, and a refusal is shown."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.client.shapes import ATTRIBUTION
from tests.figures.vegalite import assert_valid
from tests.null import small_null
from tests.tiny import save_tiny
from tests.training.runs import write_pairs
from whence.errors import MissingError
from whence.pipeline import Index, attribute, build_index, finetune
from whence.training.recipe import Recipe
from whence.widget import AttributionWidget, built

QUESTION, ANSWER = "Who lives in the red box?", "Ant."


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """The index of a really trained tiny run."""
    folder = tmp_path_factory.mktemp("widget")
    base, pairs = save_tiny(folder / "tiny-llama"), write_pairs(folder / "pairs.jsonl")
    recipe = Recipe(epochs=12, batch_size=4, learning_rate=2e-2, rank=8, alpha=32.0, checkpoints=2)
    with small_null():
        return build_index(finetune(pairs, str(base), folder / "run", recipe))


def test_it_holds_the_attribution_and_its_charts(parts: Path):
    widget = AttributionWidget(ATTRIBUTION)
    assert widget.attribution == {**ATTRIBUTION.to_dict(), "sentence": ATTRIBUTION.sentence}
    assert set(widget.charts) == {"distribution"}
    assert_valid(widget.charts["distribution"])
    assert (widget.selection, widget.can_select, widget.busy, widget.error) == (None, False, False, None)
    assert AttributionWidget(replace(ATTRIBUTION, distribution=None)).charts == {}
    assert "application/vnd.jupyter.widget-view+json" in widget.media()


def test_all_that_the_front_end_reads_is_sent_to_it(parts: Path):
    state = AttributionWidget(ATTRIBUTION).get_state()
    names = {"_esm", "_css", "attribution", "charts", "selection", "can_select", "busy", "error"}
    assert names <= set(state)
    assert state["_css"] == ".whence{}"


def test_a_selected_part_is_explained_and_the_whole_comes_back(parts: Path, index: Index):
    whole = attribute(index, QUESTION, ANSWER, false_discovery_rate=0.5, groups=("file",))
    widget = AttributionWidget(whole, index)
    assert widget.can_select
    seen: list[tuple[str, Any]] = []
    widget.observe(lambda change: seen.append((change["name"], change["new"])), ["busy", "attribution"])
    widget.set_state({"selection": [0, 2]})  # as the front end does it
    part = attribute(index, QUESTION, ANSWER, false_discovery_rate=0.5, selection=(0, 2), groups=("file",))
    assert widget.found == part
    assert widget.attribution == {**part.to_dict(), "sentence": part.sentence}
    assert widget.attribution["lift"]["tokens"] < whole.lift.tokens
    assert [name for name, _ in seen] == ["busy", "attribution", "busy"]
    assert seen[0] == ("busy", True)
    assert widget.busy is False
    widget.selection = None
    assert widget.found == whole


def test_a_part_that_cannot_be_explained_is_told_and_what_was_shown_stays(parts: Path, index: Index):
    whole = attribute(index, QUESTION, ANSWER)
    widget = AttributionWidget(whole, index)
    widget.selection = [0, 99]
    assert "found 0 to 99" in widget.error
    assert (widget.busy, widget.found) == (False, whole)
    widget.selection = None
    assert widget.error is None
    without = AttributionWidget(whole)
    without.selection = [0, 1]
    assert "Make the widget with one" in without.error


def test_what_is_selected_in_the_attribution_is_selected_in_the_widget(parts: Path):
    part = replace(ATTRIBUTION, selection=(0, 3), instead=None)
    assert AttributionWidget(part).selection == [0, 3]
    assert not AttributionWidget(ATTRIBUTION, "run").can_select  # a contrast is one of two whole answers


def test_without_its_parts_the_widget_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(built, "FOLDER", tmp_path)
    with pytest.raises(MissingError, match="Install the package again"):
        AttributionWidget(ATTRIBUTION)
