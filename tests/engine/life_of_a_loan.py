"""One loan at a time of one borrower, moved by the compiled rules, and the books that must say what it says.

A day is a morning (interest, sweeps, what falls due), payments, and an evening (closing or ageing), after which the
lender may agree new terms or sell the debt, as a market's day has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from loan_day import OBSERVED, a_morning, a_payment, an_evening, owed

from sim.core.clock import add_months, date_of, day_number, working_day
from sim.core.loanbook import ACTIVE, PRODUCTS, SALE, SECURED, WRITTEN_OFF, LoanBook
from sim.core.schedules import TREATMENTS
from sim.engine.after.new_terms import OFFER, agree, forgive_rest, sell
from sim.engine.books import ESCROW, GRAINS_PER_FEN, OUTSIDE_MONEY, WALLETS, Books
from sim.engine.day import plan_of_loan
from sim.engine.day.borrower import Records
from sim.engine.day.loan import REPAY_TOTALS, T_WALLET
from sim.engine.settle import book_disbursement, book_repayments

START = 4400
BUCKETS = ("current", "1_30", "31_60", "61_90", "90_plus")
IN_DAYS = {"order_loan": 30, "sales_share": 60, "purchase_order": 45, "warehouse": 40}
FEE = 0.1  # of a share of sales


@dataclass(frozen=True)
class Agreed:
    """What a loan agrees; ``months`` of those that are counted in months, ``sold`` fen of sales a day."""

    kind: str
    ppm: int = 180_000
    basis: int = 365
    order: tuple[int, ...] = (3, 0, 1, 2)
    grace: int = 0
    months: int = 3
    late_fee: int = 777
    sold: int = 3_333
    compounds: bool = False
    by_instalment: bool = True
    shrinks: bool = False
    rolls: bool = False
    is_first: bool = False


class Life:
    """A borrower and its lender: draws, days, payments, new terms, the end."""

    def __init__(self, agreed: Agreed) -> None:
        self.agreed, self.code = agreed, PRODUCTS.index(agreed.kind)
        self.order = np.array(agreed.order, np.int64)
        self.today, self.books = START, Books()
        self.all_sums = np.zeros((1, len(PRODUCTS), len(REPAY_TOTALS)), np.int64)
        self.sums = self.all_sums[0, self.code]
        self.lenders = Records(*(np.zeros((1, 1), np.int64) for _ in Records._fields))
        self.books.transfer(OUTSIDE_MONEY, ("ali", "cash"), 10**12, received_for="paid_in")
        self.books.transfer(OUTSIDE_MONEY, WALLETS, 10**12)
        self.freed = 0  # fen of pledged orders that are the shop's own again
        self.book: LoanBook | None = None

    # ------------------------------------------------------------------------------------------------- what is done

    def draw(self, fen: int) -> None:
        """A new loan, if the last one is gone."""
        if self.book is not None and self.loan["status"] == ACTIVE:
            return
        if self.book is not None:
            self.freed += int(self.loan["pledged"].sum())
        self.book, agreed, today = LoanBook(1, most_unpaid=8), self.agreed, self.today
        is_share = agreed.kind == "sales_share"
        ppm = 0 if is_share else agreed.ppm
        upf = (360 if plan_of_loan.BY_MONTH[self.code] else agreed.basis) * 10**6
        in_days = IN_DAYS.get(agreed.kind)
        due = self._working(today + in_days if in_days else self._month(agreed.months))
        pledged = np.floor(np.full((1, 4), fen * 0.3)) if agreed.kind == "order_loan" else np.zeros((1, 4))
        plan = self._plan(fen, ppm, due) if agreed.kind not in ("order_loan", "revolving_line") else 0
        self.book.append(
            loan_id=[1], product=self.code, opened=today, due=due, principal=fen, balance=fen, rate=ppm,
            units_per_fen=upf, schedule=plan, grace=agreed.grace, is_first=agreed.is_first, pledged=pledged,
            advance=0.75, suspended=round(fen * FEE) * upf if is_share else 0,
        )  # fmt: skip
        book_disbursement(self.books, "ali", fen)
        self.books.transfer(OUTSIDE_MONEY, ESCROW, int(pledged.sum()))

    def _working(self, day: int) -> int:
        return day_number(working_day(date_of(day))) if self.agreed.rolls else day

    def _month(self, months: int, start: int | None = None) -> int:
        return day_number(add_months(date_of(self.today if start is None else start), months))

    def _plan(self, fen: int, ppm: int, due: int) -> Any:
        assert self.book is not None
        agreed, instalment, more = self.agreed, np.zeros(1, np.int64), {}
        periods, first = agreed.months, self._working(self._month(1))
        plan_of_loan.lay_out(
            np.array([self.code]), np.array([fen]), np.array([ppm]), np.array([periods]), instalment
        )  # fmt: skip
        if agreed.kind == "sales_share":
            periods, first, more = -(-(due - self.today) // 14), self.today + 14, {"every": 14}
            instalment[:] = round(fen * (1.0 + FEE) * 0.15)
        elif agreed.kind in IN_DAYS:
            periods, first = 1, due
        return 1 + self.book.schedules.add(
            kind=plan_of_loan.KIND[self.code], start=self.today, begin=self.today, next_due=[first], number=1,
            periods=periods, grace=agreed.grace, instalment=instalment, shrinks=agreed.shrinks, rolls=agreed.rolls,
            share=200_000 if agreed.kind in ("sales_share", "purchase_order") else 0, **more,
        )  # fmt: skip

    def night(self) -> None:
        """An evening and a morning."""
        self.evening()
        self.morning()

    def morning(self) -> None:
        self.today += 1
        if self.book is None:
            return
        was, agreed, loan = self._figures(), self.agreed, self.loan
        stock = float(loan["principal"]) * 1.6 * 0.985 ** (self.today - int(loan["opened"]))
        rules = int(agreed.compounds), agreed.late_fee, self.order, int(agreed.by_instalment), agreed.sold, stock
        a_morning(*self.arrays, self.today, *rules, self.sums)
        self._check_interest(was)
        self.settle()

    def pay(self, fen: int) -> None:
        if self.book is None or self.loan["status"] != ACTIVE:
            return
        settles, _ = owed(*self.arrays)
        before, interest = int(self.loan["balance"]), int(self.loan["interest_paid"])
        rest = int(a_payment(*self.arrays, fen, self.order, int(self.agreed.by_instalment), self.sums))
        assert rest == max(fen - settles, 0)
        self.sums[T_WALLET] += fen - rest
        assert self.loan["balance"] <= before
        if self.loan["opened"] == self.today and self.agreed.kind != "sales_share":
            assert self.loan["interest_paid"] == interest  # drawn and repaid on one day costs nothing
        self.settle()

    def evening(self, act: Callable[[], None] | None = None) -> None:
        """Close or grow older; then the lender may act on a loan that is still open, before the day is booked."""
        if self.book is None:
            return
        was_active, inherited = self.loan["status"] == ACTIVE, int(self.loan["inherited_dpd"])
        an_evening(*self.arrays, self.today, self.sums)
        self._check_buckets(counted=was_active)
        if was_active and self.loan["status"] == ACTIVE:
            self._check_standing(inherited)
            if act is not None:
                self.lenders.n_open[:] = 1
                self.lenders.exposure_fen[:] = self.lenders.line_fen[:] = self.loan["balance"]
                before = int(self.loan["balance"])
                act()
                self._check_buckets(counted=True)
                is_secured = self.code in SECURED
                assert self.lenders.exposure_fen[0, 0] == self.loan["balance"]
                assert self.lenders.line_fen[0, 0] == (before if is_secured else self.loan["balance"])
        self.settle()

    def restructure(self, treatment: str, months: int, share: float, *, waives: bool) -> None:
        """An evening with new terms, and a morning."""
        self.evening(lambda: self._agree(treatment, months, share, waives=waives))
        self.morning()

    def forgive(self) -> None:
        """An evening on which the rest of a settlement is forgiven if the other part has been paid, and a morning."""
        self.evening(self._forgive)
        self.morning()

    def _forgive(self) -> None:
        assert self.book is not None
        loan, was, plans = self.loan, self._figures(), self.book.schedules.records
        promised = int(self.arrays[1][0]["instalment"])
        is_paid = loan["unpaid_since"] == 0 and loan["balance"] <= promised
        totals = self.all_sums[int(loan["lender"]), int(loan["product"])]
        done = forgive_rest(loan, plans[int(loan["schedule"]) - 1], promised, self.today, self.lenders, totals)
        gone = max(was["balance"] - 1, 0) if is_paid else 0
        assert done == (gone if is_paid else -1)
        assert was["balance"] - loan["balance"] == loan["forgiven"] - was["forgiven"] == gone

    def _agree(self, treatment: str, months: int, share: float, *, waives: bool) -> None:
        assert self.book is not None
        loan, was = self.loan, self._figures()
        in_parts = treatment in ("re_amortisation", "rate_cut", "moratorium")
        start = self.today + (30 * months if treatment == "moratorium" else 0)
        offer = np.zeros(1, OFFER)
        offer["treatment"], offer["waives_interest"] = TREATMENTS.index(treatment), waives
        offer["kind"] = plan_of_loan.EQUAL_INSTALMENTS if in_parts else plan_of_loan.AT_END
        offer["periods"], offer["start"] = months if in_parts else 1, start
        offer["next_due"] = self._month(1 if in_parts else months, start)
        offer["rate"] = loan["rate"] // 2 if treatment == "rate_cut" else loan["rate"]
        offer["forgiven"] = int(loan["balance"] * share) if treatment == "forgiveness" else 0
        if treatment == "forgiveness":
            offer["kind"], offer["periods"], offer["start"] = plan_of_loan.SETTLEMENT, 2, self._month(months - 1, start)
        if loan["schedule"] == 0:
            offer["place"] = self.book.schedules.add(next_due=offer["next_due"])
        else:
            offer["place"] = loan["schedule"] - 1
        plans = self.book.schedules.records
        agree(self.book.records, plans, offer, self.today, self.all_sums)
        assert (loan["n_restructured"], loan["max_dpd"]) == (was["n_restructured"] + 1, was["max_dpd"])
        assert loan["inherited_dpd"] == max(was["dpd"], was["inherited_dpd"])
        assert (loan["dpd"], loan["unpaid_since"], owed(*self.arrays)[1]) == (0, 0, 0)
        assert (loan["balance"], loan["forgiven"]) == (was["balance"], was["forgiven"])  # nothing is given at once
        assert int(loan["accrued"]) + int(loan["suspended"]) == (0 if waives else was["accrued"] + was["suspended"])

    def sell(self, price: float) -> None:
        """An evening with the sale of the debt, and a morning, on which nothing comes back any more."""
        self.evening(lambda: self._sell(price))
        recovered = int(self.loan["recovered"]) if self.book is not None else 0
        self.morning()
        if self.book is not None and self.loan["treatment"] == SALE:
            assert self.loan["recovered"] == recovered

    def _sell(self, price: float) -> None:
        assert self.book is not None
        balance, twice = int(self.loan["balance"]), np.zeros(2, np.int64)  # two steps of one evening sell it once
        paid = sell(self.book.records, twice, np.full(2, price), self.today, self.lenders, self.all_sums)
        assert paid == int(np.floor(balance * price)) == self.loan["recovered"]
        assert (self.loan["status"], self.loan["balance"], self.lenders.n_open[0, 0]) == (WRITTEN_OFF, 0, 0)

    def misuse(self, per_cent: int) -> None:
        if self.book is not None:
            self.loan["surcharge"] = per_cent

    # --------------------------------------------------------------------------------------------- what must hold

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
        if self.loan["schedule"] == 0:
            return self.book.records, plans.records, plans.unpaid
        place = self.loan["schedule"] - 1
        return self.book.records, plans.records[place : place + 1], plans.unpaid[place : place + 1]

    def _figures(self) -> dict[str, int]:
        """The loan's columns, and penalty and late fees owed in all, units and fen."""
        loan = self.loan
        found = {name: int(loan[name]) for name in loan.dtype.names if name != "pledged"}
        if loan["schedule"] > 0:
            plan, row = (table[0] for table in self.arrays[1:])
            row = row[: plan["n_unpaid"]]
            found["penalty"] = int(row["penalty"].sum() + row["waiting"].sum())
            found["fee"], found["next_due"] = int(row["fee"].sum()), int(plan["next_due"])
        elif loan["waits"]:
            found["penalty"] = -found["penalty"]
        return found

    def _check_interest(self, was: dict[str, int]) -> None:
        """No interest on what is paid or overdue, no penalty on what is not; ``was`` is the loan of the day before."""
        now = self._figures()
        if was["status"] != ACTIVE:
            return
        upf, undue = was["units_per_fen"], was["balance"] - was["overdue"]
        more = {name: now[name] - was[name] for name in now if name in was}
        grown = more["accrued"] + more["suspended"] + more["interest_paid"] * upf
        rate = (was["rate"] * was["surcharge"] + 50) // 100 if was["surcharge"] else was["rate"]
        if not plan_of_loan.BY_MONTH[self.code]:
            assert grown == undue * rate
        else:
            assert 0 <= grown <= 30 * undue * rate
            assert grown % max(undue * rate, 1) == 0
        if was["overdue"] == 0 and not self.agreed.compounds:
            assert more["penalty"] + more["penalty_paid"] * upf <= 4 * upf  # half a fen of rounding an instalment
        fees = more["fee"] + more["fee_paid"]
        assert fees in (0, self.agreed.late_fee)
        assert fees == 0 or was["unpaid_since"] > 0
        assert more["principal_paid"] >= 0

    def _check_standing(self, inherited: int) -> None:
        """Days past due of an open loan in the evening; ``inherited`` are those it had inherited before."""
        loan, due = self.loan, owed(*self.arrays)[1]
        if loan["dpd"] > 0:
            assert due > 0  # nobody is late who owes nothing
            assert loan["dpd"] == self.today - loan["unpaid_since"]
        if loan["balance"] == 0:  # what is left after the principal stays due, or will be on the next date
            assert (due > 0 and loan["unpaid_since"] > 0) or self._figures().get("next_due", 0) > self.today
        assert loan["max_dpd"] >= loan["dpd"]
        if loan["inherited_dpd"] != inherited:  # only an observation at its end forgets
            assert (loan["inherited_dpd"], loan["dpd"]) == (0, 0)
            assert self.today - loan["restructured_day"] >= OBSERVED

    def _check_buckets(self, *, counted: bool) -> None:
        """An open loan is counted once, where its days past due, or those it had, put it."""
        loan, totals = self.loan, dict(zip(REPAY_TOTALS, self.sums.tolist(), strict=True))
        is_open = counted and loan["status"] == ACTIVE
        late, balance = int(max(loan["dpd"], loan["inherited_dpd"])), int(loan["balance"]) if is_open else 0
        place = 0 if late == 0 else 1 + sum(late > most for most in (30, 60, 89))
        assert totals["n_active"] == int(is_open)
        assert [totals[f"balance_{name}"] for name in BUCKETS] == [balance * (k == place) for k in range(5)]
        is_new = loan["n_restructured"] > 0
        assert totals["balance_restructured"] == (balance if is_new else 0)
        assert totals["balance_performing"] == (balance if not is_new and late <= 30 else 0)

    def settle(self) -> None:
        """Book what was counted, and hold the loan against the books."""
        if self.loan["status"] != ACTIVE:
            self.freed += int(self.loan["pledged"].sum())
            self.loan["pledged"] = 0.0
        book_repayments(self.books, "ali", dict(zip(REPAY_TOTALS, self.sums.tolist(), strict=True)))
        self.sums[:] = 0
        loan = self.loan
        grains = int(loan["accrued"]) * (GRAINS_PER_FEN // int(loan["units_per_fen"]))
        counted = {
            ("ali", "loans"): int(loan["balance"]) * GRAINS_PER_FEN,
            ("ali", "interest_receivable"): grains,
            ("ali", "collections"): 0,
            ESCROW: (int(loan["pledged"].sum()) + self.freed) * GRAINS_PER_FEN,
        }
        self.books.check("a day", counted)
        self._nothing_is_negative()

    def _nothing_is_negative(self) -> None:
        loan, (_, plans, unpaid) = self.loan, self.arrays
        paid = ("principal_paid", "interest_paid", "penalty_paid", "fee_paid")
        assert all(loan[name] >= 0 for name in (*paid, "balance", "overdue", "recovered", "dpd", "fee"))
        assert loan["overdue"] <= loan["balance"]
        assert 0 <= loan["forgiven"] <= loan["written_off"]
        assert loan["recovered"] <= loan["written_off"] - loan["forgiven"]
        assert loan["principal_paid"] + loan["balance"] + loan["written_off"] == loan["principal"]
        if loan["schedule"] > 0 and loan["status"] == ACTIVE:
            row = unpaid[0][: plans[0]["n_unpaid"]]
            assert all((row[name] >= 0).all() for name in ("interest", "principal", "fee", "waiting"))
            assert row["principal"].sum() == loan["overdue"]
            assert row["interest"].sum() == plans[0]["interest_due"]
            assert (np.diff(row["due"]) > 0).all()
            assert loan["fee"] == 0
        settles, due = owed(*self.arrays)
        assert settles >= due >= 0
        if loan["status"] != ACTIVE:
            assert not any(loan[name] for name in ("balance", "overdue", "accrued", "suspended", "penalty", "fee"))
            assert loan["closed"] > 0
