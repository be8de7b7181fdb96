"""One lender's tables over the report window, as numpy columns: what the measures and the pictures are made from."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sim.results.tables import day_numbers, whole_numbers

# Products that are paid every month; a tape tells the others by their one due date.
MONTHLY = ("fixed_loan", "annuity", "equal_principal", "interest_only_bullet", "joint_liability")

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.results.run import Run

DAYS_IN_YEAR = 365
#: Columns of `daily` that came with shared loans, and what an older run has in their place; none stands for zeros.
SINCE_SHARING: dict[str, str | None] = {
    "own_balance_fen": "balance_fen",
    "expected_loss_fen": "allowance_fen",
    **dict.fromkeys(
        ("partner_balance_fen", "passed_on_fen", "passed_penalty_fen", "passed_loss_fen", "servicing_fee_fen",
         "guarantee_fen", "premium_fen", "claims_fen", "pool_balance_fen", "senior_notes_fen", "senior_interest_fen",
         "junior_notes_fen", "junior_result_fen", "fee_paid_fen", "contacts", "collection_cost_fen", "people_cost_fen",
         "late_paid_fen", "shops_shut")
    ),
}  # fmt: skip
#: Columns of the tape that came with fees and new terms; an older run has none of either.
SINCE_FEES = ("fee_paid_fen", "forgiven_fen", "n_restructured")


class MonthEnds(NamedTuple):
    """Rows of the month-end panel, (n,) each: one a month end and loan then open."""

    day: NDArray[np.int64]
    balance_fen: NDArray[np.int64]
    dpd: NDArray[np.int64]
    loan: NDArray[np.int64]  # row of the loan in the tape


class Ledger:
    """One lender's tables over the report window, as numpy columns.

    Attributes
    ----------
    first, last
        The report window in days since 1970-01-01, both inclusive.
    start, observed
        The first and the last simulated day: what has not shown itself by the last is not known.
    """

    def __init__(self, run: Run, lender: str) -> None:
        self.run = run
        self.lender = lender
        self.first, self.last = (_day_number(day) for day in run.window)
        self.start, self.observed = (_day_number(day) for day in run.days)
        self._daily = self.own("daily")
        self._dates = day_numbers(self._daily["date"])
        self._inside = (self._dates >= self.first) & (self._dates <= self.last)

    def own(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """Return the rows of a table that are this lender's; none if the run has no such table."""
        if name not in self.run.sources:
            return pa.table({"lender": pa.array([], pa.string())})
        table = self.run.table(name, columns)
        found = pc.unique(table["lender"])
        names = found.to_pylist()
        if self.lender not in names:
            return table[:0]
        return table.filter(pc.equal(table["lender"], found[names.index(self.lender)]))

    @property
    def n_days(self) -> int:
        """Days of the report window that were simulated."""
        return int(self._inside.sum())

    @property
    def days(self) -> NDArray[np.int64]:
        """Days of the window as day numbers, (n_days,)."""
        return self._dates[self._inside]

    def day(self, column: str) -> NDArray[np.int64]:
        """Return a column of `daily` over the window, (n_days,)."""
        return self.every_day(column)[self._inside]

    def every_day(self, name: str) -> NDArray[np.int64]:
        """Return a column of `daily` over all simulated days, (days,).

        In a run from before loans were shared, a lender held all of its own.
        """
        if name in SINCE_SHARING and name not in self._daily.column_names:
            stands_for = SINCE_SHARING[name]
            if stands_for is None:
                return np.zeros(len(self._dates), np.int64)
            name = stands_for
        return whole_numbers(self._daily[name])

    def total(self, *columns: str) -> int:
        """Return the sum of columns of `daily` over the window."""
        return sum(int(self.day(column).sum()) for column in columns)

    def closing(self, column: str) -> int:
        """Return a stock at the end of the window's last day."""
        return int(self.day(column)[-1]) if self.n_days else 0

    def opening(self, column: str) -> int:
        """Return a stock at the end of the day before the window; nothing was there before the first day."""
        return self.on(self.first - 1, column)

    def on(self, day: int, column: str) -> int:
        """Return a column of `daily` on one day, 0 outside the simulated days."""
        found = self.every_day(column)[self._dates == day]
        return int(found.sum())

    @cached_property
    def tape(self) -> pa.Table:
        """The loan tape of this lender, loans of all dates."""
        return self.own("loans")

    def all_loans(self, column: str) -> NDArray[np.int64]:
        """Return a column of the whole tape, (n,); dates as day numbers, none as far away."""
        if column not in self.tape.column_names and (self.tape.num_rows == 0 or column in SINCE_FEES):
            return np.zeros(self.tape.num_rows, dtype=np.int64)
        values = self.tape[column]
        return day_numbers(values) if pa.types.is_temporal(values.type) else whole_numbers(values)

    def loan(self, column: str) -> NDArray[np.int64]:
        """Return a column of the loans opened in the window, (n,); dates as day numbers, none as far away."""
        return self.all_loans(column)[self._is_opened_inside]

    @cached_property
    def _is_opened_inside(self) -> NDArray[np.bool_]:
        opened = self.all_loans("opened")
        return (opened >= self.first) & (opened <= self.last)

    @cached_property
    def _products(self) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        """Products of the whole tape, each once in the order of the alphabet, and their places there, (n,)."""
        if self.tape.num_rows == 0:
            return (), np.zeros(0, dtype=np.int64)
        coded = pc.dictionary_encode(self.tape["product"].combine_chunks())
        words = np.array(coded.dictionary.to_pylist(), dtype=str)
        names, place = np.unique(words, return_inverse=True)
        return tuple(map(str, names)), place[whole_numbers(coded.indices)].astype(np.int64)

    @property
    def product_names(self) -> tuple[str, ...]:
        """Products of the whole tape, each once, in the order of the alphabet."""
        return self._products[0]

    @property
    def product_codes(self) -> NDArray[np.int64]:
        """Products of the whole tape as places in `product_names`, (n,)."""
        return self._products[1]

    @cached_property
    def all_products(self) -> NDArray[np.str_]:
        """Products of the whole tape, (n,)."""
        return np.array(self.product_names, dtype=str)[self.product_codes]

    @property
    def terms(self) -> Mapping[str, Any]:
        """What the scenario says of this lender."""
        found = (self.run.scenario.get("lenders") or {}).get(self.lender)
        return found if isinstance(found, Mapping) else {}

    @cached_property
    def products(self) -> NDArray[np.str_]:
        """Products of the loans opened in the window, (n,)."""
        return self.all_products[self._is_opened_inside]

    @cached_property
    def is_monthly(self) -> NDArray[np.bool_]:
        """Which loans opened in the window pay every month, (n,)."""
        return np.isin(self.products, MONTHLY)

    @cached_property
    def first_payments(self) -> NDArray[np.int64]:
        """Contractual day of the first payment of the loans opened in the window, (n,): the due date, or a month on."""
        opened = self.loan("opened").astype("datetime64[D]")
        month = opened.astype("datetime64[M]")
        day = (opened - month).astype(np.int64)
        then, after = (month + n for n in (1, 2))
        last = (after.astype("datetime64[D]") - then.astype("datetime64[D]")).astype(np.int64) - 1
        a_month_on = then.astype("datetime64[D]").astype(np.int64) + np.minimum(day, last)
        return np.where(self.is_monthly, a_month_on, self.loan("due"))

    def matured(self, days_after: int, *, first_payment: bool = False) -> NDArray[np.bool_]:
        """Return which loans opened in the window were watched until `days_after` days after their due date, (n,).

        The contractual date counts, also for a loan paid back earlier: were the early ones let in before the others,
        the youngest loans would all be good ones. It is the last date, or, with `first_payment`, the first.
        """
        return (self.first_payments if first_payment else self.loan("due")) + days_after <= self.observed

    @cached_property
    def all_month_ends(self) -> MonthEnds:
        """Balances of the loans open at the month ends of the whole run."""
        panel = self.own("loan_months", ["month_end", "loan_id", "lender", "balance_fen", "dpd"])
        if panel.num_rows == 0 or self.tape.num_rows == 0:
            nothing = np.zeros(0, dtype=np.int64)
            return MonthEnds(nothing, nothing, nothing, nothing)
        place = whole_numbers(pc.index_in(panel["loan_id"], self.tape["loan_id"].combine_chunks()))
        balance, dpd = whole_numbers(panel["balance_fen"]), whole_numbers(panel["dpd"])
        return MonthEnds(day_numbers(panel["month_end"]), balance, dpd, place)

    @cached_property
    def month_ends(self) -> MonthEnds:
        """Balances of the loans open at the month ends of the window."""
        inside = (self.all_month_ends.day >= self.first) & (self.all_month_ends.day <= self.last)
        return MonthEnds(*(column[inside] for column in self.all_month_ends))

    @cached_property
    def interest_income(self) -> int:
        """Interest earned, reversals and refunds taken off, fen."""
        return self.total("interest_fen") - self.total("refunded_fen")

    @cached_property
    def income(self) -> int:
        """Interest income, and penalties and fees paid, fen."""
        return self.interest_income + self.total("penalty_paid_fen", "fee_paid_fen")

    @cached_property
    def net_loss(self) -> int:
        """Principal written off less recoveries, fen."""
        return self.total("written_off_fen") - self.total("recovered_fen")

    @cached_property
    def credit_cost(self) -> int:
        """Net loss of all its loans, and what the loss expected of them grew by, fen, whoever bears it."""
        return self.net_loss + self.closing("expected_loss_fen") - self.opening("expected_loss_fen")

    @cached_property
    def own_interest(self) -> int:
        """Interest income that stays with the lender, and the fees of those whose loans it serves, fen."""
        return self.interest_income - self.total("passed_on_fen") + self.total("servicing_fee_fen")

    @cached_property
    def own_income(self) -> int:
        """Own interest, penalties and fees, and what junior pieces of securities have earned or lost, fen."""
        penalties = self.total("penalty_paid_fen", "fee_paid_fen") - self.total("passed_penalty_fen")
        return self.own_interest + penalties + self.total("junior_result_fen")

    @cached_property
    def own_loss(self) -> int:
        """Net loss that the lender bears: on its own part, and by its guarantee, less insurance claims, fen."""
        return self.net_loss - self.total("passed_loss_fen", "claims_fen") + self.total("guarantee_fen")

    @cached_property
    def profit(self) -> int:
        """Own income less interest on funds, costs, premiums, own loss and what the allowance grew by, fen."""
        grown = self.closing("allowance_fen") - self.opening("allowance_fen")
        costs = self.total("funding_cost_fen", "operating_cost_fen", "premium_fen")
        return self.own_income - costs - self.own_loss - grown

    @cached_property
    def assets(self) -> int:
        """Own balance less allowance, and cash, summed over the days of the window, fen."""
        return self.total("own_balance_fen", "cash_fen") - self.total("allowance_fen")

    @cached_property
    def performing_added(self) -> int:
        """What the healthy balance (never restructured, at most 30 days past due) grew by, fen (design 3, rule 9)."""
        return self.closing("balance_performing_fen") - self.opening("balance_performing_fen")

    def a_year(self, flow: int, stock: str) -> float | None:
        """Return a flow over the window as a share a year of the mean of a stock."""
        # flow / mean x 365 / days, where mean = sum / days: one division, so one rounding.
        return ratio(flow * DAYS_IN_YEAR, self.total(stock))


def ratio(numerator: float, denominator: float) -> float | None:
    """Return a fraction, None over nothing or less."""
    return numerator / denominator if denominator > 0 else None


def _day_number(day: datetime.date) -> int:
    return (day - datetime.date(1970, 1, 1)).days
