"""The reference of the REST API in Markdown, made from the OpenAPI document."""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
}
LONGEST = "at most 1,048,576 characters"
"""The length that any text of a request may have; it is not repeated for each field."""
NULL = {"type": "null"}
COMMON = {"200", "400", "401", "404", "409", "413", "429", "503"}
HEAD = """# API reference

The parameters and responses of every route. `python -m whence.api.document` makes this page from the OpenAPI
document, which a running service shows at `/openapi.json`.

There are three dialects over one service: SeekrFlow's (`/v1/flow`, `/v1/inference`, `/v1/explainability`), OpenAI's
(`/v1/chat`, `/v1/files`, `/v1/fine_tuning`, `/v1/models`, `/v1/embeddings`) and Whence's own (`/v1/whence`).
SeekrFlow's routes answer without `/v1` as well.

**Key.** `whence keys create` makes one; send it as `Authorization: Bearer KEY`. What belongs to another team is not
there: 404. As long as no key was ever made, a service on this machine asks for none.

**Requests.** Bodies are JSON, uploads are forms. Numbers in strings are refused, keys that are not listed are left
alone. Texts have at most 1,048,576 characters, bodies 8 MiB, files what `WHENCE_MAX_UPLOAD_MB` says.

**Answers.** Moments are in UTC, ISO 8601. Every answer has its id in the header `x-request-id`, which the log has too.

**Errors** are one line of JSON, `{"error", "message", "status"}`, on OpenAI's routes `{"error": {"message", "type"}}`.
The message says what the rule is, what was found and what to do. Any route may answer with these:

| status | when |
|---|---|
| 400 | the request breaks a rule |
| 401 | a key is needed, or this one is not valid |
| 404 | no such id exists, or it belongs to another team |
| 409 | the current state of the resource does not allow it |
| 413 | the body or file is too large |
| 429 | too many requests are in progress: come back after `Retry-After` seconds |
| 503 | the database or an engine cannot be reached: try again, after `Retry-After` seconds where it is given |
"""


def reference(document: dict[str, Any]) -> str:
    """Return the page of an OpenAPI document."""
    rooms = [
        (tag, list(routes)) for tag, routes in groupby(operations(document), key=lambda route: route[2]["tags"][0])
    ]
    links = [f"[{name}](#{anchor(name)})" for name in (*(tag for tag, _ in rooms), "Shapes")]
    parts = [HEAD, f"\n{' · '.join(links)}\n"]
    for tag, routes in rooms:
        parts += [f"\n## {tag}\n", *(route(*one) for one in routes)]
    shapes: dict[str, Any] = document["components"]["schemas"]
    parts += ["\n## Shapes\n", *(shape(name, shapes[name]) for name in sorted(shapes))]
    return "".join(parts)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of every route, in the order of the document."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def route(method: str, path: str, operation: dict[str, Any]) -> str:
    """A route's part of the page."""
    lines = [f"\n### {method} {path}\n", f"{operation['summary']}: `{operation['operationId']}`.\n"]
    lines.append(f"{operation['description']}\n")
    if given := operation.get("parameters"):
        rows = [(f"`{p['name']}`, {p['in']}", typed(p["schema"], p["required"]), p.get("description")) for p in given]
        lines.append(table(("parameter", "type", "meaning"), rows))
    if "requestBody" in operation:
        lines.append(f"Body: {contents(operation['requestBody']['content'])}.\n")
    lines.append(f"Answer: {contents(operation['responses']['200'].get('content', {}))}.\n")
    if more := sorted(set(operation["responses"]) - COMMON):
        lines.append(f"Also: {', '.join(more)}.\n")
    return "\n".join(lines)


def contents(content: dict[str, Any]) -> str:
    """The content of a request or response: JSON of a shape, or another media type."""
    told: list[str] = []
    for media, what in content.items():
        shown = kind(what.get("schema", {}))
        told.append(shown if media == "application/json" else f"`{media}`" + (f" ({shown})" if "[" in shown else ""))
    return ", or ".join(told) or "nothing"


def shape(name: str, schema: dict[str, Any]) -> str:
    """A shape's part of the page."""
    needed = set(schema.get("required", []))
    fields: dict[str, Any] = schema.get("properties", {})
    rows = [(f"`{field}`", typed(one, field in needed), one.get("description")) for field, one in fields.items()]
    about = schema.get("description", "A form.")
    return f"\n### {name}\n\n{about}\n\n" + table(("field", "type", "meaning"), rows)


def typed(schema: dict[str, Any], needed: bool) -> str:
    """A type, and what stands in for it where it is left out."""
    if needed or "const" in schema:
        return kind(schema)
    stated = {**schema, "anyOf": [one for one in schema["anyOf"] if one != NULL]} if "anyOf" in schema else schema
    if schema.get("default") is None or isinstance(schema["default"], dict):
        return f"{kind(stated)}, optional"
    return f"{kind(stated)}, default {literal(schema['default'])}"


def kind(schema: dict[str, Any]) -> str:
    """A type in words, with its bounds."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{anchor(name)})"
    if "anyOf" in schema:
        return " or ".join(kind(one) for one in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return " or ".join(literal(value) for value in schema.get("enum", [schema.get("const")]))
    bounds = [words.format(number(schema[name])) for name, words in BOUNDS.items() if name in schema]
    told = [bound for bound in bounds if bound != LONGEST]
    return plain(schema) + (f" ({', '.join(told)})" if told else "")


def literal(value: Any) -> str:
    """A value as JSON has it, texts without quotes."""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def number(value: float) -> str:
    """A number with its thousands parted."""
    return f"{int(value):,}" if value == int(value) else str(value)


def plain(schema: dict[str, Any]) -> str:
    """A type in a word or two."""
    if schema.get("type") == "array":
        return f"list of {kind(schema['items'])}"
    if isinstance(values := schema.get("additionalProperties"), dict) and values:
        return f"object of {kind(values)}"
    if schema.get("format") == "date-time":
        return "moment"
    return "file" if "contentMediaType" in schema else schema.get("type", "anything")


def table(head: tuple[str, ...], rows: list[tuple[str, str, str | None]]) -> str:
    """A table; the column of meanings is left out where there are none."""
    width = len(head) if any(row[2] for row in rows) else len(head) - 1
    body = [[" ".join((cell or "").split()).replace("|", "\\|") for cell in row[:width]] for row in rows]
    lines = [head[:width], ["---"] * width, *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def anchor(heading: str) -> str:
    """The anchor of a heading."""
    return "".join(c for c in heading.lower().replace(" ", "-") if c.isalnum() or c in "-_")
