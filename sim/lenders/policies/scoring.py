"""Scoring: how likely is this merchant to stay good? A points card, and plain knock-out rules.

The card is whole points per attribute, added; the odds of staying good double every 20 points. Nothing here takes a
logarithm or a power, so every processor gives the same score to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.core.merchants import View
from sim.core.money import FEN_PER_YUAN
from sim.lenders.policy import Answer, Context, parameter, tiles

POINTS_TO_DOUBLE = 20
DAYS_IN_MONTH = 30

# 2 ** (j / 20), the odds at j points above even; written out because a power is not the same on all machines.
_TWENTIETHS = np.array([
    1.0, 1.0352649238413776, 1.0717734625362931, 1.109569472067845, 1.148698354997035,
    1.189207115002721, 1.2311444133449163, 1.2745606273192622, 1.3195079107728942, 1.3660402567543954,
    1.4142135623730951, 1.4640856959456254, 1.515716566510398, 1.5691681957935015, 1.624504792712471,
    1.681792830507429, 1.7411011265922482, 1.8025009252216604, 1.8660659830736148, 1.9318726578496912,
])  # fmt: skip
_FARTHEST = 400  # points from even: beyond it a score is 0 or 1 to six digits


class Attribute(NamedTuple):
    """One line of the card: below the first edge ``points[0]``, from ``edges[i]`` on ``points[i + 1]``."""

    reason: str
    edges: tuple[float, ...]
    points: tuple[int, ...]


# The weights are assumptions: no published source gives Ali's (facts E). What is looked at, and in which direction it
# counts, is from facts A.1.2 (tenure, sales history, volatility, reviews, own record, bureau, concentration, checks for
# wash trades) and B.4 (V52 and V53 small and young shops fail most; V55 and V56 wash trades raise sales and
# reputation, and confirm too fast because nothing is shipped). The order is the one of `_attributes`.
CARD: tuple[Attribute, ...] = (
    Attribute("young shop", (180, 365, 730, 1460), (0, 8, 15, 22, 28)),  # days
    Attribute("low sales", (1_000, 5_000, 20_000, 100_000), (0, 6, 12, 18, 22)),  # yuan a month
    Attribute("falling or erratic growth", (0.5, 0.8, 1.25, 2.0), (0, 8, 16, 14, 8)),  # 30 days over 90 days
    Attribute("unsteady sales", (0.5, 1.0, 1.5, 2.5), (18, 14, 9, 4, 0)),  # deviation over mean
    Attribute("many returns", (0.02, 0.05, 0.10, 0.20), (14, 12, 8, 3, 0)),  # share of sales
    Attribute("poor reviews", (0.80, 0.95, 1.05), (0, 6, 12, 16)),  # 1 is average
    Attribute("few orders", (0.1, 0.5, 2.0, 10.0), (0, 5, 10, 15, 18)),  # a day
    Attribute("short record with us", (1, 3, 10, 30), (0, 8, 14, 20, 24)),  # loans repaid cleanly
    Attribute("was late with us", (1, 8, 31, 90), (30, 24, 12, 0, -30)),  # worst days past due
    Attribute("is late now", (1, 8, 31), (20, 8, -10, -40)),  # days past due
    Attribute("late elsewhere", (1, 31, 90), (10, 6, -5, -20)),  # worst days past due at the bureau
    Attribute("few buyers", (0.2, 0.4, 0.6), (10, 7, 3, 0)),  # share of sales with repeated buyers
    Attribute("confirmed too fast", (3.0, 5.0, 20.0), (0, 6, 12, 8)),  # days
)
N_REASONS = 3


def chance(points: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Turn whole points above even odds into a probability of staying good, same shape.

    ``odds = 2 ** (points / 20); probability = odds / (1 + odds)`` (facts C.10), from a table; beyond 400 points either
    way it stays at the table's end.
    """
    return np.take(_CHANCE, points + _FARTHEST, mode="clip")


def _chance_table() -> npt.NDArray[np.float64]:
    twentieths = np.arange(-_FARTHEST, _FARTHEST + 1)
    odds = np.ldexp(_TWENTIETHS[twentieths % POINTS_TO_DOUBLE], twentieths // POINTS_TO_DOUBLE)
    return np.asarray(odds / (1.0 + odds), np.float64)


_CHANCE = _chance_table()


class _Card(NamedTuple):
    """The card as arrays by attribute."""

    edges: npt.NDArray[np.float32]  # (attributes, levels), infinite where an attribute has fewer edges
    steps: npt.NDArray[np.int8]  # (attributes, levels): points lost (or, negative, won back) at the edge
    start: npt.NDArray[np.int8]  # (attributes,): points lost below the first edge
    best: int  # points of a merchant that loses none


def _card(attributes: tuple[Attribute, ...]) -> _Card:
    n_levels = max(len(one.edges) for one in attributes)
    edges = np.full((len(attributes), n_levels), np.inf, np.float32)
    steps = np.zeros((len(attributes), n_levels), np.int8)
    for row, one in enumerate(attributes):
        edges[row, : len(one.edges)] = one.edges
        steps[row, : len(one.edges)] = [low - high for low, high in pairwise(one.points)]
    start = np.array([max(one.points) - one.points[0] for one in attributes], np.int8)
    return _Card(edges, steps, start, sum(max(one.points) for one in attributes))


_READY = _card(CARD)
# A loss in points and its attribute share one integer, so that the largest loss is found with its attribute.
_ROOM = 16
_TAG = np.arange(len(CARD), dtype=np.int16)[::-1, None].copy()  # of equal losses the first attribute wins
_KEYS = np.arange(128 * _ROOM)
_REASON_OF = np.where(_KEYS < _ROOM, -1, len(CARD) - 1 - _KEYS % _ROOM).astype(np.int8)


@dataclass(frozen=True)
class Points:
    """A points card on what the platform sees and what the lender remembers.

    Sales are compared out of season unless ``window`` is ``naive``: then a shop looks strong before a holiday and weak
    after it, and the lender lends most when the receivables of the peak are about to end (rule 12 of the design).
    """

    kind: ClassVar[str] = "scoring"
    needs: ClassVar[tuple[str, ...]] = (
        "tenure_days", "sales_mean_30d", "sales_mean_90d", "sales_deviation_30d", "season_index", "season_index_90d",
        "return_rate", "reviews", "orders_mean_30d", "n_repaid", "worst_dpd", "dpd", "bureau_worst_dpd",
        "buyer_concentration", "confirm_days",
    )  # fmt: skip
    reasons: ClassVar[tuple[str, ...]] = tuple(one.reason for one in CARD)

    even_points: int = parameter(
        100,
        unit="points",
        low=0,
        high=300,
        source="assumption: a shop of one to two years, steady and without a record (165 points) has odds of about 10",
        doc="Points at which staying good and going bad are equally likely; a higher number lowers every score.",
    )
    window: str = parameter(
        "season",
        unit="1",
        choices=("season", "naive"),
        source="design, rule 12",
        doc="Divide sales windows by the category's calendar index (season) or take them as they are (naive).",
    )

    def __call__(self, view: View, context: Context) -> Answer:
        """Give probabilities of staying good, (n,), and the attributes that lost most points."""
        columns = [view[name] for name in self.needs]
        score = np.empty(view.n)
        reasons = np.empty((N_REASONS, view.n if context.explain else 0), np.int8)
        even = np.int16(_READY.best - self.even_points)
        for rows in tiles(view.n, _TILE):
            attributes = np.empty((len(CARD), rows.stop - rows.start), np.float32)
            lost = np.empty(rows.stop - rows.start, np.int16)
            _attributes([column[rows] for column in columns], attributes, self.window == "season")
            losses = _losses(attributes, lost)
            score[rows] = chance(even - lost)
            if context.explain:
                _worst(losses, reasons[:, rows])
        return Answer(score, reasons.T if context.explain else None)


_TILE = 16_384  # thirteen attributes of so many rows fit the cache


def _attributes(columns: list[npt.NDArray[Any]], out: npt.NDArray[np.float32], by_season: bool) -> None:
    """Write the attributes of a tile to ``out`` (attributes, rows), in the order of :data:`CARD`."""
    (tenure, month, quarter, deviation, season, season_90d, returns, reviews, orders,
     repaid, worst, dpd, bureau, concentration, confirm) = columns  # fmt: skip
    out[0] = tenure
    out[3] = deviation / np.maximum(month, 1.0)
    if by_season:
        month, quarter = (sales / np.maximum(index, 0.1) for sales, index in ((month, season), (quarter, season_90d)))
    out[1] = month * (DAYS_IN_MONTH / FEN_PER_YUAN)
    out[2] = month / np.maximum(quarter, 1.0)
    for row, column in enumerate((returns, reviews, orders, repaid, worst, dpd, bureau, concentration, confirm), 4):
        out[row] = column


def out_of_season(sales: npt.NDArray[Any], index: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Divide sales by the calendar index of their window, (n,) each; an index below 0.1 counts as 0.1."""
    return np.asarray(np.divide(sales, np.maximum(index, 0.1), dtype=np.float64))


def _losses(attributes: npt.NDArray[np.float32], total: npt.NDArray[np.int16]) -> npt.NDArray[np.int8]:
    """Give the points that each attribute lost against its best, int8 (attributes, rows), and write their sums."""
    from sim.lenders.policies.losses import add_losses  # compiled; policies are imported without a compiler

    losses = np.empty(attributes.shape, np.int8)
    add_losses(attributes, _READY.edges, _READY.steps, _READY.start, losses, total)
    return losses


def _worst(losses: npt.NDArray[np.int8], out: npt.NDArray[np.int8]) -> None:
    """Write the attributes with the largest losses to ``out`` (reasons, rows), -1 where none is lost."""
    key = np.multiply(losses, np.int16(_ROOM), dtype=np.int16)
    key += _TAG
    _rank(key, _REASON_OF, out)


def _rank(key: npt.NDArray[Any], reason_of: npt.NDArray[np.int8], out: npt.NDArray[np.int8]) -> None:
    """Write the reasons of the largest keys, no two alike in a column, to ``out`` (reasons, rows); ``key`` is used up.

    Parameters
    ----------
    key : ndarray of int (candidates, rows)
    reason_of : ndarray of int8
        The reason that a key stands for, by key.
    """
    others = np.empty(key.shape, np.bool_)
    for rank, reason in enumerate(out):
        largest = key.max(axis=0)
        reason[:] = np.take(reason_of, largest, mode="clip")
        if rank + 1 < len(out):
            key *= np.not_equal(key, largest, out=others).view(np.int8)


@dataclass(frozen=True)
class Rules:
    """Knock-out rules: a merchant that breaks none gets one score, any other gets another.

    It is what a lender does that has no card yet (facts A.1.2: registered for 6 months, sales over a bar, clean
    record), and a plain rival for the card to beat.
    """

    kind: ClassVar[str] = "scoring"
    needs: ClassVar[tuple[str, ...]] = (
        "tenure_days", "sales_mean_30d", "season_index", "worst_dpd", "bureau_worst_dpd", "return_rate", "reviews",
        "buyer_concentration",
    )  # fmt: skip
    reasons: ClassVar[tuple[str, ...]] = (
        "was late with us", "late elsewhere", "young shop", "low sales", "many returns", "poor reviews", "few buyers",
    )  # fmt: skip

    min_tenure: int = parameter(
        "180 days", unit="days", low="0 days", high="3650 days", source="facts A.1.2: 6 months", doc="Least age."
    )
    min_monthly_sales: int = parameter(
        "3,000 yuan", unit="fen", low="0 yuan", high="100 m yuan", source="assumption", doc="Least sales of a month."
    )
    max_worst_dpd: int = parameter(
        "30 days", unit="days", low="0 days", high="3650 days", source="assumption", doc="Longest lateness forgiven."
    )
    max_return_rate: float = parameter(
        0.2, unit="share", low=0, high=1, source="assumption", doc="Largest share of sales sent back."
    )
    min_reviews: float = parameter(
        0.8, unit="1", low=0, high=5, source="assumption", doc="Least shown rating; 1 is average."
    )
    max_concentration: float = parameter(
        0.6, unit="share", low=0, high=1, source="assumption", doc="Largest share of sales with repeated buyers."
    )
    passed: float = parameter(
        0.95, unit="probability", low=0, high=1, source="assumption", doc="Score of a merchant that breaks no rule."
    )
    failed: float = parameter(
        0.2, unit="probability", low=0, high=1, source="assumption", doc="Score of a merchant that breaks one or more."
    )

    def __call__(self, view: View, context: Context) -> Answer:
        """Give one of two scores, (n,), and the broken rules in the order of ``reasons``."""
        score = np.empty(view.n)
        reasons = np.empty((N_REASONS, view.n if context.explain else 0), np.int8)
        columns = [view[name] for name in self.needs]
        for rows in tiles(view.n):
            tenure, month, season, worst, bureau, returns, reviews, concentration = (one[rows] for one in columns)
            broken = np.stack([
                worst > self.max_worst_dpd,
                bureau > self.max_worst_dpd,
                tenure < self.min_tenure,
                out_of_season(month, season) * DAYS_IN_MONTH < self.min_monthly_sales,
                returns > self.max_return_rate,
                reviews < self.min_reviews,
                concentration > self.max_concentration,
            ])  # fmt: skip
            score[rows] = np.where(broken.any(axis=0), self.failed, self.passed)
            if context.explain:
                _rank(np.multiply(broken.view(np.int8), _FIRST_BROKEN), _RULE_OF, reasons[:, rows])
        return Answer(score, reasons.T if context.explain else None)


_FIRST_BROKEN = np.arange(len(Rules.reasons), 0, -1, dtype=np.int8)[:, None]  # the first of them is the largest key
_RULE_OF = np.array([-1, *reversed(range(len(Rules.reasons)))], np.int8)
