"""The page of the reference is what the OpenAPI document says, all of it."""

from pathlib import Path
from typing import Any

import pytest

from whence.api import document as documents
from whence.api.reference import kind, operations, reference, typed

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return documents.document()


@pytest.fixture(scope="module")
def parts(document: dict[str, Any]) -> dict[str, str]:
    """The page by its smallest headings."""
    return {part.partition("\n")[0]: part for part in reference(document).split("\n### ")}


def test_the_files_are_up_to_date_and_the_same_each_time():
    for path, text in documents.texts().items():
        assert (ROOT / path).read_text("utf-8") == text, "Write the files again: python -m whence.api.document"


def test_every_route_is_there_with_its_words_and_parameters(document: dict[str, Any], parts: dict[str, str]):
    for method, path, operation in operations(document):
        part = parts[f"{method} {path}"]
        assert operation["summary"] in part
        assert operation["description"] in part
        assert all(f"| `{given['name']}`, {given['in']} |" in part for given in operation.get("parameters", []))


def test_every_field_of_every_shape_is_there(document: dict[str, Any], parts: dict[str, str]):
    for name, schema in document["components"]["schemas"].items():
        for field in schema.get("properties", {}):
            assert f"\n| `{field}` |" in parts[name]


def test_every_link_leads_to_a_heading(document: dict[str, Any]):
    page = reference(document)
    headings = {line.strip("# ").lower() for line in page.splitlines() if line.startswith("#")}
    named = {"".join(c for c in heading.replace(" ", "-") if c.isalnum() or c in "-_") for heading in headings}
    links = {piece.partition(")")[0] for piece in page.split("](#")[1:]}
    assert links <= named


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 1000.0}, "integer (at least 1, at most 1,000)"),
        ({"type": "number", "exclusiveMinimum": 0.5}, "number (above 0.5)"),
        ({"type": "string", "maxLength": 1 << 20}, "string"),
        ({"type": "integer", "maximum": 1 << 20}, "integer (at most 1,048,576)"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"type": "array", "items": {"$ref": "#/x/Turn"}}, "list of [Turn](#turn)"),
        ({"const": True, "type": "boolean"}, "`true`"),
        ({"enum": ["a", "b"], "type": "string"}, "`a` or `b`"),
        ({"type": "string", "format": "date-time"}, "moment"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "object of number"),
        ({"type": "object", "additionalProperties": True}, "object"),
        ({}, "anything"),
    ],
)
def test_a_type_is_put_in_words(schema: dict[str, Any], words: str):
    assert kind(schema) == words


def test_what_may_be_left_out_says_what_stands_in_for_it():
    optional = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert typed(optional, False) == "integer, optional"
    assert typed(optional, True) == "integer or null"
    assert typed({"type": "integer", "default": 5}, False) == "integer, default `5`"
