"""One loan through one day: accrue, be paid, fall due, age, close, be written off, recover.

Each function takes a loan (a record of `sim.core.loanbook.LOAN`, changed in place), scalars, and the totals of its
lender and product, to which it adds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import Scalar, floor, least, leave_stage, most, rule
from sim.core.loanbook import DEFAULTED_AGAIN, ORDER_LOAN, PAID_OFF, SALE, WRITTEN_OFF, billed
from sim.core.merchants import STAGES
from sim.world.repayment import UNABLE, UNWILLING

# Totals by lender and product. The first six are units of 1/(basis x 10^6) fen, the rest is whole fen or counts.
REPAY_TOTALS = (
    "accrued_365", "accrued_360", "reversed_365", "reversed_360", "dropped_365", "dropped_360", "interest_paid",
    "suspended_paid", "penalty_paid", "refunded", "principal_paid", "written_off", "recovered", "swept", "from_wallet",
    "refund_to_buyers", "commission", "freed", "contacts", "n_active", "balance_current", "balance_1_30",
    "balance_31_60", "balance_61_90", "balance_90_plus", "balance_restructured", "balance_performing",
    "realised", "fee_paid", "ladder_cost", "late_paid", "forgiven",
)  # fmt: skip
(
    T_ACCRUED, _, T_REVERSED, _, T_DROPPED, _, T_INTEREST, T_SUSPENDED, T_PENALTY, T_REFUNDED, T_PRINCIPAL, T_WRITTEN,
    T_RECOVERED, T_SWEPT, T_WALLET, T_BUYERS, T_COMMISSION, T_FREED, T_CONTACTS, T_ACTIVE, T_CURRENT, T_30, T_60,
    T_90, T_OVER, T_RESTRUCTURED, T_PERFORMING, T_REALISED, T_FEE,
    T_LADDER, T_LATE, T_FORGIVEN,
) = range(len(REPAY_TOTALS))  # fmt: skip

DEFAULTS_AGAIN = 30  # DPD under new terms at which a loan has defaulted again (facts C.6: re-default)
PENALTY, INTEREST, PRINCIPAL, FEE = range(4)  # codes of an allocation order


@rule
def on_360(loan: Any) -> Scalar:
    """1 for a loan whose interest accrues on 360 days a year, 0 on 365: the place of its totals."""
    return 1 if loan.units_per_fen == 360_000_000 else 0


@rule
def owed_now(loan: Any) -> Scalar:
    """Whole fen that would settle the loan now: principal, interest, penalty and fees, billed."""
    upf = loan.units_per_fen
    interest = billed(loan.accrued + loan.suspended, upf)
    penalty = billed(loan.penalty, upf)
    return loan.balance + most(interest, 0) + most(penalty, 0) + np.int64(loan.fee)


@rule
def rate_now(loan: Any) -> Scalar:
    """Rate on what is not overdue, ppm a year: the loan's own, or dearer if its money was used for another purpose."""
    rate = np.int64(loan.rate)
    return (rate * np.int64(loan.surcharge) + 50) // 100 if loan.surcharge > 0 else rate


@rule
def rate_overdue(loan: Any, penalty_permille: Scalar) -> Scalar:
    """Rate on what is overdue, ppm a year: the penalty rate, in place of the normal one, or the dearer of the two."""
    rate = np.int64(loan.rate) * penalty_permille // 1000
    return most(rate, rate_now(loan)) if loan.surcharge > 0 else rate


@rule
def is_non_accrual(loan: Any, non_accrual_after: Scalar) -> Scalar:
    """Whether interest is no income until it is paid: past so many days, new terms or not (facts C.8, C.15)."""
    return loan.dpd >= non_accrual_after or (loan.n_restructured > 0 and loan.inherited_dpd >= non_accrual_after)


@rule
def accrue(
    loan: Any, today: Scalar, penalty_permille: Scalar, compounds: Scalar, late_fee: Scalar, non_accrual_after: Scalar,
    totals: Any,
) -> None:  # fmt: skip
    """One night's interest in units: the penalty rate on what is overdue, in place of the normal rate.

    In the days of grace penalty is held below zero: it is owed only if they pass. There is no grace while penalty is
    owed already. A late fee is owed as they have passed.
    """
    units = (loan.balance - loan.overdue) * rate_now(loan)
    if loan.unpaid_since > 0:  # of principal, or of interest alone where it is paid last
        base = loan.overdue
        if compounds:
            base += billed(loan.accrued + loan.suspended, loan.units_per_fen)
        late, more = today - loan.unpaid_since, base * rate_overdue(loan, penalty_permille)
        loan.fee += late_fee if late == loan.grace + 1 else 0
        if late <= loan.grace and (loan.waits or billed(loan.penalty, loan.units_per_fen) == 0):
            loan.penalty -= more
            loan.waits = True
        elif loan.waits:
            loan.penalty = more - loan.penalty
            loan.waits = False
        else:
            loan.penalty += more
    if is_non_accrual(loan, non_accrual_after):
        loan.suspended += units
    else:
        loan.accrued += units
        totals[T_ACCRUED + on_360(loan)] += units


@rule
def take_interest(loan: Any, part: Scalar, totals: Any) -> None:
    """Book ``part`` fen of a payment as interest: first what is owed but has left income."""
    upf = loan.units_per_fen
    old = least(part, most(billed(loan.suspended, upf), 0))
    loan.suspended -= old * upf
    loan.accrued -= (part - old) * upf
    loan.interest_paid += part
    totals[T_SUSPENDED] += old
    totals[T_INTEREST] += part - old


@rule
def take_fee(loan: Any, part: Scalar, totals: Any) -> None:
    """Book ``part`` fen of a payment as a fee, which is income when it is paid."""
    loan.fee_paid += part
    totals[T_FEE] += part


@rule
def pay(loan: Any, money: Scalar, allocation: Any, totals: Any) -> Scalar:
    """Allocate ``money`` fen to a loan in the lender's order; returns what is left of it.

    Suspended interest, which left income at 90 days past due, is income only now that it is paid (design rule 7).
    """
    upf = loan.units_per_fen
    left = money
    for step in range(4):
        code = allocation[step]
        if code == FEE:
            part = least(left, np.int64(loan.fee))
            take_fee(loan, part, totals)
            loan.fee -= part
        elif code == PENALTY:
            part = least(left, most(billed(loan.penalty, upf), 0))
            loan.penalty -= part * upf
            loan.penalty_paid += part
            totals[T_PENALTY] += part
        elif code == INTEREST:
            part = least(left, most(billed(loan.accrued + loan.suspended, upf), 0))
            take_interest(loan, part, totals)
        else:
            part = least(left, loan.balance)
            loan.balance -= part
            loan.overdue -= least(part, loan.overdue)
            loan.principal_paid += part
            totals[T_PRINCIPAL] += part
        left -= part
    return left


@rule
def confirm_pledged(loan: Any, first: Scalar, share: Scalar) -> Scalar:
    """Pass the pledged orders of a loan through their stages; returns the whole fen confirmed or returned today."""
    carried = 0.0
    for stage in range(STAGES):
        out = leave_stage(loan.pledged[stage], share if stage > 0 else first)
        loan.pledged[stage] += carried - out
        carried = out
    return carried


@rule
def pledged_left(loan: Any) -> Scalar:
    """Fen of pledged orders still on their way."""
    return loan.pledged[0] + loan.pledged[1] + loan.pledged[2] + loan.pledged[3]


@rule
def fall_due(loan: Any, refund: Scalar, today: Scalar) -> None:
    """Mark what falls due today: the last date, the end of the pledge, or a returned order at once.

    A return re-prices the pledge: what the loan now exceeds the advance on the orders left is due. Proceeds swept
    beyond their share of the loan have often paid for it already.
    """
    rest = loan.balance - loan.overdue
    left = pledged_left(loan)
    if today >= loan.due or (loan.product == ORDER_LOAN and left == 0.0):
        falls = rest
    else:
        # the millionth keeps a product that is whole on paper from falling below it
        beyond = loan.balance - np.int64(floor(left * loan.advance + 1e-6)) - loan.overdue
        falls = most(least(least(rest, beyond), np.int64(floor(refund * loan.advance))), 0)
    # interest left when the principal is paid is due as well
    if falls > 0 or (loan.balance == 0 and owed_now(loan) > 0):
        loan.overdue += falls
        if loan.unpaid_since == 0:
            loan.unpaid_since = today
        if loan.first_due == 0:
            loan.first_due = today


@rule
def claim_of(loan: Any) -> Scalar:
    """Fen due now: the overdue principal, with the interest and penalty that are paid before it."""
    return owed_now(loan) - loan.balance + loan.overdue


@rule
def age(
    loan: Any, today: Scalar, non_accrual_after: Scalar, write_off_after: Scalar, observed_for: Scalar, totals: Any
) -> None:
    """Days past due, income past 90 days, write-off."""
    if loan.overdue == 0 and loan.balance > 0:
        cure(loan)
        end_observation(loan, today, observed_for)
    else:
        grow_late(loan, today, non_accrual_after, write_off_after, totals)


@rule
def cure(loan: Any) -> None:
    """Nothing that fell due is unpaid; penalty that days of grace held back is never owed."""
    if loan.waits:
        loan.penalty = 0
        loan.waits = False
    loan.unpaid_since = 0
    loan.dpd = 0
    loan.cause = 0


@rule
def end_observation(loan: Any, today: Scalar, observed_for: Scalar) -> None:
    """Let a loan with new terms that were kept so many days count as current again."""
    if loan.n_restructured > 0 and loan.inherited_dpd > 0 and today - loan.restructured_day >= observed_for:
        loan.inherited_dpd = 0


@rule
def grow_late(
    loan: Any, today: Scalar, non_accrual_after: Scalar, write_off_after: Scalar, totals: Any
) -> None:
    """Count the days since the oldest unpaid due date; past 90 interest leaves income, in the end all is lost."""
    late = today - loan.unpaid_since
    loan.dpd = late
    loan.max_dpd = most(loan.max_dpd, late)
    if loan.unpaid_since == loan.first_due:
        loan.first_unpaid_days = late
    if loan.n_restructured > 0 and late >= DEFAULTS_AGAIN:
        loan.pressure |= DEFAULTED_AGAIN
    if late >= non_accrual_after and loan.accrued != 0:
        totals[T_REVERSED + on_360(loan)] += loan.accrued
        loan.suspended += loan.accrued
        loan.accrued = 0
    if late >= write_off_after:
        totals[T_REVERSED + on_360(loan)] += loan.accrued
        totals[T_WRITTEN] += loan.balance
        loan.written_off += loan.balance
        loan.balance = 0
        loan.overdue = 0
        loan.accrued = 0
        loan.suspended = 0
        loan.penalty = 0
        loan.fee = 0
        loan.status = WRITTEN_OFF
        loan.closed = today


@rule
def close(loan: Any, today: Scalar, refund_days: Scalar, totals: Any) -> Scalar:
    """Close a loan that is paid; returns fen of interest given back to a first-time borrower.

    The fraction of a fen that was never billed is dropped from income.
    """
    back = np.int64(0)
    if loan.is_first and today - loan.opened <= refund_days:
        back = loan.interest_paid
        loan.refunded = back
        totals[T_REFUNDED] += back
    totals[T_DROPPED + on_360(loan)] += loan.accrued
    loan.accrued = 0
    loan.suspended = 0
    loan.penalty = 0
    loan.status = PAID_OFF
    loan.closed = today
    if loan.first_due == 0:
        loan.first_due = today
    return back


@rule
def put_in_bucket(loan: Any, late: Scalar, totals: Any) -> None:
    """Add an open loan to the balances by days past due."""
    totals[T_ACTIVE] += 1
    add_to_bucket(loan, late, loan.balance, totals)


@rule
def take_from_bucket(loan: Any, late: Scalar, paid: Scalar, totals: Any) -> None:
    """Lower the balances by days past due by ``paid`` fen of a loan that is in them already."""
    add_to_bucket(loan, late, -paid, totals)


@rule
def add_to_bucket(loan: Any, late: Scalar, balance: Scalar, totals: Any) -> None:
    """Add ``balance`` fen of a loan to the balances by days past due."""
    if late == 0:
        totals[T_CURRENT] += balance
    elif late <= 30:
        totals[T_30] += balance
    elif late <= 60:
        totals[T_60] += balance
    elif late < 90:
        totals[T_90] += balance
    else:
        totals[T_OVER] += balance
    if loan.n_restructured > 0:
        totals[T_RESTRUCTURED] += balance
    elif late <= 30:
        totals[T_PERFORMING] += balance


@rule
def recover(loan: Any, unable: Scalar, unwilling: Scalar, totals: Any) -> None:
    """What comes back on a written-off loan today, from the borrower's private means; fraudsters pay nothing."""
    if loan.treatment == SALE:
        return
    share = unable if loan.cause == UNABLE else (unwilling if loan.cause == UNWILLING else 0.0)
    money = np.int64(floor((loan.written_off - loan.forgiven - loan.recovered) * share))
    loan.recovered += money
    totals[T_RECOVERED] += money
