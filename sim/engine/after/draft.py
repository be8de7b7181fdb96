"""What each treatment would mean for each loan, and whether its borrower takes it: one compiled pass over the loans."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.core.kernels import floor, kernel, most
from sim.core.loanbook import SALES_SHARE
from sim.core.schedules import TREATMENTS
from sim.engine.day.loan import T_CONTACTS
from sim.engine.day.plan_of_loan import AT_END, EQUAL_INSTALMENTS, SETTLEMENT, monthly_due
from sim.lenders.care_terms import Negotiation
from sim.world.talks import bearable, is_accepted

REFUSED, DECLINES = -1, -2
EXTENSION, INSTALMENTS, CHEAPER, FORGIVEN, REST, HOLD = range(1, len(TREATMENTS) - 1)


class Terms(NamedTuple):
    """What a lender's treatments mean."""

    extension: int  # days by which an extension puts off what is owed
    periods: int  # instalments, months
    moratorium: int  # days of rest before the first instalment's month begins
    waives_interest: bool
    rate_kept: float  # share of its rate that a cut leaves
    forgiven: float  # share of the principal


def terms_of(spec: Negotiation) -> Terms:
    """What a lender's treatments mean."""
    return Terms(
        spec.extension, spec.months, spec.moratorium, spec.waives_interest, 1.0 - spec.rate_cut, spec.forgiven
    )


@kernel
def draft(
    loans: Any, places: Any, due: Any, is_asked: Any, wallet: Any, sales_mean: Any, margin: Any, t: Any, today: Any,
    treatment: Any, offers: Any, outcome: Any, sums: Any,
) -> Any:  # fmt: skip
    """Draft the new terms of the loans at ``places`` (k,), and let their borrowers choose.

    Parameters
    ----------
    due : ndarray (k,) of int64
        Fen due, or next.
    is_asked : ndarray (k,) of bool
        Whether the borrower has asked; to the others the lender has turned by itself, which is a contact.
    wallet, sales_mean, margin : ndarray (n,)
        Of all merchants.
    t : Terms
    today : int
        Day number.
    treatment : ndarray (k,) of int8
        Positions in TREATMENTS, 0 for nothing; a share of sales, which has a fee and no rate, can only be put off: that
        is written here.
    offers : ndarray (k,) of OFFER, zeros
        Written where something is offered.
    outcome : ndarray (k,) of int8
        Written: the treatment that is taken, else 0; of those who have asked REFUSED or DECLINES.
    sums : ndarray (n_lenders, n_products, len(REPAY_TOTALS)) of int64
        Added to.

    Returns
    -------
    How many take what is offered, are refused, and are offered something when they have asked.
    """
    n_taken, n_refused, n_granted = 0, 0, 0
    extended, rest_ends = today + t.extension, today + t.moratorium
    first, first_after_rest = monthly_due(today, 1), monthly_due(rest_ends, 1)
    lapsed_from = monthly_due(extended, -1)  # of a settlement that is not kept the rest falls due a month after
    for k in range(places.size):
        outcome[k] = 0
        if treatment[k] == 0:
            if is_asked[k]:
                outcome[k] = REFUSED
                n_refused += 1
            continue
        loan, offer = loans[places[k]], offers[k]
        if loan.product == SALES_SHARE and treatment[k] != HOLD:
            treatment[k] = EXTENSION
        what = treatment[k]
        offer.position, offer.treatment = places[k], what
        offer.rate, offer.waives_interest = loan.rate, t.waives_interest
        offer.kind, offer.periods, offer.start, offer.next_due = AT_END, 1, today, extended
        if what in (INSTALMENTS, CHEAPER):
            offer.kind, offer.periods, offer.next_due = EQUAL_INSTALMENTS, t.periods, first
        elif what == REST:
            offer.kind, offer.periods, offer.next_due = EQUAL_INSTALMENTS, t.periods, first_after_rest
            offer.start = rest_ends
        elif what == FORGIVEN:
            offer.kind, offer.periods, offer.start = SETTLEMENT, 2, lapsed_from
            offer.forgiven = np.int64(floor(loan.balance * t.forgiven))
        if what == CHEAPER:
            offer.rate = np.int32(floor(loan.rate * t.rate_kept + 0.5))

        days = t.extension
        if offer.kind == EQUAL_INSTALMENTS:  # principal spread over the time of the offer; a hold asks for nothing new
            days = offer.next_due - today + 30 * (t.periods - 1)
        month = 0.0 if what == HOLD else 30.0 * (loan.balance - offer.forgiven) / most(days, 1)
        can = bearable(wallet[loan.row], sales_mean[loan.row], margin[loan.row])
        takes = is_accepted(loan.cause, due[k], month, can)
        if is_asked[k]:
            n_granted += 1
            outcome[k] = DECLINES
        else:
            takes = takes and can < due[k]  # nobody changes what it can pay
            sums[loan.lender, loan.product, T_CONTACTS] += 1
        if takes:
            outcome[k] = what
            n_taken += 1
    return n_taken, n_refused, n_granted
