"""The README is short, and its table of peers shows what was measured; so do the tables of docs/trust.md."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
LONGEST = 180
KINDS = ("paraphrase", "training", "held-out", "wrong")
OTHERS = {
    "EK-FAC": "ekfac",
    "gradient cosine": "grad_cos",
    "gradient dot": "grad_dot",
    "LoGra": "logra",
    "TrackStar": "trackstar",
    "TRAK": "trak",
}
"""How the tables name the methods of other libraries, with the name in the results."""
OURS = {"BM25 (text search)": "bm25", "MiniLM embeddings": "embedding"}

Measured = dict[tuple[str, str], dict[str, Any]]


def measured(name: str) -> Measured:
    """The measurements of a comparison, by library and method."""
    found = json.loads((RESULTS / name / "results.json").read_text("utf-8"))
    return {(one["library"], one["variant"]): one for one in found["methods"]}


@pytest.fixture(scope="module")
def dolly() -> Measured:
    return measured("dolly-report-0.002-0")


@pytest.fixture(scope="module")
def facts() -> Measured:
    return measured("facts-report-0.002-0")


def test_the_readme_is_at_most_180_lines():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= LONGEST


def test_the_readme_compares_with_peers_as_measured(dolly: Measured, facts: Measured):
    compared = rows("README.md", "## How good it is")
    assert len(compared) > 6
    for name, *cells in compared:
        here, there = dolly[method(name)], facts.get(method(name))
        cost = here["facts"]
        kib = cost["stored"] / 192 / 1024
        assert cells[0] == lds(here["every"]), name
        assert cells[1] == (lds(there["every"]) if there else ""), name
        assert cells[2:4] == [seconds(cost["build"], 0), seconds(cost["one"], 1)], name
        assert cells[4] == (f"{kib:,.0f}" if kib >= 1 else f"{kib:.1f}"), name


@pytest.mark.parametrize(
    ("heading", "comparison"), [("## Faithfulness", "dolly"), ("### On a second data set", "facts")]
)
def test_the_tables_of_trust_are_as_measured(heading: str, comparison: str, request: pytest.FixtureRequest):
    found: Measured = request.getfixturevalue(comparison)
    compared = rows("docs/trust.md", heading)
    assert len(compared) > 5
    for name, *cells in compared:
        one = found[method(name)]
        assert cells[:5] == [lds(one["every"]), *(lds(one["by_kind"][kind]) for kind in KINDS)], name
        assert cells[-2:] == [seconds(one["facts"]["build"], 0), seconds(one["facts"]["one"], 1)], name


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without emphasis and without its head."""
    below = (ROOT / page).read_text("utf-8").split(f"\n{heading}\n")[1]
    table = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert table
    lines = table[0].replace("**", "").splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def method(name: str) -> tuple[str, str]:
    """Library and method of a row, as the results name them."""
    if name in OURS:
        return "ours", OURS[name]
    if own := re.search(r"`(\w+)`", name):
        return "ours", own[1]
    title, _, library = name.partition(", ")
    return library.split()[0], OTHERS[title]


def lds(found: dict[str, float]) -> str:
    return f"{found['mean']:.2f} ± {found['error']:.2f}"


def seconds(value: float, digits: int) -> str:
    """Seconds as the tables write them: none below a tenth, whole from ten on."""
    if value < 0.05:
        return "0"
    return f"{value:.{digits if value < 10 else 0}f}"
