"""bergson: gradient dot and cosine, EK-FAC, TrackStar (arXiv:2410.17413) and SOURCE (arXiv:2405.12186).

All but SOURCE store a gradient for each pair and answer from memory. SOURCE keeps the factors of each segment of the
training; a question costs a pass over all pairs at each checkpoint.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from bergson.approx_unrolling.pipeline import approx_unrolling_pipeline
from bergson.approx_unrolling.precompute_checkpoints import (
    precompute_checkpoint_averaged_lambdas,
    precompute_checkpoint_hessians,
)
from bergson.approx_unrolling.segment_aggregation import aggregate_segment_covariances, aggregate_segment_lambdas
from bergson.build import build
from bergson.config.config import (
    ApproxUnrollingConfig,
    DataConfig,
    HessianConfig,
    IndexConfig,
    PreprocessConfig,
    QuerySetConfig,
)
from bergson.data import load_scores
from bergson.hessians.hessian_approximations import approximate_hessians
from bergson.query.attributor import Attributor
from bergson.utils.worker_utils import extract_peft_target_modules
from datasets import Dataset

from benchmarks.peers.material import (
    Job,
    Outcome,
    bytes_in,
    collate,
    load,
    main,
    summed_loss,
    timed,
)

PROJECTION = 16
"""TrackStar's own default: each layer's gradient becomes 16 × 16 numbers."""
SEGMENTS = 3
METHOD = "kfac"
EKFAC = HessianConfig(method=METHOD, ev_correction=True)


def index_of(job: Job, folder: Path, projection: int = 0) -> IndexConfig:
    """The configuration of the index; the data set is written beside the folder."""
    data = folder.with_name(f"{folder.name}-pairs")
    write_rows(job.train, data)
    return IndexConfig(
        run_path=str(folder),
        model=job.adapter,
        tokenizer=job.base,
        data=DataConfig(dataset=str(data)),
        projection_dim=projection,
        overwrite=True,
    )


def write_rows(rows: list[dict[str, list[int]]], folder: Path) -> None:
    """Conversations as a data set on disk."""
    Dataset.from_dict(columns_of(rows)).save_to_disk(str(folder))


def columns_of(rows: list[dict[str, list[int]]]) -> dict[str, list[list[int]] | list[int]]:
    """Conversations as the columns of a data set."""
    columns = {name: [row[name] for row in rows] for name in ("input_ids", "labels")}
    return {**columns, "length": [len(row["input_ids"]) for row in rows]}


def fresh(job: Job, name: str) -> Path:
    """An empty folder of a variant."""
    folder = job.folder / f"bergson-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def indexed(job: Job, name: str, projection: int, cosine: bool, hessian: HessianConfig | None) -> Outcome:
    """Scores from a stored index, one question at a time."""
    folder = fresh(job, name)
    index, factors = folder / "index", folder / "factors"

    def make() -> Attributor:
        build(index_of(job, index, projection), PreprocessConfig())
        if hessian is not None:
            approximate_hessians(index_of(job, factors, projection), hessian)
        return Attributor(
            index,
            unit_norm=cosine,
            hessian_path=_method_folder(factors, hessian),
            ev_correction=hessian is not None and hessian.ev_correction,
        )

    attributor, seconds = timed(make)
    stored = bytes_in(*(path for path in (index, factors) if path.exists()))
    ask = asker(job, attributor)
    _, one = timed(lambda: ask(job.queries[0]))
    scores, every = timed(lambda: np.stack([ask(query) for query in job.queries]))
    settings = {"projection_dim": projection, "unit_norm": cosine, "hessian": hessian.to_dict() if hessian else None}
    return Outcome(scores, seconds, every / len(job.queries), one, stored, settings)


def _method_folder(factors: Path, hessian: HessianConfig | None) -> Path | None:
    """The folder of the factors: named for their method, except for the dense one."""
    if hessian is None:
        return None
    inner = factors / hessian.method
    return inner if inner.exists() else factors


def asker(job: Job, attributor: Attributor) -> Callable[[dict[str, list[int]]], np.ndarray]:
    """A function from a question to the scores of all pairs, with the model in memory."""
    model = load(job)
    layers = extract_peft_target_modules(model)

    def ask(query: dict[str, list[int]]) -> np.ndarray:
        with attributor.trace(model.base_model, attributor.N, modules=layers) as found:
            summed_loss(model, collate([query], job.pad)).backward()
        model.zero_grad()
        scores = np.zeros(attributor.N, dtype=np.float32)
        scores[found.indices[0].numpy()] = found.scores[0].numpy()
        return scores

    return ask


def source(job: Job, adam: bool) -> Outcome:
    """Unrolled training in segments, the pipeline's own steps; `adam` divides by the recorded second moments.

    The library's gradients are sums over a pair's answer tokens, the trainer's loss is a mean over them: the learning
    rate is scaled by the difference.
    """
    folder = fresh(job, "source-adam" if adam else "source")
    index = index_of(job, folder / "run")
    index.overwrite = False
    points = job.points[1:]
    rates = np.array_split(np.array(job.rates), SEGMENTS)
    unrolling = ApproxUnrollingConfig(
        checkpoints=[point.folder for point in points],
        segments=SEGMENTS,
        lr_list=[float(part.mean()) / job.answer_tokens for part in rates],
        step_size_list=[len(part) for part in rates],
        use_adam_preconditioner=adam,
    )

    def prepare() -> None:
        each = len(points) // SEGMENTS
        precompute_checkpoint_hessians(index, EKFAC, unrolling)
        aggregate_segment_covariances(index.run_path, METHOD, SEGMENTS, each, index.distributed)
        precompute_checkpoint_averaged_lambdas(index, EKFAC, unrolling)
        aggregate_segment_lambdas(index.run_path, METHOD, SEGMENTS, each, index.distributed)

    def ask(queries: list[dict[str, list[int]]]) -> np.ndarray:
        forget_queries(Path(index.run_path))
        write_rows(queries, folder / "queries")
        unrolling.query = QuerySetConfig(dataset=str(folder / "queries"))
        approx_unrolling_pipeline(index, EKFAC, unrolling)
        return -np.array(load_scores(Path(index.run_path) / "scores")[:]).T

    _, seconds = timed(prepare)
    stored = bytes_in(Path(index.run_path))
    _, one = timed(lambda: ask(job.queries[:1]))
    scores, every = timed(lambda: ask(job.queries))
    settings = {"segments": SEGMENTS, "checkpoints": len(points), "adam": adam, "lr_list": unrolling.lr_list}
    return Outcome(scores, seconds, every / len(job.queries), one, stored, settings)


def forget_queries(folder: Path) -> None:
    """Remove the files of the last questions: the pipeline resumes with any that exist."""
    for pattern in ("query*", "scores*", "segment_*/query*", "segment_*/scores*"):
        for path in folder.glob(pattern):
            shutil.rmtree(path)


VARIANTS = {
    "grad_dot": lambda job: indexed(job, "grad_dot", 0, False, None),
    "grad_cos": lambda job: indexed(job, "grad_cos", 0, True, None),
    "ekfac": lambda job: indexed(job, "ekfac", 0, False, EKFAC),
    "trackstar": lambda job: indexed(job, "trackstar", PROJECTION, True, HessianConfig(method="autocorrelation")),
    "source": lambda job: source(job, adam=False),
    "source_adam": lambda job: source(job, adam=True),
}

if __name__ == "__main__":
    torch.manual_seed(0)
    main(VARIANTS)
