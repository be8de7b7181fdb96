"""One loan moved by the compiled rules alone, and held against the plain account, day by day and fen by fen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from sim.core.clock import day_number
from sim.core.kernels import kernel
from sim.core.loanbook import PRODUCTS, REVOLVING_LINE, LoanBook
from sim.engine.day import loan as whole
from sim.engine.day import plan_of_loan
from sim.engine.day import scheduled as s
from sim.engine.day.loan import REPAY_TOTALS, close
from sim.lenders.account import REFUND_DAYS, Account, LoanTerms
from sim.lenders.instalments import PLANS, Repayment, due_dates

CODES = {"penalty": 0, "interest": 1, "principal": 2, "fee": 3}


@kernel
def a_night(
    loans: Any, plans: Any, unpaid: Any, today: Any, permille: Any, compounds: Any, late_fee: Any, sold: Any,
    order: Any, by_instalment: Any, sums: Any,
) -> Any:  # fmt: skip
    """As a market's day has it: interest, the day's share of ``sold`` fen of sales, what falls due. Gives the share."""
    s.accrue(loans[0], plans[0], unpaid[0], today, permille, compounds, late_fee, 9_999, sums)
    share = s.take_share(loans[0], plans[0], unpaid[0], sold, np.int64(10**15), order, by_instalment, sums)
    s.fall_due(loans[0], plans[0], unpaid[0], today)
    return share


@kernel
def a_payment(loans: Any, plans: Any, unpaid: Any, fen: Any, order: Any, by_instalment: Any, sums: Any) -> Any:
    return s.pay(loans[0], plans[0], unpaid[0], fen, order, by_instalment, sums)


@kernel
def an_end(loans: Any, plans: Any, unpaid: Any, today: Any, refund_days: Any, sums: Any) -> None:
    """Close a loan that is paid, or let it grow older."""
    if loans[0].balance == 0 and s.settles(loans[0], plans[0], unpaid[0]) == 0:
        close(loans[0], today, refund_days, sums)
    else:
        s.age(loans[0], plans[0], unpaid[0], today, 9_999, 9_999, 360, sums)


@kernel
def standing(loans: Any, plans: Any, unpaid: Any) -> Any:
    return s.due_of(loans[0], plans[0], unpaid[0]), s.settles(loans[0], plans[0], unpaid[0])


@kernel
def a_plain_night(loans: Any, today: Any, permille: Any, compounds: Any, late_fee: Any, sums: Any) -> None:
    whole.accrue(loans[0], today, permille, compounds, late_fee, 9_999, sums)
    whole.fall_due(loans[0], 0.0, today)


@kernel
def a_plain_payment(loans: Any, fen: Any, order: Any, sums: Any) -> Any:
    return whole.pay(loans[0], fen, order, sums)


@kernel
def a_plain_end(loans: Any, today: Any, refund_days: Any, sums: Any) -> None:
    if loans[0].balance == 0 and whole.owed_now(loans[0]) == 0:
        whole.close(loans[0], today, refund_days, sums)
    elif loans[0].unpaid_since > 0:
        whole.age(loans[0], today, 9_999, 9_999, 360, sums)


@kernel
def plain_standing(loans: Any) -> Any:
    is_due = loans[0].overdue > 0 or loans[0].balance == 0
    return whole.claim_of(loans[0]) if is_due else np.int64(0), whole.owed_now(loans[0])


class Compiled:
    """One loan with a schedule, moved by the compiled rules alone."""

    def __init__(self, terms: LoanTerms) -> None:
        plan, code = PLANS[terms.product], PRODUCTS.index(terms.product)
        dates = due_dates(plan, terms.start, terms.periods, holidays=terms.holidays)
        self.terms, self.today = terms, day_number(terms.start)
        is_share = plan.repayment is Repayment.SALES_SHARE
        dates = dates[-1:] if is_share else dates  # a share is paid every day, and the rest is due at the end
        book = LoanBook(most_unpaid=len(dates) + 1)
        self.order = np.array([CODES[bucket] for bucket in terms.order], np.int64)
        instalment = np.zeros(1, np.int64)
        principal, rate = np.array([terms.principal_fen]), np.array([terms.rate.ppm_year])
        plan_of_loan.lay_out(np.array([code]), principal, rate, np.array([len(dates)]), instalment)
        at = book.schedules.add(
            kind=plan_of_loan.KIND[code], start=[self.today], begin=[self.today], next_due=[day_number(dates[0])],
            number=1, periods=len(dates), grace=terms.grace_days,
            shrinks=terms.prepayment == "smaller", rolls=terms.holidays == "next_day", instalment=instalment,
            share=terms.sales_permille * 1_000,
        )  # fmt: skip
        upf = (360 if plan.by_month else terms.rate.days_in_year) * 10**6
        book.append(
            loan_id=[1], product=code, opened=self.today, due=day_number(dates[-1]), principal=principal,
            balance=principal, rate=rate, units_per_fen=upf, schedule=at + 1, is_first=terms.is_first,
            suspended=terms.fee_fen * upf if is_share else 0,
        )  # fmt: skip
        self.loan = book.records[0]
        self.arrays = book.records, book.schedules.records, book.schedules.unpaid
        self.sums = np.zeros(len(REPAY_TOTALS), np.int64)

    def pass_day(self) -> int:
        """A night; gives the share of sales that it paid."""
        terms = self.terms
        self.misuse()
        self.today += 1
        permille, late_fee, sold = terms.penalty_permille, terms.late_fee_fen, terms.daily_sales_fen
        rules = permille, int(terms.compounds), late_fee, sold, self.order, int(terms.by_instalment)
        return int(a_night(*self.arrays, self.today, *rules, self.sums))

    def misuse(self) -> None:
        """Make the loan dearer from the day on which its money is known to be used for another purpose."""
        since = self.terms.misuse_from
        if since is not None and self.today >= day_number(since):
            self.loan["surcharge"] = self.terms.misuse_permille // 10

    def pay(self, fen: int) -> int:
        return int(a_payment(*self.arrays, fen, self.order, int(self.terms.by_instalment), self.sums))

    def end_day(self) -> None:
        an_end(*self.arrays, self.today, REFUND_DAYS, self.sums)

    def figures(self) -> tuple[int, ...]:
        """Due, settling, what was paid of each bucket, balance, overdue, given back, fen."""
        loan = self.loan
        paid = (loan[f"{name}_paid"] for name in ("principal", "interest", "penalty", "fee"))
        rest = (loan[name] for name in ("balance", "overdue", "refunded"))
        return tuple(int(fen) for fen in (*self.standing(), *paid, *rest))

    def standing(self) -> tuple[int, int]:
        due, settles = standing(*self.arrays)
        return int(due), int(settles)


class CompiledLine(Compiled):
    """A loan that is due as a whole, as the market keeps it: without a schedule."""

    def __init__(self, terms: LoanTerms) -> None:
        super().__init__(terms)
        self.loan["schedule"], self.loan["grace"] = 0, terms.grace_days
        self.loan["product"] = REVOLVING_LINE  # an order loan would be due when its pledge is at an end

    def pass_day(self) -> int:
        terms = self.terms
        self.misuse()
        self.today += 1
        rules = terms.penalty_permille, int(terms.compounds), terms.late_fee_fen
        a_plain_night(self.arrays[0], self.today, *rules, self.sums)
        return 0

    def pay(self, fen: int) -> int:
        return int(a_plain_payment(self.arrays[0], fen, self.order, self.sums))

    def end_day(self) -> None:
        a_plain_end(self.arrays[0], self.today, REFUND_DAYS, self.sums)

    def standing(self) -> tuple[int, int]:
        due, settles = plain_standing(self.arrays[0])
        return int(due), int(settles)


def whole_fen(terms: LoanTerms) -> LoanTerms:
    """Terms as a market has them: a surcharge in whole per cent, and shares of sales that are whole fen a day."""
    sold = -(-terms.daily_sales_fen // 1_000) * 1_000
    return replace(terms, misuse_permille=min(terms.misuse_permille // 10 * 10, 2_550), daily_sales_fen=sold)


def compare(compiled: Compiled, payments: dict[date, int]) -> dict[str, int]:
    """Hold a compiled loan against the account on every day; gives what was paid, fen by bucket."""
    account = Account(compiled.terms)
    paid = dict.fromkeys(("principal", "interest", "penalty", "fee"), 0)
    while account.today < max(payments) and not account.closed:
        account.pass_day()
        fen = account.sweep()
        assert compiled.pass_day() == fen, account.today
        parts = [account.pay(fen)] if fen else []
        is_due = bool(account.instalments) and account.instalments[-1].due == account.today
        if (is_due or account.today in payments) and not account.closed:
            fen = payments.get(account.today, account.due_now())
            parts.append(account.pay(fen))
            assert compiled.pay(fen) == parts[-1].excess
        compiled.end_day()
        for part in parts:
            for bucket in paid:
                paid[bucket] += getattr(part, bucket)
        expected = account.due_now(), account.settles(), *paid.values(), account.balance, account.overdue
        assert compiled.figures() == (*expected, account.refunded), account.today
        if not account.closed:
            assert compiled.loan["dpd"] == account.days_past_due, account.today
    assert account.balance == 0
    return paid
