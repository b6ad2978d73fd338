"""Dataclasses as JSON and back: one encoder and one decoder for all nouns.

A field's name in JSON is its own, or its `alias`. A field that the constructor does not take follows from the others:
it is written, but not read. Pydantic reads the same metadata, so the nouns themselves document the REST API.
"""

from collections.abc import Mapping, Sequence
from dataclasses import Field, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


class Noun:
    """A dataclass with a JSON form."""

    __slots__ = ()
    __pydantic_config__: ClassVar[dict[str, bool]] = {"json_schema_serialization_defaults_required": True}

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, the same through every door."""
        return encode(self)


def encode(value: Any) -> Any:
    """A value as JSON has it: dataclasses as objects, tuples as lists, enumerations as their values."""
    if is_dataclass(value):
        return {_key(item): encode(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {name: encode(item) for name, item in cast(Mapping[str, Any], value).items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in cast(Sequence[Any], value)]
    return value.value if isinstance(value, Enum) else value


def decode(kind: type[T], data: Mapping[str, Any]) -> T:
    """The dataclass `kind` from its JSON object. Unknown keys are ignored; null and missing keys leave the default.

    Raises:
        TypeError: a key without default is missing.
    """
    hints = _hints(kind)
    known = {
        item.name: _decoded(hints[item.name], data[_key(item)])
        for item in fields(cast(Any, kind))
        if item.init and data.get(_key(item)) is not None
    }
    return kind(**known)


def _decoded(kind: Any, value: Any) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        options = [one for one in args if one is not NoneType]
        return _decoded(options[0], value) if len(options) == 1 and value is not None else value
    if origin is tuple:
        kinds = args[:1] * len(value) if args[-1] is Ellipsis else args
        return tuple(_decoded(one, item) for one, item in zip(kinds, value, strict=True))
    if origin is list:
        return [_decoded(args[0], item) for item in value]
    if origin is Literal:
        return next((one for one in args if one == value), value)  # members of an enumeration from their values
    return decode(cast(type, kind), value) if is_dataclass(kind) and isinstance(value, Mapping) else value


def _key(item: "Field[Any]") -> str:
    return item.metadata.get("alias", item.name)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
