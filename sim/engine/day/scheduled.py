"""A loan repaid by instalments, through one day: accrue, fall due, be paid, age.

The compiled twin of `sim.lenders.account`, for many loans at once. A function takes the loan (a record of LOAN), its
schedule (of SCHEDULE) and its unpaid instalments (a row of UNPAID, oldest first), and changes them in place. Interest
that has fallen due stays in the loan's ``accrued``; how much of it is due stands in the schedule. The price of a share
of sales is a fixed fee: it is owed from the payout on as ``suspended`` interest, which is income when it is paid.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import Scalar, kernel, least, most, rule
from sim.core.loanbook import WRITTEN_OFF, billed
from sim.engine.day.loan import (
    FEE,
    INTEREST,
    PENALTY,
    PRINCIPAL,
    T_ACCRUED,
    T_PENALTY,
    T_PRINCIPAL,
    cure,
    end_observation,
    grow_late,
    is_non_accrual,
    on_360,
    rate_now,
    rate_overdue,
    take_fee,
    take_interest,
)
from sim.engine.day.plan_of_loan import (
    BY_MONTH,
    EQUAL_INSTALMENTS,
    EQUAL_PRINCIPAL,
    SALES_SHARE,
    SETTLEMENT,
    WORKING_DAYS,
    monthly_due,
    night_counts,
    regular_instalment,
)


@rule
def interest_to_date(loan: Any, schedule: Any) -> Scalar:
    """Fen of interest accrued, or of a fee owed, that has not fallen due."""
    upf = loan.units_per_fen
    return most(billed(loan.accrued + loan.suspended - schedule.interest_due * upf, upf), 0)


@rule
def penalty_on(loan: Any, unpaid: Any) -> Scalar:
    """Fen of penalty owed on one unpaid instalment."""
    return billed(unpaid.penalty, loan.units_per_fen)


@rule
def due_of(loan: Any, schedule: Any, row: Any) -> Scalar:
    """Fen that have fallen due."""
    due = np.int64(0)
    for k in range(schedule.n_unpaid):
        due += row[k].fee + row[k].interest + row[k].principal + penalty_on(loan, row[k])
    return due


@rule
def settles(loan: Any, schedule: Any, row: Any) -> Scalar:
    """Fen that would end the loan now."""
    return due_of(loan, schedule, row) + loan.balance - loan.overdue + interest_to_date(loan, schedule)


@kernel
def accrue(
    loan: Any, schedule: Any, row: Any, today: Scalar, penalty_permille: Scalar, compounds: Scalar, late_fee: Scalar,
    non_accrual_after: Scalar, totals: Any,
) -> None:  # fmt: skip
    """One night: interest on what is not due, penalty on every overdue instalment in its place (facts C.3).

    A late fee joins every instalment that is still unpaid when its days of grace have passed.
    """
    count = 1
    if BY_MONTH[loan.product]:
        count = 0
        if schedule.number <= schedule.periods:
            count = night_counts(schedule, today)
    units = (loan.balance - loan.overdue) * rate_now(loan) * count
    if is_non_accrual(loan, non_accrual_after):
        loan.suspended += units
    else:
        loan.accrued += units
        totals[T_ACCRUED + on_360(loan)] += units
    for k in range(schedule.n_unpaid):
        base = row[k].principal + (row[k].interest if compounds else 0)
        more = base * rate_overdue(loan, penalty_permille)
        if today - row[k].due == schedule.grace + 1:
            row[k].fee += late_fee
        if today - row[k].due <= schedule.grace:
            row[k].waiting += more
        else:
            row[k].penalty += more + row[k].waiting
            row[k].waiting = 0


@rule
def falls_next(loan: Any, schedule: Any) -> Scalar:
    """Fen of principal that fall due on the next due date."""
    left, kind = loan.balance - loan.overdue, schedule.kind
    if schedule.number >= schedule.periods:
        return left
    if kind == EQUAL_INSTALMENTS:
        return least(most(schedule.instalment - interest_to_date(loan, schedule), 0), left)
    if kind == EQUAL_PRINCIPAL:
        return least(schedule.instalment, left)
    if kind == SETTLEMENT:
        return most(left - schedule.instalment, 0)
    if kind == SALES_SHARE:  # the least that must have been paid by now, less the fee in it
        paid = loan.principal_paid + loan.interest_paid + loan.overdue + schedule.interest_due
        short = most(schedule.instalment * schedule.number - paid, 0)
        return least(short - short * interest_to_date(loan, schedule) // most(settles_early(loan, schedule), 1), left)
    return np.int64(0)


@rule
def settles_early(loan: Any, schedule: Any) -> Scalar:
    """Fen not yet due that would end the loan."""
    return loan.balance - loan.overdue + interest_to_date(loan, schedule)


@kernel
def fall_due(loan: Any, schedule: Any, row: Any, today: Scalar) -> None:
    """On its due date an instalment falls due, and the next period begins."""
    if schedule.number > schedule.periods or today < schedule.next_due:
        return
    principal, interest = falls_next(loan, schedule), interest_to_date(loan, schedule)
    if schedule.kind == SALES_SHARE and schedule.number < schedule.periods:
        left = most(loan.balance - loan.overdue, 1)
        interest = least(interest, (interest * principal + left // 2) // left)
    schedule.number += 1
    schedule.begin = today
    schedule.is_odd = False
    schedule.next_due = 0
    if schedule.number <= schedule.periods:
        if schedule.every > 0:
            schedule.next_due = least(today + schedule.every, loan.due)
        else:
            schedule.next_due = monthly_due(schedule.start, schedule.number)
        if schedule.rolls and schedule.next_due < WORKING_DAYS.size:
            schedule.next_due = WORKING_DAYS[schedule.next_due]
    if principal + interest > 0:
        add_unpaid(loan, schedule, row, today, interest, principal)


@rule
def add_unpaid(loan: Any, schedule: Any, row: Any, today: Scalar, interest: Scalar, principal: Scalar) -> None:
    """Let fen of interest and principal fall due today; there is room for all that does so before a write-off."""
    k = least(schedule.n_unpaid, row.size - 1)
    if schedule.n_unpaid > 0 and row[schedule.n_unpaid - 1].due == today:
        k = schedule.n_unpaid - 1
    elif k == schedule.n_unpaid:
        row[k].due = today
        row[k].fee = 0
        row[k].interest = 0
        row[k].principal = 0
        row[k].penalty = 0
        row[k].waiting = 0
    row[k].interest += interest
    row[k].principal += principal
    schedule.n_unpaid = k + 1
    schedule.interest_due += interest
    loan.overdue += principal
    if loan.unpaid_since == 0:
        loan.unpaid_since = today
    if loan.first_due == 0:
        loan.first_due = today


@rule
def take_principal(loan: Any, part: Scalar, totals: Any) -> None:
    """Book ``part`` fen of a payment as principal."""
    loan.balance -= part
    loan.principal_paid += part
    totals[T_PRINCIPAL] += part


@rule
def pay_one(loan: Any, schedule: Any, unpaid: Any, code: Scalar, money: Scalar, totals: Any) -> Scalar:
    """Pay one bucket of one unpaid instalment out of ``money`` fen; gives the fen that went to it."""
    if code == FEE:
        part = least(money, unpaid.fee)
        unpaid.fee -= part
        take_fee(loan, part, totals)
    elif code == PENALTY:
        part = least(money, most(penalty_on(loan, unpaid), 0))
        unpaid.penalty -= part * loan.units_per_fen
        loan.penalty_paid += part
        totals[T_PENALTY] += part
    elif code == INTEREST:
        part = least(money, unpaid.interest)
        unpaid.interest -= part
        schedule.interest_due -= part
        take_interest(loan, part, totals)
    else:
        part = least(money, unpaid.principal)
        unpaid.principal -= part
        loan.overdue -= part
        take_principal(loan, part, totals)
    return part


@rule
def drop_paid(loan: Any, schedule: Any, row: Any) -> None:
    """Close ranks over the instalments of which nothing is left."""
    stay = 0
    for k in range(schedule.n_unpaid):
        if row[k].fee + row[k].interest + row[k].principal + penalty_on(loan, row[k]) > 0:
            if stay != k:
                row[stay] = row[k]
            stay += 1
    schedule.n_unpaid = stay


@kernel
def pay(
    loan: Any, schedule: Any, row: Any, money: Scalar, allocation: Any, by_instalment: Scalar, totals: Any
) -> Scalar:
    """Allocate ``money`` fen: what has fallen due, then interest to date, then principal before its time.

    The oldest instalment is paid first, bucket by bucket, or, unless ``by_instalment``, one bucket of all instalments
    after the other (facts C.4). Returns what is left of the money.
    """
    left, n = money, np.int64(schedule.n_unpaid)
    for step in range(4 * n):
        k, code = (step // 4, allocation[step % 4]) if by_instalment else (step % n, allocation[step // n])
        left -= pay_one(loan, schedule, row[k], code, left, totals)
    drop_paid(loan, schedule, row)
    if left > 0:
        for step in range(4):
            if allocation[step] == INTEREST:
                part = least(left, interest_to_date(loan, schedule))
                take_interest(loan, part, totals)
                left -= part
            elif allocation[step] == PRINCIPAL:
                part = least(left, loan.balance)
                take_principal(loan, part, totals)
                left -= part
                periods = schedule.periods - schedule.number + 1
                if part > 0 and schedule.shrinks and loan.balance > 0 and periods > 0:
                    kind = schedule.kind
                    if kind in (EQUAL_INSTALMENTS, EQUAL_PRINCIPAL):
                        schedule.instalment = regular_instalment(kind, loan.balance, np.int64(loan.rate), periods)
    return left


@kernel
def take_share(
    loan: Any, schedule: Any, row: Any, sold: Any, wallet: Any, allocation: Any, by_instalment: Any, totals: Any
) -> Any:
    """Pay a day's share of ``sold`` fen of sales out of the wallet; gives the fen.

    It goes to what has fallen due, in the lender's order, and then, for a share of sales, to fee and principal in
    proportion; otherwise it is a payment before its time.
    """
    millionths = sold * np.int64(schedule.share) + schedule.share_left
    schedule.share_left = millionths % 1_000_000
    part = least(least(millionths // 1_000_000, wallet), settles(loan, schedule, row))
    if part <= 0:
        return np.int64(0)
    left = part
    if schedule.n_unpaid > 0:
        due = least(left, due_of(loan, schedule, row))
        left -= due - pay(loan, schedule, row, due, allocation, by_instalment, totals)
    early = settles_early(loan, schedule)
    if left > 0 and schedule.kind != SALES_SHARE:
        pay(loan, schedule, row, left, allocation, by_instalment, totals)
    elif left > 0 and early > 0:
        fee = interest_to_date(loan, schedule)
        fee = fee if left == early else (2 * left * fee + early) // (2 * early)
        take_interest(loan, fee, totals)
        take_principal(loan, left - fee, totals)
    return part


@kernel
def age(
    loan: Any, schedule: Any, row: Any, today: Scalar, non_accrual_after: Scalar, write_off_after: Scalar,
    observed_for: Scalar, totals: Any,
) -> None:  # fmt: skip
    """Days past due are the age of the oldest instalment of which anything is left; income past 90 days, write-off."""
    if schedule.n_unpaid == 0:
        cure(loan)
        end_observation(loan, today, observed_for)
        return
    loan.unpaid_since = row[0].due
    grow_late(loan, today, non_accrual_after, write_off_after, totals)
    if loan.status == WRITTEN_OFF:
        schedule.n_unpaid = 0
        schedule.interest_due = 0
        schedule.number = schedule.periods + 1
        schedule.next_due = 0
