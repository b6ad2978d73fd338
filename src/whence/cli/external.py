"""A model that was trained elsewhere, which `whence index` imports as a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from whence.cli.formatting import counted, duration
from whence.cli.output import console
from whence.types import Report

if TYPE_CHECKING:
    from whence.training.recipe import Recipe
    from whence.training.run import Run


@dataclass(frozen=True)
class Foreign:
    """A model trained elsewhere and what is left of its training; `recipe` is the stand-in's (None: no stand-in)."""

    base_model: str
    adapter: Path
    data: tuple[str, ...]
    out: Path
    checkpoints: tuple[Path, ...] = ()
    trace: Path | None = None
    recipe: "Recipe | None" = None

    def run(self, report: Report) -> "Run":
        """Import the model, or return the run that it was imported as."""
        from whence.pipeline import import_run

        return import_run(
            base_model=self.base_model,
            data=list(self.data),
            out=self.out,
            adapter=self.adapter,
            checkpoints=self.checkpoints,
            trace=self.trace,
            report=report,
            stand_in=self.recipe or False,
        )

    def tell_cost(self, report: Report) -> None:
        """Print to standard error the cost of a stand-in that is yet to be trained, if the data are valid."""
        if self.recipe is None or self.out.exists() or not any(self.adapter.glob("*.safetensors")):
            return
        from whence.data.validate import check
        from whence.models.base import context_length, load_tokenizer, resolve
        from whence.training.estimate import estimate, parameters_of
        from whence.training.imported import is_adapter
        from whence.training.proxy_training import proxy_recipe

        folder = resolve(self.base_model, report)
        found = check(list(self.data), load_tokenizer(folder), context_length(folder))
        if not found.valid or not found.examples:
            return
        recipe = proxy_recipe(self.adapter, not is_adapter(self.adapter), found.examples, self.recipe)
        takes = duration(estimate(found, recipe, parameters_of(folder)).train_seconds)
        console(stderr=True).print(
            f"The trajectory of this training was not recorded, so a stand-in is trained on the same pairs: "
            f"{counted(recipe.epochs or 1, 'epoch')} of {counted(found.examples, 'pair')}, about {takes}. If it is "
            "interrupted, run the same command again to resume; --no-stand-in skips it, for weaker evidence."
        )
