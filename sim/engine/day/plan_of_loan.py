"""The plan of a loan repaid by instalments: due dates, regular instalments, what a night counts of a month."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from sim.core.clock import add_months, date_of, day_number, working_day
from sim.core.kernels import Scalar, floor, kernel, least, rule
from sim.core.loanbook import PRODUCTS
from sim.lenders.instalments import DAYS_IN_MONTH, MONTHS_IN_YEAR, PLANS, Repayment

AT_END, EQUAL_INSTALMENTS, EQUAL_PRINCIPAL, INTEREST_ONLY, SALES_SHARE = range(5)
SETTLEMENT = 5  # under new terms: all falls due but its `instalment`, which is forgiven once that is paid
_REPAYMENTS = (
    Repayment.AT_END, Repayment.EQUAL_INSTALMENTS, Repayment.EQUAL_PRINCIPAL, Repayment.INTEREST_ONLY,
    Repayment.SALES_SHARE,
)  # fmt: skip

# Constants of compiled code, by product: how it is repaid, and whether its interest counts thirtieths of a month.
KIND = np.array([_REPAYMENTS.index(PLANS[name].repayment) for name in PRODUCTS], np.int8)
BY_MONTH = np.array([PLANS[name].by_month for name in PRODUCTS], np.bool_)
# Day numbers on which the months begin, from January 2000 on, as far as 16 bits of days reach.
MONTHS = np.array([day_number(add_months(date(2000, 1, 1), n)) for n in range(12 * 89)], np.int32)

# By day number: the day itself, or, if it is a public holiday, the first working day after it.
WORKING_DAYS = np.array([day_number(working_day(date_of(n))) for n in range(MONTHS[12 * 41])], np.int16)


@rule
def monthly_due(opened: Scalar, number: Scalar) -> Scalar:
    """Day number of the ``number``-th monthly due date, counted from the start and clipped to a shorter month."""
    month = opened * 12 // 366
    while MONTHS[month + 1] <= opened:
        month += 1
    then = month + number
    return MONTHS[then] + least(opened - MONTHS[month], MONTHS[then + 1] - MONTHS[then] - 1)


@rule
def equal_instalment(principal: Scalar, rate: Scalar, periods: Scalar) -> Scalar:
    """Fen of one of ``periods`` equal monthly instalments at ``rate`` ppm a year, rounded half up (facts C.2).

    It is the principal over the sum of discount factors: the same as ``P i (1 + i)^n / ((1 + i)^n - 1)``, and exact to
    some billionths where that one loses digits.
    """
    discount, factor, total = 1.0, 1.0 / (1.0 + rate / (MONTHS_IN_YEAR * 1e6)), 0.0
    for _ in range(periods):
        discount *= factor
        total += discount
    return np.int64(floor(principal / total + 0.5))


@rule
def regular_instalment(kind: Scalar, principal: Scalar, rate: Scalar, periods: Scalar) -> Scalar:
    """Fen of a regular instalment: with interest for equal instalments, of principal alone for equal principal."""
    if kind == EQUAL_INSTALMENTS:
        return equal_instalment(principal, rate, periods)
    if kind == EQUAL_PRINCIPAL:
        return (2 * principal + periods) // (2 * periods)
    return np.int64(0)


@kernel
def lay_out(product: Any, principal: Any, rate: Any, periods: Any, instalment: Any) -> None:
    """Write the regular instalments (k,) of new loans, fen."""
    for k in range(product.size):
        instalment[k] = regular_instalment(KIND[product[k]], principal[k], np.int64(rate[k]), periods[k])


@rule
def thirtieths(day: Scalar, days: Scalar) -> Scalar:
    """Thirtieths of a month's interest accrued ``day`` days into a period of ``days`` (facts C.1)."""
    return DAYS_IN_MONTH if day >= days else least(day, DAYS_IN_MONTH)


@rule
def night_counts(schedule: Any, today: Scalar) -> Scalar:
    """Thirtieths of a month that last night counts; one where the period is no month, as under new terms."""
    days = schedule.next_due - schedule.begin
    if schedule.is_odd:
        return 1
    return thirtieths(today - schedule.begin, days) - thirtieths(today - 1 - schedule.begin, days)
