"""New terms for a loan (a restructuring), and its end by sale: what changes in the loan, and what is counted of it.

A loan with new terms stays visible: it keeps its worst days past due, the days it had before (which keep it in their
bucket until it has been kept for a year), how often and how its terms were changed. Interest that is not waived falls
due with the first payment of the new plan; penalties and late fees, which are income only when paid, are given up.
Principal is forgiven, and so written off, when the rest has been paid (facts C.6, C.7, C.15).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import Scalar, floor, kernel, least, most, rule
from sim.core.loanbook import ACTIVE, ADVISED, PROMISED, SALE, SECURED, WRITTEN_OFF
from sim.engine.day.loan import (
    T_ACTIVE,
    T_FORGIVEN,
    T_RECOVERED,
    T_REVERSED,
    T_WRITTEN,
    add_to_bucket,
    on_360,
    take_from_bucket,
)
from sim.engine.day.plan_of_loan import EQUAL_INSTALMENTS, SETTLEMENT, regular_instalment

OFFER = np.dtype(
    [
        ("position", np.int64),  # of the loan in the book
        ("treatment", np.int8),
        ("kind", np.int8),  # how it is repaid from now on
        ("waives_interest", np.bool_),
        ("place", np.int32),  # of its schedule
        ("periods", np.int16),
        ("start", np.int16),  # day number from which its months are counted
        ("next_due", np.int16),  # day number
        ("rate", np.int32),  # ppm a year
        ("forgiven", np.int64),  # fen of principal, once the rest is paid: of a settlement
    ],
    align=True,
)
"""New terms of one loan."""


@rule
def forgive(loan: Any, fen: Scalar, totals: Any) -> Scalar:
    """Write off ``fen`` of principal that is owed no longer, all but the last fen; returns how much it was."""
    part = most(least(fen, loan.balance - 1), 0)
    loan.balance -= part
    loan.overdue = least(loan.overdue, loan.balance)
    loan.written_off += part
    loan.forgiven += part
    totals[T_WRITTEN] += part
    totals[T_FORGIVEN] += part
    return part


@kernel
def renew(loan: Any, plan: Any, offer: Any, today: Any, totals: Any) -> None:
    """Give an active loan new terms from today on.

    Parameters
    ----------
    loan : record of LOAN
    plan : record of SCHEDULE
        Its own, or a new one with zeros.
    offer : record of OFFER
    today : int
        Day number.
    totals : ndarray (len(REPAY_TOTALS),) of int64
        Those of its lender and product, added to.
    """
    take_from_bucket(loan, np.int64(most(loan.dpd, loan.inherited_dpd)), loan.balance, totals)
    loan.penalty = 0
    loan.waits = False
    loan.fee = 0
    if offer.waives_interest:
        totals[T_REVERSED + on_360(loan)] += loan.accrued
        loan.accrued = 0
        loan.suspended = 0
    loan.inherited_dpd = most(loan.inherited_dpd, loan.dpd)
    loan.dpd = 0
    loan.overdue = 0
    loan.unpaid_since = 0
    loan.cause = 0
    loan.rate = offer.rate
    loan.surcharge = 0
    loan.n_restructured += 1
    loan.treatment = offer.treatment
    loan.restructured_day = today
    loan.pressure &= ~np.uint8(PROMISED | ADVISED)
    loan.schedule = offer.place + 1
    plan.kind = offer.kind
    plan.start = offer.start
    plan.begin = today
    plan.is_odd = offer.kind != EQUAL_INSTALMENTS or offer.start != today
    plan.next_due = offer.next_due
    plan.number = 1
    plan.periods = offer.periods
    plan.every = 0
    plan.grace = loan.grace
    plan.n_unpaid = 0
    plan.interest_due = 0
    plan.instalment = regular_instalment(offer.kind, loan.balance, np.int64(offer.rate), np.int64(offer.periods))
    if offer.kind == SETTLEMENT:
        plan.instalment = offer.forgiven
    add_to_bucket(loan, np.int64(loan.inherited_dpd), loan.balance, totals)


@kernel
def agree(loans: Any, plans: Any, offers: Any, today: Any, sums: Any) -> None:
    """Give the loans of ``offers`` (k,) of OFFER their new terms.

    ``sums`` (n_lenders, n_products, len(REPAY_TOTALS)) of int64 are added to.
    """
    for k in range(offers.size):
        loan = loans[offers[k].position]
        totals = sums[np.uint64(loan.lender), np.uint64(loan.product)]
        renew(loan, plans[offers[k].place], offers[k], today, totals)


@kernel
def forgive_rest(loan: Any, plan: Any, promised: Any, today: Any, lenders: Any, totals: Any) -> Any:
    """Forgive what is left of a settlement whose other part is paid; returns the fen, -1 where it is not paid.

    ``promised`` fen will be forgiven; ``lenders`` are the lender columns (Records), ``totals`` as for `renew`. The last
    fen stays owed, falls due on the next day and is not forgotten.
    """
    if loan.unpaid_since > 0 or loan.balance > promised:
        return np.int64(-1)
    row, lender = np.uint64(loan.row), np.uint64(loan.lender)
    gone = np.int64(forgive(loan, promised, totals))
    loan.pressure |= np.uint8(PROMISED)
    take_from_bucket(loan, np.int64(most(loan.dpd, loan.inherited_dpd)), gone, totals)
    plan.number = plan.periods
    plan.next_due = today + 1
    lenders.exposure_fen[lender, row] -= gone
    if loan.product not in SECURED:
        lenders.line_fen[lender, row] -= gone
    return gone


@kernel
def sell(loans: Any, positions: Any, price: Any, today: Any, lenders: Any, sums: Any) -> Any:
    """Sell the debt of loans at ``positions`` (k,) for a share ``price`` (k,) of their balance; returns the fen.

    What the buyer pays is a recovery; what the borrower pays later is the buyer's.
    """
    total = np.int64(0)
    for k in range(positions.size):
        loan = loans[positions[k]]
        if loan.status != ACTIVE:
            continue  # sold a moment ago: two steps of one evening
        row, lender = np.uint64(loan.row), np.uint64(loan.lender)
        totals, balance = sums[lender, np.uint64(loan.product)], loan.balance
        paid = np.int64(floor(balance * price[k]))
        take_from_bucket(loan, np.int64(most(loan.dpd, loan.inherited_dpd)), balance, totals)
        totals[T_ACTIVE] -= 1
        totals[T_REVERSED + on_360(loan)] += loan.accrued
        totals[T_WRITTEN] += balance
        totals[T_RECOVERED] += paid
        loan.written_off += balance
        loan.recovered += paid
        loan.balance = 0
        loan.overdue = 0
        loan.accrued = 0
        loan.suspended = 0
        loan.penalty = 0
        loan.fee = 0
        loan.status = WRITTEN_OFF
        loan.closed = today
        loan.treatment = SALE
        lenders.exposure_fen[lender, row] -= balance
        if loan.product not in SECURED:
            lenders.line_fen[lender, row] -= balance
        lenders.n_open[lender, row] -= 1
        total += paid
    return total
