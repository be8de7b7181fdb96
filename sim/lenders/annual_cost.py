"""What a loan costs, or earns, a year: internal rate of return, APR and effective annual rate (facts C.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pyxirr

DAYS_IN_YEAR = 365
TOTAL_LOSS = -1.0  # nothing at all came back


@dataclass(frozen=True)
class AnnualCost:
    """Rates as shares of one; None where none is defined.

    Attributes
    ----------
    apr
        Nominal: the rate of one period times the periods of a year.
    ear
        Effective: the rate of one period, compounded over a year.
    """

    apr: float | None
    ear: float | None


def of_periods(paid_out: int, paid_back: Sequence[int], periods_in_year: int) -> AnnualCost:
    """Cost of a loan paid back at the ends of equal periods: ``sum of CF_k / (1 + IRR)^k = 0``.

    Parameters
    ----------
    paid_out
        Fen that the borrower got.
    paid_back
        Fen paid at the end of each period, the first period first.
    """
    if paid_out <= 0:
        return AnnualCost(None, None)
    if not any(paid_back):
        return AnnualCost(TOTAL_LOSS * periods_in_year, TOTAL_LOSS)
    return _annual(pyxirr.irr([-paid_out, *paid_back]), periods_in_year)


def of_dates(start: date, paid_out: int, paid_back: Sequence[tuple[date, int]], periods_in_year: int) -> AnnualCost:
    """Cost of a loan paid back on any days: ``sum of CF_k / (1 + EAR)^(days / 365) = 0``.

    The APR of a loan paid back at once is what it costs times the times its days fit into 365; of any other it is the
    rate of one of ``periods_in_year`` equal periods that comes to the same effective rate, times their number. What is
    paid back on the day of the payout is not lent.
    """
    lent = paid_out - sum(fen for day, fen in paid_back if day == start)
    later = [(day, fen) for day, fen in paid_back if day > start and fen]
    if lent <= 0:
        return AnnualCost(None, None)
    if not later:
        return AnnualCost(TOTAL_LOSS * periods_in_year, TOTAL_LOSS)
    ear = pyxirr.xirr([start, *(day for day, _ in later)], [-lent, *(fen for _, fen in later)])
    if ear is None:
        return AnnualCost(None, None)
    if len(later) == 1:
        ((day, fen),) = later
        return AnnualCost((fen / lent - 1.0) * DAYS_IN_YEAR / (day - start).days, ear)
    return AnnualCost(((1.0 + ear) ** (1.0 / periods_in_year) - 1.0) * periods_in_year, ear)


def _annual(rate: float | None, periods_in_year: int) -> AnnualCost:
    if rate is None:
        return AnnualCost(None, None)
    return AnnualCost(rate * periods_in_year, (1.0 + rate) ** periods_in_year - 1.0)
