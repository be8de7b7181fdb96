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
    """Sales against the shop's own past and its trade; use of the money; signs of faked sales.

    Pace is sales of 30 days over sales of 90 days, each over its calendar index, and over the pace of all shops of the
    trade: 1 is as the others, so that a slump of the trade is nobody's fault; only a collapse of a shop is judged by
    its own past alone. Money that went into the business is mostly seen to go there, and shows some weeks after the
    payout (facts A.1.3): in sales and advertising that rise, and in stock for all who visit. Who shows none of that is
    suspected of diversion, and where few divert, many of those suspected are honest. Few parcels, few buyers, few
    visits for the orders recorded, and quick confirmations, are signs of wash trading, of which a check finds only a
    share (facts B.4, V56).
    """

    kind: ClassVar[str] = "monitoring"
    needs: ClassVar[tuple[str, ...]] = (
        "sales_mean_30d", "sales_mean_90d", "season_index", "season_index_90d", "category_pace", "return_rate",
        "advertising_mean_30d", "advertising_mean_90d", "orders_mean_30d", "order_value_fen", "traffic",
        "off_platform_share", "traced_share", "buyer_concentration", "confirm_days", "parcels", "loan_days",
        "balance_fen",
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
        "150 days", unit="days", low="1 day", high="365 days", source="assumption", doc="Since payout: use shows until."
    )
    rise: float = parameter(
        -0.1,
        unit="share",
        low=-1,
        high=5,
        source="facts A.1.3 (sales, advertising that do not rise); the size is an assumption",
        doc="Rise of sales and advertising, against the trade, below which the money does not show.",
    )
    unserved: float = parameter(
        0.2,
        unit="share",
        low=0,
        high=10,
        source="facts A.1.3 (visits); the size is an assumption",
        doc="Visits beyond those that sales explain: the stock is not there, though there was money for it.",
    )
    traced: float = parameter(
        0.25,
        unit="share",
        low=0,
        high=1,
        source="assumption; that money is followed: facts A.1.3",
        doc="Share of borrowed money seen to go into the shop below which diversion is suspected.",
    )
    off_platform: float = parameter(
        0.5, unit="share", low=0, high=1, source="assumption", doc="Sales paid elsewhere at which advice is given."
    )
    least_use: float = parameter(
        0.1,
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
    usual_visits: float = parameter(
        40.0, unit="1", low=1, high=1000, source="assumption", doc="Visits an order of an ordinary shop."
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
        season, season_90d = np.maximum(view.season_index, 0.01), np.maximum(view.season_index_90d, 0.01)
        lately, before = view.sales_mean_30d / season, np.maximum(view.sales_mean_90d / season_90d, 1.0)
        own, trade = lately / before, np.maximum(view.category_pace, 0.01)
        pace = own / trade
        found = np.zeros(view.n, np.int8)
        found[(pace < 1.0 - self.drop) | (view.off_platform_share > self.off_platform)] = _ADVISE
        found[(pace < 1.0 - self.deep_drop) | (view.return_rate > self.returns)] = _CUT
        found[own < 1.0 - self.collapse] = _RECALL
        is_time = (view.loan_days >= self.use_from) & (view.loan_days <= self.use_until)
        is_large = view.balance_fen >= self.least_use * 30.0 * view.sales_mean_30d
        orders = before / np.maximum(view.order_value_fen, 1.0)  # of a day, over a quarter
        visits = view.traffic / np.maximum(self.usual_visits * orders, 0.01)
        before = np.maximum(view.advertising_mean_90d / season_90d, 1.0)
        best = np.maximum(own, view.advertising_mean_30d / season / before) / trade
        shows = (best >= 1.0 + self.rise) & (visits <= (1.0 + self.unserved) * own)
        found[is_time & is_large & ~shows & (view.traced_share < self.traced)] = _MISUSE
        signs = (view.parcels < self.parcels).astype(np.int8)
        signs += view.buyer_concentration > self.concentration
        signs += view.confirm_days < self.confirmation
        signs += view.traffic < self.visits * view.orders_mean_30d
        found[(signs >= self.signs) & (view.coin(_COIN_WASH) < self.detection)] = _WASH
        return found
