"""Server-sent events out of bytes, however the network cuts them."""

import re
from dataclasses import dataclass, field

LINE_END = re.compile(rb"\r\n|\n|\r")
"""These three and no others: U+2028 in an answer ends no line, as it would for `str.splitlines`."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event: its name ("message" where none was given) and its data, lines joined by newlines."""

    name: str
    data: str


@dataclass(slots=True)
class EventParser:
    """Takes bytes, gives the events that are complete."""

    _rest: bytes = b""
    _name: str = ""
    _data: list[str] = field(default_factory=list[str])

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """The events that end in this chunk, in order."""
        *lines, self._rest = self._split(self._rest + chunk)
        return [event for line in lines if (event := self._line(line.decode("utf-8", "replace")))]

    @staticmethod
    def _split(text: bytes) -> list[bytes]:
        """The lines; a return at the very end stays with the rest, since its newline may be still to come."""
        if text.endswith(b"\r"):
            *lines, last = LINE_END.split(text[:-1])
            return [*lines, last + b"\r"]
        return LINE_END.split(text)

    def _line(self, line: str) -> ServerEvent | None:
        if not line:
            return self._end()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value
        return None

    def _end(self) -> ServerEvent | None:
        """The event that a blank line ends; None where nothing stood before it (a ping)."""
        name, data = self._name, self._data
        self._name, self._data = "", []
        return ServerEvent(name or "message", "\n".join(data)) if name or data else None
