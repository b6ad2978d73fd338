"""A dossier as Markdown, as one HTML page with its chart, and as JSON.

The page is self-contained, fits a phone, and follows the reader's light or dark theme.
"""

import json
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from whence.auditing.dossier import DOSSIER, Dossier
from whence.auditing.effects import Effect
from whence.auditing.summary import quoted, verdict_sentences
from whence.figures import intervals
from whence.figures.svg import GRID, INK
from whence.retraining.means import signed

STYLE = (
    ":root{color-scheme:light dark;--ink:#1d2430;--soft:#5b6573;--line:#d8dde4;--ground:#fff;--box:#f3f5f8}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e8ee;--soft:#9aa5b3;--line:#363e4a;--ground:#14181e;--box:#1e242c}}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem;color:var(--ink);"
    "background:var(--ground);overflow-wrap:anywhere}h1{font-size:1.5rem;line-height:1.25}h2{font-size:1.1rem;"
    "margin-top:2.2rem}dl,.verdict{background:var(--box);border-radius:.5rem;padding:.9rem 1rem;margin:1rem 0}"
    "dt{color:var(--soft);font-size:.85rem}dd{margin:0 0 .6rem}dd:last-child{margin:0}.verdict p{margin:.4rem 0}"
    ".verdict p:first-child{font-weight:600;font-size:1.1rem}p.how{color:var(--soft)}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;width:100%}"
    "td,th{padding:.4rem .7rem .4rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;"
    "overflow-wrap:normal;min-width:4.5rem}th{color:var(--soft);font-weight:500}"
    "td:first-child{min-width:9rem}"
    "pre{white-space:pre-wrap;background:var(--box);border-radius:.5rem;padding:.8rem 1rem}"
    "svg{display:block;width:100%;max-width:44rem;height:auto}svg text{fill:var(--ink)}"
    f'svg [stroke="{INK}"]{{stroke:var(--ink)}}svg [stroke="{GRID}"]{{stroke:var(--line)}}'
)

Section = tuple[str, str, list[list[str]]]
"""A title, a sentence on how to read the table, and its rows, header first."""


def write_dossier(found: Dossier, folder: Path) -> None:
    """Write `audit.json`, `report.md` and `report.html` into a folder."""
    content = {"verdict": verdict_sentences(found), "audit": found.to_dict()}
    (folder / DOSSIER).write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    (folder / "report.md").write_text(markdown(found), "utf-8")
    (folder / "report.html").write_text(html(found), "utf-8")


def markdown(found: Dossier) -> str:
    """Return the dossier in Markdown."""
    parts = [f"# Audit: {quoted(found.question)}", ""]
    parts += [f"- {name}: {' '.join(value.split())}" for name, value in _asked(found)]
    parts += ["", "## Verdict", "", *(f"{sentence}\n" for sentence in verdict_sentences(found))]
    for title, how, (header, *rows) in sections(found):
        parts += [f"## {title}", "", how, "", _row(header), _row(["---"] * len(header)), *map(_row, rows), ""]
    parts += ["## Limits", "", *(f"- {limit}" for limit in _limits(found)), ""]
    return "\n".join([*parts, "## Repeat it", "", "```sh", found.command, "```", ""])


def html(found: Dossier) -> str:
    """Return the dossier as one self-contained HTML page."""
    title = escape(f"Audit: {quoted(found.question)}")
    asked = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in _asked(found))
    verdict = "".join(f"<p>{escape(sentence)}</p>" for sentence in verdict_sentences(found))
    parts = [f"<h1>{title}</h1>", f"<dl>{asked}</dl>", "<h2>Verdict</h2>", f'<div class="verdict">{verdict}</div>']
    if rows := figure_rows(found):
        parts += ["<h2>Predicted and measured</h2>", intervals.picture(rows, "Predicted and measured", QUANTITY)]
    for name, how, table in sections(found):
        parts += [f"<h2>{escape(name)}</h2>", f'<p class="how">{escape(how)}</p>', *_html(table)]
    parts += ["<h2>Limits</h2><ul>", *(f"<li>{escape(limit)}</li>" for limit in _limits(found)), "</ul>"]
    parts += ["<h2>Repeat it</h2>", f"<pre>{escape(found.command)}</pre>"]
    head = '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    head += f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{title}</title>'
    return "\n".join([head, f"<style>{STYLE}</style></head><body>", *parts, "</body></html>\n"])


QUANTITY = "fall of log p(answer) without these pairs, in nats"


def figure_rows(found: Dossier) -> list[intervals.Row]:
    """Return the chart's rows; none if nothing was left out. Scores in other units than nats are not drawn."""
    return [
        intervals.Row(
            label=e.omission.name,
            measured=e.fall.mean,
            low=e.fall.low,
            high=e.fall.high,
            each=e.fall.each,
            predicted=e.omission.predicted if found.source.unit == "nats" else None,
            exact=e.exact,
            control=e.omission.kind == "random",
        )
        for e in found.effects
    ]


def sections(found: Dossier) -> list[Section]:
    """Return all tables of a dossier; those of retrainings only if there are any."""
    made = [_measured(found), _answers(found)] if found.effects else []
    return [*made, *([_shortlist(found)] if found.shortlist else []), _source(found)]


def _asked(found: Dossier) -> Iterator[tuple[str, str]]:
    yield "Question", found.question
    yield "The model's own answer" if found.generated else "Given answer", found.answer
    if found.explained != found.answer:
        yield "Audited part", found.explained
    yield "What fine-tuning contributed", f"{signed(found.lift)} nats ({signed(found.needed)} needed)"


def _measured(found: Dossier) -> Section:
    how = (
        "How far log p(answer) falls when the model is retrained without these pairs, in nats: the mean over the seeds "
        f"({len(found.seeds)}) with its 95 % confidence interval (Student's t), and each seed. Beyond chance: the "
        f"fall minus that of the random pairs. Predicted: the sum of the scores by {found.source.method}, in "
        f"{found.source.unit}."
    )
    header = ["left out", "pairs", "predicted", "measured", "beyond chance", "each seed"]
    if found.exact and not found.exact.refusal:
        header.insert(3, "exact")
    return "Effect of leaving pairs out", how, [header, *(_cells(e) for e in found.effects)]


def _cells(e: Effect) -> list[str]:
    predicted = [signed(e.omission.predicted), *([signed(e.exact)] if e.exact is not None else [])]
    beyond = f"{e.beyond}: {e.finding}" if e.beyond else "–"
    return [
        e.omission.name,
        f"{e.omission.size:,}",
        *predicted,
        str(e.fall),
        beyond,
        ", ".join(map(signed, e.fall.each)),
    ]


def _answers(found: Dossier) -> Section:
    how = (
        f"How each retrained model answers the question by greedy decoding. Seed {found.seeds[0]} is the run's own: on "
    )
    how += "all pairs it gives the run itself."
    rows = [["trained", *(f"seed {seed}" for seed in found.seeds)], ["on all pairs", *found.whole.answers]]
    rows += [[f"without {e.omission.name}", *e.outcome.answers] for e in found.effects]
    return "What the retrained models answer", how, rows


def _shortlist(found: Dossier) -> Section:
    how = f"The pairs that {found.source.method} ranks first, with their scores in {found.source.unit}."
    header = ["pair", "level", "score", "question", "answer", "copies", "id"]
    rows = [
        [s.place, s.level or "–", signed(s.score), s.question, s.answer, ", ".join(s.copies) or "–", s.id]
        for s in found.shortlist
    ]
    return "The shortlist", how, [header, *rows]


def _source(found: Dossier) -> Section:
    source = found.source
    rows = [["input", "value"], ["run", found.run], ["pairs", f"{found.pairs:,}"]]
    rows += [["seeds", ", ".join(map(str, found.seeds))], ["seconds of retraining", f"{found.seconds:.0f}"]]
    rows += [["method", f"{source.method} {json.dumps(dict(source.settings))}"]]
    rows += [[f"hash of {name}", key] for name, key in source.inputs.items()]
    rows += [[f"recipe: {name}", str(value)] for name, value in source.recipe.items()]
    rows += [[f"version of {name}", value] for name, value in source.versions.items()]
    return "How this was made", "Inputs, recipe and versions. Every number on this page is in audit.json.", rows


def _limits(found: Dossier) -> Iterator[str]:
    if found.effects:
        yield "The measurements hold for these seeds, this recipe and this data only."
        yield "Leaving out a pair changes little if paraphrases of it remain: see the groups."
    if found.exact:
        yield found.exact.refusal or (
            f"The exact derivative predicted replays without parts of the data with a correlation of "
            f"{found.exact.agreement:.2f} and explained {found.exact.explained:.0%} of their squared size."
        )
    yield "Answers are compared word by word: the same answer in other words counts as a different one."
    yield from found.notes


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def _html(rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [("th" if place == 0 else "td", row) for place, row in enumerate(rows)]
    body = ("<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>" for tag, row in cells)
    return ['<div class="wide"><table>', *body, "</table></div>"]
