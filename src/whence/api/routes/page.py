"""The page, under whatever prefix a proxy has put it; it asks for nothing but this service."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parents[1] / "page"
POLICY = "; ".join(
    (
        "default-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # widths and positions are set on elements
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'self'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Whence</title>
<body style="font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem">
<h1>The page was not built</h1>
<p>The API works: its <a href="docs">reference</a>. In a checkout, install again, which builds it:</p>
<pre>make demo</pre></body></html>"""

router = APIRouter(include_in_schema=False)


class Built(StaticFiles):
    """Files whose names change with what they hold: a browser never has to ask twice."""

    def file_response(self, full_path: object, stat_result: object, scope: Scope, status_code: int = 200) -> Response:
        """The file, to be kept."""
        response = super().file_response(full_path, stat_result, scope, status_code)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


@router.get("/")
def start() -> Response:
    """The page."""
    index = FOLDER / "index.html"
    if not index.is_file():
        return HTMLResponse(NOT_BUILT)
    return FileResponse(index, media_type="text/html", headers=HEADERS)


@router.get("/icon.svg")
def icon() -> FileResponse:
    """The icon."""
    return FileResponse(FOLDER / "icon.svg", media_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"})


def mount(app: FastAPI) -> None:
    """Serve the page and what it is made of."""
    app.include_router(router)
    files = Built(directory=FOLDER / "assets", check_dir=False)
    app.mount("/assets", GZipMiddleware(files, minimum_size=1000), name="assets")
