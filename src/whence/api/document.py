"""The OpenAPI document, as it is true of this service.

python -m whence.api.document      # in a checkout: writes web/openapi.json, which the page's types are made from
"""

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI

KEPT = Path("web/openapi.json")


def without_422(app: FastAPI) -> None:
    """Leave 422 out of an app's document, where FastAPI adds it: what is unsound is answered with 400."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        return document

    app.openapi = openapi


def document() -> str:
    """The document of all routes, as JSON."""
    from whence.api.app import include

    app = FastAPI(title="Whence")
    include(app)
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the document."""
    KEPT.write_text(document(), "utf-8")


if __name__ == "__main__":
    main()
