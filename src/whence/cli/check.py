"""`whence check`: the contents of data files, before anything is computed."""

import re
import shlex
from pathlib import Path

from whence.cli.flags import BaseModel, Files, Json
from whence.cli.output import print_json, show
from whence.types import DEFAULT_MODEL


def check(files: Files, /, *, base_model: BaseModel = DEFAULT_MODEL, as_json: Json = False) -> int:
    """Show what the files hold; the exit code is 1 if a line is invalid."""
    from whence.data.validate import check as check_data

    folder = here(base_model)
    if folder is None:
        report, estimate = check_data(files), None
    else:
        from whence.models.base import context_length, load_tokenizer
        from whence.training.estimate import estimate as estimated
        from whence.training.estimate import parameters_of
        from whence.training.recipe import Recipe

        report = check_data(files, load_tokenizer(folder), context_length(folder))
        estimate = estimated(report, Recipe(), parameters_of(folder)) if report.examples else None
    if as_json:
        costs = {name: getattr(estimate, name) for name in COSTS} if estimate else None
        print_json({**report.to_dict(), "base_model": base_model, "estimate": costs})
    else:
        from whence.cli.tables import data_report

        hints = list(next_steps(files, base_model, report.valid, folder is not None))
        show(data_report(report, estimate, hints))
    return 0 if report.valid else 1


COSTS = ("seconds", "train_seconds", "index_seconds", "disk_bytes")


def next_steps(files: list[str], base_model: str, valid: bool, counted: bool) -> list[str]:
    """The next steps that the user may take."""
    steps: list[str] = []
    if not counted:
        pull = shlex.join(["whence", "models", "pull", base_model])
        steps.append(f"Tokens were not counted: {base_model} is not downloaded. Download it with:\n  {pull}")
    other = [] if base_model == DEFAULT_MODEL else ["--base-model", base_model]
    command = shlex.join(["whence", "train", *files, *other])
    steps.append(f"All lines are valid. Next:\n  {command}" if valid else "Correct these lines, then check again.")
    return steps


def here(name: str) -> Path | None:
    """The folder of a base model, None if it has yet to be downloaded.

    Raises:
        ModelError: the name is unknown, or the folder holds no base model.
    """
    from whence.models.catalog import CATALOG, installed

    if name in CATALOG:
        return installed(name)
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name) and not Path(name).is_dir():
        return downloaded(name)
    from whence.models.base import resolve

    return resolve(name)


def downloaded(hub_id: str) -> Path | None:
    """The folder of a hub repository that was already downloaded, else None."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(hub_id, "config.json")
    return Path(found).parent if isinstance(found, str) else None
