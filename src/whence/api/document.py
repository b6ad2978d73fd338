"""The OpenAPI document, as it is true of this service."""

from typing import Any

from fastapi import FastAPI


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
