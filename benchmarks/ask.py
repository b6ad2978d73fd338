"""Asking without generation ÷ one forward and backward of the query.

    python -m benchmarks.ask [--repetitions 9]

Both in one process with the model in memory: for a given answer, the default method's index is searched, the lift
measured, levels judged.
"""

import argparse

from benchmarks.build import passes_alone
from benchmarks.subject import helpdesk_run
from benchmarks.timing import ratio
from whence import pipeline
from whence.gradients.subject import query_tokens
from whence.types import Query


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repetitions", type=int, default=9)
    chosen = parser.parse_args()
    index = pipeline.build_index(helpdesk_run())
    example = index.run.examples[0]
    query = Query.of(example.question, example.answer)
    items = query_tokens(index.subject, [query])
    work = {
        "ask": lambda: pipeline.attribute(index, example.question, example.answer),
        "passes alone": lambda: passes_alone(index.subject, items),
    }
    found, seconds = ratio(work, chosen.repetitions)
    print(
        f"ask without generation ÷ one forward and backward of the query: {found:.2f}  "
        f"(ask {seconds['ask'] * 1000:.0f} ms, passes {seconds['passes alone'] * 1000:.0f} ms, "
        f"{len(items[0].input_ids)} tokens, {len(index.run.examples)} rows)"
    )


if __name__ == "__main__":
    main()
