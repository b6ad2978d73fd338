"""Memory of each process of the service: at rest, and with a model in its engine.

python -m benchmarks.service_memory [--model smollm2-135m-instruct]
"""

import argparse

import psutil

from benchmarks.service import ANSWER, QUESTION, TINY, Service, running

MODULES = {"API": "whence.api.process", "worker": "whence.worker.worker", "engine": "whence.engine.server"}


def megabytes(service: Service) -> dict[str, int]:
    """Resident MiB of each process."""
    supervisor = psutil.Process(service.process.pid).memory_info().rss
    found = {"supervisor": supervisor, **{name: service.memory(module) for name, module in MODULES.items()}}
    return {name: size >> 20 for name, size in found.items()}


def main() -> None:
    """Print the memory at rest, and after an attribution."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default=TINY)
    chosen = parser.parse_args()
    with running() as service:
        print(f"at rest: {listed(megabytes(service))}")
        job_id = service.trained(chosen.model)
        where = f"/v1/flow/explain/models/{job_id}/influential-finetuning-data"
        with service.client() as client:
            client.get(where, params={"question": QUESTION, "answer": ANSWER}).raise_for_status()
        print(f"with {chosen.model} fine-tuned and asked: {listed(megabytes(service))}")


def listed(sizes: dict[str, int]) -> str:
    """The sizes as text; processes that do not run are left out."""
    return ", ".join(f"{name} {size} MiB" for name, size in sizes.items() if size)


if __name__ == "__main__":
    main()
