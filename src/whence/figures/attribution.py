"""An attribution as an HTML fragment without scripts or external files, for light and dark backgrounds."""

from collections.abc import Iterator, Sequence
from html import escape

from whence.figures.distribution import NARROW, WIDE, marks_of, picture
from whence.figures.svg import GRID, INK
from whence.figures.theme import NEUTRAL, OPPOSING, SUPPORTING
from whence.types import Attribution, Distribution, Group, Influence, Trust

FEW = 8
"""The most pairs of each sign in a notebook; a server's report shows all."""
SHORT = 8
"""Characters of a shortened pair id."""
MEANING = {
    "nats": "Nats measure how much more likely a pair made the answer; one nat is a factor of 2.7. Shares are relative "
    "to the total contribution of fine-tuning.",
    "similarity": "Scores are similarities, which have no unit. Shares are relative to all pairs that stand out.",
}
"""The meaning of scores and shares, by unit."""
# Translucent greys and the colour of the surrounding text suit light and dark backgrounds.
RULES = (
    ".whence{max-width:52rem;line-height:1.5;overflow-wrap:anywhere}"
    ".whence h2{font-size:1.05em;font-weight:600;margin:2em 0 .6em}.whence p,.whence ol,.whence dl{margin:.4em 0}"
    ".whence .soft{opacity:.72;font-size:.88em}.whence .said{white-space:pre-wrap;margin:.1em 0}"
    ".whence .asked{border-radius:.5em;padding:.8em 1em;margin:0 0 1em;background:rgba(127,127,127,.12)}"
    ".whence .asked p{margin:0 0 .5em}.whence .asked p:last-child{margin:0}"
    ".whence .finding{font-size:1.15em;font-weight:600;margin:1em 0}"
    f".whence mark{{background:rgba(0,114,178,.28);color:inherit;border-radius:.2em;padding:.05em 0}}"
    ".whence ol{list-style:none;padding:0;margin:.4em 0}.whence li.pair{"
    "border-left:.3em solid;padding:.1em 0 .1em .9em;margin:0 0 1.1em;break-inside:avoid}"
    f".whence li.supporting{{border-color:{SUPPORTING}}}.whence li.opposing{{border-color:{OPPOSING}}}"
    ".whence li.medium{border-left-style:double}.whence li.low{border-left-style:dotted}"
    ".whence .head{display:flex;flex-wrap:wrap;gap:.2em 1em;align-items:baseline}"
    ".whence .level{font-weight:700}.whence .numbers{font-variant-numeric:tabular-nums}"
    ".whence .place{font-family:ui-monospace,monospace;font-size:.88em}"
    ".whence .bar{display:block;height:.3em;background:rgba(127,127,127,.22);border-radius:.2em;margin:.25em 0 .4em;"
    "print-color-adjust:exact;-webkit-print-color-adjust:exact}.whence .bar i{display:block;height:100%;"
    "border-radius:.2em}"
    ".whence .wide{overflow-x:auto}.whence table tr{background:none}"
    ".whence table{border-collapse:collapse;width:100%;font-size:.92em;margin:0}"
    ".whence table td,.whence table th{text-align:left;vertical-align:top;padding:.35em .9em .35em 0;background:none;"
    "border-bottom:1px solid rgba(127,127,127,.35);overflow-wrap:normal}.whence table th{font-weight:500;opacity:.72}"
    ".whence table td:last-child{overflow-wrap:anywhere}"
    ".whence pre{white-space:pre-wrap;background:rgba(127,127,127,.12);border-radius:.5em;padding:.8em 1em;"
    "font-size:.88em}.whence svg{display:block;max-width:100%;height:auto}.whence svg.narrow{display:none}"
    "@media(max-width:30rem){.whence svg.wide{display:none}.whence svg.narrow{display:block}}"
    ".whence svg text{fill:currentColor}"
    f'.whence svg [stroke="{INK}"]{{stroke:currentColor}}.whence svg [fill="{INK}"]{{fill:currentColor}}'
    f'.whence svg [stroke="{GRID}"]{{stroke:{NEUTRAL};stroke-opacity:.35}}'
)
# Notebooks style lists and tables in results: a class name repeated three times takes precedence.
STYLE = RULES.replace(".whence", ".whence" * 3)


def fragment(found: Attribution) -> str:
    """Return the attribution as an HTML fragment, as shown in notebooks."""
    parts = [*asked(found), *pairs_of(found, FEW), *spread_of(found), *basis_of(found)]
    return "\n".join([f'<div class="whence"><style>{STYLE}</style>', *parts, "</div>"])


def asked(found: Attribution) -> Iterator[str]:
    """Yield the question, the answer, and the finding in one sentence."""
    yield '<div class="asked">'
    yield f'<p><span class="soft">Question</span><br><span class="said">{escape(found.question)}</span></p>'
    whose = "The model’s own answer" if found.generated else "Answer"
    yield f'<p><span class="soft">{whose}</span><br><span class="said">{marked(found)}</span></p>'
    if found.instead is not None:
        yield f'<p><span class="soft">Instead of</span><br><span class="said">{escape(found.instead)}</span></p>'
    yield f'</div><p class="finding">{escape(found.sentence)}</p>'


def marked(found: Attribution) -> str:
    """Return the answer, with its selected part marked, if any."""
    if found.selection is None:
        return escape(found.answer)
    start, end = found.selection
    parts = (found.answer[:start], found.answer[start:end], found.answer[end:])
    return "{}<mark>{}</mark>{}".format(*map(escape, parts))


def pairs_of(found: Attribution, most: int | None = None) -> Iterator[str]:
    """Yield the supporting and opposing pairs, at most `most` of each, and the groups."""
    yield from _listed("Pairs it was learned from", found.results, found.unit, most)
    if found.results:
        yield f'<p class="soft">{MEANING[found.unit]}</p>'
    yield from _listed("Pairs that made it less likely", found.opposing, found.unit, most)
    if found.groups:
        yield from table("Groups of pairs", ["group", "pairs", "level", found.unit, "share"], map(_group, found.groups))


def _listed(title: str, pairs: Sequence[Influence], unit: str, most: int | None) -> Iterator[str]:
    if not pairs:
        return
    shown = pairs[:most]
    yield f"<h2>{title}</h2><ol>"
    yield from (_pair(pair, unit) for pair in shown)
    yield "</ol>"
    if len(shown) < len(pairs):
        yield f'<p class="soft">and {len(pairs) - len(shown)} more</p>'


def _pair(pair: Influence, unit: str) -> str:
    score, share = f"{signed(pair.score, '.2f')} {unit}", signed(pair.share, ".0%")
    side, colour = ("opposing", OPPOSING) if pair.score < 0 else ("supporting", SUPPORTING)
    wide = min(100.0, abs(pair.share) * 100)
    head = (
        f'<div class="head"><span class="level">{pair.level}</span>'
        f'<span class="numbers">{score}</span><span class="numbers">share {share}</span>'
        f'<span class="place">{escape(pair.file)}:{pair.line}</span></div>'
        f'<span class="bar"><i style="width:{wide:.1f}%;background:{colour}"></i></span>'
    )
    foot = f'<p class="soft">{_odds(pair.p_value)} · pair {escape(pair.id[:SHORT])}</p>'
    return f'<li class="pair {side} {pair.level}">{head}{"".join(_turns(pair))}{foot}</li>'


def _turns(pair: Influence) -> Iterator[str]:
    """Yield the last question and answer of a pair."""
    said = [m for m in pair.messages if m.role != "system"]
    if len(said) > 2:
        yield f'<p class="soft">after {len(said) - 2} earlier turns</p>'
    for message in said[-2:]:
        letter = "A" if message.role == "assistant" else "Q"
        yield f'<p class="said"><span class="soft">{letter}</span> {escape(message.content)}</p>'


def signed(number: float, form: str = ".1f") -> str:
    """Format a number with a minus sign instead of a hyphen."""
    return f"{number:{form}}".replace("-", "−")


def _odds(p_value: float) -> str:
    if p_value < 1e-6:
        return "by chance: p < 0.000001"
    return f"by chance: p = {p_value:.2g}" if p_value >= 1e-3 else f"by chance: p = {p_value:.6f}"


def _group(group: Group) -> list[str]:
    names = {"file": "file", "duplicates": "copies of", "topic": "topic"}
    return [
        f"{names[group.kind]} {group.name}",
        f"{group.size:,}",
        group.level,
        signed(group.score, ".2f"),
        signed(group.share, ".0%"),
    ]


def spread_of(found: Attribution) -> Iterator[str]:
    """Yield the scores of all pairs as a chart, and a sentence on how to read it."""
    spread = found.distribution
    if spread is None:
        return
    marks = marks_of(found)
    yield f"<h2>The scores of all {sum(spread.counts):,} pairs</h2>"
    for name, width in (("wide", WIDE), ("narrow", NARROW)):
        yield picture(spread, marks, width).replace("<svg ", f'<svg class="{name}" ', 1)
    yield f'<p class="soft">{_read(spread)}</p>'


def _read(spread: Distribution) -> str:
    return (
        f"Each bar counts the pairs with scores in a range of {spread.edges[1] - spread.edges[0]:g} {spread.unit}; "
        "heights are square roots, so that a single pair is visible. Grey is the expected number if no pair had caused "
        "the answer: bars beyond it stand out."
    )


def basis_of(found: Attribution) -> Iterator[str]:
    """Yield the contribution of fine-tuning, and the evidence on the attribution's reliability."""
    yield from table("Basis of this attribution", None, [*_lift(found), *_trust(found.trust)])
    if found.trust.notes:
        yield "".join(f'<p class="soft">{escape(note)}</p>' for note in found.trust.notes)


def _lift(found: Attribution) -> Iterator[list[str]]:
    lift = found.lift
    part = "the selected part" if found.selection else "the answer"
    if found.instead is not None:
        yield ["lift over the other answer", f"{signed(lift.total)} nats, {lift.needed:.1f} needed"]
        return
    yield ["contribution of fine-tuning", f"{signed(lift.total)} nats of lift, {lift.needed:.1f} needed"]
    before = f"{signed(lift.base)} before, {lift.tokens} tokens"
    yield [f"log p of {part}", f"{signed(lift.fine_tuned)} fine-tuned, {before}"]


def _trust(trust: Trust) -> Iterator[list[str]]:
    yield ["method", f"{trust.method}, at {trust.checkpoints} point{'s' * (trust.checkpoints != 1)} of the training"]
    yield ["false-discovery rate", f"{trust.false_discovery_rate:.0%}, against {trust.controls} control questions"]
    if trust.recall:
        yield ["pairs recovered from their own text", "{} of {}".format(*trust.recall)]
    measured = trust.faithfulness
    if measured is None:
        yield ["checked against retraining", "not on this model"]
        return
    yield [
        "checked against retraining",
        f"correlation {measured.lds:.2f} ± {measured.standard_error:.2f} "
        f"({measured.retrainings} retrainings, {measured.questions} questions)",
    ]


def table(title: str, header: Sequence[str] | None, rows: "Iterator[list[str]] | Sequence[list[str]]") -> Iterator[str]:
    """Yield a table under its title."""
    yield f'<h2>{escape(title)}</h2><div class="wide"><table>'
    if header:
        yield "<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in header) + "</tr>"
    yield from ("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    yield "</table></div>"
