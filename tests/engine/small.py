"""Small markets and hand-made loans for the tests of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pandas as pd

import sim
from sim.core.clock import day_number
from sim.core.loanbook import ORDER_LOAN, PRODUCTS, REVOLVING_LINE, LoanBook
from sim.core.merchants import HONEST, OPEN, Merchants
from sim.engine.after.collect import steps_of
from sim.engine.day.borrower import Borrowers, LenderTerms, Records, RepayRules
from sim.engine.day.loan import REPAY_TOTALS, owed_now
from sim.engine.day.repay import repay
from sim.engine.day.tiles import columns_of
from sim.engine.market import Market
from sim.engine.rules import ladder_of
from sim.engine.scenario import Scenario
from sim.lenders.collection_terms import ACTIONS, Step
from sim.results.run import Run
from sim.world.birth import NEVER

SCENARIOS = Path(__file__).parents[2] / "scenarios"
TABLES = ("daily", "loans", "loan_months", "applications", "merchants")
YUAN = 100  # fen

# A bad time: demand slumps, frauds strike early, many would rather not pay, and loans are written off within the run.
ROUGH: dict[str, Any] = {
    "merchants.number": 600,
    "calendar": {"start": "2012-02-15", "days": 200},
    "merchants.character": {"opportunists": 0.35, "fraudsters": 0.06, "fraud_delay": "60 days"},
    "merchants.borrowing.habit_mean": 0.2,
    "merchants.repayment": {"shop_value": "5 days", "sanction": "0 yuan", "forgets": 0.3},
    "events": {"slump": {"date": "2012-03-20", "kind": "recession", "size": 0.7, "days": 120}},
    "lenders.ali.equity": "150000 yuan",
    "lenders.ali.scoring.cutoff": 0.0,
    "lenders.ali.limit.multiple": 4,
    "lenders.ali.eligibility.min_tenure": "0 days",
    "lenders.ali.products.revolving_line.term": "20 days",
    "lenders.ali.write_off_after": "80 days",
    "lenders.ali.non_accrual_after": "30 days",
    "lenders.ali.interest_refund_days": 15,
    "lenders.ali.costs.fixed_per_day": "20 yuan",
}


def scenario(changes: dict[str, Any] | None = None, name: str = "tiny") -> Scenario:
    """Give a shipped scenario with dotted paths changed, as ``--set`` would."""
    return sim.load(SCENARIOS / f"{name}.yaml", changes or {})


def lived(plan: Scenario, days: int, seed: int = 3) -> Market:
    """Give a market that has lived so many days, on one thread."""
    numba.set_num_threads(1)
    market = Market(plan, rng=seed)
    market.run_days(days)
    return market


def differing(one: Market, other: Market, names: Any, merchants: int | None = None) -> dict[str, int]:
    """Count, by column, the values that are not equal to the bit among the first so many merchants."""
    ours, theirs = one.merchants.columns(), other.merchants.columns()
    n = min(one.merchants.n, other.merchants.n) if merchants is None else merchants
    found = {}
    for name in names:
        a, b = (np.ascontiguousarray(columns[name][..., :n]) for columns in (ours, theirs))
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        wrong = int((a.view(f"V{a.itemsize}") != b.view(f"V{b.itemsize}")).sum())
        if wrong:
            found[name] = wrong
    return found


def assert_equal_frames(one: Run, other: Run) -> None:
    """Fail unless all tables of two runs are equal: columns and their order, types, rows and their order, bits."""
    for name in TABLES:
        ours, theirs = getattr(one, name), getattr(other, name)
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True, obj=name)
        for column in ours.columns[[kind.kind == "f" for kind in ours.dtypes]]:
            bits = [np.asarray(frame[column].to_numpy(), np.float64).view(np.int64) for frame in (ours, theirs)]
            assert np.array_equal(*bits), f"{name}.{column}"


class Desk:
    """One lender, hand-made loans, and shops that do nothing else: they have only the money that a test gives them.

    Days count from 1 March 2012 (day 0). Nothing is forgotten, nobody is reminded and the wallet is not swept unless a
    test says so; money in a wallet repays at once what a merchant may repay early.
    """

    FIRST = day_number(date(2012, 3, 1))
    PENALTY_FIRST, PRINCIPAL_FIRST = (3, 0, 1, 2), (2, 1, 0, 3)

    def __init__(
        self, shops: int = 1, allocation: tuple[int, ...] = PENALTY_FIRST, grace: int = 0,
        steps: Sequence[tuple[str, dict[str, Any]]] = (), **changes: Any
    ) -> None:  # fmt: skip
        self.m = m = Merchants(shops, 1)
        m.merchant_id[:] = np.arange(1, shops + 1)
        m.status[:], m.integrity[:] = OPEN, HONEST
        m.bust_day[:] = NEVER
        m.kappa[:], m.margin[:], m.order_value[:] = 1.0, 0.3, 10_000.0
        self.book = LoanBook()
        self.today = 0
        terms = dict(
            penalty_permille=1500, remind_before=0, late_fee=0, closes=7, remembers=1.0, ahead=0,
            observed_for=360, non_accrual_after=90, write_off_after=360, refund_days=0, by_instalment=1, sell_after=30,
            sale_share=0.7, peer_sanction=0.0, holds=1, compounds=0,
        )  # fmt: skip
        self.rules = dict(
            key_forget=np.uint64(1), first_share=1.0, stage_share=1.0, restocked=0.7, shop_days=0.0, credit_value=0.0,
            sanction=0.0, forget=0.0, reminded=0.0, log_keep=0.0, idle_days=0.0, repay_ahead=0, hardship=0.5,
            recovered_unable=0.0, recovered_unwilling=0.0, horizon=7, encouraged=0.1, threatened=0.1,
            shamed=200_000.0, close_ties=0.3,
            sued=0.3,
        )  # fmt: skip
        for name, value in changes.items():
            assert name in terms or name in self.rules, name
            (terms if name in terms else self.rules)[name] = value
        kinds = {name: np.float64 if isinstance(value, float) else np.int64 for name, value in terms.items()}
        arrays = {name: np.array([value], kinds[name]) for name, value in terms.items()}
        ladder = ladder_of([Step(action=action, **step) for action, step in steps])
        self.terms = LenderTerms(
            allocation=np.array([allocation], np.int64), steps=ladder[None], n_steps=np.array([ladder.size]), **arrays
        )
        self.grace = grace
        self.commission = np.zeros(3, np.float32)
        self._borrowers = columns_of(Borrowers, m)
        self._records = Records(*(m.lender[name] for name in Records._fields))
        self.debt, self.due_soon = np.zeros(shops), np.zeros(shops)
        self.recorded = np.zeros(shops, np.float32)  # fen of sales a day
        self.closed = np.zeros(0, np.int32)  # positions of loans paid off on the last day
        self._sums = np.zeros((1, len(PRODUCTS), len(REPAY_TOTALS)), np.int64)

    def lend(
        self, yuan: int, rate: int = 219_000, days: int = 180, *, pledged: tuple[float, ...] = (), **more: Any
    ) -> int:
        """Open a loan today, a line unless orders (yuan by stage) are pledged; give its place in the book."""
        product = ORDER_LOAN if pledged else REVOLVING_LINE
        shop, fen = more.pop("row", 0), yuan * YUAN
        self.m.n_loans[shop] += 1
        stages = np.zeros((1, 4)) if not pledged else np.array([pledged]) * YUAN
        loan = {
            "loan_id": self.m.merchant_id[shop] * 1_000_000 + self.m.n_loans[shop],
            "row": shop, "product": product, "opened": self.FIRST + self.today, "due": self.FIRST + self.today + days,
            "principal": fen, "balance": fen, "rate": rate, "units_per_fen": 365_000_000, "pledged": stages,
            "grace": self.grace, "advance": 0.9 if pledged else 0.0, **more,
        }  # fmt: skip
        self.book.append(**{name: np.atleast_1d(value) if name != "pledged" else value for name, value in loan.items()})
        self.m.lender["exposure_fen"][0, shop] += fen
        self.m.lender["line_fen"][0, shop] += 0 if pledged else fen
        self.m.lender["n_open"][0, shop] += 1
        return self.book.n - 1

    def live_to(self, day: int) -> dict[str, int]:
        """Live every day up to this one; give the totals of the last (REPAY_TOTALS, units of both bases together)."""
        while self.today < day:
            self.today += 1
            rules = RepayRules(today=self.FIRST + self.today, **self.rules)
            loans = self.book.records[: self.book.n]
            columns = self._borrowers, self._records
            self._sums[:] = 0
            closings = np.zeros(self.book.n, np.int32)
            owed = self.debt, self.due_soon
            lent = self.terms, rules, self.commission
            plans = self.book.schedules.records, self.book.schedules.unpaid, self.recorded, np.zeros(self.m.n)
            noticed = np.zeros(self.book.n, np.int32)
            given = *columns, *lent, *owed, closings, noticed, self._sums, *plans
            n_closed, n_noticed = repay(loans, self.book.order, 0, *given)
            self.noticed = noticed[:n_noticed]
            self.closed = closings[:n_closed]
            self.book.n_closed += n_closed
        totals = dict(zip(REPAY_TOTALS, self._sums.sum(axis=(0, 1)).tolist(), strict=True))
        for name in ("accrued", "reversed", "dropped"):
            totals[name] = totals[f"{name}_365"] + totals[f"{name}_360"]
        return totals

    def evening(self) -> list[tuple[int, str]]:
        """The steps of the ladder that are taken tonight: position of the loan, and action."""
        steps = self.terms.steps
        taken = np.zeros((self.noticed.size * max(steps.shape[1], 1), 2), np.int64)
        plans = self.book.schedules
        n = steps_of(
            self.book.records, plans.records, plans.unpaid, self.noticed.astype(np.int64), self.m.platform,
            self.m.status, self.terms.n_steps, steps, self._sums, taken,
        )  # fmt: skip
        return [(int(position), ACTIONS[steps["action"][0, step]]) for position, step in taken[:n]]

    def give(self, yuan: float, row: int = 0) -> None:
        """Put money into a wallet."""
        self.m.wallet[row] += round(yuan * YUAN)

    def loan(self, place: int = 0) -> Any:
        """One loan as it is now, by column."""
        return self.book.records[place]

    def owed(self, place: int = 0) -> int:
        """Fen that would settle the loan now."""
        return int(owed_now(self.book.records[place]))
