"""Times, sizes and counts in words."""

import pytest

from whence.cli.formatting import counted, duration, size


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (99, "99 s"),
        (100, "2 min"),
        (3600, "60 min"),
        (7500, "2 h 5 min"),
        (7.2e6, "2,000 h 0 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (99_900, "100 kB"), (3.44e6, "3.4 MB"), (1.2e13, "12.0 TB")],
)
def test_sizes(count: float, words: str) -> None:
    assert size(count) == words


def test_counts() -> None:
    assert [counted(n, "pair") for n in (0, 1, 1200)] == ["0 pairs", "1 pair", "1,200 pairs"]
