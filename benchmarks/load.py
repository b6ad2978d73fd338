"""Many clients at once on one engine: their waiting times, and the share that is refused with `Retry-After`.

    python -m benchmarks.load [--model smollm2-135m-instruct] [--clients 64] [--rounds 3] [--queue 16]

Each client asks for the attribution of a given answer, several times, and does not wait when it is refused.
Meanwhile another client asks whether the process is alive.
"""

import argparse
import statistics
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import httpx

from benchmarks.service import ANSWER, QUESTION, TINY, Service, running


@dataclass
class Load:
    """Statuses and seconds of the clients' requests, and seconds of `/healthz` meanwhile."""

    seconds: dict[int, list[float]] = field(default_factory=dict[int, list[float]])
    health: list[float] = field(default_factory=list[float])
    waits: Counter[str] = field(default_factory=Counter[str])

    def note(self, response: httpx.Response, seconds: float) -> None:
        """Count a request."""
        self.seconds.setdefault(response.status_code, []).append(seconds)
        if response.status_code != 200:
            self.waits[response.headers.get("Retry-After", "none")] += 1


def put_under_load(service: Service, job_id: str, clients: int, rounds: int) -> Load:
    """The load of `clients` clients that ask `rounds` times each, all at once."""
    load, over, together = Load(), threading.Event(), threading.Barrier(clients)
    where = f"/v1/flow/explain/models/{job_id}/influential-finetuning-data"

    def one(number: int) -> None:
        with service.client() as client:
            together.wait()
            for turn in range(rounds):
                began = time.perf_counter()
                asked = {"question": f"{QUESTION} ({number}, {turn})", "answer": ANSWER}
                load.note(client.get(where, params=asked), time.perf_counter() - began)

    def watch() -> None:
        with service.client() as client:
            while not over.wait(0.05):
                began = time.perf_counter()
                client.get("/healthz").raise_for_status()
                load.health.append(time.perf_counter() - began)

    with ThreadPoolExecutor(clients + 1) as pool:
        watcher = pool.submit(watch)
        asking = [pool.submit(one, number) for number in range(clients)]
        wait(asking)
        over.set()
        for done in (*asking, watcher):
            done.result()
    return load


def percentiles(seconds: list[float]) -> str:
    """The median and the 99th percentile."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive") if len(seconds) > 1 else seconds * 99
    return f"p50 {1000 * cuts[49]:.0f} ms, p99 {1000 * cuts[98]:.0f} ms"


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default=TINY)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--queue", type=int, default=16)
    chosen = parser.parse_args()
    with running(WHENCE_ENGINE_QUEUE=str(chosen.queue)) as service:
        job_id = service.trained(chosen.model)
        put_under_load(service, job_id, 1, 2)
        began = time.perf_counter()
        load = put_under_load(service, job_id, chosen.clients, chosen.rounds)
        took = time.perf_counter() - began
    print(f"{chosen.model}, {chosen.clients} clients × {chosen.rounds} at once, queue of {chosen.queue}, {took:.1f} s:")
    for status, seconds in sorted(load.seconds.items()):
        print(f"  {status}: {len(seconds)} requests, {percentiles(seconds)}")
    print(f"  Retry-After (s): {dict(load.waits)}")
    print(f"  /healthz meanwhile: {percentiles(load.health)}, slowest {1000 * max(load.health):.0f} ms")


if __name__ == "__main__":
    main()
