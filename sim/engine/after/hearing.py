"""What late borrowers do of an evening, and what they owe: compiled passes over the loans that are noticed."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import allocating_kernel, hash64, kernel, most, unit64
from sim.core.loanbook import ACTIVE, HELD, ORDER_LOAN, PROMISED
from sim.engine.after.cases import ASKS, AT_DESK, LET_DOWN, RESTS, SETTLES, position_of
from sim.engine.after.new_terms import forgive_rest
from sim.engine.day.loan import claim_of, pledged_left
from sim.engine.day.scheduled import due_of, falls_next, interest_to_date
from sim.lenders.desk_terms import KINDS
from sim.world.repayment import FORGOT, UNABLE

NOTHING, TO_ASK, IN_VAIN, SOON_DUE = range(4)
NOT_REACHED, LISTENS, PROMISES = range(3)
REACHED = 0.4  # calls in which the borrower itself answers; assumption
PROMISED_OF_REACHED = 0.6  # of those reached, who say when they will pay; assumption
# What becomes of a case tonight: it is none of these talks; goes on; gets its answer; is over; and so on.
OF_OTHERS, GOES_ON, ANSWERED, IS_OVER, GIVES_UP, LAPSES, SETTLED = range(7)
_NEGOTIATION = AT_DESK + KINDS.index("negotiation")


@allocating_kernel
def go_through(
    loans: Any, order: Any, rows: Any, plans: Any, cases: Any, lender: Any, days: Any, impatience: Any, key: Any,
    lenders: Any, sums: Any,
) -> Any:  # fmt: skip
    """End rests whose time is up, settlements that were kept or not, and the wait of those who lost patience.

    Parameters
    ----------
    order, rows : ndarray (n_loans,)
        Positions of the loans by merchant row, and those rows.
    cases : ndarray (n,) of CASE
        Of all lenders.
    lender : int
        Whose talks these are.
    days : (today, is_over)
        The day number, and whether the lender talks no more by a dated change.
    impatience, key
        Chance a day to give up, and the key of that coin on this day.
    lenders, sums
        As for `forgive_rest`; ``sums`` (n_lenders, n_products, len(REPAY_TOTALS)).

    Returns
    -------
    ends (n,) of int8, what becomes of each case, and how many of each; positions of their loans, (n,), -1
    for none; fen forgiven, (n,); sorted ids of the loans of all lenders that are talked about.
    """
    ends, tally = np.zeros(cases.size, np.int8), np.zeros(SETTLED + 1, np.int64)
    places, given = np.full(cases.size, -1, np.int64), np.zeros(cases.size, np.int64)
    busy, n = np.empty(cases.size, np.int64), 0
    today, is_over = days
    for k in range(cases.size):
        case = cases[k]
        kind = case.kind
        is_talk = kind in (ASKS, RESTS, SETTLES, LET_DOWN)
        if is_talk or kind == _NEGOTIATION:
            busy[n] = case.loan_id
            n += 1
        if not is_talk or case.lender != lender:
            continue
        place = position_of(loans, order, rows, case.row, case.loan_id, ACTIVE)
        places[k] = place
        end = GOES_ON
        if place < 0:  # its loan has ended
            end = IS_OVER
        elif kind == RESTS:
            if is_over or case.until <= today:
                end = IS_OVER
                loans[place].pressure &= np.uint8(255 - HELD)
        elif kind == SETTLES:
            loan = loans[place]
            totals = sums[np.uint64(loan.lender), np.uint64(loan.product)]
            given[k] = forgive_rest(loan, plans[loan.schedule - 1], case.asked, today, lenders, totals)
            if given[k] >= 0:
                end = SETTLED
            elif case.until < today:
                end = LAPSES
        elif loans[place].unpaid_since == 0:  # who has paid meanwhile needs no answer
            end = IS_OVER
        elif kind == ASKS:
            if unit64(hash64(key, case.loan_id, 0)) < impatience:
                end = GIVES_UP
            elif case.until <= today:
                end = ANSWERED
        ends[k] = end
        tally[end] += 1
    return ends, tally, places, given, np.sort(busy[:n])


@allocating_kernel
def listen(
    loans: Any, plans: Any, noticed: Any, busy: Any, lender: Any, days: Any, chances: Any, key_once: Any, key_day: Any
) -> Any:  # fmt: skip
    """What borrowers do tonight, (k,) of int8: nothing, ask, look in vain for somebody to ask; or their loan is near.

    And how many do each, (4,).

    ``noticed`` (k,) are positions of loans of all lenders, ``busy`` sorted ids of those that are talked about.
    ``days`` are the least and most days past due at which one may ask, how often terms may change, the days before due
    at which the lender looks, and today; ``chances`` of the unable and of others to ask, and of finding somebody.
    """
    said, tally = np.zeros(noticed.size, np.int8), np.zeros(4, np.int64)
    for k in range(noticed.size):
        loan = loans[noticed[k]]
        if loan.lender != lender or loan.status != ACTIVE or loan.n_restructured >= days[2]:
            continue
        if loan.product == ORDER_LOAN and pledged_left(loan) > 0.0:
            continue
        due, n_unpaid = np.int64(loan.due), np.int64(1)
        if loan.schedule > 0:
            plan = plans[loan.schedule - 1]
            due, n_unpaid = np.int64(plan.next_due), np.int64(plan.n_unpaid)
        if loan.unpaid_since == 0:
            is_near = days[3] > 0 and due - days[4] == days[3]
            said[k] = SOON_DUE if is_near else NOTHING
        elif n_unpaid > 0 and days[0] <= loan.dpd <= days[1] and loan.cause != FORGOT:
            chance = chances[0] if loan.cause == UNABLE else chances[1]
            if unit64(hash64(key_day, loan.loan_id, 0)) < chance:
                finds = unit64(hash64(key_once, loan.loan_id, 0)) < chances[2]
                said[k] = TO_ASK if finds else IN_VAIN
        if said[k] != NOTHING:
            place = np.searchsorted(busy, loan.loan_id)
            if place < busy.size and busy[place] == loan.loan_id:
                said[k] = NOTHING
        tally[said[k]] += 1
    return said, tally


@kernel
def complain(loans: Any, places: Any, key: Any, chance: Any, until: Any, refused: Any, complains: Any) -> Any:
    """Who of those let down, (k,), complains, and asks for no loan before day ``until``: how many.

    ``refused`` (n,) are the days until which the merchants do not ask their lender; ``complains`` (k,) is written.
    """
    n = 0
    for k in range(places.size):
        loan = loans[places[k]]
        complains[k] = unit64(hash64(key, loan.loan_id, 1)) < chance
        if complains[k]:
            refused[loan.row] = most(refused[loan.row], until)
            n += 1
    return n


@kernel
def ring(loans: Any, positions: Any, key: Any, said: Any) -> Any:
    """Call the borrowers of loans at ``positions``: how many are reached, and promise; a promise is not forgotten.

    ``said`` (k,) is written: NOT_REACHED, LISTENS or PROMISES.
    """
    n_reached, n_promise = 0, 0
    for k in range(positions.size):
        loan = loans[positions[k]]
        coin = unit64(hash64(key, loan.loan_id, 0))
        said[k] = NOT_REACHED
        if coin < REACHED:
            said[k] = LISTENS
            n_reached += 1
        if coin < REACHED * PROMISED_OF_REACHED:
            said[k] = PROMISES
            n_promise += 1
            loan.pressure |= np.uint8(PROMISED)
    return n_reached, n_promise


@kernel
def find_due(loans: Any, plans: Any, unpaid: Any, places: Any, due: Any) -> None:
    """Write what is due of the loans at ``places`` (k,), or falls due next, fen."""
    for k in range(places.size):
        loan = loans[places[k]]
        if loan.schedule > 0:
            plan, late_ones = plans[loan.schedule - 1], unpaid[loan.schedule - 1]
            due[k] = due_of(loan, plan, late_ones)
            if plan.n_unpaid == 0:
                due[k] = falls_next(loan, plan) + interest_to_date(loan, plan)
        else:
            due[k] = claim_of(loan) if loan.overdue > 0 else loan.balance

