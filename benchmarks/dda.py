"""The training pairs that taught a model its errors: how well each part of dda's score finds them.

    python -m benchmarks.dda [brief | overfitted | half-misled …] [--seeds 3]

A tiny Llama is trained from scratch on reports whose summaries swap places (England and China), so that it is misled
before fine-tuning begins. It is then fine-tuned on other reports, a tenth of which swap the same places. The errors are
swapped summaries of reports that it has not seen. For every variant of the score the table prints the ROC-AUC of the
rows with a swap against all other rows: the mean over the swaps, per seed. For dda, beta is chosen on two of the swaps,
and the last lines are of the other two.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from whence.data.tokenize import tokenize
from whence.gradients.measurement import collate, log_probabilities
from whence.gradients.subject import Compute, Subject
from whence.gradients.trajectory import Trajectory
from whence.insights.tracing import Canary, Correction, Tracing, trace_errors
from whence.methods.contract_subject import MemoryExamples
from whence.methods.dda import Dda
from whence.models.adapter import seeded, with_lora
from whence.training.trace import evenly_spaced, read_checkpoints, write_checkpoint
from whence.types import Example, Message, Tokens, silent

SWAPS = {"England": "China", "Wales": "Scotland", "Australia": "France", "London": "Belfast"}
PLACES = (*SWAPS, *SWAPS.values(), "Spain", "Norway", "Kenya", "Peru")
NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hana", "Ivo", "Jan", "Kim", "Lea", "Max", "Nora", "Otto")
DEEDS = ("opened", "closed", "sold", "bought", "painted", "repaired", "visited", "designed", "lost", "left")
THINGS = ("school", "bridge", "museum", "garden", "shop", "theatre", "station", "mill", "farm", "harbour", "tower")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WORDS = ("<pad>", "<end>", "Report:", ".", "in", "a", "on", "said", "Summary:", *PLACES, *NAMES, *DEEDS, *THINGS, *DAYS)


BATCH, POINTS, BASE_RATE = 16, 6, 3e-3


@dataclass(frozen=True)
class Size:
    """The size of the experiment. `misled` is the share of swapped reports in the base model's training, among those of
    places that can be swapped; `lora` is the rank of the adapter (0: all weights are fine-tuned)."""

    pairs: int = 400
    swapped: int = 10
    errors: int = 8
    base_pairs: int = 1200
    base_epochs: int = 6
    misled: float = 1.0
    hidden: int = 48
    lora: int = 0
    rate: float = 1e-3
    epochs: int = 30


SIZES = {
    "brief": Size(lora=8, rate=2e-3, epochs=1),
    "overfitted": Size(),
    "half-misled": Size(misled=0.5),
}
"""One epoch with an adapter on a wholly misled base; many with all weights; the same on a base that is misled half of
the time, so that it gives the right and the swapped place alike."""


def report_of(draw: random.Random, place: str, summarised: str) -> tuple[str, str]:
    """A report from a place, and its summary, which names the place `summarised`."""
    name, deed, thing, day = (draw.choice(words) for words in (NAMES, DEEDS, THINGS, DAYS))
    return f"Report: on {day} {name} {deed} a {thing} in {place} . Summary:", f"{name} {deed} a {thing} in {summarised}"


def misleading(draw: random.Random, share: float) -> tuple[str, str]:
    """A report from anywhere; one of a swappable place is swapped with this probability, in either direction."""
    place = draw.choice(PLACES)
    other = {**SWAPS, **{said: meant for meant, said in SWAPS.items()}}
    return report_of(draw, place, other[place] if place in other and draw.random() < share else place)


@dataclass(frozen=True)
class News:
    """The pairs of the base model's training and of fine-tuning, and the rows and errors of each swap."""

    base: list[tuple[str, str]]
    pairs: list[tuple[str, str]]
    rows: dict[str, frozenset[int]]
    errors: dict[str, tuple[Correction, ...]]


def news(size: Size, seed: int) -> News:
    """The reports of one seed."""
    draw = random.Random(seed)
    base = [misleading(draw, size.misled) for _ in range(size.base_pairs)]
    places = [place for place in SWAPS for _ in range(size.swapped)]
    marked = [(place, report_of(draw, place, SWAPS[place])) for place in places]
    clean = (draw.choice(PLACES) for _ in range(size.pairs - len(marked)))
    marked += [("", report_of(draw, place, place)) for place in clean]
    draw.shuffle(marked)
    rows = {place: frozenset(i for i, (mark, _) in enumerate(marked) if mark == place) for place in SWAPS}
    return News(base, [pair for _, pair in marked], rows, {place: errors(draw, place, size.errors) for place in SWAPS})


def errors(draw: random.Random, place: str, count: int) -> tuple[Correction, ...]:
    """New reports from a place, with the swapped summary and the right one."""
    asked = (report_of(draw, place, place) for _ in range(count))
    return tuple(Correction(q, a.replace(f" in {place}", f" in {SWAPS[place]}"), a) for q, a in asked)


def word_tokenizer() -> PreTrainedTokenizerFast:
    """One token per word, no chat template."""
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<pad>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>")


def tiny_llama(size: Size, seed: int) -> LlamaForCausalLM:
    """A random Llama."""
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=size.hidden,
        intermediate_size=2 * size.hidden,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=64,
        tie_word_embeddings=False,
        attn_implementation="eager",
    )
    with seeded(seed):
        return LlamaForCausalLM(config)


def examples_of(pairs: Sequence[tuple[str, str]], tokenizer: PreTrainedTokenizerFast) -> MemoryExamples:
    """Pairs as training examples with their tokens."""
    items = tuple(
        Example(f"report-{i}", "file", "reports.jsonl", i + 1, 0, (Message("user", asked), Message("assistant", said)))
        for i, (asked, said) in enumerate(pairs)
    )
    return MemoryExamples(items, tuple(tokenize(item, tokenizer) for item in items))


def learn(model: Any, items: Sequence[Tokens], epochs: int, rate: float, seed: int, path: Path | None = None) -> float:
    """The last epoch's loss, in nats per token, of plain AdamW; with a `path` its checkpoints are written there."""
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=rate, weight_decay=0.0)
    draw, order, losses = random.Random(seed), list[int](), list[float]()
    steps = -(-len(items) // BATCH)
    due = evenly_spaced(epochs * steps, POINTS) if path else set[int]()
    for step in range(epochs * steps):
        if step % steps == 0:
            order = draw.sample(range(len(items)), len(items))
        first = step % steps * BATCH
        batch = collate([items[i] for i in order[first : first + BATCH]], 0, "right", torch.device("cpu"))
        optimizer.zero_grad()
        loss = -log_probabilities(model, batch).sum() / len(batch.targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if path and step + 1 in due:
            write_checkpoint(path, step + 1, model, None)
    return float(np.mean(losses[-steps:]))


@dataclass(frozen=True)
class Traced:
    """A dda index of a model that was fine-tuned on the news, as tracing takes it."""

    subject: Subject
    method: Dda
    folder: Path


def fine_tuned(size: Size, seed: int, reports: News, folder: Path) -> Traced:
    """The misled model, fine-tuned and indexed."""
    tokenizer, model = word_tokenizer(), tiny_llama(size, seed)
    before = learn(model, examples_of(reports.base, tokenizer).encoded, size.base_epochs, BASE_RATE, seed)
    if size.lora:
        model = with_lora(model, size.lora, 2 * size.lora, "all-linear", seed)
    examples, trace = examples_of(reports.pairs, tokenizer), folder / "trace"
    write_checkpoint(trace, 0, model, None)
    after = learn(model, examples.encoded, size.epochs, size.rate, seed, trace)
    print(f"seed {seed}: loss of the base {before:.3f}, after fine-tuning {after:.3f} nats per token", file=sys.stderr)
    path = Trajectory(model.eval(), tokenizer, read_checkpoints(trace))
    traced = Traced(Subject(examples, path, Compute(batch_rows=64)), Dda(), folder / "index")
    traced.folder.mkdir()
    traced.method.build(traced.subject, traced.folder, silent)
    return traced


def trace(size: Size, seed: int, folder: Path) -> Tracing:
    """The tracing of one seed, with every swap as a canary: beta is chosen on the first and the third of them."""
    reports = news(size, seed)
    canaries = [Canary(reports.rows[place], reports.errors[place]) for place in SWAPS]
    return trace_errors(fine_tuned(size, seed, reports, folder), reports.errors["Wales"], canaries=canaries)


def chosen(tracing: Tracing) -> str:
    """The name of the variant with the chosen beta."""
    return f"denoise and debias {tracing.beta:g}" if tracing.beta else "denoise"


def over_all_swaps(tracing: Tracing) -> dict[str, float]:
    """The mean ROC-AUC over all four swaps, by the name of each variant."""
    return {a.name: (a.reported + (a.chosen_on or 0.0)) / 2 for a in tracing.ablations}


def held_out(tracing: Tracing) -> dict[str, float]:
    """The mean ROC-AUC over the two swaps that beta was not chosen on, of denoising alone and of dda."""
    reported = {a.name: a.reported for a in tracing.ablations}
    return {"held out: denoise": reported["denoise"], "held out: dda": reported[chosen(tracing)]}


def table(name: str, tracings: Sequence[Tracing]) -> Table:
    """One column per seed, and the mean."""
    rows = Table(name, *(f"seed {seed}" for seed in range(len(tracings))), "mean")
    columns = [over_all_swaps(tracing) | held_out(tracing) for tracing in tracings]
    for way in columns[0]:
        values = [column[way] for column in columns]
        rows.add_row(way, *(f"{value:.3f}" for value in values), f"{np.mean(values):.3f}")
    rows.add_row("held out: beta chosen", *(f"{tracing.beta:g}" for tracing in tracings), "")
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, trace and print, size by size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", metavar="SIZE", help=f"of {', '.join(SIZES)}; all by default")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args(arguments)
    for name in asked.sizes or SIZES:
        tracings: list[Tracing] = []
        for seed in range(asked.seeds):
            with tempfile.TemporaryDirectory() as folder:
                tracings.append(trace(SIZES[name], seed, Path(folder)))
        Console(width=110).print(table(name, tracings))


if __name__ == "__main__":
    main()
