"""The reference of the API as a page of this service: it needs nothing from elsewhere."""

import re

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from markdown_it import MarkdownIt

from whence.api.reference import anchor, reference

router = APIRouter(include_in_schema=False)
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Whence: API reference</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  code, pre { font: 14px/1.4 ui-monospace, monospace; }
  pre, table { display: block; overflow-x: auto; }
  th, td { text-align: left; vertical-align: top; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid #8884; }
  h1, h2, h3, p, li, code { overflow-wrap: anywhere; }
  h2 { margin-top: 3rem; border-bottom: 2px solid #8888; }
</style>
</head>
<body>
CONTENT
</body>
</html>
"""


@router.get("/docs", response_class=HTMLResponse)
def manual(request: Request) -> HTMLResponse:
    """The reference."""
    state = request.app.state
    if not hasattr(state, "manual"):
        state.manual = page(reference(request.app.openapi()))
    return HTMLResponse(state.manual)


def page(markdown: str) -> str:
    """Return the reference as HTML, with an anchor per heading."""

    def named(heading: re.Match[str]) -> str:
        return f'<h{heading[1]} id="{anchor(re.sub("<.*?>", "", heading[2]))}">{heading[2]}</h{heading[1]}>'

    body = MarkdownIt("commonmark").enable("table").render(markdown)
    return PAGE.replace("CONTENT", re.sub(r"<h([1-6])>(.*?)</h\1>", named, body))
