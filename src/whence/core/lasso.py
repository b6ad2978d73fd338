"""The LASSO: a linear fit in which most weights are exactly zero.

For a design whose columns are centred and scaled to unit variance (Z [row, column]) and a centred target y,

    w = argmin  1/(2 rows) |y - Z w|^2 + penalty |w|_1                              (Tibshirani 1996)

At the optimum the covariance c = Z^T (y - Z w) / rows is penalty * sign(w) for the columns in use, and no larger than
the penalty for the others. The solution is followed exactly, from the penalty at which all weights are zero down to the
given one; in between the weights are piecewise linear, and a column joins or leaves at each bend (Osborne, Presnell and
Turlach 2000, "A new approach to variable selection in least squares problems").
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

ROUNDING = 1e-10
"""Relative differences below this are rounding."""

BENDS = 20
"""Bends per row and column after which the search is given up; about one is usual."""


def lasso(
    design: Float[ndarray, "row column"], targets: Float[ndarray, "row target"], penalty: float
) -> Float[ndarray, "column target"]:
    """The weight of each column for each target, in the target's unit per unit of the column.

    The fit is made on standardised columns, where one penalty suits all, and its weights are then converted back
    to the original columns. The intercept is fitted and not penalised. A column that never varies has weight 0.

    Raises:
        ArithmeticError: the columns are so alike that rounding decides between them; a larger penalty avoids this.
    """
    centred = design - design.mean(0)
    deviation = centred.std(0)
    varies = deviation > ROUNDING * np.abs(design).max(initial=0.0)
    standard, weights = centred[:, varies] / deviation[varies], np.zeros((design.shape[1], targets.shape[1]))
    for t, target in enumerate((targets - targets.mean(0)).T):
        weights[varies, t] = follow(standard, target, penalty) / deviation[varies]
    return weights


def follow(
    design: Float[ndarray, "row column"], target: Float[ndarray, "row"], penalty: float
) -> Float[ndarray, "column"]:
    """The weights at `penalty`, for a standardised design and a centred target, reached by following the solution from
    zero."""
    rows, columns = design.shape
    weights, signs, barred = np.zeros((3, columns))
    covariance = design.T @ target / rows
    level = float(np.abs(covariance).max(initial=0.0))
    goal = max(penalty, ROUNDING * float(np.std(target)))
    for _ in range(BENDS * (rows + columns)):
        if level <= goal:
            return weights
        slope, fall = heading(design, signs)
        joins, leaves = joining(covariance, fall, level, signs, barred), leaving(weights, slope, signs)
        step = min(level - goal, joins.min(), leaves.min())
        weights, covariance, level = weights + step * slope, covariance - step * fall, level - step
        barred = np.zeros(columns)
        if step == leaves.min():
            j = int(leaves.argmin())
            weights[j], barred[j], signs[j] = 0.0, signs[j], 0.0
        elif step == joins.min():
            j = int(joins.argmin())
            signs[j] = np.sign(covariance[j])
    raise ArithmeticError(
        f"The LASSO did not converge at a penalty of {penalty}: columns are too alike. Raise the penalty."
    )


def heading(
    design: Float[ndarray, "row column"], signs: Float[ndarray, "column"]
) -> tuple[Float[ndarray, "column"], Float[ndarray, "column"]]:
    """The change of the weights and the fall of the covariances per unit by which the penalty decreases.

    The covariances of the columns in use fall by their signs, as the penalty does: Z^T Z / rows slope = sign.
    """
    used = design[:, signs != 0]
    slope = np.zeros(len(signs))
    slope[signs != 0] = np.linalg.solve(used.T @ used / len(design), signs[signs != 0])
    return slope, design.T @ (design @ slope) / len(design)


def joining(
    covariance: Float[ndarray, "column"],
    fall: Float[ndarray, "column"],
    level: float,
    signs: Float[ndarray, "column"],
    barred: Float[ndarray, "column"],
) -> Float[ndarray, "column"]:
    """The decrease of the penalty at which each unused column's covariance equals the remaining penalty.

    Infinite for columns in use, for those that never reach it, and on the side on which one has just left.
    """
    steps = np.full(len(signs), np.inf)
    for side in (1.0, -1.0):
        nearing = 1 - side * fall  # how fast the penalty and the covariance approach each other
        able = (signs == 0) & (nearing > ROUNDING) & (barred != side)
        steps[able] = np.minimum(steps[able], (level - side * covariance[able]) / nearing[able])
    return np.maximum(steps, 0.0)


def leaving(
    weights: Float[ndarray, "column"], slope: Float[ndarray, "column"], signs: Float[ndarray, "column"]
) -> Float[ndarray, "column"]:
    """The decrease of the penalty at which each weight that moves towards zero reaches it; infinite for the others.

    A weight that has just joined (tied with another) and would move to the wrong side leaves at once.
    """
    steps = np.full(len(weights), np.inf)
    back = signs * slope < 0
    steps[back] = np.abs(weights[back] / slope[back])
    return steps
