"""A run made of a model that somebody else fine-tuned: its adapter or weights, its checkpoints, its data."""

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import Trainer

from whence.errors import ModelError
from whence.models.adapter import load_adapter, trainable, trainable_weights
from whence.models.base import load
from whence.store.artifact import hash_file
from whence.training.proxy_training import STATE
from whence.training.run import ADAPTER, FINISHED, load_base
from whence.training.trace import corrected_moment, name_of, read_checkpoints

OPTIMIZER = "optimizer.pt"


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds a PEFT adapter rather than a whole model."""
    return (folder / "adapter_config.json").is_file()


def import_weights(
    base: Path, finished: Path, checkpoints: Sequence[Path], trace: Path | None, part: Path, alone: bool = False
) -> None:
    """Bring a finished model and the points that are left of its path into a run folder.

    `checkpoints` are Hugging Face checkpoint folders in order of training; `trace` is a folder that `TraceCallback`
    wrote, which has the points itself. `alone`: the finished model is kept apart, since a stand-in makes the path.

    Raises:
        ModelError: the parts do not fit together.
    """
    target = part / "trace"
    if alone:
        import_finished(base, finished, part / FINISHED)
    elif trace is not None:
        source = trace / "trace" if (trace / "trace").is_dir() else trace
        recorded = read_checkpoints(source)
        if not recorded:
            raise ModelError(
                f"{trace} must hold a trace that TraceCallback wrote, but has no checkpoint. Name its folder."
            )
        adapted = is_adapter(finished)
        model = load_base(base, full=not adapted)
        require_fit(load_adapter(model, finished) if adapted else model, load_file(recorded[-1].weights), trace)
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif is_adapter(finished):
        import_adapters(base, points(checkpoints, finished), target)
    else:
        import_models(base, points(checkpoints, finished), target)
    if is_adapter(finished):
        shutil.copytree(finished, part / ADAPTER, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.pt", "*.bin"))


def hash_weights(folder: Path) -> str:
    """SHA-256 over a folder's safetensors files.

    Raises:
        ModelError: it has none.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelError(f"{folder} must hold weights as *.safetensors, but has none. Name an adapter or a checkpoint.")
    return hashlib.sha256("".join(hash_file(file) for file in files).encode()).hexdigest()


def hash_trace(folder: Path) -> str:
    """SHA-256 over a trace's files."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".safetensors", ".parquet"))
    return hashlib.sha256("".join(hash_file(file) for file in files).encode()).hexdigest()


def points(checkpoints: Sequence[Path], finished: Path) -> list[tuple[int, Path]]:
    """The points with their steps, in order, the finished model last."""
    known = sorted((step_of(path, place), path) for place, path in enumerate(checkpoints, start=1))
    last = max((step for step, _ in known), default=0)
    return [*known, (step_of(finished, last + 1), finished)]


def step_of(folder: Path, fallback: int) -> int:
    """The optimizer step of a Hugging Face checkpoint folder; `fallback` where it does not say."""
    state = folder / STATE
    if state.is_file():
        return int(json.loads(state.read_text("utf-8"))["global_step"])
    digits = folder.name.rpartition("-")[2]
    return int(digits) if folder.name.startswith("checkpoint-") and digits.isdigit() else fallback


def import_finished(base: Path, finished: Path, target: Path) -> None:
    """Write the finished model as a point that belongs to no trace."""
    if is_adapter(finished):
        write_point(target, load_adapter(load_base(base, full=False), finished), finished)
        return
    start, model = load(base, dtype=torch.float32), load(finished, dtype=torch.float32)
    require_fit(start, trainable(model), finished)
    write_point(target, model, finished)


def import_adapters(base: Path, found: Iterable[tuple[int, Path]], target: Path) -> None:
    """Write LoRA checkpoints as points of a trace."""
    for step, folder in found:
        model = load_adapter(load_base(base, full=False), folder)
        write_point(target / name_of(step), model, folder)


def import_models(base: Path, found: Iterable[tuple[int, Path]], target: Path) -> None:
    """Write whole models as points of a trace, beginning with the base model itself."""
    start = load(base, dtype=torch.float32)
    write_point(target / name_of(0), start, base)
    for step, folder in found:
        model = load(folder, dtype=torch.float32)
        require_fit(start, trainable(model), folder)
        write_point(target / name_of(step), model, folder)


def require_fit(model: nn.Module, weights: Mapping[str, Tensor], source: Path) -> None:
    """Raise unless `weights` have just the names and shapes of what is trained in `model`."""
    wanted = {name: p.shape for name, p in trainable(model).items()}
    found = {name: weight.shape for name, weight in weights.items()}
    if odd := sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)):
        raise ModelError(
            f"{source} does not fit this base model: {len(odd)} weights differ ({odd[0]}, …). "
            "Name the base model it was trained on."
        )


def write_point(target: Path, model: nn.Module, source: Path) -> None:
    """Write one point, with Adam's second moments where the source folder has the optimizer's state."""
    target.mkdir(parents=True, exist_ok=True)
    save_file(trainable_weights(model), target / "weights.safetensors")
    moments = read_moments(model, source / OPTIMIZER) if (source / OPTIMIZER).is_file() else {}
    if moments:
        save_file(moments, target / "moments.safetensors")


def read_moments(model: nn.Module, path: Path) -> dict[str, Tensor]:
    """Adam's bias-corrected second moments from a Hugging Face checkpoint, by parameter name.

    Its state is numbered in the order of the Trainer's two parameter groups (with and without weight decay). Where
    that order does not fit the model's shapes the moments are left out: a wrong metric is worse than none.
    """
    state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    names = grouped_names(model)
    shapes = {name: p.shape for name, p in model.named_parameters()}
    found: dict[str, Tensor] = {}
    for group in state["param_groups"]:
        for number in group["params"]:
            entry = state["state"].get(number, {})
            if number >= len(names) or "exp_avg_sq" not in entry or entry["exp_avg_sq"].shape != shapes[names[number]]:
                return {}
            corrected = corrected_moment(entry["exp_avg_sq"], float(entry["step"]), group["betas"][1])
            found[names[number]] = corrected.to(torch.bfloat16).contiguous()
    return found


def grouped_names(model: nn.Module) -> list[str]:
    """Trained parameters in the order in which a Trainer hands them to its optimizer."""
    ask: Any = Trainer.get_decay_parameter_names  # a method that makes no use of its trainer
    decayed = set(ask(None, model))
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    return [n for n in names if n in decayed] + [n for n in names if n not in decayed]
