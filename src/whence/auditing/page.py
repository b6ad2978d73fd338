"""A dossier as a person or a program reads it: Markdown, one HTML page with its chart inside, and JSON.

The page needs nothing else, reads on a phone, and follows the reader's choice of light or dark.
"""

import json
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from whence.auditing.dossier import DOSSIER, Dossier
from whence.auditing.effects import Effect
from whence.auditing.summary import quoted, sentences
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
"""Title, a sentence on how to read it, and the rows of its table, the header first."""


def write_dossier(found: Dossier, folder: Path) -> None:
    """Write `audit.json`, `report.md` and `report.html` into a folder."""
    content = {"verdict": sentences(found), "audit": found.to_dict()}
    (folder / DOSSIER).write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    (folder / "report.md").write_text(markdown(found), "utf-8")
    (folder / "report.html").write_text(page(found), "utf-8")


def markdown(found: Dossier) -> str:
    """The dossier in Markdown."""
    parts = [f"# Audit: {quoted(found.question)}", ""]
    parts += [f"- {name}: {' '.join(value.split())}" for name, value in _asked(found)]
    parts += ["", "## Verdict", "", *(f"{said}\n" for said in sentences(found))]
    for title, how, (header, *rows) in sections(found):
        parts += [f"## {title}", "", how, "", _row(header), _row(["---"] * len(header)), *map(_row, rows), ""]
    parts += ["## Limits", "", *(f"- {said}" for said in _limits(found)), ""]
    return "\n".join([*parts, "## Repeat it", "", "```sh", found.command, "```", ""])


def page(found: Dossier) -> str:
    """The dossier as one HTML page that needs nothing else."""
    title = escape(f"Audit: {quoted(found.question)}")
    asked = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in _asked(found))
    verdict = "".join(f"<p>{escape(said)}</p>" for said in sentences(found))
    parts = [f"<h1>{title}</h1>", f"<dl>{asked}</dl>", "<h2>Verdict</h2>", f'<div class="verdict">{verdict}</div>']
    if rows := figure_rows(found):
        parts += ["<h2>Foretold and measured</h2>", intervals.picture(rows, "Foretold and measured", QUANTITY)]
    for name, how, table in sections(found):
        parts += [f"<h2>{escape(name)}</h2>", f'<p class="how">{escape(how)}</p>', *_html(table)]
    parts += ["<h2>Limits</h2><ul>", *(f"<li>{escape(said)}</li>" for said in _limits(found)), "</ul>"]
    parts += ["<h2>Repeat it</h2>", f"<pre>{escape(found.command)}</pre>"]
    head = '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    head += f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{title}</title>'
    return "\n".join([head, f"<style>{STYLE}</style></head><body>", *parts, "</body></html>\n"])


QUANTITY = "fall of log p(answer) without them, in nats"


def figure_rows(found: Dossier) -> list[intervals.Row]:
    """The chart's rows; none where nothing was left out. Scores that are no nats are not drawn."""
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
    """All tables of a dossier; those of retrainings only where there are any."""
    made = [_measured(found), _answers(found)] if found.effects else []
    return [*made, *([_shortlist(found)] if found.shortlist else []), _source(found)]


def _asked(found: Dossier) -> Iterator[tuple[str, str]]:
    yield "Question", found.question
    yield "The model's own answer" if found.generated else "Answer that was given", found.answer
    if found.explained != found.answer:
        yield "Audited part of it", found.explained
    yield "What fine-tuning contributed", f"{signed(found.lift)} nats ({signed(found.needed)} needed)"


def _measured(found: Dossier) -> Section:
    how = (
        "How far log p(answer) falls when the model is trained without, in nats: the mean over the seeds "
        f"({len(found.seeds)}), its 95 % confidence interval (Student's t), and each seed. Beyond chance: what "
        f"it has over the random pairs. Foretold: the sum of the scores by {found.source.method}, in "
        f"{found.source.unit}."
    )
    header = ["left out", "pairs", "foretold", "measured", "beyond chance", "each seed"]
    if found.exact and not found.exact.refusal:
        header.insert(3, "exact")
    return "What leaving pairs out did", how, [header, *(_cells(e) for e in found.effects)]


def _cells(e: Effect) -> list[str]:
    foretold = [signed(e.omission.predicted), *([signed(e.exact)] if e.exact is not None else [])]
    beyond = f"{e.beyond}: {e.finding}" if e.beyond else "–"
    return [
        e.omission.name,
        f"{e.omission.size:,}",
        *foretold,
        str(e.fall),
        beyond,
        ", ".join(map(signed, e.fall.each)),
    ]


def _answers(found: Dossier) -> Section:
    how = (
        f"What each retrained model answers to the question, word by word the likeliest. Seed {found.seeds[0]} is the "
    )
    how += "run's own: with all pairs that is the run itself."
    rows = [["trained", *(f"seed {seed}" for seed in found.seeds)], ["on all pairs", *found.whole.answers]]
    rows += [[f"without {e.omission.name}", *e.outcome.answers] for e in found.effects]
    return "What the models say then", how, rows


def _shortlist(found: Dossier) -> Section:
    how = f"The pairs that the method {found.source.method} puts first, in {found.source.unit}."
    header = ["pair", "level", "score", "question", "answer", "copies", "id"]
    rows = [
        [s.place, s.level or "–", signed(s.score), s.question, s.answer, ", ".join(s.copies) or "–", s.id]
        for s in found.shortlist
    ]
    return "The shortlist", how, [header, *rows]


def _source(found: Dossier) -> Section:
    source = found.source
    rows = [["what", "value"], ["run", found.run], ["pairs", f"{found.pairs:,}"]]
    rows += [["seeds", ", ".join(map(str, found.seeds))], ["seconds of retraining", f"{found.seconds:.0f}"]]
    rows += [["method", f"{source.method} {json.dumps(dict(source.settings))}"]]
    rows += [[f"hash of {name}", key] for name, key in source.inputs.items()]
    rows += [[f"recipe: {name}", str(value)] for name, value in source.recipe.items()]
    rows += [[f"version of {name}", value] for name, value in source.versions.items()]
    return "What it was made from", "Inputs, recipe and versions; every number of this page stands in audit.json.", rows


def _limits(found: Dossier) -> Iterator[str]:
    if found.effects:
        yield "What was measured speaks of these seeds, this recipe and these data, not of others."
        yield "A pair whose content is also taught by paraphrases leaves little behind when it goes: see the groups."
    if found.exact:
        yield found.exact.refusal or (
            f"The exact derivative foretold replays without parts of the data with a correlation of "
            f"{found.exact.agreement:.2f}, and {found.exact.explained:.0%} of their size."
        )
    yield "Said or not is told by the words of the answer: another wording counts as not said."
    yield from found.notes


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def _html(rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [("th" if place == 0 else "td", row) for place, row in enumerate(rows)]
    body = ("<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>" for tag, row in cells)
    return ['<div class="wide"><table>', *body, "</table></div>"]
