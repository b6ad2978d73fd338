"""Durations, sizes, counts and costs, formatted for people."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whence.pipeline import Cost


def duration(seconds: float) -> str:
    """Seconds as "0.4 s", "12 s", "3 min" or "2 h 5 min"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60:,} h {minutes % 60} min"


def size(count: float) -> str:
    """Bytes as "512 B", "3.4 MB" or "120 GB", in powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 99.5 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def counted(count: int, noun: str) -> str:
    """A count with its noun: "1 pair", "1,200 pairs"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def price_facts(price: "Cost") -> dict[str, Any]:
    """The cost as JSON."""
    return asdict(price)


def priced(price: "Cost") -> str:
    """The cost in one sentence."""
    text = f"{counted(price.retrainings, 'retraining')}, {price.missing:,} still to run"
    if price.more:
        text += f" (at most {price.more:,} for removals: identical ones run once)"
    if price.seconds is None or price.seconds_each is None:
        return f"{text}; the time that one takes is not known yet." if price.missing else f"{text}."
    source = {"retrainings": "finished ones", "run": "the run's own training"}.get(price.measured, "")
    each = f"{duration(price.seconds_each)} each, measured on {source}"
    return f"{text}: about {duration(price.seconds)}, {each}."
