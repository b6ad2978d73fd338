"""An evaluation as Markdown, as one HTML page with its charts, and as JSON."""

import json
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from whence.evaluation.faithfulness import REPORT
from whence.evaluation.lds import Lds, Score, ceiling
from whence.evaluation.result import Evaluation
from whence.figures import bars, curves
from whence.figures.bars import Bar
from whence.figures.curves import Point
from whence.retraining.means import Mean

AGAIN = "another seed"
STYLE = (
    "body{font-family:sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:1em 0}td,th{padding:.3em .8em;border-bottom:1px solid #ddd;text-align:left}"
    "svg{max-width:100%;height:auto}"
)

Table = tuple[str, str, list[list[str]]]
"""A title, a sentence on how to read the table, and its rows, header first."""


def write_report(found: Evaluation, folder: Path) -> None:
    """Write `report.json`, `report.md` and `report.html` into a folder."""
    content = {"evaluation": found.to_dict(), "figures": figures(found)}
    (folder / REPORT).write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    (folder / "report.md").write_text(markdown(found), "utf-8")
    (folder / "report.html").write_text(page(found), "utf-8")


def report_tables(found: Evaluation) -> list[Table]:
    """Return all tables of a report."""
    made = [_lds(found)]
    if any(m.removal for m in found.methods):
        made.append(_removal(found))
    made.append(_others(found))
    return made


def figures(found: Evaluation) -> dict[str, dict[str, Any]]:
    """Return the charts of a report as Vega-Lite specifications."""
    made = {"lds": bars.specification(lds_bars(found), "Faithfulness", "LDS")}
    if points := removal_points(found):
        made["removal"] = curves.specification(points, "Removal", "pairs removed", "change of log p in nats")
    return made


def markdown(found: Evaluation) -> str:
    """Return the report in Markdown."""
    parts = [f"# Faithfulness of attributions: {found.run}", "", *_measured(found), ""]
    for title, note, (header, *rows) in report_tables(found):
        parts += [f"## {title}", "", note, "", _row(header), _row(["---"] * len(header)), *map(_row, rows), ""]
    return "\n".join(parts)


def page(found: Evaluation) -> str:
    """Return the report as one self-contained HTML page."""
    title = escape(f"Faithfulness of attributions: {found.run}")
    pictures = {"Faithfulness": bars.picture(lds_bars(found), "Faithfulness", "LDS")}
    if points := removal_points(found):
        pictures["Removal"] = curves.picture(points, "Removal", "pairs removed", "change of log p in nats")
    parts = [f"<p>{escape(line)}</p>" for line in _measured(found)]
    for name, note, rows in report_tables(found):
        parts += [f"<h2>{escape(name)}</h2>", pictures.get(name, ""), f"<p>{escape(note)}</p>", *_html(rows)]
    head = f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    return "\n".join([head, f"<style>{STYLE}</style></head><body>", f"<h1>{title}</h1>", *parts, "</body></html>\n"])


def lds_bars(found: Evaluation) -> list[Bar]:
    """Return the LDS by kind and method with its standard error over questions; that of another seed comes last."""
    named = [*((m.name, m.lds) for m in found.methods), *([(AGAIN, found.ceiling)] if found.ceiling else [])]
    groups = ["all", *(found.kinds if len(found.kinds) > 1 else [])]
    return [
        Bar(group, name, score.mean, score.over_questions)
        for group in groups
        for name, lds in named
        for score in [lds.overall if group == "all" else lds.by_kind[group]]
    ]


def removal_points(found: Evaluation) -> list[Point]:
    """Return the points of the removal curves; none if nothing was removed."""
    return [
        Point(m.name, count, change.value, change.error)
        for m in found.methods
        if m.removal
        for count, change in zip(m.removal.removed, m.removal.changes, strict=True)
    ]


def _measured(found: Evaluation) -> Iterator[str]:
    kinds = ", ".join(f"{count} {kind}" for kind, count in found.kinds.items())
    yield (
        f"{found.pairs:,} pairs, {found.retrainings} retrainings on {found.fraction:.0%} of them each "
        f"({found.seconds / 60:.0f} min of training), {len(found.questions)} questions ({kinds})."
    )
    yield from found.notes


def _lds(found: Evaluation) -> Table:
    kinds = list(found.kinds) if len(found.kinds) > 1 else []
    note = (
        "Linear datamodelling score: Spearman correlation of predicted and actual log p(answer) over the retrained "
        "models. 1: their order is predicted; 0: nothing is. ±: standard error over questions; the last column: over "
        "retrainings."
    )
    rows = [["method", "all", *kinds, "± retrainings"]]
    named = [*((m.name, m.lds) for m in found.methods), *([(AGAIN, found.ceiling)] if found.ceiling else [])]
    rows += [_lds_row(name, lds, kinds) for name, lds in named]
    if found.ceiling:
        note += (
            f" {AGAIN.capitalize()}: the same subsets retrained with it, instead of scores. Perfect scores of what "
            f"all seeds share would reach about {ceiling(found.ceiling.overall.mean):.2f}."
        )
    return "Faithfulness", note, rows


def _lds_row(name: str, lds: Lds, kinds: Sequence[str]) -> list[str]:
    own = [lds.overall, *(lds.by_kind[kind] for kind in kinds)]
    return [name, *map(_score, own), f"{lds.overall.over_retrainings:.2f}"]


def _removal(found: Evaluation) -> Table:
    having = [m for m in found.methods if m.removal]
    counts = having[0].removal.removed if having[0].removal else ()
    questions = f"{found.removal_questions} question{'' if found.removal_questions == 1 else 's'}"
    note = (
        "Change of log p(answer) in nats when the model is retrained without a method's first pairs, mean over "
        f"{questions} ± standard error. The lower, the better; random pairs show how far answers move by chance."
    )
    rows = [["method", *(f"without {count}" for count in counts)]]
    rows += [[m.name, *map(str, m.removal.changes)] for m in having if m.removal]
    return "Removal", note, rows


def _others(found: Evaluation) -> Table:
    wrong = found.mislabelled
    note = (
        "Sources found: share of questions with a known source among the first three pairs, without wrong answers. "
        f"Tail patch: change of log p(answer) in nats by one more training step on the first {found.tail_pairs} pairs."
    )
    if wrong:
        how = "swapped in a separate run" if wrong["made"] else "known to be wrong"
        note += f" Mislabelled: AUC of finding the {len(wrong['rows'])} of {wrong['of']} answers {how}; 0.5 is chance."
    header = ["method", "sources found", "tail patch", *(["mislabelled"] if wrong else [])]
    rows = [
        [m.name, _mean(m.sources), _tail(m.tail), *([_mean(m.mislabelled)] if wrong else [])] for m in found.methods
    ]
    return "Other measures", note, [header, *rows]


def _score(score: Score) -> str:
    return f"{score.mean:.2f}" + (f" ± {score.over_questions:.2f}" if score.over_questions is not None else "")


def _mean(mean: Mean | None) -> str:
    return str(mean) if mean else "–"


def _tail(mean: Mean | None) -> str:
    if mean is None:
        return "–"
    return f"{mean.value:+.3f}" + (f" ± {mean.error:.3f}" if mean.error is not None else "")


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _html(rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [("th" if place == 0 else "td", row) for place, row in enumerate(rows)]
    body = ("<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>" for tag, row in cells)
    return ["<table>", *body, "</table>"]
