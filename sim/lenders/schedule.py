"""A schedule: the days of a loan, what it costs in all and a year, and how its days count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sim.core.money import FEN_PER_YUAN, format_rate
from sim.lenders.account import BUCKETS, Account, LoanTerms, Paid
from sim.lenders.annual_cost import DAYS_IN_YEAR, AnnualCost, of_dates, of_periods
from sim.lenders.instalments import MONTHS_IN_YEAR, PLANS, Repayment


def in_yuan(fen: int) -> float:
    """Fen as yuan with two decimals, for a table."""
    return round(fen / FEN_PER_YUAN, 2)


@dataclass(frozen=True)
class Row:
    """A day on which something was paid or fell due, fen."""

    n: int  # instalment, 0 for the payout, the running period for a payment before its time
    date: date
    due: int  # owed before the payment
    paid: Paid
    balance: int

    def in_yuan(self) -> dict[str, object]:
        """The row as a schedule prints it, yuan with two decimals."""
        parts = {name: in_yuan(getattr(self.paid, name)) for name in ("principal", "interest", "penalty", "fee")}
        ends = {"payment": self.paid.total, "balance": self.balance, "due": self.due, "excess": self.paid.excess}
        return {"n": self.n, "date": self.date, **parts, **{name: in_yuan(fen) for name, fen in ends.items()}}


def live(terms: LoanTerms, payments: Sequence[tuple[date, int]] = ()) -> tuple[Account, list[Row]]:
    """Let a loan live to its end.

    What falls due is paid on its day, and a sweep of sales every day, unless ``payments`` name that day: then as much
    as they say. Payments of other days come before their time, or late. What stays unpaid is paid with the next
    instalment, or after the last one only by ``payments`` and a sweep, which goes on to the last of them.

    Raises
    ------
    ValueError
        If a payment comes before the payout.
    """
    account, by_day = Account(terms), dict[date, int]()
    for day, fen in payments:
        if day < terms.start:
            raise ValueError(f"a payment on {day}, before the payout on {terms.start}")
        by_day[day] = by_day.get(day, 0) + fen
    rows = []
    if terms.fee_fen and not account.fee_left:
        rows.append(Row(0, terms.start, terms.fee_fen, Paid(fee=terms.fee_fen), account.balance))
    last = max([account.dates[-1], *by_day])
    while True:
        day, due, fallen = account.today, account.due_now(), bool(account.instalments)
        is_due = fallen and account.instalments[-1].due == day
        usual = due if is_due else account.sweep()
        if is_due or usual or day in by_day:
            number = account.instalments[-1].number if is_due else account.next + (account.next < len(account.dates))
            paid = account.pay(by_day.get(day, usual))
            rows.append(Row(number, day, due, paid, account.balance))
        if account.closed or day == last:
            return account, rows
        account.pass_day()


def summarise(terms: LoanTerms, account: Account, rows: Sequence[Row]) -> dict[str, Any]:
    """Totals in yuan, rates as shares of one a year, and how the loan ended."""
    cost = annual_cost(terms, account, rows)
    is_equal = PLANS[terms.product].repayment is Repayment.EQUAL_INSTALMENTS
    totals = {name: sum(getattr(row.paid, name) for row in rows) for name in BUCKETS}
    return {
        "product": terms.product,
        "principal": in_yuan(terms.principal_fen),
        "rate": format_rate(terms.rate),
        "rate_ppm_year": terms.rate.ppm_year,
        "periods": terms.periods,
        "start": terms.start,
        "end": account.closed,
        "day_count": day_count(terms),
        "instalment": in_yuan(account.regular_fen) if is_equal else None,
        "total_interest": in_yuan(totals["interest"] - account.refunded),
        "total_penalty": in_yuan(totals["penalty"]),
        "total_fee": in_yuan(totals["fee"]),
        "interest_refunded": in_yuan(account.refunded),
        "total_paid": in_yuan(sum(totals.values()) - account.refunded),
        "balance": in_yuan(account.balance),
        "owed": in_yuan(account.settles()),
        "mean_life_days": mean_life(terms, rows),
        "apr": cost.apr,
        "ear": cost.ear,
    }


def annual_cost(terms: LoanTerms, account: Account, rows: Sequence[Row]) -> AnnualCost:
    """Cost of a loan a year: by equal months where all was paid on due dates of months, else by its days.

    It is undefined while something is owed.
    """
    if account.closed is None:
        return AnnualCost(None, None)
    upfront = sum(row.paid.total for row in rows if row.n == 0)
    flows = [(row.date, row.paid.total) for row in rows if row.n]
    if account.refunded:
        flows[-1] = (flows[-1][0], flows[-1][1] - account.refunded)
    lent, by_month = terms.principal_fen - upfront, PLANS[terms.product].unit == "months"
    if by_month and all(day in account.dates for day, _ in flows):
        paid = dict(flows)
        months = account.dates if PLANS[terms.product].repayment is not Repayment.AT_END else []
        if months:
            return of_periods(lent, [paid.get(day, 0) for day in months], MONTHS_IN_YEAR)
    return of_dates(terms.start, lent, flows, MONTHS_IN_YEAR if PLANS[terms.product].by_month else DAYS_IN_YEAR)


def mean_life(terms: LoanTerms, rows: Sequence[Row]) -> float | None:
    """Days a yuan of principal was out on average; None while some still is."""
    repaid = sum(row.paid.principal for row in rows)
    if repaid < terms.principal_fen:
        return None
    return sum(row.paid.principal * (row.date - terms.start).days for row in rows) / repaid


def day_count(terms: LoanTerms) -> str:
    """In words, how days become interest."""
    plan = PLANS[terms.product]
    if plan.repayment is Repayment.SALES_SHARE:
        return "a fixed fee, no interest"
    if plan.by_month:
        return "a month costs a twelfth of the yearly rate, a day of it a thirtieth of that"
    return f"actual days, the day after the payout first, over {terms.rate.days_in_year} days a year"
