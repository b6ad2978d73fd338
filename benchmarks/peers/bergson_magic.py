"""bergson's MAGIC: the recorded training replayed in float32 and differentiated through, one question at a time.

Its trainer gets what ours recorded: the same start, batches in the same order, learning rates, clipping and optimizer.
It keeps its own epsilon under Adam's root and its own weighting of a loss.
"""

import shutil
from pathlib import Path

import numpy as np
import torch
from bergson.config.config import DataConfig, QuerySetConfig
from bergson.magic.cli import compute_per_query_magic_scores
from bergson.magic.config import MagicConfig
from bergson.magic.data_stream import DataStream, Padding
from bergson.magic.trainer import prepare_trainer
from datasets import Dataset

from benchmarks.peers.bergson import columns_of
from benchmarks.peers.material import Job, Outcome, answer_tokens, bytes_in, main, timed

LIMIT = 1.0
"""The longest gradient that is not cut, as our trainer has it."""


def stream_of(job: Job) -> DataStream:
    """The pairs in the order in which they were trained on, each with one weight for all its occurrences."""
    order = [row for step in job.order for row in step]
    if any(len(step) != job.batch_size for step in job.order):
        raise ValueError(f"every step must have {job.batch_size} pairs: choose a number of pairs that this divides")
    width = max(len(row["input_ids"]) for row in job.train)
    columns = columns_of([job.train[row] for row in order])
    data = Dataset.from_dict({**columns, "doc_ids": [[row] * width for row in order]})
    return DataStream(data, job.batch_size, weight_shape=(len(job.train),))


def config_of(job: Job, folder: Path) -> MagicConfig:
    """The recorded recipe as the library's configuration."""
    return MagicConfig(
        run_path=str(folder),
        model=job.points[0].folder,
        tokenizer=job.base,
        precision="fp32",
        data=DataConfig(),
        query=QuerySetConfig(aggregation="none"),
        batch_size=job.batch_size,
        adam_beta1=0.9,
        adam_beta2=0.999,
        weight_decay=0.0,
        max_grad_norm=LIMIT,
        wandb_project="",
    )


def magic(job: Job) -> Outcome:
    """d log p(answer) / d weight of every pair."""
    folder = job.folder / "bergson-magic"
    shutil.rmtree(folder, ignore_errors=True)
    config, stream, rates = config_of(job, folder), stream_of(job), torch.tensor(job.rates)
    trainer, state, model = prepare_trainer(config, 0, lambda step: rates[step])
    points = str(folder / "checkpoints")

    def train() -> None:
        nonlocal state
        state = trainer.train(state, stream, inplace=True, save_dir=points, max_grad_norm=LIMIT)

    def ask() -> torch.Tensor:
        queries = Dataset.from_dict(columns_of(job.queries))
        return compute_per_query_magic_scores(
            trainer, points, stream, state, model, queries, len(job.queries), config, 1, 0, Padding()
        )

    _, build = timed(train)
    found, every = timed(ask)
    # The library differentiates the mean loss of an answer's tokens.
    tokens = np.array([answer_tokens(row) for row in job.queries])
    each = every / len(job.queries)
    settings = {"eps_root": config.eps_root, "save_mode": config.save_mode}
    return Outcome(-found.numpy().T * tokens[:, None], build, each, each, bytes_in(folder), settings)


if __name__ == "__main__":
    main({"magic": magic})
