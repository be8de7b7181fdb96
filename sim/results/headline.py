"""The measures in words: the headline table, values with their units, and what a reader must know besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sim.results.economics.loss import LEAST_DEFAULTS, loss_given_default, outcome_known
from sim.results.ledger import Ledger
from sim.results.measure import Measure, Value
from sim.results.metrics import BY_NAME
from sim.results.tables import NO_DATE

if TYPE_CHECKING:
    from sim.results.economics.unit import ProductMeasure
    from sim.results.run import Run


class Row(NamedTuple):
    """One line of the headline table."""

    group: str
    name: str
    label: str
    value: str


HEADLINE = (
    "disbursed", "n_loans", "ticket_mean", "balance_mean", "balance_end", "balance_growth", "balance_growth_of_equity",
    "customers", "customers_new", "approval_rate", "repeat_rate", "funds_used", "rejected_for_funds",
    "interest_income", "rate_mean_ppm_year", "yield_gross", "yield_risk_adjusted", "nim", "profit", "roe", "raroc",
    "npl90", "npl30", "ever90", "fpd30", "net_charge_off", "recovery_rate", "expected_loss",
    "merchant_sales", "merchant_sales_growth", "merchant_exits",
)  # fmt: skip


def headline(run: Run, lender: str | None = None) -> list[Row]:
    """Return the headline table of one lender (the first if not said), grouped growth, yield, default, merchants."""
    values = run.summary if lender is None else run.summaries[lender]
    shown = [BY_NAME[name] for name in HEADLINE if run.lenders or BY_NAME[name].group == "merchants"]
    return [Row(m.group, m.name, m.label + (" *" if m.matured else ""), say(m, values[m.name])) for m in shown]


def say(measure: Measure | ProductMeasure, value: Value) -> str:
    """Return a value as a reader wants it: ``13.0 bn yuan``, ``0.72 %``, ``19.9 % a year``, ``not defined``."""
    if value is None:
        return "not defined"
    if measure.unit == "yuan":
        return f"{say_number(value)} yuan"
    if measure.unit == "ppm a year":
        return f"{value / 10_000:.2f} % a year"
    if measure.unit.startswith("share"):
        percent = 100 * value
        digits = f"{percent:,.2f}" if percent == 0 or abs(percent) >= 0.005 else f"{percent:.1g}"
        return f"{digits} %{measure.unit.removeprefix('share')}"
    return f"{value:,.1f} {measure.unit}" if isinstance(value, float) else f"{value:,} {measure.unit}"


def say_number(value: float) -> str:
    """Return a number with three or four digits: ``7,647``, ``1.84 m``, ``13.0 bn``."""
    for size, name in ((1e9, " bn"), (1e6, " m")):
        if abs(value) >= size:
            digits = 2 if abs(value) < 10 * size else 1
            return f"{value / size:,.{digits}f}{name}"
    if 0 < abs(value) < 0.005:
        return f"{value:.1g}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


def notes(run: Run, lender: str | None = None) -> list[str]:
    """Return what a reader must know before trusting the numbers: censoring, short runs, an empty start."""
    if not run.lenders:
        return ["No lender in this world: only the merchants' measures are defined."]
    book = Ledger(run, run.lenders[0] if lender is None else lender)
    opened = len(book.loan("opened"))
    told = []
    for name, days_after in (("ever90", 90), ("fpd30", 30)):
        is_matured = book.matured(days_after, first_payment=name == "fpd30")
        young = sorted(set(book.products) - set(book.products[is_matured]))
        without = f" Of {' and '.join(young)} there is none." if young and is_matured.any() else ""
        told.append(
            f"* {BY_NAME[name].label} ({name}) counts matured loans only: {int(is_matured.sum()):,} of the {opened:,} "
            f"loans opened in the report window were watched to {days_after} days after their due date.{without}"
        )
    terms = book.all_loans("due") - book.all_loans("opened")
    longest = int(terms[terms < NO_DATE // 2].max(initial=0))
    n_simulated = book.observed - book.start + 1
    if n_simulated < longest + 90:
        told.append(
            f"This run is shorter than its loss emergence: {n_simulated} days against {longest + 90} (longest term "
            f"{longest} + 90). Losses of its youngest loans are not yet seen; the allowance stands for them."
        )
    told.append(_expected_loss_note(run, book))
    if book.first == book.start:
        told.append(
            "The report window begins with the run: the book starts empty, growth of balance and customers against "
            "their opening is not defined (balance_growth_of_equity is), and all measures hold a start-up phase. Set "
            "calendar.report_from to leave it out."
        )
    told.append(
        "The closing book carries its expected loss: the change of the allowance is taken off the risk-adjusted yield "
        "and the result. Rates a year are on 365 days."
    )
    return told


def _expected_loss_note(run: Run, book: Ledger) -> str:
    """Say what expected loss rests on, or why there is none."""
    known = int(outcome_known(book, book.observed).sum())
    if run.summaries[book.lender]["expected_loss"] is None:
        return (
            "* Expected loss (expected_loss, raroc) is not defined: of some product no loan was watched to 90 days "
            f"after its due date ({known:,} loans of the run were). The allowance stands for it."
        )
    lgd = loss_given_default(book)
    seen = (
        f"{lgd.n_defaults:,} defaults seen to their end"
        if lgd.n_defaults
        else f"an assumption, since fewer than {LEAST_DEFAULTS} defaults were seen to their end"
    )
    return (
        f"* Expected loss (expected_loss, raroc) rests on the {known:,} loans of the run that were watched to 90 days "
        f"after their due date; of a balance in default {lgd.share:.0%} is lost ({seen})."
    )
