"""A loan in good standing through one day on which nothing is due: the short way, taken by nearly all loans.

It does what the rules of `sim.engine.day.loan` do one after the other, without the cases that such a loan has not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import Scalar, floor, least, leave_stage, most, rule
from sim.core.loanbook import billed
from sim.engine.day.loan import (
    INTEREST,
    PRINCIPAL,
    T_ACCRUED,
    T_BUYERS,
    T_COMMISSION,
    T_INTEREST,
    T_PRINCIPAL,
    T_SWEPT,
    T_WALLET,
    on_360,
)


@rule
def puts_principal_first(allocation: Any) -> Scalar:
    """Whether an allocation order pays principal before interest."""
    for step in range(4):
        if allocation[step] == PRINCIPAL:
            return True
        if allocation[step] == INTEREST:
            return False
    return False


@rule
def interest_tonight(loan: Any) -> Scalar:
    """Whole fen of interest that a loan which was never late will owe after tonight's accrual."""
    return billed(loan.accrued + loan.balance * np.int64(loan.rate), loan.units_per_fen)


@rule
def prepay_quietly(loan: Any, interest: Scalar, paid: Scalar, allocation: Any, totals: Any) -> Scalar:
    """One night and a prepayment of ``paid`` fen, less than what is owed, by a borrower who was never late.

    It does what `accrue` and `pay` do, without the cases that such a loan has not; ``interest`` is what it owes after
    tonight. Returns the principal paid, or -1 where that is all of it, and nothing is changed.
    """
    first = most(paid - loan.balance, 0) if puts_principal_first(allocation) else least(paid, interest)
    principal = paid - first
    if principal >= loan.balance:
        return np.int64(-1)
    units = loan.balance * np.int64(loan.rate)
    loan.accrued += units - first * loan.units_per_fen
    loan.interest_paid += first
    loan.balance -= principal
    loan.principal_paid += principal
    totals[T_ACCRUED + on_360(loan)] += units
    totals[T_INTEREST] += first
    totals[T_PRINCIPAL] += principal
    totals[T_WALLET] += paid
    return principal


@rule
def sweep_quietly(
    loan: Any, first: Scalar, share: Scalar, return_rate: Scalar, fee: Scalar, allocation: Any,
    ready: Scalar, today: Scalar, totals: Any,
) -> Scalar:  # fmt: skip
    """One night and the sweep of an order loan in good standing, if that is all that happens to it today.

    It does what `accrue`, `confirm_pledged`, `pay` and `fall_due` do, in one go and without the cases that a loan that
    was never late has not. What falls due for a returned order is paid at once, if ``ready`` covers it: the fen in the
    wallet of a borrower who pays. Returns whether it did, the fen returned to buyers, the principal paid and the fen
    taken from the wallet; where the loan would be paid off, or be late, nothing is changed.
    """
    q0 = leave_stage(loan.pledged[0], first)
    q1 = leave_stage(loan.pledged[1], share)
    q2 = leave_stage(loan.pledged[2], share)
    out = leave_stage(loan.pledged[3], share)
    p0, p1, p2, p3 = (
        loan.pledged[0] - q0, loan.pledged[1] + q0 - q1, loan.pledged[2] + q1 - q2, loan.pledged[3] + q2 - out
    )  # fmt: skip
    left = p0 + p1 + p2 + p3
    refund = floor(out * return_rate)
    charge = floor((out - refund) * fee)
    net = np.int64(out - refund - charge)
    units = loan.balance * np.int64(loan.rate)
    interest = billed(loan.accrued + units, loan.units_per_fen)
    is_principal_first = puts_principal_first(allocation)
    first = most(net - loan.balance, 0) if is_principal_first else least(net, interest)
    principal = net - first
    rest = loan.balance - principal
    beyond = rest - np.int64(floor(left * loan.advance + 1e-6))
    falls = most(least(beyond, np.int64(floor(refund * loan.advance))), 0)
    claim = falls + interest - first if falls > 0 else np.int64(0)
    if rest <= claim or left == 0.0 or claim > ready or net >= loan.balance + interest:
        return False, 0.0, np.int64(0), np.int64(0)
    if falls > 0:
        more = claim if is_principal_first else falls
        first += claim - more
        principal += more
        rest -= more
        totals[T_WALLET] += claim
        if loan.first_due == 0:
            loan.first_due = today
    loan.pledged[0] = p0
    loan.pledged[1] = p1
    loan.pledged[2] = p2
    loan.pledged[3] = p3
    loan.accrued += units - first * loan.units_per_fen
    loan.interest_paid += first
    loan.balance = rest
    loan.principal_paid += principal
    totals[T_ACCRUED + on_360(loan)] += units
    totals[T_INTEREST] += first
    totals[T_PRINCIPAL] += principal
    totals[T_SWEPT] += net
    totals[T_BUYERS] += np.int64(refund)
    totals[T_COMMISSION] += np.int64(charge)
    return True, refund, principal, claim
