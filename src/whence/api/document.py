"""The OpenAPI document and the reference made from it, as files of a checkout.

    python -m whence.api.document

writes web/openapi.json, from which the page's types are generated, and docs/api-reference.md.
"""

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from whence.api.app import include
from whence.api.reference import reference

OPENAPI = Path("web/openapi.json")
REFERENCE = Path("docs/api-reference.md")


def document() -> dict[str, Any]:
    """Return the OpenAPI document of all routes."""
    app = FastAPI(title="Whence")
    include(app)
    return app.openapi()


def texts() -> dict[Path, str]:
    """Return the content of each file, by its path in the checkout."""
    described = document()
    as_json = json.dumps(described, indent=1, ensure_ascii=False) + "\n"
    return {OPENAPI: as_json, REFERENCE: reference(described)}


def main() -> None:
    """Write the files."""
    for path, text in texts().items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
