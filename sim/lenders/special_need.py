"""Special need: a hot product or a promotion ahead, reported by the merchant and reviewed on data (facts A.1.1).

What the merchant reports is its own business (`sim.world.promotions`); here is what the lender looks at, and what it
does for tonight's request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.quantities import Number, Parameters, parameter

# What the lender looks at before it raises a limit.
LOOKS_AT = ("sales_mean_7d", "sales_mean_30d", "worst_dpd", "is_flagged")


class SpecialNeed(Parameters):
    """How far a limit counts for the request of a merchant with a special need, and what convinces the lender."""

    multiple: Number = parameter(
        1.5,
        unit="times",
        low=1.0,
        high=10.0,
        source="assumption; that the line is raised for a hot product or a big promotion: facts A.1.1",
        doc="The limit counts so many times for tonight's request, up to joint_cap.",
    )
    evidence: Number = parameter(
        1.3,
        unit="1",
        low=1.0,
        high=10.0,
        source="assumption; that the lender reviews on data: facts A.1.1",
        doc="Convinced from sales of 7 days over those of 30, or from a lift of the promotion in sight, of so much on.",
    )


def is_convinced(
    terms: SpecialNeed, columns: Mapping[str, npt.NDArray[Any]], more: npt.NDArray[np.float32]
) -> npt.NDArray[np.bool_]:
    """Whose report the lender believes, (n,): those never late with it and not flagged, on data or on the calendar.

    Parameters
    ----------
    columns : mapping
        The columns of LOOKS_AT, (n,).
    more : ndarray (n,) of float32
        Lift - 1 of the largest promotion that the calendar has in sight for the trade.
    """
    is_clean = (columns["worst_dpd"] == 0) & (columns["is_flagged"] == 0)
    is_hot = columns["sales_mean_7d"] >= terms.evidence * columns["sales_mean_30d"].astype(np.float64)
    is_big = 1.0 + more.astype(np.float64) >= terms.evidence
    return np.asarray(is_clean & (is_hot & (columns["sales_mean_30d"] > 0) | is_big & (more > 0)))
