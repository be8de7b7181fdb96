"""Pricing: what does a loan cost this merchant? The list price, a price by score tier, a price by expected loss.

Every price is whole ppm a year on the product's own basis; a product's ``rate`` is its list price.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from sim.core.merchants import View
from sim.core.money import MAX_PPM_YEAR, PPM
from sim.lenders.policies.limits import check_steps, tier
from sim.lenders.policy import Answer, Context, Product, parameter, tiles

SMALLEST_TICKET_FEN = 10_000  # 100 yuan, so that a fixed cost never divides by nothing
_MAX_DEFAULT = 0.95  # above it no price breaks even; the upper bound of the price holds


@dataclass(frozen=True)
class Flat:
    """Every merchant pays the product's list price."""

    kind: ClassVar[str] = "pricing"
    needs: ClassVar[tuple[str, ...]] = ()

    def __call__(self, view: View, context: Context) -> Answer:
        """Give list prices, ppm a year, int64 (n, products)."""
        list_prices = np.array([product.rate_ppm_year for product in context.products], np.int64)
        return Answer(np.tile(list_prices, (view.n, 1)))


@dataclass(frozen=True)
class Tiers:
    """The list price times a factor, by score: the better pay less."""

    kind: ClassVar[str] = "pricing"
    needs: ClassVar[tuple[str, ...]] = ("score",)

    score_from: tuple[float, ...] = parameter(
        (0.0, 0.8, 0.9, 0.97), unit="probability", low=0, high=1, source="assumption", doc="Scores where tiers begin."
    )
    factor: tuple[float, ...] = parameter(
        (1.2, 1.1, 1.0, 0.9), unit="times", low=0, high=10, source="assumption", doc="Price of a tier over list price."
    )

    def __post_init__(self) -> None:
        """Refuse tiers that do not fit together."""
        check_steps(score_from=self.score_from, factor=self.factor)

    def __call__(self, view: View, context: Context) -> Answer:
        """Give prices, ppm a year, int64 (n, products); a score below the first tier pays the first tier's price."""
        factors = np.array([self.factor[0], *self.factor])
        list_prices = np.array([product.rate_ppm_year for product in context.products], np.float64)
        by_tier = _quotable(np.multiply.outer(factors, list_prices), context.products)
        score = view["score"]
        price = np.empty((view.n, len(context.products)), np.int64)
        for rows in tiles(view.n):
            np.take(by_tier, tier(score[rows], self.score_from), axis=0, out=price[rows], mode="clip")
        return Answer(price)


@dataclass(frozen=True)
class RiskBased:
    """The price at which a loan just pays for its expected loss, money and handling, plus a margin, within bounds.

    Break-even rate a day (facts C.9): ``r = (p x LGD / d + f + c / (L x d)) / (1 - p)`` with the chance ``p`` that a
    loan of ``d`` days goes bad. A score speaks of ``score_horizon`` days, so ``p = (1 - score) x d / score_horizon``;
    a loan is expected to live ``life_share`` of its term, because it is repaid early.
    """

    kind: ClassVar[str] = "pricing"
    needs: ClassVar[tuple[str, ...]] = ("score", "limit_fen")

    loss_given_default: float = parameter(
        0.6, unit="share", low=0, high=1, source="facts A.3 item 10", doc="Share of a bad loan that is lost."
    )
    score_horizon: int = parameter(
        "365 days", unit="days", low="30 days", high="3650 days", source="assumption", doc="Days a score speaks of."
    )
    life_share: float = parameter(
        0.33,
        unit="share",
        low=0.01,
        high=1,
        source="facts A.4: order loans 9.5 of 30 days (T14a), credit loans 62 of 180 days (T15)",
        doc="Expected life of a loan as a share of its term.",
    )
    cost_of_money: int = parameter(
        "7 %/year",
        unit="ppm a year",
        low="0 %/year",
        high="100 %/year",
        source="facts A.3 item 13",
        doc="What the lent money costs the lender.",
    )
    cost_per_loan: int = parameter(
        "2 yuan", unit="fen", low="0 yuan", high="10,000 yuan", source="facts A.3 item 13", doc="Handling of one loan."
    )
    ticket: int = parameter(
        "7,650 yuan",
        unit="fen",
        low="100 yuan",
        high="1 m yuan",
        source="facts A.4, T3",
        doc="Usual size of a loan, over which its handling cost is spread; a lower limit counts instead.",
    )
    margin: int = parameter(
        "6 %/year", unit="ppm a year", low="0 %/year", high="100 %/year", source="assumption", doc="Above break-even."
    )
    lowest: int = parameter(
        "10.95 %/year", unit="ppm a year", low="0 %/year", high="900 %/year", source="assumption", doc="Lowest price."
    )
    highest: int = parameter(
        "21.9 %/year",
        unit="ppm a year",
        low="0 %/year",
        high="900 %/year",
        source="facts A.3 item 14: below four times the benchmark in every month of 2012",
        doc="Highest price.",
    )

    def __post_init__(self) -> None:
        """Refuse bounds that leave no price."""
        if self.lowest > self.highest:
            raise ValueError("lowest: is above `highest`")

    def __call__(self, view: View, context: Context) -> Answer:
        """Give prices, ppm a year, int64 (n, products)."""
        score, limit = view["score"], view["limit_fen"]
        price = np.empty((view.n, len(context.products)), np.int64)
        for rows in tiles(view.n):
            bad = 1.0 - score[rows]
            ticket = np.clip(limit[rows], SMALLEST_TICKET_FEN, self.ticket)
            for column, product in enumerate(context.products):
                rates = _quotable(self._rate(bad, ticket, product)[:, None], (product,))
                price[rows, column] = np.clip(rates[:, 0], self.lowest, self.highest)
        return Answer(price)

    def _rate(
        self, bad: npt.NDArray[np.float64], ticket: npt.NDArray[np.int64], product: Product
    ) -> npt.NDArray[np.float64]:
        """Give break-even plus margin, ppm a year, (n,): the formula of the class, times the days in a year."""
        life = max(1.0, self.life_share * product.term_days)
        default = np.minimum(bad * (life / self.score_horizon), _MAX_DEFAULT)
        by_year = PPM * product.basis / life
        loss = default * (self.loss_given_default * by_year)
        handling = (self.cost_per_loan * by_year) / ticket
        return np.asarray((loss + handling + self.cost_of_money) / (1.0 - default) + self.margin, np.float64)


def _quotable(rates: npt.NDArray[np.float64], products: tuple[Product, ...]) -> npt.NDArray[np.int64]:
    """Round rates (n, products) to the nearest 0.001 % a day, which people can be told; at most the highest rate."""
    steps = np.array([10 * product.basis for product in products], np.float64)
    return np.minimum(np.floor(rates / steps + 0.5) * steps, MAX_PPM_YEAR).astype(np.int64)
