"""Any life of a loan: draws, nights, payments and prepayments in any order, lateness, write-off, recovery.

The compiled rules move the loan, `sim.engine.settle` books what they count, and after every step the books must say
what the loan says. 100 lives of up to 100 steps here, 1,000 with ``make test-nightly``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim.core.clock import add_months, date_of, day_number
from sim.core.kernels import kernel
from sim.core.loanbook import ACTIVE, PAID_OFF, PRODUCTS, WRITTEN_OFF, LoanBook
from sim.engine.books import BANK_MONEY, GRAINS_PER_FEN, OUTSIDE_MONEY, WALLETS, Books
from sim.engine.day import loan as whole
from sim.engine.day import scheduled
from sim.engine.day.loan import REPAY_TOTALS, T_WALLET
from sim.engine.settle import book_disbursement, book_repayments

START = 4400
NON_ACCRUAL, WRITE_OFF, LATE_FEE = 30, 60, 777
KINDS = ("revolving_line", "annuity", "equal_principal", "interest_only_bullet", "fixed_loan")
ORDERS = ((3, 0, 1, 2), (2, 1, 0, 3), (1, 0, 3, 2))


@kernel
def a_night(loans: Any, plans: Any, unpaid: Any, today: Any, compounds: Any, sums: Any) -> None:
    loan = loans[0]
    if loan.status == WRITTEN_OFF:
        whole.recover(loan, 0.01, 0.01, sums)
    elif loan.status == ACTIVE:
        if loan.schedule > 0:
            scheduled.accrue(loan, plans[0], unpaid[0], today, 1500, compounds, LATE_FEE, NON_ACCRUAL, sums)
            scheduled.fall_due(loan, plans[0], unpaid[0], today)
        else:
            whole.accrue(loan, today, 1500, compounds, LATE_FEE, NON_ACCRUAL, sums)
            whole.fall_due(loan, 0.0, today)


@kernel
def a_payment(loans: Any, plans: Any, unpaid: Any, fen: Any, order: Any, sums: Any) -> Any:
    if loans[0].schedule > 0:
        return scheduled.pay(loans[0], plans[0], unpaid[0], fen, order, True, sums)
    return whole.pay(loans[0], fen, order, sums)


@kernel
def an_evening(loans: Any, plans: Any, unpaid: Any, today: Any, sums: Any) -> None:
    """Close what is paid, age what is late."""
    loan = loans[0]
    if loan.status != ACTIVE:
        return
    if loan.schedule > 0:
        if loan.balance == 0 and scheduled.settles(loan, plans[0], unpaid[0]) == 0:
            whole.close(loan, today, 0, sums)
        else:
            scheduled.age(loan, plans[0], unpaid[0], today, NON_ACCRUAL, WRITE_OFF, 20, sums)
    elif loan.balance == 0 and whole.owed_now(loan) == 0:
        whole.close(loan, today, 0, sums)
    else:
        whole.age(loan, today, NON_ACCRUAL, WRITE_OFF, 20, sums)


@kernel
def owed(loans: Any, plans: Any, unpaid: Any) -> Any:
    """Fen that would settle the loan, and fen that have fallen due."""
    if loans[0].schedule > 0:
        settles = scheduled.settles(loans[0], plans[0], unpaid[0])
        return settles, scheduled.due_of(loans[0], plans[0], unpaid[0])
    due = whole.claim_of(loans[0]) if loans[0].overdue > 0 or loans[0].balance == 0 else np.int64(0)
    return whole.owed_now(loans[0]), due


class Life:
    """One loan at a time of one borrower, and the books of the lender, the borrower and the outside."""

    def __init__(self, kind: str, ppm: int, basis: int, order: tuple[int, ...], grace: int, *, compounds: bool) -> None:
        self.kind, self.ppm, self.basis, self.grace = kind, ppm, basis, grace
        self.order, self.compounds = np.array(order, np.int64), int(compounds)
        self.today, self.books, self.sums = START, Books(), np.zeros(len(REPAY_TOTALS), np.int64)
        self.books.transfer(OUTSIDE_MONEY, ("ali", "cash"), 10**12, received_for="paid_in")
        self.books.transfer(OUTSIDE_MONEY, WALLETS, 10**12)
        self.book: LoanBook | None = None

    def draw(self, fen: int, months: int) -> None:
        """A new loan, if the last one is gone."""
        if self.book is not None and self.loan["status"] == ACTIVE:
            return
        self.book = book = LoanBook(most_unpaid=8)
        code, plan = PRODUCTS.index(self.kind), np.zeros(1, np.int32)
        principal, rate = np.array([fen]), np.array([self.ppm])
        due = day_number(add_months(date_of(self.today), months))
        is_scheduled = self.kind != "revolving_line"
        if is_scheduled:
            instalment = np.zeros(1, np.int64)
            scheduled.lay_out(np.array([code]), principal, rate, np.array([months]), instalment)
            plan = 1 + book.schedules.add(
                kind=scheduled.KIND[code], start=[self.today], begin=[self.today], next_due=[day_number(add_months(date_of(self.today), 1))], number=1, periods=months,
                grace=self.grace, instalment=instalment,
            )  # fmt: skip
        by_month = scheduled.BY_MONTH[code]
        book.append(
            loan_id=[1], product=code, opened=self.today, due=due, principal=principal, balance=principal, rate=rate,
            units_per_fen=(360 if by_month else self.basis) * 10**6, schedule=plan, grace=self.grace,
        )  # fmt: skip
        book_disbursement(self.books, "ali", fen)

    @property
    def loan(self) -> Any:
        assert self.book is not None
        return self.book.records[0]

    @property
    def arrays(self) -> tuple[Any, Any, Any]:
        assert self.book is not None
        plans = self.book.schedules
        if plans.records.size == 0:
            return self.book.records, np.zeros(1, plans.records.dtype), np.zeros((1, 1), plans.unpaid.dtype)
        return self.book.records, plans.records, plans.unpaid

    def night(self) -> None:
        """One night; the loan is closed or grows older in the evening before."""
        self.evening()
        self.today += 1
        if self.book is not None:
            a_night(*self.arrays, self.today, self.compounds, self.sums)
            self.settle()

    def pay(self, fen: int) -> None:
        if self.book is None or self.loan["status"] != ACTIVE:
            return
        settles, _ = owed(*self.arrays)
        before = int(self.loan["balance"])
        opened, interest = int(self.loan["opened"]), int(self.loan["interest_paid"])
        rest = int(a_payment(*self.arrays, fen, self.order, self.sums))
        assert rest == max(fen - settles, 0)
        self.sums[T_WALLET] += fen - rest
        assert self.loan["balance"] <= before
        if opened == self.today:
            assert self.loan["interest_paid"] == interest  # drawn and repaid on one day costs nothing
        self.settle()

    def evening(self) -> None:
        if self.book is not None:
            an_evening(*self.arrays, self.today, self.sums)
            self.settle()
            if self.loan["status"] == ACTIVE and self.loan["dpd"] > 0:
                assert owed(*self.arrays)[1] > 0  # nobody is late who owes nothing
            if self.loan["status"] == ACTIVE and self.loan["balance"] == 0:
                assert owed(*self.arrays)[1] > 0  # and what is left after the principal stays due
                assert self.loan["unpaid_since"] > 0

    def settle(self) -> None:
        """Book what was counted, and hold the loan against the books."""
        totals = dict(zip(REPAY_TOTALS, self.sums.tolist(), strict=True))
        book_repayments(self.books, "ali", totals)
        self.sums[:] = 0
        loan = self.loan
        grains = int(loan["accrued"]) * (GRAINS_PER_FEN // int(loan["units_per_fen"]))
        counted = {
            ("ali", "loans"): int(loan["balance"]) * GRAINS_PER_FEN,
            ("ali", "interest_receivable"): grains,
            ("ali", "collections"): 0,
        }
        self.books.check("a day", counted)
        self._nothing_is_negative()

    def _nothing_is_negative(self) -> None:
        loan, (_, plans, unpaid) = self.loan, self.arrays
        paid = ("principal_paid", "interest_paid", "penalty_paid", "balance", "overdue", "recovered", "dpd")
        assert all(loan[name] >= 0 for name in paid)
        assert loan["overdue"] <= loan["balance"]
        assert loan["principal_paid"] + loan["balance"] + loan["written_off"] == loan["principal"]
        if loan["schedule"] > 0 and loan["status"] == ACTIVE:
            row = unpaid[0][: plans[0]["n_unpaid"]]
            assert (row["interest"] >= 0).all()
            assert (row["principal"] >= 0).all()
            assert row["principal"].sum() == loan["overdue"]
            assert row["interest"].sum() == plans[0]["interest_due"]
            assert (np.diff(row["due"]) > 0).all()
        settles, due = owed(*self.arrays)
        assert settles >= due >= 0
        if loan["status"] == PAID_OFF:
            assert (loan["balance"], loan["accrued"], loan["suspended"], loan["penalty"]) == (0, 0, 0, 0)


STEP = st.one_of(
    st.tuples(st.just("night"), st.integers(1, 12)),
    st.tuples(st.just("month"), st.integers(20, 40)),
    st.tuples(st.just("pay"), st.integers(0, 400_000)),
    st.tuples(st.just("settle"), st.integers(-1, 1)),
    st.tuples(st.just("draw"), st.integers(1, 3_000_000)),
)


@given(
    st.sampled_from(KINDS), st.integers(0, 500_000), st.sampled_from((365, 360)),
    st.sampled_from(ORDERS), st.sampled_from((0, 3)), st.booleans(), st.integers(1, 8),
    st.lists(STEP, min_size=5, max_size=100),
)  # fmt: skip
def test_any_life_of_a_loan_closes_to_the_fen(
    kind: str, ppm: int, basis: int, order: tuple[int, ...], grace: int, compounds: bool, months: int,
    steps: list[tuple[str, int]],
) -> None:  # fmt: skip
    life = Life(kind, ppm, basis, order, grace, compounds=compounds)
    life.draw(100_000, months)
    for what, size in steps:
        if what == "draw":
            balance = life.loan["balance"]
            life.draw(size, months)
            life.pay(0)
            assert life.loan["balance"] in (balance, size)
        elif what == "pay":
            life.pay(size)
        elif what == "settle":
            life.pay(max(int(owed(*life.arrays)[0]) + size, 0))
            life.pay(size + 1)  # and a second payment on the same day
        else:
            for _ in range(size):
                life.night()
            accrued = int(life.loan["accrued"] + life.loan["suspended"])
            if life.loan["balance"] == life.loan["overdue"] and life.loan["status"] == ACTIVE:
                life.night()  # no interest on principal that is paid or overdue
                is_lost = life.loan["status"] == WRITTEN_OFF
                assert is_lost or int(life.loan["accrued"] + life.loan["suspended"]) == accrued
    assert life.books.fen("ali", "cash") >= 0
    assert BANK_MONEY not in life.books.balances
