"""JSON objects as records, leniently: what is not known is kept, what is optional may be missing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

R = TypeVar("R", bound="DataclassInstance")
T_co = TypeVar("T_co", covariant=True)


def record(kind: type[R], data: Mapping[str, Any], /, **parsed: Any) -> R:
    """A `kind` made of a JSON object; `parsed` takes the place of values that are no plain JSON.

    Keys that it has no field for go into its `extra`. Null counts as absent. Raises `TypeError` where a field without
    default is missing.
    """
    names = {item.name for item in fields(kind)} - {"extra"}
    known = {name: value for name, value in data.items() if name in names and value is not None}
    rest = {name: value for name, value in data.items() if name not in names | {"object"}}
    return kind(**(known | parsed | {"extra": rest}))


def moment(value: Any) -> datetime | None:
    """A point in time out of ISO 8601 or seconds since 1970; None for none. UTC unless it says otherwise."""
    if value is None:
        return None
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    read = datetime.fromisoformat(value)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def moments(data: Mapping[str, Any], *names: str) -> dict[str, datetime | None]:
    """The points in time under these names."""
    return {name: moment(data.get(name)) for name in names}


def brief(kind: str, *parts: str | None) -> str:
    """A record on one line: `<kind: part, part>`, without the parts that are None or empty."""
    return f"<{kind}: {', '.join(part for part in parts if part)}>"


@dataclass(frozen=True, slots=True)
class Page(Generic[T_co]):
    """Part of a list; iterates over its items. `total` counts the whole list (None: the server does not say)."""

    data: tuple[T_co, ...]
    total: int | None = None
    limit: int | None = None
    offset: int = 0
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(parse: Callable[[Any], T_co]) -> "Callable[[Any], Page[T_co]]":
        """The reader of such a page, from the reader of an item."""

        def read(answer: Any) -> "Page[T_co]":
            return record(Page, answer, data=tuple(map(parse, answer["data"])))

        return read

    def __iter__(self) -> Iterator[T_co]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, place: int) -> T_co:
        return self.data[place]
