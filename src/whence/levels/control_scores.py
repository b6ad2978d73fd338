"""The scores of the control queries, stored beside the null: the nulls of sums and differences of scores are computed
from them.

Stored standardised, (score - location) / scale of the row's null, as float16: units differ by powers of ten between
methods, standardised values do not.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from safetensors.numpy import load_file, save_file

from whence.errors import ArtifactError
from whence.levels.null import POOL, Null, location_scale, spread_of

FILE = "controls.safetensors"
LARGEST = 6e4
"""The approximate largest standardised value that float16 can store."""


@dataclass(frozen=True)
class ControlScores:
    """Each control's scores, and the spread of its standardised scores, at least 1."""

    scores: Float[ndarray, "control train"]
    spread: Float[ndarray, " control"]

    @staticmethod
    def of(scores: Float[ndarray, "control train"]) -> "ControlScores":
        """Control scores with the spread of each against the null of the others, as for a new query."""
        thin, spread = thinned(scores), list[ndarray]()
        for i in range(scores.shape[0]):
            location, scale = location_scale(np.delete(thin, i, axis=0))
            spread.append(spread_of((thin[i : i + 1] - location) / scale))
        return ControlScores(scores, np.concatenate(spread).astype(np.float32))

    def save(self, folder: Path, null: Null) -> None:
        """Write them beside their null."""
        z = np.clip((self.scores - null.location) / null.scale, -LARGEST, LARGEST).astype(np.float16)
        save_file({"z": np.ascontiguousarray(z), "spread": self.spread}, folder / FILE)

    @staticmethod
    def load(folder: Path, null: Null) -> "ControlScores":
        """The scores that `save` wrote, to the precision of float16.

        Raises:
            ArtifactError: the index was built without them.
        """
        if not (folder / FILE).is_file():
            raise ArtifactError(
                f"Groups and contrasts need the scores of the control questions, but {folder} has no {FILE}. "
                "Delete that folder and build the index again."
            )
        kept = load_file(folder / FILE)
        return ControlScores(null.location + null.scale * kept["z"].astype(np.float32), kept["spread"])


def thinned(scores: Float[ndarray, "control train"]) -> Float[ndarray, "control some"]:
    """The scores of evenly spaced rows, at most as many as a null uses."""
    count, rows = scores.shape
    most = max(POOL // count, 1)
    return scores if rows <= most else scores[:, np.linspace(0, rows - 1, most).round().astype(int)]
