"""The keys of a record outside its conversation, as JSON values."""

import json
import math
from collections.abc import Mapping
from typing import Any, cast

from whence.data.formats import FORMATS, format_of

DEPTH = 16
"""The depth below which a nested value is given as text."""
SYSTEM = ("system", "system_prompt")
EXTRAS = {"instruction/response": ("input", "context")}
"""Keys of a format that are part of the question."""


def metadata(record: Mapping[str, object]) -> dict[str, Any]:
    """Return every key of a valid record that is not part of its conversation. Empty columns of other formats, which
    Parquet has, are left out."""
    name = format_of(record)
    own = {*FORMATS[name], *EXTRAS.get(name, ())}
    if name not in ("messages", "input_ids/labels"):
        own |= {*SYSTEM}
    known = {key for keys in FORMATS.values() for key in keys} | {*SYSTEM}
    rest = {key: value for key, value in record.items() if key not in own}
    return {plain_text(str(k)): plain(v) for k, v in rest.items() if v is not None or k not in known}


def plain(value: object, depth: int = DEPTH) -> Any:
    """Return the value as JSON: numbers that are not finite and types that JSON lacks become text."""
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
    """Return the text with lone surrogates escaped: they cannot be encoded."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
