"""Ablated contexts, and the sources that each keeps."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from whence.context.split import Piece


def draw(sources: int, ablations: int, seed: int) -> Bool[ndarray, "ablation source"]:
    """Return the sources that each ablation keeps: each with probability 1/2, independently.

    If the sources have no more than `ablations` subsets, each subset occurs once instead, so that nothing is random
    and no ablation is measured twice.
    """
    if 2**sources <= ablations:
        return (np.arange(2**sources)[:, None] >> np.arange(sources)) % 2 == 1
    return np.random.default_rng(seed).random((ablations, sources)) < 0.5


def ablated(text: str, pieces: Sequence[Piece], keep: Bool[ndarray, "source"]) -> str:
    """Return the text of the kept pieces, with the white space between them.

    Around left-out pieces the widest white space remains, so that paragraphs stay separate.
    """
    gaps = [text[left.stop : right.offset] for left, right in pairwise(pieces)]
    kept = np.flatnonzero(keep).tolist()
    joints = (max(gaps[left:right], key=_width) for left, right in pairwise(kept))
    return "".join(joint + pieces[i].text for joint, i in zip(("", *joints), kept, strict=False))


def _width(gap: str) -> tuple[int, int]:
    return gap.count("\n"), len(gap)
