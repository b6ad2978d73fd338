"""Peak memory of building an index with 1,000 and with 10,000 rows: it must not grow with the rows.

    python -m benchmarks.memory [--rows 1000 10000]

Each build runs in a process of its own on a small random model; the peak is the operating system's own account. The
default method keeps a width x width matrix while it builds, so a sketch of 1,024 numbers is used to let rows dominate.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path


def build(rows: int) -> None:
    """Build the default index of `rows` examples, print the peak before and after in MiB."""
    from whence.gradients.subject import Compute, Subject
    from whence.methods.contract import tiny_subject
    from whence.methods.fisher import FisherInfluence
    from whence.types import Example, Tokens, silent

    class Repeated:
        """The same few examples repeated, as a long data set."""

        def __init__(self, inner: Subject) -> None:
            self.inner = inner.examples

        def __len__(self) -> int:
            return rows

        def __getitem__(self, index: int) -> Example:
            return self.inner[index % len(self.inner)]

        def tokens(self, index: int) -> Tokens:
            return self.inner.tokens(index % len(self.inner))

    with tempfile.TemporaryDirectory() as folder:
        small = tiny_subject(Path(folder) / "subject")
        subject = Subject(Repeated(small), small.trajectory, Compute(rows_per_shard=256))
        before = peak()
        (Path(folder) / "index").mkdir()
        FisherInfluence(sketch=1024).build(subject, Path(folder) / "index", silent)
        print(f"{before:.0f} {peak():.0f}")


def peak() -> float:
    """This process's peak resident memory in MiB, including touched pages of mapped files."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the peaks and their ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--one", type=int)
    chosen = parser.parse_args()
    if chosen.one:
        build(chosen.one)
        return
    peaks = []
    for rows in chosen.rows:
        command = [sys.executable, "-m", "benchmarks.memory", "--one", str(rows)]
        before, after = map(float, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
        peaks.append(after)
        print(f"{rows:,} rows: peak {after:.0f} MiB ({before:.0f} MiB before the build)")
    print(f"peak memory, {chosen.rows[-1]:,} ÷ {chosen.rows[0]:,} rows: {peaks[-1] / peaks[0]:.2f}")


if __name__ == "__main__":
    main()
