"""CautiousNewcomer: start small with whoever is new, and let clean repayment, not size, open the line.

An example of an own policy: one class in one file, no registry, no base class. A scenario in ``scenarios/`` uses it as

    limit: {policy: "cautious_newcomer:CautiousNewcomer", first: 3000 yuan}

and ``lendsim check experiments.cautious_newcomer:CautiousNewcomer`` says whether it keeps the promises of a policy.

The question behind it: a wash trader can fake sales, but not a record of loans repaid to us. What does it cost in
growth, and save in losses, to trust only the record? Compare it with the built-in ``sales_multiple``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.core.merchants import View
from sim.lenders.policy import Answer, Context, parameter


@dataclass(frozen=True)
class CautiousNewcomer:
    """A small first limit that doubles with every few clean repayments, never above a share of a month's sales."""

    kind: ClassVar[str] = "limit"
    needs: ClassVar[tuple[str, ...]] = ("sales_mean_90d", "season_index_90d", "n_repaid", "worst_dpd")
    reasons: ClassVar[tuple[str, ...]] = ("short record with us", "low sales", "was late with us")

    first: int = parameter(
        "3,000 yuan",
        unit="fen",
        low="100 yuan",
        high="1 m yuan",
        source="assumption",
        doc="Limit of a merchant that has repaid nothing yet.",
    )
    loans_to_double: int = parameter(
        3, unit="loans", low=1, high=100, source="assumption", doc="Clean repayments that double the limit."
    )
    share_of_sales: float = parameter(
        1.0, unit="share", low=0, high=20, source="assumption", doc="Most a limit may be of a month's sales."
    )
    cap: int = parameter(
        "500,000 yuan",
        unit="fen",
        low="100 yuan",
        high="100 m yuan",
        source="facts A.1.1: 99.9 % of loans below 500,000 yuan",
        doc="No limit is higher.",
    )
    forgive: int = parameter(
        "7 days", unit="days", low="0 days", high="360 days", source="facts C.12", doc="Lateness that costs nothing."
    )

    def __call__(self, view: View, context: Context) -> Answer:
        """Give limits in whole fen, int64 (n,), and what holds each back."""
        # 30 doublings take any first limit beyond any cap; ldexp doubles exactly, on every machine.
        doublings = np.minimum(view["n_repaid"] // self.loans_to_double, 30).astype(np.int32)
        by_record = np.minimum(np.ldexp(float(self.first), doublings), self.cap)
        by_sales = self.share_of_sales * 30 * view["sales_mean_90d"] / np.maximum(view["season_index_90d"], 0.1)
        was_late = view["worst_dpd"] > self.forgive
        limit = np.where(was_late, 0.0, np.minimum(by_record, by_sales)).astype(np.int64)
        reasons = np.where(was_late, 2, np.where(by_sales < by_record, 1, 0)).astype(np.int8)
        return Answer(limit, reasons[:, None])
