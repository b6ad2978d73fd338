"""An attribution as one self-contained HTML page, to be stored, sent or printed."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from whence.figures.attribution import STYLE, asked, basis_of, pairs_of, spread_of, table
from whence.types import Attribution

PAGE_STYLE = (
    ":root{color-scheme:light dark;--ink:#1d2430;--ground:#fff}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e8ee;--ground:#14181e}}"
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;padding:1.5rem 1rem 3rem;color:var(--ink);"
    "background:var(--ground)}"
    "main{margin:0 auto}h1{font-size:1.5rem;line-height:1.25;margin:.2rem 0 1.2rem}"
    "@media print{:root{--ink:#000;--ground:#fff;color-scheme:light}body{padding:0;font-size:11pt}"
    ".whence h2{break-after:avoid}.whence svg,.whence tr,.whence pre{break-inside:avoid}}"
)


@dataclass(frozen=True)
class Origin:
    """The origin of an attribution: named facts about its inputs, and the code that reproduces it."""

    facts: tuple[tuple[str, str], ...]
    again: str


def page(found: Attribution, origin: Origin) -> str:
    """Return the attribution as a page, with all returned pairs."""
    title = escape(f"Why the model answered “{' '.join(found.answer.split())}”")
    head = '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    head += f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{title}</title>'
    parts = [*asked(found), *pairs_of(found), *spread_of(found), *basis_of(found), *_origin(origin)]
    style = f"<style>{PAGE_STYLE}{STYLE}</style></head><body>"
    heading = '<main class="whence"><h1>Why the model gave this answer</h1>'
    return "\n".join([head + style, heading, *parts, "</main></body></html>\n"])


def _origin(origin: Origin) -> Iterator[str]:
    yield from table("Model and data", None, [[name, value] for name, value in origin.facts])
    yield f"<h2>How to reproduce it</h2><pre>{escape(origin.again)}</pre>"
