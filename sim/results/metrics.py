"""Every measure of a run, defined once: name, unit, formula and source beside the function that computes it.

Money is in yuan (the tables hold fen), shares are fractions of one, rates a year are on 365 days. A measure that is
undefined (nothing lent, no debt, no loan old enough) is None. All of them are taken over the report window, one lender
at a time; those of the market need no lender.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sim.core.money import FEN_PER_YUAN
from sim.results.after_payout import AFTER_PAYOUT
from sim.results.economics import loss, returns
from sim.results.ledger import DAYS_IN_YEAR, Ledger, ratio
from sim.results.measure import Measure, Value, yuan
from sim.results.tables import NO_DATE, is_text

if TYPE_CHECKING:
    from sim.results.run import Run

REPEAT_DAYS = 30


def _dry_powder_days(book: Ledger) -> float | None:
    """How long the money not yet lent lasts, if as much goes out as did; it lasts for ever where none goes out."""
    spare = max(book.closing("funds_fen") - book.closing("balance_fen"), 0)
    return ratio(spare * book.n_days, book.total("disbursed_fen") - book.total("principal_repaid_fen"))


def _expected_loss_rate(book: Ledger) -> float | None:
    expected = loss.expected_loss(book)
    return None if expected is None else ratio(expected, book.closing("balance_fen"))


def _net_spread(book: Ledger) -> float | None:
    earned, paid = book.a_year(book.income, "balance_fen"), book.a_year(book.total("funding_cost_fen"), "bank_debt_fen")
    return None if earned is None or paid is None else earned - paid


def _growth_of_equity(book: Ledger) -> float | None:
    return ratio(book.performing_added * DAYS_IN_YEAR, book.on(book.start, "equity_fen") * book.n_days)


def _growth_rate(book: Ledger, column: str) -> float | None:
    grown = ratio(book.closing(column), book.opening(column))
    return None if grown is None else grown ** (DAYS_IN_YEAR / book.n_days) - 1


def _sales_growth(book: Ledger) -> float | None:
    sales, half = book.day("merchant_sales_fen"), book.n_days // 2
    grown = ratio(int(sales[len(sales) - half :].sum()), int(sales[:half].sum()))
    return None if grown is None else grown - 1


def _cost_of_all_funds(book: Ledger) -> float | None:
    paid = book.total("funding_cost_fen", "senior_interest_fen")
    return ratio(paid * DAYS_IN_YEAR, book.total("bank_debt_fen", "senior_notes_fen"))


def _mean_rate(book: Ledger) -> float | None:
    """Contract rates weighted with the balances of the month-end panel."""
    rates, balance = book.all_loans("rate_ppm_year")[book.month_ends.loan], book.month_ends.balance_fen
    distinct, place = np.unique(rates, return_inverse=True)
    weight = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(weight, place, balance)
    # Whole numbers all the way: fen times ppm of a large book passes int64.
    return ratio(sum(int(w) * int(r) for w, r in zip(weight, distinct, strict=True)), int(weight.sum()))


def _utilisation(book: Ledger) -> float | None:
    """What is drawn within limits, at the month ends. Order loans are bound by the orders pledged, by no limit."""
    is_within = book.all_products[book.month_ends.loan] != "order_loan"
    tomorrow = (book.days + 1).astype("datetime64[D]")
    is_month_end = tomorrow == tomorrow.astype("datetime64[M]")
    return ratio(
        int(book.month_ends.balance_fen[is_within].sum()), int(book.day("limit_total_fen")[is_month_end].sum())
    )


def _ever90(book: Ledger) -> float | None:
    principal, is_matured = book.loan("principal_fen"), book.matured(90)
    is_lost = book.loan("written_off_fen") > 0
    is_bad = is_matured & ((book.loan("max_dpd") >= 90) | is_lost)
    return ratio(int(principal[is_bad].sum()), int(principal[is_matured].sum()))


def _fpd30(book: Ledger) -> float | None:
    """Loans still unpaid when the 30th day after their payment's date was over; most have one, on `due`.

    `first_due` of the tape would not do: it is the day of closing for a loan paid early, and for an order loan the day
    on which a returned order made a part fall due, which the wallet mostly pays while the rest is still to come.
    """
    is_matured = book.matured(30, first_payment=True)
    is_unpaid = (book.loan("closed") > book.loan("due") + 30) | (book.loan("written_off_fen") > 0)
    if book.is_monthly.any():  # the days that an instalment has waited stand in the tape
        is_unpaid = np.where(book.is_monthly, book.loan("first_due_unpaid_days") >= 30, is_unpaid)
    return ratio(int((is_matured & is_unpaid).sum()), int(is_matured.sum()))


def _recovery_rate(book: Ledger) -> float | None:
    recovered, lost = (book.all_loans(name) for name in ("recovered_fen", "written_off_fen"))
    return ratio(int(recovered.sum()), int(lost.sum()))


def _repeat_rate(book: Ledger) -> float | None:
    """Customers with a first payoff in the window old enough to judge, and of them those who soon borrowed again."""
    merchant, opened, closed = (book.all_loans(name) for name in ("merchant_id", "opened", "closed"))
    customer = np.unique(merchant, return_inverse=True)[1]
    is_payoff = (closed >= book.first) & (closed <= min(book.last, book.observed - REPEAT_DAYS))
    if book.tape.num_rows:
        is_payoff &= is_text(book.tape["status"], "closed")
    order = np.lexsort((closed[is_payoff], customer[is_payoff]))
    payers, first = np.unique(customer[is_payoff][order], return_index=True)
    paid_off = closed[is_payoff][order][first]
    is_same_day = opened[is_payoff][order][first] == paid_off  # such a loan lies in its own span
    # One sortable key for (customer, day): is there a loan of the same customer in the days after the payoff?
    loans_by_day = np.sort(customer * NO_DATE + opened)
    earliest = np.searchsorted(loans_by_day, payers * NO_DATE + paid_off, side="left")
    latest = np.searchsorted(loans_by_day, payers * NO_DATE + paid_off + REPEAT_DAYS, side="right")
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
    _m("balance_growth", "Growth of the healthy balance", "share", "growth",
       "(closing - opening) / opening healthy balance, over the whole window, not annualised; healthy = never "
       "restructured, at most 30 days past due; undefined if the window opens without a balance",
       "facts C.11; design 3, rule 9", lambda b: ratio(b.performing_added, b.opening("balance_performing_fen"))),
    _m("balance_growth_of_equity", "Healthy balance added, of starting equity", "share a year", "growth",
       "(closing - opening) healthy balance / equity on the first simulated day x 365 / days; defined from an empty "
       "start too", "design 3, rule 9", _growth_of_equity),
    _m("balance_growth_rate", "Healthy balance, compound growth", "share a year", "growth",
       "(closing / opening healthy balance) ^ (365 / days) - 1; undefined if the window opens without a balance",
       "facts C.11", lambda b: _growth_rate(b, "balance_performing_fen")),
    _m("customers", "Customers ever", "customers", "growth", "merchants that ever borrowed, at the end",
       "facts A.4 T10", lambda b: b.closing("customers")),
    _m("customers_new", "New customers", "customers", "growth", "merchants that borrowed first in the window",
       "facts A.4 T10", lambda b: b.total("customers_new")),
    _m("customers_growth_rate", "Customers, compound growth", "share a year", "growth",
       "(customers at the end / before the window) ^ (365 / days) - 1", "facts C.11",
       lambda b: _growth_rate(b, "customers")),
    _m("approval_rate", "Approved of applications", "share", "growth",
       "approved / applications decided; an approval counts also if there was no money left to pay it", "facts C.11",
       lambda b: ratio(b.total("approvals"), b.total("applications"))),
    _m("take_up", "Accepted of offered", "share", "growth",
       "accepted / (approved - refused for want of funds): who was offered no money could not accept", "facts C.11",
       lambda b: ratio(b.total("accepted"), b.total("approvals") - b.total("rejected_funds"))),
    _m("utilisation", "Limits in use", "share", "growth",
       "balance drawn within limits (all products but order loans, which have none) / limits granted, sums over the "
       "month ends of the window", "facts C.11", _utilisation),
    _m("repeat_rate", "Borrow again within 30 days", "share", "growth",
       "customers with a new loan within 30 days of their first payoff in the window / customers with such a payoff at "
       "least 30 days before the run's end", "facts C.11", _repeat_rate, matured=True),
    _m("funds_used", "Fundable money in use", "share", "growth", "sum over days of balance / sum of fundable money",
       "facts C.9", lambda b: ratio(b.total("balance_fen"), b.total("funds_fen"))),
    _m("own_balance_mean", "Mean balance held by the lender itself", "yuan", "growth",
       "mean over days of outstanding principal less the parts of partners and pools", "facts C.13, C.15",
       lambda b: ratio(b.total("own_balance_fen"), b.n_days * FEN_PER_YUAN)),
    _m("held_by_others", "Held by others, of the balance", "share", "growth",
       "sum over days of (balance - own balance) / sum of balance", "facts C.13, C.15",
       lambda b: ratio(b.total("balance_fen") - b.total("own_balance_fen"), b.total("balance_fen"))),
    _m("rejected_for_funds", "Refused for want of funds", "applications", "growth",
       "count of approved applications that there was no money left to pay", "facts C.9",
       lambda b: b.total("rejected_funds")),
    _m("dry_powder_days", "Money left to lend lasts", "days", "growth",
       "(fundable money - balance, at the end) / ((disbursed - principal repaid) / days); undefined if no more goes "
       "out than comes back", "facts C.9", _dry_powder_days),
    _m("life_mean_days", "Mean life of a yuan lent", "days", "growth", "mean balance x days / disbursed",
       "facts A.4 T8", lambda b: ratio(b.total("balance_fen"), b.total("disbursed_fen"))),
    _m("interest_income", "Interest income", "yuan", "yield", "interest earned - reversed - refunded", "facts C.1",
       lambda b: yuan(b.interest_income)),
    _m("rate_mean_ppm_year", "Mean contract rate", "ppm a year", "yield",
       "sum of balance x contract rate / sum of balance, over the loans open at the month ends of the window",
       "facts A.4 T7", _mean_rate),
    _m("yield_gross", "Gross yield", "share a year", "yield",
       "(interest earned - refunds + penalties and fees paid) / mean balance x 365 / days", "facts C.9",
       lambda b: b.a_year(b.income, "balance_fen")),
    _m("yield_risk_adjusted", "Risk-adjusted yield", "share a year", "yield",
       "gross yield - (net charge-off + change of the loss expected) / mean balance x 365 / days, of all loans, "
       "whoever holds them",
       "facts C.9; design 3, rule 8", lambda b: b.a_year(b.income - b.credit_cost, "balance_fen")),
    _m("cost_of_funds", "Cost of funds", "share a year", "yield", "interest on bank debt / mean bank debt x 365 / days",
       "facts C.9", lambda b: b.a_year(b.total("funding_cost_fen"), "bank_debt_fen")),
    _m("cost_of_funds_on_assets", "Interest on funds, of assets", "share a year", "yield",
       "interest on bank debt / mean of (own balance less allowance, and cash) x 365 / days", "facts C.9",
       lambda b: ratio(b.total("funding_cost_fen") * DAYS_IN_YEAR, b.assets)),
    _m("net_spread", "Yield over cost of funds", "share a year", "yield",
       "gross yield - cost of funds; undefined without bank debt", "facts C.9", _net_spread),
    _m("cost_of_funds_all", "Cost of funds, securities included", "share a year", "yield",
       "interest on bank debt and senior securities / mean of both x 365 / days", "facts C.9, B.1 V20",
       _cost_of_all_funds),
    _m("nim", "Net interest margin", "share a year", "yield",
       "(own interest income + servicing fees - interest on funds) / mean own balance x 365 / days; without "
       "penalties", "facts C.9", lambda b: b.a_year(b.own_interest - b.total("funding_cost_fen"), "own_balance_fen")),
    _m("margin_risk_adjusted", "Risk-adjusted margin", "share a year", "yield",
       "(own interest, fees and penalties - interest on funds - own net charge-off) / mean own balance x 365 / days",
       "facts C.9", lambda b: b.a_year(b.own_income - b.total("funding_cost_fen") - b.own_loss, "own_balance_fen")),
    _m("leverage", "Bank debt to net capital", "of net capital", "yield", "mean bank debt / mean equity", "facts C.13",
       lambda b: ratio(b.total("bank_debt_fen"), b.total("equity_fen"))),
    _m("servicing_fees", "Servicing fees", "yuan", "yield", "paid by partners for the loans that the lender serves",
       "facts C.13, C.15", lambda b: yuan(b.total("servicing_fee_fen"))),
    _m("guarantee_paid", "Paid under guarantees", "yuan", "yield",
       "paid to partners for late and lost loans, less what they gave back", "facts C.15",
       lambda b: yuan(b.total("guarantee_fen"))),
    _m("securities_mean", "Senior securities with investors", "yuan", "yield", "mean over days", "facts B.1 V20",
       lambda b: ratio(b.total("senior_notes_fen"), b.n_days * FEN_PER_YUAN)),
    _m("junior_result", "Earned by junior pieces", "yuan", "yield",
       "paid out by the pools of securities after their investors, and what the lender's junior pieces gained or lost "
       "in value", "facts B.1 V20", lambda b: yuan(b.total("junior_result_fen"))),
    _m("premiums", "Insurance premiums", "yuan", "yield", "premiums on its own insured principal", "facts A.1.7",
       lambda b: yuan(b.total("premium_fen"))),
    _m("claims", "Insurance claims", "yuan", "yield", "paid by the insurer, less its part of recoveries", "facts A.1.7",
       lambda b: yuan(b.total("claims_fen"))),
    _m("operating_cost", "Operating cost", "yuan", "yield", "per application, loan, contact, and fixed", "facts C.9",
       lambda b: yuan(b.total("operating_cost_fen"))),
    _m("cost_per_loan", "Operating cost of a loan", "yuan", "yield", "operating_cost / n_loans", "facts C.9",
       lambda b: ratio(b.total("operating_cost_fen"), b.total("n_loans") * FEN_PER_YUAN)),
    _m("cost_income", "Operating cost of income", "share", "yield",
       "operating_cost / (own interest, fees and penalties - interest on funds)", "facts C.9",
       lambda b: ratio(b.total("operating_cost_fen"), b.own_income - b.total("funding_cost_fen"))),
    _m("profit", "Result", "yuan", "yield",
       "own interest, fees and penalties - interest on funds - operating cost - premiums - own net charge-off, less "
       "claims - change of the allowance; own is what is left to the lender of loans that others hold a part of",
       "facts C.9",
       lambda b: yuan(b.profit)),
    _m("roa", "Return on assets", "share a year", "yield",
       "result / mean of (own balance less allowance, and cash) x 365 / days", "facts C.9",
       lambda b: ratio(b.profit * DAYS_IN_YEAR, b.assets)),
    _m("roe", "Return on equity", "share a year", "yield", "result / mean equity x 365 / days", "facts C.9",
       lambda b: b.a_year(b.profit, "equity_fen")),
    _m("raroc", "Risk-adjusted return on capital", "share a year", "yield",
       "(interest earned - refunds + penalties, fees - interest on funds - operating cost - expected loss of what was "
       f"lent in the window) / ({loss.CAPITAL_SHARE:.0%} of the mean balance) x 365 / days; expected loss by product: "
       "(written off - recovered + LGD x still unpaid) / principal, of the run's loans due at least 90 days before its "
       "end; no tax, no return on the capital itself", "facts C.9; capital: Basel II, 8 % of assets, assumption",
       loss.raroc, matured=True),
    _m("irr", "Internal rate of return on lending", "share a year", "yield",
       "rate at which the window's daily cash flows are worth nothing: opening balance less allowance and "
       "disbursements against principal, interest, penalties, recoveries, and the closing balance less allowance; "
       "-100 % if nothing came back", "facts C.5", returns.lending_irr),
    _m("npl90", "Balance 90 or more days past due", "share", "default", "balance at DPD >= 90 / balance, at the end",
       "facts C.6, C.8", lambda b: ratio(b.closing("balance_90_plus_fen"), b.closing("balance_fen"))),
    _m("npl90_lagged", "90 days past due, of the balance then", "share", "default",
       "balance at DPD >= 90 at the end / balance 90 days before, so that growth does not dilute it; undefined in the "
       "first 90 days of a run", "facts C.7",
       lambda b: ratio(b.closing("balance_90_plus_fen"), b.on(b.last - 90, "balance_fen"))),
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
       "loans whose first payment was still unpaid 30 days after its contractual date / loans, of those opened in the "
       "window with that date (due, or a month after the payout) at least 30 days before the run's end; a loan closed "
       "in time is a good one",
       "facts C.6", _fpd30, matured=True),
    _m("charge_off_gross", "Gross charge-off", "share a year", "default", "written off / mean balance x 365 / days",
       "facts C.7", lambda b: b.a_year(b.total("written_off_fen"), "balance_fen")),
    _m("net_charge_off", "Net charge-off", "share a year", "default",
       "(written off - recovered) / mean balance x 365 / days", "facts C.7",
       lambda b: b.a_year(b.net_loss, "balance_fen")),
    _m("recovery_rate", "Recovered of written off", "share", "default",
       "cash after write-off / principal written off, of all loans until the run's end; not discounted", "facts C.7",
       _recovery_rate),
    _m("expected_loss", "Expected loss of the closing book", "yuan", "default",
       "sum over products and days past due of PD x LGD x balance, at the end; PD: share of month-end balances that "
       "went 90 days past due or was written off, of the run's loans due at least 90 days before its end; LGD: "
       f"(written off - recovered) / balance in default, or {loss.LGD_ASSUMED:.0%} with fewer than "
       f"{loss.LEAST_DEFAULTS} defaults seen to their end; undefined if the run is too short for it",
       "facts C.7; LGD: facts A.3 item 13",
       lambda b: None if (fen := loss.expected_loss(b)) is None else yuan(fen), matured=True),
    _m("expected_loss_rate", "Expected loss of the balance", "share", "default", "expected_loss / balance, at the end",
       "facts C.7", _expected_loss_rate, matured=True),
    _m("loss_realised_of_expected", "Loss realised of expected", "share", "default",
       "balance that went into default / balance x PD as known then, of the last month end whose loans were all due at "
       "least 90 days before the run's end; same LGD on both sides", "facts C.7", loss.realised_to_expected,
       matured=True),
    _m("provisions", "Provisions", "yuan", "default", "written off + change of the allowance", "facts C.8",
       lambda b: yuan(b.credit_cost + b.total("recovered_fen"))),
    _m("coverage", "Allowance to balance 90 days past due", "share", "default",
       "loss expected, which the holders set aside together / balance at DPD >= 90", "facts C.7",
       lambda b: ratio(b.closing("expected_loss_fen"), b.closing("balance_90_plus_fen"))),
    _m("allowance_ratio", "Allowance to balance", "share", "default",
       "loss expected, which the holders set aside together / balance, at the end", "facts C.7",
       lambda b: ratio(b.closing("expected_loss_fen"), b.closing("balance_fen"))),
    *AFTER_PAYOUT,
    _m("merchant_sales", "Merchants' sales", "yuan", "merchants", "sum of sales of all merchants", "facts B.4 V45",
       lambda b: yuan(b.total("merchant_sales_fen"))),
    _m("merchant_sales_growth", "Sales growth, second half over first", "share", "merchants",
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
