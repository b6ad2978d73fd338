"""The comparison as a Markdown table, with the facts of its run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.peers.truth import Estimate

KINDS = ("paraphrase", "training", "held-out", "wrong")
MIB = 2**20


@dataclass(frozen=True)
class Row:
    """A contender: LDS over all questions and by kind, recall of sources and of main causes, and its costs
    (`Outcome`'s facts)."""

    library: str
    variant: str
    every: Estimate
    by_kind: Mapping[str, Estimate]
    recall: Estimate
    cause: Estimate
    facts: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The displayed name."""
        return self.variant if self.library == "ours" else f"{self.library} {self.variant}"


def markdown(rows: Sequence[Row], made: Mapping[str, Any]) -> str:
    """The tables, best first, under a description of the measurement."""
    ordered = sorted(rows, key=lambda row: -row.every.mean)
    faith = [["method", "LDS", *KINDS, "source in first 3", "cause in first 3"], *(_faith(row) for row in ordered)]
    cost = [["method", "build s", "s per question", "… of many", "KiB per pair", "peak MiB"]]
    cost += [_cost(row, made["pairs"]) for row in ordered]
    failed = "".join(f"- {name} gave no scores: {why}\n" for name, why in made["failed"].items())
    return f"{_head(made)}\n{table_of(faith)}\n{table_of(cost)}\n{failed}{_settings(ordered)}\n{_foot(made)}"


def _head(made: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{count} {kind}" for kind, count in made["questions"].items())
    return f"""# {made["name"]}

{made["pairs"]} pairs, {made["retrainings"]} retrainings on random halves of them, {sum(made["questions"].values())}
questions ({counts}). LDS: Spearman's correlation over the retrainings between the answer's log-probability and the sum
of the scores of the pairs kept, mean over the questions ± standard error (over questions and retrainings). Names
without a library are Whence's own methods at their own settings.

{_causes(made)}
![Faithfulness against the time of a question](frontier.svg)
"""


def _causes(made: Mapping[str, Any]) -> str:
    asked = made["questions"].get("paraphrase", 0)
    return f"""The source of a paraphrase is the pair that states its answer. The cause of an answer is the pair that
these retrainings name beyond doubt ({made["clear"]:g} standard errors) as what makes it likeliest: {made["caused"]}
answers have one. Of {asked} paraphrases it is the source for {made["caused_by_source"]}.
"""


def _faith(row: Row) -> list[str]:
    kinds = [_share(row.by_kind[kind]) if kind in row.by_kind else "" for kind in KINDS]
    return [row.name, _share(row.every), *kinds, _share(row.recall), _share(row.cause)]


def _share(found: Estimate) -> str:
    return f"{found.mean:.3f} ± {found.error:.3f}"


def _cost(row: Row, pairs: int) -> list[str]:
    facts = row.facts
    times = [f"{facts[name]:.2f}" for name in ("build", "one", "each")]
    return [row.name, *times, f"{facts['stored'] / pairs / 1024:,.1f}", f"{facts['peak'] / MIB:,.0f}"]


def table_of(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a Markdown table; the first is its header."""
    head, *rest = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|---" * len(rows[0]) + "|", *rest]) + "\n"


def _settings(rows: Sequence[Row]) -> str:
    lines = (f"- {row.name}: {_words(row.facts['settings'])}" for row in rows)
    return "\nSettings:\n\n" + "\n".join(lines) + "\n"


def _words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items()) or "none"


def _foot(made: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    return f"""Seconds are of one processor core, one thread. A question is asked alone, with the model in memory where
the library keeps it there; `… of many` is a question's share when all are asked at once. KiB per pair is all that is
stored (gradients, factors) divided by the pairs. Peak memory is the process', the model and its libraries with it.
Whence computes in the run's own precision (bfloat16 base, float32 adapter), the peers in float32.

Whence: {versions}. Peers: {", ".join(f"{name} {version}" for name, version in made["peers"].items())}.
Run `{made["run"][:12]}`, seed {made["seed"]}, job `{made["job"][:12]}`. `results.json` has every number,
`retrained.npz` the log-probabilities and the pairs kept.
"""
