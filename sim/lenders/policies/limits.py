"""Limits: how much may this merchant owe? A multiple of trusted sales, and tiers fixed beforehand.

Trusted sales are the lower of the last 30 and the last 90 days, each divided by the calendar index of its window: a
limit from the peak of a season would be drawn when the peak is over (rule 12 of the design).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sim.core.merchants import View
from sim.lenders.policies.scoring import DAYS_IN_MONTH, out_of_season
from sim.lenders.policy import Answer, Context, parameter, tiles

ROUND_TO_FEN = 10_000  # limits are whole hundreds of yuan
_NO_REASON, _CAPPED, _LOW_SCORE, _WAS_LATE, _LATE_NOW, _TOO_SMALL = range(-1, 5)
_REASONS = ("at the cap", "low score", "was late with us", "is late now", "below the smallest limit")


def trusted_sales(
    month: npt.NDArray[Any], quarter: npt.NDArray[Any], season: npt.NDArray[Any], season_90d: npt.NDArray[Any]
) -> npt.NDArray[np.float64]:
    """Give a month's sales that a limit may rest on, fen, (n,): 30 days at the lower of the 30- and the 90-day mean.

    ``30 x min(sales_mean_30d / season_index, sales_mean_90d / season_index_90d)``
    """
    mean = np.minimum(out_of_season(month, season), out_of_season(quarter, season_90d))
    return np.asarray(mean * DAYS_IN_MONTH, np.float64)


def tier(values: npt.NDArray[Any], tier_from: tuple[float, ...]) -> npt.NDArray[np.int8]:
    """Count the thresholds that each value reaches, (n,): 0 below the first, ``len(tier_from)`` from the last on."""
    reached = np.zeros(values.shape, np.int8)
    for threshold in tier_from:  # a few comparisons beat a binary search per merchant
        reached += values >= threshold
    return reached


def check_steps(**lists: tuple[float, ...]) -> None:
    """Refuse lists of tiers that differ in length, or a first list that does not ascend.

    Raises
    ------
    ValueError
        As ``name: what is wrong``, where a scenario error finds its field.
    """
    (first, steps), *others = lists.items()
    if any(low >= high for low, high in pairwise(steps)):
        raise ValueError(f"{first}: the thresholds do not ascend")
    for name, values in others:
        if len(values) != len(steps):
            raise ValueError(f"{name}: has {len(values)} entries where {first} has {len(steps)}")


@dataclass(frozen=True)
class SalesMultiple:
    """A multiple of trusted monthly sales, by score, growing with clean repayment, cut after lateness.

    ``min(cap, multiple x trusted monthly sales x factor of the tier x (1 + progressive) ** n)`` where ``n`` is
    ``min(n_repaid, progressive_steps)``; times ``1 - late_cut`` if the merchant was ever ``late_from`` days past due,
    nothing while it is; rounded down to 100 yuan; nothing below ``minimum`` (facts C.12, A.1.3).
    """

    kind: ClassVar[str] = "limit"
    needs: ClassVar[tuple[str, ...]] = (
        "score", "sales_mean_30d", "sales_mean_90d", "season_index", "season_index_90d", "n_repaid", "worst_dpd", "dpd",
    )  # fmt: skip
    reasons: ClassVar[tuple[str, ...]] = _REASONS

    multiple: float = parameter(
        1.5, unit="times", low=0, high=20, source="design, section 5", doc="Limit in months of trusted sales."
    )
    cap: int = parameter(
        "1,000,000 yuan", unit="fen", low="0 yuan", high="100 m yuan", source="facts A.1.1", doc="Highest limit."
    )
    minimum: int = parameter(
        "500 yuan",
        unit="fen",
        low="0 yuan",
        high="100 m yuan",
        source="facts A.1.1: a few hundred yuan is the least seen",
        doc="A limit below it is not given at all.",
    )
    score_from: tuple[float, ...] = parameter(
        (0.0, 0.7, 0.85, 0.95), unit="probability", low=0, high=1, source="assumption", doc="Scores where tiers begin."
    )
    factor: tuple[float, ...] = parameter(
        (0.4, 0.7, 1.0, 1.3), unit="times", low=0, high=10, source="assumption", doc="Factor of each tier on the limit."
    )
    progressive: float = parameter(
        0.05,
        unit="share",
        low=0,
        high=1,
        source="assumption; that limits rise after repayment: facts A.1.3",
        doc="Rise of the limit for each loan repaid cleanly.",
    )
    progressive_steps: int = parameter(
        10, unit="loans", low=0, high=100, source="assumption", doc="Repaid loans after which the limit rises no more."
    )
    late_from: int = parameter(
        "8 days", unit="days", low="1 day", high="3650 days", source="facts C.12", doc="Days past due that are late."
    )
    late_cut: float = parameter(
        0.5, unit="share", low=0, high=1, source="assumption", doc="Share of the limit lost for ever having been late."
    )

    def __post_init__(self) -> None:
        """Refuse tiers that do not fit together."""
        check_steps(score_from=self.score_from, factor=self.factor)

    def __call__(self, view: View, context: Context) -> Answer:
        """Give limits in fen, int64 (n,), and what bounds each."""
        columns = [view[name] for name in self.needs]
        limit = np.empty(view.n, np.int64)
        reasons = np.empty((view.n, 1), np.int8)
        factors = np.array([0.0, *self.factor]) * self.multiple
        growth = self._growth()
        for rows in tiles(view.n):
            score, month, quarter, season, season_90d, repaid, worst, dpd = (column[rows] for column in columns)
            wanted = trusted_sales(month, quarter, season, season_90d)
            step = tier(score, self.score_from)
            wanted *= factors[step]
            wanted *= np.take(growth, repaid, mode="clip")
            was_late, late_now = worst >= self.late_from, dpd >= self.late_from
            limit[rows] = self._bounded(wanted, was_late, late_now)
            if context.explain:
                below_best = step < len(self.score_from)
                reasons[rows, 0] = self._reasons(wanted, limit[rows], was_late, late_now, below_best)
        return Answer(limit, reasons if context.explain else None)

    def _growth(self) -> npt.NDArray[np.float64]:
        """Give ``(1 + progressive) ** k`` for k from 0 to ``progressive_steps``, by multiplication: no power."""
        steps = np.array([1.0] + [1.0 + self.progressive] * self.progressive_steps)
        return np.asarray(np.cumprod(steps), np.float64)

    def _bounded(
        self, wanted: npt.NDArray[np.float64], was_late: npt.NDArray[np.bool_], late_now: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.int64]:
        """Cap, cut, round down and drop what is too small."""
        hundreds = np.minimum(wanted, self.cap)
        hundreds *= 1.0 - self.late_cut * was_late
        hundreds /= ROUND_TO_FEN
        limit = hundreds.astype(np.int64)
        limit *= ROUND_TO_FEN
        limit *= (limit >= self.minimum) & ~late_now
        return limit

    def _reasons(
        self,
        wanted: npt.NDArray[np.float64],
        limit: npt.NDArray[np.int64],
        was_late: npt.NDArray[np.bool_],
        late_now: npt.NDArray[np.bool_],
        below_best: npt.NDArray[np.bool_],
    ) -> npt.NDArray[np.int8]:
        """Say what bound each limit most."""
        reason = np.where(below_best, np.int8(_LOW_SCORE), np.int8(_NO_REASON))
        np.copyto(reason, np.int8(_CAPPED), where=wanted > self.cap)
        np.copyto(reason, np.int8(_WAS_LATE), where=was_late)
        np.copyto(reason, np.int8(_TOO_SMALL), where=limit < self.minimum)
        np.copyto(reason, np.int8(_LATE_NOW), where=late_now)
        return reason


@dataclass(frozen=True)
class Tiers:
    """Amounts fixed beforehand: the tier that both the score and the trusted monthly sales reach (facts A.1.1, 000).

    A merchant that was ever ``late_from`` days past due stands one tier lower; one that is gets nothing.
    """

    kind: ClassVar[str] = "limit"
    needs: ClassVar[tuple[str, ...]] = (
        "score", "sales_mean_30d", "sales_mean_90d", "season_index", "season_index_90d", "worst_dpd", "dpd",
    )  # fmt: skip
    reasons: ClassVar[tuple[str, ...]] = (*_REASONS, "low sales")

    amounts: tuple[int, ...] = parameter(
        ("2,000 yuan", "10,000 yuan", "50,000 yuan", "200,000 yuan"),
        unit="fen",
        low="0 yuan",
        high="100 m yuan",
        source="assumption; most limits below 500,000 yuan: facts A.1.1",
        doc="Limit of each tier.",
    )
    score_from: tuple[float, ...] = parameter(
        (0.5, 0.7, 0.85, 0.95), unit="probability", low=0, high=1, source="assumption", doc="Score each tier asks for."
    )
    sales_from: tuple[int, ...] = parameter(
        ("2,000 yuan", "10,000 yuan", "40,000 yuan", "150,000 yuan"),
        unit="fen",
        low="0 yuan",
        high="1 bn yuan",
        source="assumption",
        doc="Trusted monthly sales each tier asks for.",
    )
    late_from: int = parameter(
        "8 days", unit="days", low="1 day", high="3650 days", source="facts C.12", doc="Days past due that are late."
    )

    def __post_init__(self) -> None:
        """Refuse tiers that do not fit together."""
        check_steps(amounts=self.amounts, score_from=self.score_from, sales_from=self.sales_from)
        check_steps(score_from=self.score_from)
        check_steps(sales_from=self.sales_from)

    def __call__(self, view: View, context: Context) -> Answer:
        """Give limits in fen, int64 (n,), and what holds each below the highest tier."""
        columns = [view[name] for name in self.needs]
        limit = np.empty(view.n, np.int64)
        reasons = np.empty((view.n, 1), np.int8)
        amounts = np.array([0, *self.amounts], np.int64)
        for rows in tiles(view.n):
            score, month, quarter, season, season_90d, worst, dpd = (column[rows] for column in columns)
            by_score = tier(score, self.score_from)
            by_sales = tier(trusted_sales(month, quarter, season, season_90d), self.sales_from)
            reached = np.minimum(by_score, by_sales)
            reason = np.where(by_score <= by_sales, np.int8(_LOW_SCORE), np.int8(len(_REASONS)))
            np.copyto(reason, np.int8(_CAPPED), where=reached == len(self.amounts))
            was_late, late_now = worst >= self.late_from, dpd >= self.late_from
            np.copyto(reason, np.int8(_WAS_LATE), where=was_late)
            np.copyto(reason, np.int8(_LATE_NOW), where=late_now)
            reached = np.maximum(reached - was_late, 0) * ~late_now
            limit[rows], reasons[rows, 0] = amounts[reached], reason
        return Answer(limit, reasons)
