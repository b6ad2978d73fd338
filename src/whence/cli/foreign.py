"""A run made of a model that was trained elsewhere, as `whence index` is told of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from whence.cli.amounts import counted, duration
from whence.cli.output import console
from whence.types import Report

if TYPE_CHECKING:
    from whence.training.recipe import Recipe
    from whence.training.run import Run


@dataclass(frozen=True)
class Foreign:
    """Somebody else's model with what is left of its training; `recipe`: of the stand-in (None: without one)."""

    base_model: str
    adapter: Path
    data: tuple[str, ...]
    out: Path
    checkpoints: tuple[Path, ...] = ()
    trace: Path | None = None
    recipe: "Recipe | None" = None

    def run(self, report: Report) -> "Run":
        """The run that is made of it, or was."""
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
        """Say on standard error what the stand-in takes, where one is to be trained yet and the data can be used."""
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
            f"The path of this training was not recorded. A stand-in is trained on its pairs for one: "
            f"{counted(recipe.epochs or 1, 'epoch')} of {counted(found.examples, 'pair')}, about {takes}. "
            "If it is stopped, the same command goes on with it; --no-stand-in does without, on a weaker basis."
        )
