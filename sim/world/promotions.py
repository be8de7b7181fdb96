"""Promotions: their lift day by day, who joins, and how far ahead shops buy and advertise for them.

A shop that means to join stocks up and advertises; on the eve it takes part if the goods are there. It gives a
discount, gets the lift, and misses in the days after what was only brought forward. The others lose a little.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.kernels import Scalar, rule
from sim.world.decisions import Promotions
from sim.world.parameters import MerchantParameters
from sim.world.sales import promotion_lift

_F = np.float32
MEANS_TO, TAKES_PART = 1, 2  # bits of a shop: it prepares for the next promotion; it was admitted to the latest
MOST_FIT = 6.0  # no shop gets more than so many times the usual gain from promotions; assumption
_NODES = 161  # of the sums over fit and margin
LEAST_FACTOR = 0.2  # of its usual demand that a shop has in any case after a promotion; assumption
BUY_FROM, BUY_UNTIL = 35, 6  # days before a promotion in which shops stock up (facts C.12: 20 to 45 days before)


def lift_by_day(
    n_days: int, n_categories: int, promotions: Iterable[tuple[int, int, float, int | None]]
) -> npt.NDArray[np.float32]:
    """Lift of demand by category, (n_days, n_categories), one on ordinary days.

    ``promotions`` holds (first day index, days, lift, category or None for all); where two meet, the larger holds.
    """
    lift = np.ones((n_days, n_categories), np.float32)
    for first, length, size, category in promotions:
        span = slice(max(first, 0), max(first + length, 0))
        columns = slice(None) if category is None else slice(category, category + 1)
        lift[span, columns] = np.maximum(lift[span, columns], np.float32(size))
    return lift


def lift_of_those_who_join(lift: float, p: MerchantParameters) -> float:
    """Lift of a shop of mean fit that takes part, for which the orders of all shops have ``lift`` on average.

    Over shops as they are born, of whom those join whom it pays: the others, and what these lose, have to be made up
    for. ``lift`` itself where no lift would do.
    """
    z = np.linspace(-4.0, 4.0, _NODES)
    weight = draws.exp(-0.5 * z * z)
    weight /= weight.sum()
    sigma = p.demand.promotion_fit_sigma
    fit = np.minimum(draws.exp(sigma * z - 0.5 * sigma * sigma), MOST_FIT).astype(np.float32)[:, None]
    margin = np.clip(p.trade.margin + p.trade.margin_spread * z, 0.05, 0.9).astype(np.float32)[None, :]

    def of_all(own: float) -> float:
        joins = who_it_pays(fit, margin, np.full((1, 1), own - 1.0, np.float32), p.promotions)
        factor = np.where(joins, 1.0 + fit * (own - 1.0), 1.0 - p.promotions.drawn_away)
        return float(weight @ factor @ weight)

    low, high = lift, 10.0 * lift + 10.0
    if lift <= 1.0 or of_all(high) < lift:
        return lift
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if of_all(middle) < lift else (low, middle)
    return high


def after_effect(lift: npt.NDArray[np.float32], share: float, days: int) -> npt.NDArray[np.float32]:
    """The lift with what is missing after promotions, same shape: below one on the ``days`` after each of their days.

    Of what a day has more, ``share`` is missing, in a straight line falling to nothing; never on another promotion.
    """
    missing = np.zeros(lift.shape, np.float64)
    weights = 2.0 * (days - np.arange(days) - 0.5) / days**2
    for day in np.flatnonzero((lift > 1.0).any(axis=1)):
        span = missing[day + 1 : day + 1 + days]
        span += share * weights[: len(span), None] * np.maximum(lift[day] - 1.0, 0.0)
    out: npt.NDArray[np.float32] = np.where(lift > 1.0, lift, lift * np.maximum(1.0 - missing, 0.0)).astype(np.float32)
    return out


def largest_ahead(lift: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Lift - 1 of the largest promotion that shops prepare for on each day, same shape; 0 with none in sight."""
    most = np.zeros(lift.shape, np.float32)
    for day in np.flatnonzero((lift > 1.0).any(axis=1)):
        span = slice(max(0, int(day) - BUY_FROM), int(day) + 1)
        most[span] = np.maximum(most[span], lift[day] - np.float32(1))
    return most


def eve(lift: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Lift - 1 of the promotion that begins, or grows, on the day after each; else 0; same shape."""
    begins = np.zeros(lift.shape, np.float32)
    grows = (lift[1:] > 1.0) & (lift[1:] > lift[:-1])
    begins[:-1] = np.where(grows, lift[1:] - np.float32(1), np.float32(0))
    return begins


@rule
def pays_to_join(fit: Scalar, margin: Scalar, more: Scalar, discount: Scalar, drawn_away: Scalar) -> Scalar:
    """Whether a shop earns more with a promotion of lift ``1 + more`` than without.

    ``(1 + fit more) (margin - discount) > (1 - drawn_away) margin``: the lift at the lower price, against the margin
    that is left to those who do not join.
    """
    return more > _F(0) and (_F(1) + fit * more) * (margin - discount) > (_F(1) - drawn_away) * margin


def who_it_pays(
    fit: npt.NDArray[np.float32], margin: npt.NDArray[np.float32], more: npt.NDArray[np.float32], p: Promotions
) -> npt.NDArray[np.bool_]:
    """`pays_to_join` of many shops at once, (n,)."""
    earns = (1.0 + fit * more) * (margin - p.discount) > (1.0 - p.drawn_away) * margin
    return np.asarray((more > 0) & earns)


@rule
def has_the_goods(stock: Scalar, pace: Scalar, season: Scalar, fit: Scalar, more: Scalar, least: Scalar) -> Scalar:
    """Whether a shop has ``least`` of the orders in stock that it expects on the first day of a promotion."""
    return stock >= least * pace * season * (_F(1) + fit * more)


@rule
def promotion_factor(takes_part: bool, fit: Scalar, lift: Scalar, drawn_away: Scalar) -> Scalar:
    """Factor on a shop's demand of a lift above one (a promotion) or below (what is missing after it)."""
    own = promotion_lift(fit, lift)
    own = own if own > _F(LEAST_FACTOR) else _F(LEAST_FACTOR)
    other = _F(1) - drawn_away if lift > _F(1) else _F(1)
    return own if takes_part else other


def lift_to_stock_for(lift: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Sum of (lift - 1) over the promotions that a shop should hold stock for on each day, same shape.

    From ``BUY_FROM`` days before a promotion the wish builds up in a straight line, is whole ``BUY_UNTIL`` days before
    it, and ends with the promotion.
    """
    wish = np.zeros(lift.shape, np.float32)
    for day in np.flatnonzero((lift > 1.0).any(axis=1)):
        for before in range(min(BUY_FROM, int(day)) + 1):
            share = min(1.0, (BUY_FROM - before) / (BUY_FROM - BUY_UNTIL))
            wish[day - before] += np.float32(share) * np.maximum(lift[day] - 1.0, 0.0)
    return wish


def run_up(lift: npt.NDArray[np.float32], before: int) -> npt.NDArray[np.float32]:
    """How large the largest promotion is that runs or begins within ``before`` days, as 1 - 1/lift; same shape."""
    wish = np.zeros(lift.shape, np.float32)
    for day in np.flatnonzero((lift > 1.0).any(axis=1)):
        span = slice(max(0, int(day) - before), int(day) + 1)
        wish[span] = np.maximum(wish[span], np.float32(1) - np.float32(1) / np.maximum(lift[day], np.float32(1)))
    return wish
