"""What a loan pays when: the plan of every product, in whole fen and exact fractions (facts C.1, C.2).

A plan is counted in periods: months, or days for a product that is due within weeks. It says how much principal falls
due at the end of each period; interest is what has accrued by then. The last instalment takes the residue of rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Literal

from sim.core.clock import working_day
from sim.core.money import PPM, Rate, Term, round_half_up

MONTHS_IN_YEAR, DAYS_IN_MONTH = 12, 30


class Repayment(StrEnum):
    """How principal falls due."""

    AT_END = "all at the end"
    EQUAL_INSTALMENTS = "equal instalments"
    EQUAL_PRINCIPAL = "equal principal"
    INTEREST_ONLY = "interest each month, principal at the end"
    SALES_SHARE = "a share of each day's sales"


@dataclass(frozen=True)
class Plan:
    """How a product is repaid.

    Attributes
    ----------
    repayment
        How principal falls due.
    unit
        What a period is.
    by_month
        Whether a period costs a twelfth of the yearly rate, whatever its days; otherwise every day costs its part.
    is_swept
        Whether a share of each day's sales may repay it before its time.
    """

    repayment: Repayment
    unit: Literal["days", "months"] = "months"
    by_month: bool = False
    is_swept: bool = False


# How instalments of a fixed loan and a joint-liability loan fall due is said nowhere (facts A.1.1, A.1.5): assumptions.
PLANS: dict[str, Plan] = {
    "order_loan": Plan(Repayment.AT_END, "days"),
    "revolving_line": Plan(Repayment.AT_END),
    "fixed_loan": Plan(Repayment.INTEREST_ONLY),
    "annuity": Plan(Repayment.EQUAL_INSTALMENTS, by_month=True),
    "equal_principal": Plan(Repayment.EQUAL_PRINCIPAL, by_month=True),
    "interest_only_bullet": Plan(Repayment.INTEREST_ONLY, by_month=True),
    "sales_share": Plan(Repayment.SALES_SHARE, "days"),
    "purchase_order": Plan(Repayment.AT_END, "days", is_swept=True),
    "warehouse": Plan(Repayment.AT_END, "days"),
    "joint_liability": Plan(Repayment.EQUAL_INSTALMENTS, by_month=True),
}


def due_dates(plan: Plan, start: date, periods: int, *, holidays: str = "none") -> list[date]:
    """End of each period, counted from the start, so that a loan of the 31st is due on the last of a shorter month.

    A loan that is due as a whole has one date, the last. With ``holidays`` of ``next_day`` a date on a public holiday
    moves to the first working day after it.
    """
    numbers = [periods] if plan.repayment is Repayment.AT_END else range(1, periods + 1)
    dates = [Term(number, plan.unit).due(start) for number in numbers]
    return [working_day(day) for day in dates] if holidays == "next_day" else dates


def equal_instalment(principal_fen: int, rate: Rate, periods: int) -> int:
    """Fen of one of ``periods`` equal monthly instalments: ``P i (1 + i)^n / ((1 + i)^n - 1)``, rounded half up.

    ``i`` is a twelfth of the yearly rate; without interest it is ``P / n`` (facts C.2).

    Raises
    ------
    ValueError
        If there is no period.
    """
    if periods < 1:
        raise ValueError(f"{periods} instalments; at least 1 is needed")
    month = Fraction(rate.ppm_year, MONTHS_IN_YEAR * PPM)
    if month == 0:
        return round_half_up(principal_fen, periods)
    growth = (1 + month) ** periods
    instalment = principal_fen * month * growth / (growth - 1)
    return round_half_up(instalment.numerator, instalment.denominator)


def equal_principal(principal_fen: int, periods: int) -> int:
    """Fen of principal in each of ``periods`` instalments: ``P / n``, rounded half up."""
    if periods < 1:
        raise ValueError(f"{periods} instalments; at least 1 is needed")
    return round_half_up(principal_fen, periods)


def thirtieths(day: int, days: int) -> int:
    """Thirtieths of a month's interest that have accrued ``day`` days into a period of ``days`` days.

    A day costs a thirtieth of the month (facts C.1), and a whole period exactly the month: a 31st day is free, and the
    last day of a short month makes up for those it lacks.
    """
    return DAYS_IN_MONTH if day >= days else min(day, DAYS_IN_MONTH)
