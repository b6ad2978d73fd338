"""The overhead of the service on an attribution: over HTTP and by the library in one process, in turn.

    python -m benchmarks.latency [--model smollm2-135m-instruct] [--repetitions 40]

The same given answer each time, by the path that SeekrFlow's client takes, over a connection that is kept open. The
library holds the same run's index in memory and its threads wait as the engine's do: what is measured is the way.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from whence.child_process import YIELDING

os.environ.update(YIELDING)  # before torch is imported, which reads it then

from benchmarks.service import ANSWER, QUESTION, TINY, Service, running
from whence import pipeline


@dataclass
class Turns:
    """Two pieces of work done in turn, and the seconds of each round of each."""

    library: Callable[[], object]
    service: Callable[[], object]

    def rounds(self, count: int) -> tuple[list[float], list[float]]:
        """Seconds of both, after one round that is not counted."""
        seconds: tuple[list[float], list[float]] = ([], [])
        for turn in range(count + 1):
            for call, noted in zip((self.library, self.service), seconds, strict=True):
                began = time.perf_counter()
                call()
                if turn:
                    noted.append(time.perf_counter() - began)
        return seconds


def turns(service: Service, job_id: str) -> Turns:
    """The same attribution by the library and by the service."""
    index = pipeline.Index.open(service.run_of(job_id))
    where = f"/v1/flow/explain/models/{job_id}/influential-finetuning-data"
    asked = {"question": QUESTION, "answer": ANSWER}
    client = service.client()

    def ask() -> object:
        response = client.get(where, params=asked)
        response.raise_for_status()
        return response.json()

    return Turns(lambda: pipeline.attribute(index, QUESTION, ANSWER), ask)


def main() -> None:
    """Print the medians and their difference."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default=TINY)
    parser.add_argument("--repetitions", type=int, default=40)
    chosen = parser.parse_args()
    with running() as service:
        job_id = service.trained(chosen.model)
        library, http = turns(service, job_id).rounds(chosen.repetitions)
    added = [1000 * (b - a) for a, b in zip(library, http, strict=True)]
    print(
        f"attribution of a given answer, {chosen.model}: library {1000 * statistics.median(library):.1f} ms, "
        f"over HTTP {1000 * statistics.median(http):.1f} ms, added p50 {statistics.median(added):.1f} ms, "
        f"p90 {statistics.quantiles(added, n=10)[-1]:.1f} ms ({chosen.repetitions} rounds in turn)"
    )


if __name__ == "__main__":
    main()
