"""From scores under ablated contexts to attributions: a sparse linear model of the log-odds.

ContextCite (Cohen-Wang et al. 2024, arXiv:2409.00729): for a target with probability p and T tokens,

    logit p = log p - log(1 - p) ~ bias + sum over sources of attribution * [the source is kept]

fitted by the LASSO to logit(p) / T, so that one penalty suits short and long targets alike, on standardised columns
with the authors' penalty of 0.01; the weights are then multiplied by T.
"""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from whence.context.score import Scores
from whence.core.lasso import lasso

PENALTY = 0.01

CERTAIN = -(2.0**-24)
"""The log-probability above which float32 cannot distinguish a target from a certain one; keeps logits finite."""


def attributions(
    kept: Bool[ndarray, "context source"], scores: Scores, penalty: float = PENALTY
) -> Float[ndarray, "source target"]:
    """Return the contribution of each source to the log-odds of each target."""
    tokens = np.maximum(scores.tokens, 1.0)  # a target without tokens has a constant score
    return tokens * lasso(kept.astype(float), logit(scores.log_p) / tokens, penalty)


def logit(log_p: Float[ndarray, "..."]) -> Float[ndarray, "..."]:
    """Return log p - log(1 - p) from log p, accurate near p = 0 and p = 1."""
    log_p = np.minimum(log_p, CERTAIN)
    near_one = log_p > -np.log(2.0)
    other = np.log(-np.expm1(np.where(near_one, log_p, -1.0)))
    return log_p - np.where(near_one, other, np.log1p(-np.exp(log_p)))
