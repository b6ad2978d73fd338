"""Contexts of which parts are left out, and which parts those are."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from whence.context.split import Piece


def draw(sources: int, ablations: int, seed: int) -> Bool[ndarray, "ablation source"]:
    """Which sources each ablation keeps: every one with probability 1/2, by itself.

    Where so few sources have no more than `ablations` subsets, each subset comes once instead: then nothing is left
    to chance, and no ablation is measured twice.
    """
    if 2**sources <= ablations:
        return (np.arange(2**sources)[:, None] >> np.arange(sources)) % 2 == 1
    return np.random.default_rng(seed).random((ablations, sources)) < 0.5


def ablated(text: str, pieces: Sequence[Piece], keep: Bool[ndarray, "source"]) -> str:
    """The pieces that are kept, and the white space between them.

    Of the white space around what is left out the widest remains, so that paragraphs stay apart.
    """
    gaps = [text[left.stop : right.offset] for left, right in pairwise(pieces)]
    kept = np.flatnonzero(keep).tolist()
    joints = (max(gaps[left:right], key=_width) for left, right in pairwise(kept))
    return "".join(joint + pieces[i].text for joint, i in zip(("", *joints), kept, strict=False))


def _width(gap: str) -> tuple[int, int]:
    return gap.count("\n"), len(gap)
