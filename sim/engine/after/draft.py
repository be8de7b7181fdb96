"""What each treatment would mean for each loan, and whether its borrower takes it: one compiled pass over the loans."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.core.clock import Day, add_months, date_of, day_number
from sim.core.kernels import floor, kernel, most
from sim.core.loanbook import SALES_SHARE
from sim.core.schedules import TREATMENTS
from sim.engine.day.loan import T_CONTACTS
from sim.engine.day.plan_of_loan import AT_END, EQUAL_INSTALMENTS, SETTLEMENT
from sim.lenders.care_terms import Negotiation
from sim.world.talks import bearable, is_accepted

EXTENSION, INSTALMENTS, CHEAPER, FORGIVEN, REST, HOLD = range(1, len(TREATMENTS) - 1)


class Terms(NamedTuple):
    """What a lender's treatments mean on one day; days are day numbers."""

    today: int
    extended: int  # the day to which an extension puts off what is owed
    periods: int  # instalments, months
    first: int  # day of the first instalment of terms that begin today
    rest_ends: int
    first_after_rest: int
    lapsed_from: int  # start of the months of a settlement that is not kept: the rest falls due a month after the first
    waives_interest: bool
    rate_kept: float  # share of its rate that a cut leaves
    forgiven: float  # share of the principal


def terms_of(spec: Negotiation, day: Day) -> Terms:
    """What a lender's treatments mean on a day."""
    today, extended, rest_ends = day.number, day.number + spec.extension, day.number + spec.moratorium
    first, after, before = (
        day_number(add_months(date_of(start), months))
        for start, months in ((today, 1), (rest_ends, 1), (extended, -1))
    )
    return Terms(
        today, extended, spec.months, first, rest_ends, after, before, spec.waives_interest, 1.0 - spec.rate_cut,
        spec.forgiven,
    )  # fmt: skip


@kernel
def draft(
    loans: Any, places: Any, due: Any, is_asked: Any, wallet: Any, sales_mean: Any, margin: Any, t: Any, treatment: Any,
    offers: Any, takes: Any, sums: Any,
) -> None:  # fmt: skip
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
    treatment : ndarray (k,) of int8
        Positions in TREATMENTS, 0 for nothing; a share of sales, which has a fee and no rate, can only be put off: that
        is written here.
    offers : ndarray (k,) of OFFER, zeros
        Written where something is offered.
    takes : ndarray (k,) of bool
        Written.
    sums : ndarray (n_lenders, n_products, len(REPAY_TOTALS)) of int64
        Added to.
    """
    for k in range(places.size):
        takes[k] = False
        if treatment[k] == 0:
            continue
        loan, offer = loans[places[k]], offers[k]
        if loan.product == SALES_SHARE and treatment[k] != HOLD:
            treatment[k] = EXTENSION
        what = treatment[k]
        offer.position, offer.treatment = places[k], what
        offer.rate, offer.waives_interest = loan.rate, t.waives_interest
        offer.kind, offer.periods, offer.start, offer.next_due = AT_END, 1, t.today, t.extended
        if what in (INSTALMENTS, CHEAPER):
            offer.kind, offer.periods, offer.next_due = EQUAL_INSTALMENTS, t.periods, t.first
        elif what == REST:
            offer.kind, offer.periods, offer.next_due = EQUAL_INSTALMENTS, t.periods, t.first_after_rest
            offer.start = t.rest_ends
        elif what == FORGIVEN:
            offer.kind, offer.periods, offer.start = SETTLEMENT, 2, t.lapsed_from
            offer.forgiven = np.int64(floor(loan.balance * t.forgiven))
        if what == CHEAPER:
            offer.rate = np.int32(floor(loan.rate * t.rate_kept + 0.5))

        days = t.extended - t.today
        if offer.kind == EQUAL_INSTALMENTS:  # principal spread over the time of the offer; a hold asks for nothing new
            days = offer.next_due - t.today + 30 * (t.periods - 1)
        month = 0.0 if what == HOLD else 30.0 * (loan.balance - offer.forgiven) / most(days, 1)
        can = bearable(wallet[loan.row], sales_mean[loan.row], margin[loan.row])
        takes[k] = is_accepted(loan.cause, due[k], month, can)
        if not is_asked[k]:
            takes[k] = takes[k] and can < due[k]  # nobody changes what it can pay
            sums[loan.lender, loan.product, T_CONTACTS] += 1
