"""Monitoring: what is watched after the money is paid out, and what it is taken for (facts A.1.3, A.1.2).

A policy of this kind is asked about borrowers every few days and answers with a warning: nothing, advice, a cut limit,
recall of the loan, recall for misuse of the money, or wash trading. What the lender then does about it stands beside
the policy in the scenario.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from sim.core.merchants import View
from sim.lenders.policy import WARNINGS, Context, parameter

_ADVISE, _CUT, _RECALL, _MISUSE, _WASH = (
    WARNINGS.index(word) for word in ("advise", "cut", "recall", "misuse", "wash")
)
_COIN_WASH = 1  # the policy's second coin


@dataclass(frozen=True)
class NoMonitoring:
    """No watching and no recall: a loan is looked at again when it falls due or at the next review."""

    kind: ClassVar[str] = "monitoring"
    needs: ClassVar[tuple[str, ...]] = ()

    def __call__(self, view: View, context: Context) -> npt.NDArray[np.int8]:
        """Warn of nobody, int8 (n,)."""
        return np.zeros(view.n, np.int8)


@dataclass(frozen=True)
class Signals:
    """Sales against the shop's own past and the season of its trade; use of the money; signs of faked sales.

    Pace is sales of 30 days over sales of 90 days, each over its calendar index: 1 is no change. Money that went into
    the business shows in sales some weeks after the payout (facts A.1.3: if they do not rise, diversion is suspected);
    where few divert, most of those suspected are honest. Few parcels, few buyers, few visits for the orders recorded,
    and quick confirmations, are signs of wash trading, of which a check finds only a share (facts B.4, V56).
    """

    kind: ClassVar[str] = "monitoring"
    needs: ClassVar[tuple[str, ...]] = (
        "sales_mean_7d", "sales_mean_30d", "sales_mean_90d", "season_index", "season_index_90d", "return_rate",
        "orders_mean_30d", "traffic", "buyer_concentration", "confirm_days", "parcels", "loan_days", "balance_fen",
    )  # fmt: skip

    drop: float = parameter(
        0.25, unit="share", low=0, high=1, source="assumption", doc="Loss of pace at which the shop is given advice."
    )
    deep_drop: float = parameter(
        0.4, unit="share", low=0, high=1, source="assumption", doc="Loss of pace at which the limit is cut."
    )
    collapse: float = parameter(
        0.7, unit="share", low=0, high=1, source="assumption", doc="Loss of pace at which loans are called."
    )
    returns: float = parameter(
        0.3, unit="share", low=0, high=1, source="assumption", doc="Share of sales sent back at which the limit is cut."
    )
    use_from: int = parameter(
        "14 days", unit="days", low="1 day", high="365 days", source="assumption", doc="Since payout: use shows from."
    )
    use_until: int = parameter(
        "45 days", unit="days", low="1 day", high="365 days", source="assumption", doc="Since payout: use shows until."
    )
    rise: float = parameter(
        0.0, unit="share", low=-1, high=5, source="assumption", doc="Rise of pace below which diversion is suspected."
    )
    least_use: float = parameter(
        0.25,
        unit="share",
        low=0,
        high=10,
        source="assumption",
        doc="Smallest loan, over sales of 30 days, whose use should show in sales.",
    )
    parcels: float = parameter(
        0.93, unit="share", low=0, high=1, source="facts A.1.7", doc="Parcels an order: fewer are a sign of fakes."
    )
    concentration: float = parameter(
        0.12,
        unit="share",
        low=0,
        high=1,
        source="facts A.1.2 (concentration, related buyers)",
        doc="Sales with repeated buyers: more are a sign of faked sales.",
    )
    confirmation: float = parameter(
        7.0, unit="1", low=0, high=60, source="facts C.12 (fast confirmation)", doc="Days to confirm: fewer are a sign."
    )
    visits: float = parameter(
        32.0, unit="1", low=0, high=1000, source="facts C.12", doc="Visits an order: fewer are a sign of faked sales."
    )
    signs: int = parameter(
        2, unit="1", low=1, high=4, source="assumption", doc="Signs of faked sales that make a shop suspect."
    )
    detection: float = parameter(
        0.1,
        unit="share",
        low=0,
        high=1,
        source="facts B.4, V56: 2 to 25 % are found",
        doc="Share of shops that look like wash traders of which a check makes sure.",
    )

    def __call__(self, view: View, context: Context) -> npt.NDArray[np.int8]:
        """Give warnings, int8 (n,): the gravest that holds."""
        lately = view.sales_mean_30d / np.maximum(view.season_index, 0.01)
        before = view.sales_mean_90d / np.maximum(view.season_index_90d, 0.01)
        pace = lately / np.maximum(before, 1.0)
        found = np.zeros(view.n, np.int8)
        found[pace < 1.0 - self.drop] = _ADVISE
        found[(pace < 1.0 - self.deep_drop) | (view.return_rate > self.returns)] = _CUT
        found[pace < 1.0 - self.collapse] = _RECALL
        is_time = (view.loan_days >= self.use_from) & (view.loan_days <= self.use_until)
        is_large = view.balance_fen >= self.least_use * 30.0 * view.sales_mean_30d
        found[is_time & is_large & (pace < 1.0 + self.rise)] = _MISUSE
        signs = (view.parcels < self.parcels).astype(np.int8)
        signs += view.buyer_concentration > self.concentration
        signs += view.confirm_days < self.confirmation
        signs += view.traffic < self.visits * view.orders_mean_30d
        found[(signs >= self.signs) & (view.coin(_COIN_WASH) < self.detection)] = _WASH
        return found
