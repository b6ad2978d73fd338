"""What a record says besides its conversation, in values that JSON has."""

import json
import math
from collections.abc import Mapping
from typing import Any, cast

from whence.data.formats import FORMATS, format_of

DEPTH = 16
"""How deep a value may be nested before it is given as text."""
SYSTEM = ("system", "system_prompt")
EXTRAS = {"instruction/response": ("input", "context")}
"""Keys of a format that are part of the question."""


def metadata(record: Mapping[str, object]) -> dict[str, Any]:
    """Every key of a sound record that its conversation was not made of. Columns of other formats that are empty, as
    Parquet has them, are left out."""
    name = format_of(record)
    own = {*FORMATS[name], *EXTRAS.get(name, ())}
    if name not in ("messages", "input_ids/labels"):
        own |= {*SYSTEM}
    known = {key for keys in FORMATS.values() for key in keys} | {*SYSTEM}
    rest = {key: value for key, value in record.items() if key not in own}
    return {plain_text(str(k)): plain(v) for k, v in rest.items() if v is not None or k not in known}


def plain(value: object, depth: int = DEPTH) -> Any:
    """The value as JSON has it: numbers that are not finite, and what JSON does not know, as text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth == 0:
        return _as_text(value)
    if isinstance(value, Mapping):
        inner = cast(Mapping[object, object], value)
        return {plain_text(str(key)): plain(item, depth - 1) for key, item in inner.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth - 1) for item in cast(list[object], value)]
    return plain_text(str(value))


def _as_text(value: object) -> str:
    try:
        return plain_text(json.dumps(value, default=str))
    except RecursionError:
        return "…"


def plain_text(text: str) -> str:
    """The text without lone surrogates, which cannot be sent."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
