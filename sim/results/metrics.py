"""Every measure of a run, defined once: name, unit, formula and source beside the function that computes it.

Money is in yuan (the tables hold fen), shares are fractions of one, rates a year are on 365 days. A measure that is
undefined (nothing lent, no debt, no loan old enough) is None. All of them are taken over the report window, one lender
at a time; those of the market need no lender.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sim.results.run import is_text, whole_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.results.run import Run

Value = float | int | None
DAYS_IN_YEAR = 365
FEN_PER_YUAN = 100
REPEAT_DAYS = 30
_NO_DATE = np.iinfo(np.int32).max  # a day that never comes


class Ledger:
    """One lender's tables over the report window, as numpy columns.

    Attributes
    ----------
    first, last
        The report window in days since 1970-01-01, both inclusive.
    observed
        The last simulated day: what has not shown itself by then is not known.
    """

    def __init__(self, run: Run, lender: str) -> None:
        self.run = run
        self.lender = lender
        self.first, self.last = (_day_number(day) for day in run.window)
        self.start, self.observed = (_day_number(day) for day in run.days)
        self._daily = self.own("daily")
        self._dates = dates(self._daily["date"])
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

    def day(self, column: str) -> NDArray[np.int64]:
        """Return a column of `daily` over the window, (n_days,)."""
        return numbers(self._daily[column])[self._inside]

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
        found = numbers(self._daily[column])[self._dates == day]
        return int(found.sum())

    @cached_property
    def tape(self) -> pa.Table:
        """The loan tape of this lender, loans of all dates."""
        return self.own("loans")

    def loan(self, column: str) -> NDArray[np.int64]:
        """Return a column of the loans opened in the window, (n,); dates as day numbers, none as far away."""
        return _loan_column(self.tape, column)[self._is_opened_inside]

    @cached_property
    def _is_opened_inside(self) -> NDArray[np.bool_]:
        opened = _loan_column(self.tape, "opened")
        return (opened >= self.first) & (opened <= self.last)

    @cached_property
    def products(self) -> NDArray[np.str_]:
        """Products of the loans opened in the window, (n,)."""
        names = self.tape["product"].to_pylist() if self.tape.num_rows else []
        return np.array(names, dtype=str)[self._is_opened_inside]

    def matured(self, column: str, days_after: int) -> NDArray[np.bool_]:
        """Return which loans opened in the window were watched until `days_after` days after the date in `column`."""
        return self.loan(column) + days_after <= self.observed

    @cached_property
    def income(self) -> int:
        """Interest earned less refunds, and penalties paid, fen."""
        return self.total("interest_fen", "penalty_paid_fen") - self.total("refunded_fen")

    @cached_property
    def net_loss(self) -> int:
        """Principal written off less recoveries, fen."""
        return self.total("written_off_fen") - self.total("recovered_fen")

    @cached_property
    def credit_cost(self) -> int:
        """Net loss, and what the allowance for expected loss grew by, fen."""
        return self.net_loss + self.closing("allowance_fen") - self.opening("allowance_fen")

    @cached_property
    def profit(self) -> int:
        """Income less interest on funds, operating cost and credit cost, fen."""
        return self.income - self.total("funding_cost_fen", "operating_cost_fen") - self.credit_cost

    def a_year(self, flow: int, stock: str) -> float | None:
        """Return a flow over the window as a share a year of the mean of a stock."""
        # flow / mean x 365 / days, where mean = sum / days: one division, so one rounding.
        return ratio(flow * DAYS_IN_YEAR, self.total(stock))


@dataclass(frozen=True)
class Measure:
    """One measure: what it is called, what it means, how it is computed and where the definition comes from."""

    name: str
    label: str
    unit: str
    group: str
    formula: str
    source: str
    function: Callable[[Ledger], Value]
    #: True if only loans watched long enough count: the youngest loans are left out of both sides of the fraction.
    matured: bool = False

    def __call__(self, ledger: Ledger) -> Value:
        """Return the measure for one lender's ledger; None if it is undefined."""
        if ledger.n_days == 0 or (not ledger.lender and self.group != "merchants"):
            return None
        return self.function(ledger)


def ratio(numerator: float, denominator: float) -> float | None:
    """Return a fraction, None over nothing or less."""
    return numerator / denominator if denominator > 0 else None


def yuan(fen: int) -> float:
    """Return fen as yuan."""
    return fen / FEN_PER_YUAN


def dates(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return a date column as days since 1970-01-01; a missing date is far in the future."""
    return whole_numbers(column, missing=_NO_DATE)


def numbers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return a column of whole numbers or of yes and no as int64; a missing one is 0."""
    return whole_numbers(column)


def _loan_column(tape: pa.Table, column: str) -> NDArray[np.int64]:
    if column not in tape.column_names and tape.num_rows == 0:
        return np.zeros(0, dtype=np.int64)
    values = tape[column]
    return dates(values) if pa.types.is_temporal(values.type) else numbers(values)


def _day_number(day: datetime.date) -> int:
    return (day - datetime.date(1970, 1, 1)).days


def _balance_growth(book: Ledger) -> float | None:
    grown = book.closing("balance_performing_fen") - book.opening("balance_performing_fen")
    return ratio(grown * DAYS_IN_YEAR, book.on(book.start, "equity_fen") * book.n_days)


def _growth_rate(book: Ledger, column: str) -> float | None:
    grown = ratio(book.closing(column), book.opening(column))
    return None if grown is None else grown ** (DAYS_IN_YEAR / book.n_days) - 1


def _sales_growth(book: Ledger) -> float | None:
    sales, half = book.day("merchant_sales_fen"), book.n_days // 2
    grown = ratio(int(sales[len(sales) - half :].sum()), int(sales[:half].sum()))
    return None if grown is None else grown - 1


def _mean_rate(book: Ledger) -> float | None:
    """Contract rates weighted with the balances of the month-end panel."""
    panel, tape = book.own("loan_months", ["month_end", "loan_id", "lender", "balance_fen"]), book.tape
    if panel.num_rows == 0 or tape.num_rows == 0:
        return None
    ends = dates(panel["month_end"])
    inside = (ends >= book.first) & (ends <= book.last)
    balance = numbers(panel["balance_fen"])[inside]
    of_loan = tape["rate_ppm_year"].take(pc.index_in(panel["loan_id"], tape["loan_id"].combine_chunks()))
    rates = numbers(of_loan)[inside]
    distinct, place = np.unique(rates, return_inverse=True)
    weight = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(weight, place, balance)
    # Whole numbers all the way: fen times ppm of a large book passes int64.
    return ratio(sum(int(w) * int(r) for w, r in zip(weight, distinct, strict=True)), int(weight.sum()))


def _ever90(book: Ledger) -> float | None:
    principal, is_matured = book.loan("principal_fen"), book.matured("due", 90)
    is_lost = book.loan("written_off_fen") > 0
    is_bad = is_matured & ((book.loan("max_dpd") >= 90) | is_lost)
    return ratio(int(principal[is_bad].sum()), int(principal[is_matured].sum()))


def _fpd30(book: Ledger) -> float | None:
    is_matured = book.matured("first_due", 30)
    is_missed = is_matured & (book.loan("first_due_unpaid_days") >= 30)
    return ratio(int(is_missed.sum()), int(is_matured.sum()))


def _recovery_rate(book: Ledger) -> float | None:
    recovered, lost = (_loan_column(book.tape, name) for name in ("recovered_fen", "written_off_fen"))
    return ratio(int(recovered.sum()), int(lost.sum()))


def _repeat_rate(book: Ledger) -> float | None:
    """Customers with a first payoff in the window old enough to judge, and of them those who soon borrowed again."""
    merchant, opened, closed = (_loan_column(book.tape, name) for name in ("merchant_id", "opened", "closed"))
    customer = np.unique(merchant, return_inverse=True)[1]
    is_payoff = (closed >= book.first) & (closed <= min(book.last, book.observed - REPEAT_DAYS))
    if book.tape.num_rows:
        is_payoff &= is_text(book.tape["status"], "closed")
    order = np.lexsort((closed[is_payoff], customer[is_payoff]))
    payers, first = np.unique(customer[is_payoff][order], return_index=True)
    paid_off = closed[is_payoff][order][first]
    is_same_day = opened[is_payoff][order][first] == paid_off  # such a loan lies in its own span
    # One sortable key for (customer, day): is there a loan of the same customer in the days after the payoff?
    loans_by_day = np.sort(customer * _NO_DATE + opened)
    earliest = np.searchsorted(loans_by_day, payers * _NO_DATE + paid_off, side="left")
    latest = np.searchsorted(loans_by_day, payers * _NO_DATE + paid_off + REPEAT_DAYS, side="right")
    return ratio(int((latest - earliest > is_same_day).sum()), len(payers))


def _m(name: str, label: str, unit: str, group: str, formula: str, source: str, function: Callable[[Ledger], Value],
       matured: bool = False) -> Measure:  # fmt: skip
    return Measure(name, label, unit, group, formula, source, function, matured)


# fmt: off
#: All measures in the order of tables and reports.
MEASURES: tuple[Measure, ...] = (
    _m("disbursed", "Paid out", "yuan", "growth", "sum of disbursed", "facts C.11",
       lambda b: yuan(b.total("disbursed_fen"))),
    _m("n_loans", "Loans", "loans", "growth", "count of loans opened", "facts C.11", lambda b: b.total("n_loans")),
    _m("ticket_mean", "Mean loan", "yuan", "growth", "disbursed / n_loans", "facts A.4 T3",
       lambda b: ratio(b.total("disbursed_fen"), b.total("n_loans") * FEN_PER_YUAN)),
    _m("balance_mean", "Mean balance", "yuan", "growth", "mean over days of outstanding principal", "facts A.4 T5",
       lambda b: ratio(b.total("balance_fen"), b.n_days * FEN_PER_YUAN)),
    _m("balance_end", "Closing balance", "yuan", "growth", "outstanding principal at the end", "facts A.4 T5",
       lambda b: yuan(b.closing("balance_fen"))),
    _m("balance_growth", "Healthy balance added, of starting equity", "share a year", "growth",
       "(closing - opening performing balance) / equity on the first simulated day x 365 / days; performing = never "
       "restructured, at most 30 days past due", "design 3, rule 9", _balance_growth),
    _m("balance_growth_rate", "Healthy balance, compound growth", "share a year", "growth",
       "(closing / opening performing balance) ^ (365 / days) - 1; undefined if the window opens without a balance",
       "facts C.11", lambda b: _growth_rate(b, "balance_performing_fen")),
    _m("customers", "Customers ever", "customers", "growth", "merchants that ever borrowed, at the end",
       "facts A.4 T10", lambda b: b.closing("customers")),
    _m("customers_new", "New customers", "customers", "growth", "merchants that borrowed first in the window",
       "facts A.4 T10", lambda b: b.total("customers_new")),
    _m("customers_growth_rate", "Customers, compound growth", "share a year", "growth",
       "(customers at the end / before the window) ^ (365 / days) - 1", "facts C.11",
       lambda b: _growth_rate(b, "customers")),
    _m("approval_rate", "Approved of applications", "share", "growth", "approvals / applications decided", "facts C.11",
       lambda b: ratio(b.total("approvals"), b.total("applications"))),
    _m("take_up", "Accepted of approved", "share", "growth", "accepted / approvals", "facts C.11",
       lambda b: ratio(b.total("accepted"), b.total("approvals"))),
    _m("utilisation", "Limits in use", "share", "growth", "sum over days of balance / sum of limits granted",
       "facts C.11", lambda b: ratio(b.total("balance_fen"), b.total("limit_total_fen"))),
    _m("repeat_rate", "Borrow again within 30 days", "share", "growth",
       "customers with a new loan within 30 days of their first payoff in the window / customers with such a payoff at "
       "least 30 days before the run's end", "facts C.11", _repeat_rate, matured=True),
    _m("funds_used", "Fundable money in use", "share", "growth", "sum over days of balance / sum of fundable money",
       "facts C.9", lambda b: ratio(b.total("balance_fen"), b.total("funds_fen"))),
    _m("rejected_for_funds", "Refused for want of funds", "applications", "growth",
       "approved applications without money to pay them", "facts C.9", lambda b: b.total("rejected_funds")),
    _m("life_mean_days", "Mean life of a yuan lent", "days", "growth", "mean balance x days / disbursed",
       "facts A.4 T8", lambda b: ratio(b.total("balance_fen"), b.total("disbursed_fen"))),
    _m("interest_income", "Interest income", "yuan", "yield", "interest earned - reversed - refunded", "facts C.1",
       lambda b: yuan(b.total("interest_fen") - b.total("refunded_fen"))),
    _m("rate_mean_ppm_year", "Mean contract rate", "ppm a year", "yield",
       "sum of balance x contract rate / sum of balance, over the loans open at the month ends of the window",
       "facts A.4 T7", _mean_rate),
    _m("yield_gross", "Gross yield", "share a year", "yield",
       "(interest earned - refunds + penalties paid) / mean balance x 365 / days", "facts C.9",
       lambda b: b.a_year(b.income, "balance_fen")),
    _m("yield_risk_adjusted", "Risk-adjusted yield", "share a year", "yield",
       "gross yield - (net charge-off + change of the allowance for expected loss) / mean balance x 365 / days",
       "facts C.9; design 3, rule 8", lambda b: b.a_year(b.income - b.credit_cost, "balance_fen")),
    _m("cost_of_funds", "Cost of funds", "share a year", "yield", "interest on bank debt / mean bank debt x 365 / days",
       "facts C.9", lambda b: b.a_year(b.total("funding_cost_fen"), "bank_debt_fen")),
    _m("nim", "Net interest margin", "share a year", "yield",
       "(interest earned - refunds + penalties paid - interest on funds) / mean balance x 365 / days", "facts C.9",
       lambda b: b.a_year(b.income - b.total("funding_cost_fen"), "balance_fen")),
    _m("operating_cost", "Operating cost", "yuan", "yield", "per application, loan, contact, and fixed", "facts C.9",
       lambda b: yuan(b.total("operating_cost_fen"))),
    _m("profit", "Result", "yuan", "yield",
       "interest earned - refunds + penalties paid - interest on funds - operating cost - net charge-off - change of "
       "the allowance", "facts C.9", lambda b: yuan(b.profit)),
    _m("roe", "Return on equity", "share a year", "yield", "result / mean equity x 365 / days", "facts C.9",
       lambda b: b.a_year(b.profit, "equity_fen")),
    _m("npl90", "Balance 90 or more days past due", "share", "default", "balance at DPD >= 90 / balance, at the end",
       "facts C.6, C.8", lambda b: ratio(b.closing("balance_90_plus_fen"), b.closing("balance_fen"))),
    _m("npl30", "Balance over 30 days past due", "share", "default", "balance at DPD >= 31 / balance, at the end",
       "facts C.8; Yin Jian Fa [2007] 63", lambda b: ratio(
           sum(map(b.closing, ("balance_31_60_fen", "balance_61_90_fen", "balance_90_plus_fen"))),
           b.closing("balance_fen"))),
    _m("overdue_rate", "Balance past due", "share", "default", "balance at DPD >= 1 / balance, at the end", "facts C.6",
       lambda b: ratio(b.closing("balance_fen") - b.closing("balance_current_fen"), b.closing("balance_fen"))),
    _m("ever90", "Ever 90 days past due", "share", "default",
       "principal of loans ever at DPD >= 90 or written off / principal, of loans opened in the window and due at "
       "least 90 days before the run's end", "facts C.6", _ever90, matured=True),
    _m("fpd30", "First payment missed by 30 days", "share", "default",
       "loans whose first due payment was unpaid 30 days later / loans, of those opened in the window and first due "
       "at least 30 days before the run's end", "facts C.6", _fpd30, matured=True),
    _m("net_charge_off", "Net charge-off", "share a year", "default",
       "(written off - recovered) / mean balance x 365 / days", "facts C.7",
       lambda b: b.a_year(b.net_loss, "balance_fen")),
    _m("recovery_rate", "Recovered of written off", "share", "default",
       "cash after write-off / principal written off, of all loans until the run's end; not discounted", "facts C.7",
       _recovery_rate),
    _m("coverage", "Allowance to balance 90 days past due", "share", "default", "allowance / balance at DPD >= 90",
       "facts C.7", lambda b: ratio(b.closing("allowance_fen"), b.closing("balance_90_plus_fen"))),
    _m("merchant_sales", "Merchants' sales", "yuan", "merchants", "sum of sales of all merchants", "facts B.4 V45",
       lambda b: yuan(b.total("merchant_sales_fen"))),
    _m("merchant_sales_growth", "Sales, second half over first", "share", "merchants",
       "sales of the window's second half / of its first half - 1; not annualised, the season is in it", "facts C.11",
       _sales_growth),
    _m("merchant_exits", "Merchants that left", "merchants", "merchants", "count of exits", "facts B.4",
       lambda b: b.total("merchant_exits")),
)
# fmt: on
BY_NAME = {measure.name: measure for measure in MEASURES}


def measure_all(run: Run, lender: str = "") -> dict[str, Value]:
    """Return every measure of one lender over the report window, by name; "" for a world without credit."""
    ledger = Ledger(run, lender)
    return {measure.name: measure(ledger) for measure in MEASURES}


class Row(NamedTuple):
    """One line of the headline table."""

    group: str
    name: str
    label: str
    value: str


HEADLINE = (
    "disbursed", "n_loans", "ticket_mean", "balance_mean", "balance_end", "balance_growth", "balance_growth_rate",
    "customers", "customers_new", "approval_rate", "repeat_rate", "funds_used", "rejected_for_funds",
    "interest_income", "rate_mean_ppm_year", "yield_gross", "yield_risk_adjusted", "nim", "profit", "roe",
    "npl90", "npl30", "ever90", "fpd30", "net_charge_off", "recovery_rate",
    "merchant_sales", "merchant_sales_growth", "merchant_exits",
)  # fmt: skip


def headline(run: Run, lender: str | None = None) -> list[Row]:
    """Return the headline table of one lender (the first if not said), grouped growth, yield, default, merchants."""
    values = run.summary if lender is None else run.summaries[lender]
    shown = [BY_NAME[name] for name in HEADLINE if run.lenders or BY_NAME[name].group == "merchants"]
    return [Row(m.group, m.name, m.label + (" *" if m.matured else ""), say(m, values[m.name])) for m in shown]


def say(measure: Measure, value: Value) -> str:
    """Return a value as a reader wants it: ``13.0 bn yuan``, ``0.72 %``, ``19.9 % a year``, ``not defined``."""
    if value is None:
        return "not defined"
    if measure.unit == "yuan":
        return f"{say_number(value)} yuan"
    if measure.unit == "ppm a year":
        return f"{value / 10_000:.2f} % a year"
    if measure.unit.startswith("share"):
        return f"{100 * value:,.2f} %{measure.unit.removeprefix('share')}"
    return f"{value:,.1f} {measure.unit}" if isinstance(value, float) else f"{value:,} {measure.unit}"


def say_number(value: float) -> str:
    """Return a number with three or four digits: ``7,647``, ``1.84 m``, ``13.0 bn``."""
    for size, name in ((1e9, " bn"), (1e6, " m")):
        if abs(value) >= size:
            digits = 2 if abs(value) < 10 * size else 1
            return f"{value / size:,.{digits}f}{name}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


def notes(run: Run, lender: str | None = None) -> list[str]:
    """Return what a reader must know before trusting the numbers: censoring, short runs, an empty start."""
    if not run.lenders:
        return ["No lender in this world: only the merchants' measures are defined."]
    book = Ledger(run, run.lenders[0] if lender is None else lender)
    opened = len(book.loan("opened"))
    told = []
    for name, column, days_after in (("ever90", "due", 90), ("fpd30", "first_due", 30)):
        is_matured = book.matured(column, days_after)
        young = sorted(set(book.products) - set(book.products[is_matured]))
        without = f" Of {' and '.join(young)} there is none." if young and is_matured.any() else ""
        told.append(
            f"* {BY_NAME[name].label} ({name}) counts matured loans only: {int(is_matured.sum()):,} of the {opened:,} "
            f"loans opened in the report window were watched to {days_after} days after their "
            f"{column.replace('_', ' ')} date.{without}"
        )
    terms = _loan_column(book.tape, "due") - _loan_column(book.tape, "opened")
    longest = int(terms[terms < _NO_DATE // 2].max(initial=0))
    n_simulated = book.observed - book.start + 1
    if n_simulated < longest + 90:
        told.append(
            f"This run is shorter than its loss emergence: {n_simulated} days against {longest + 90} (longest term "
            f"{longest} + 90). Losses of its youngest loans are not yet seen; the allowance stands for them."
        )
    if book.first == book.start:
        told.append(
            "The report window begins with the run: the book starts empty, compound growth of balance and customers is "
            "not defined, and all measures hold a start-up phase. Set calendar.report_from to leave it out."
        )
    told.append(
        "The closing book carries its expected loss: the change of the allowance is taken off the risk-adjusted yield "
        "and the result. Rates a year are on 365 days."
    )
    return told
