"""EK-FAC influence: K-FAC's, with eigenvalues measured in its eigenbasis instead of multiplied from two factors.

    score(q, z) = sum over layers of <g(q), (H + d I)^-1 g(z)>,    Lambda = E over examples of (Q_S^T G Q_A)^2

The eigenvalues are those of George et al. 2018 (arXiv:1806.03884, section 3), the influence function that of Grosse et
al. 2023 (arXiv:2308.03296, section 2.2). Rows, damping and labels are those of `kfac`; fitting takes one more pass over
the data.
"""

from dataclasses import dataclass
from typing import ClassVar

from whence.methods.kfac import KfacInfluence


@dataclass(frozen=True)
class EkfacInfluence(KfacInfluence):
    """Inverse eigenvalue-corrected Kronecker curvature at the last checkpoint; settings as for `kfac`."""

    name: ClassVar[str] = "ekfac"
    corrected: ClassVar[bool] = True
