"""What late borrowers do of an evening, and what they owe: compiled passes over the loans that are noticed."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import allocating_kernel, hash64, kernel, unit64
from sim.core.loanbook import ACTIVE, ORDER_LOAN
from sim.engine.day.loan import claim_of, pledged_left
from sim.engine.day.scheduled import due_of, falls_next, interest_to_date
from sim.world.repayment import FORGOT, UNABLE

NOTHING, TO_ASK, IN_VAIN, SOON_DUE = range(4)


@allocating_kernel
def listen(
    loans: Any, plans: Any, noticed: Any, busy: Any, lender: Any, days: Any, chances: Any, key_once: Any, key_day: Any
) -> Any:  # fmt: skip
    """What borrowers do tonight, (k,) of int8: nothing, ask, look in vain for somebody to ask; or their loan is near.

    ``noticed`` (k,) are positions of loans of all lenders, ``busy`` sorted ids of those that are talked about.
    ``days`` are the least and most days past due at which one may ask, how often terms may change, the days before due
    at which the lender looks, and today; ``chances`` of the unable and of others to ask, and of finding somebody.
    """
    said = np.zeros(noticed.size, np.int8)
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
    return said


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

