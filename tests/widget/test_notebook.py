"""A result as the last expression of a cell, in notebooks that are really run."""

from pathlib import Path
from typing import Any

import pytest

from tests.client.shapes import ATTRIBUTION
from tests.widget.notebooks import exported, kernel, outputs, ran, told
from whence.figures.attribution import fragment

VIEW = "application/vnd.jupyter.widget-view+json"
RESULT = "from tests.client.shapes import ATTRIBUTION as result\nresult"
KEPT = "from tests.client.shapes import KEPT\nfrom whence.client import KeptAttribution\nKeptAttribution.of(KEPT)"

pytestmark = pytest.mark.filterwarnings("ignore:.*kernel provisioner.*")


def built_in(folder: Path) -> str:
    return f"from pathlib import Path\nfrom whence.widget import built\nbuilt.FOLDER = Path({str(folder)!r})"


def test_a_result_displays_itself_wherever_a_notebook_is_run_and_read(parts: Path):
    notebook = ran(built_in(parts), RESULT, KEPT)
    for cell in (1, 2):
        (shown,) = outputs(notebook, cell)
        assert shown == {"text/plain": str(ATTRIBUTION), "text/html": fragment(ATTRIBUTION)}
    page = exported(notebook)
    assert page.count('<div class="whence">') == 2
    assert "widgets" not in notebook.metadata


def test_in_a_persons_notebook_it_is_a_widget_too(parts: Path):
    with kernel() as client:
        told(client, built_in(parts))
        messages = told(client, RESULT)
        shown = result_of(messages)
        assert shown["text/html"] == fragment(ATTRIBUTION)
        (opened,) = [m["content"] for m in messages if m["msg_type"] == "comm_open" and opens_result(m)]
        assert opened["comm_id"] == shown[VIEW]["model_id"]
        state = opened["data"]["state"]
        assert "render" in state["_esm"]
        assert (state["can_select"], state["busy"], state["error"]) == (False, False, None)
        plain = told(client, "from whence.widget import display\ndisplay.find_spec = lambda name: None\nresult")
        assert set(result_of(plain)) == {"text/plain", "text/html"}


def result_of(messages: list[dict[str, Any]]) -> dict[str, Any]:
    (shown,) = [m["content"]["data"] for m in messages if m["msg_type"] == "execute_result"]
    return shown


def opens_result(message: dict[str, Any]) -> bool:
    return message["content"]["data"]["state"].get("attribution", {}).get("answer") == ATTRIBUTION.answer
