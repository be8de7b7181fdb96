"""The loans of one day: accrue, sweep pledged proceeds, collect what is due, prepay, age, write off, recover.

A scalar pass over the open loans, oldest first; it is the one place where a loan and its merchant's wallet meet.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from sim.core.kernels import hash64, kernel, leave_stage, rule, unit64
from sim.core.loanbook import ACTIVE, ORDER_LOAN, PAID_OFF, WRITTEN_OFF, billed
from sim.core.merchants import OPEN, STAGES
from sim.world.repayment import FRAUD, UNABLE, UNWILLING, forgets, is_willing, shop_worth

_F = np.float32

# Totals by lender and product. Units are 1/(basis x 10^6) fen, the rest is whole fen or counts.
REPAY_TOTALS = (
    "accrued_units",
    "reversed_units",
    "dropped_units",
    "interest_paid",
    "suspended_paid",
    "penalty_paid",
    "refunded",
    "principal_paid",
    "written_off",
    "recovered",
    "swept",
    "from_wallet",
    "refund_to_buyers",
    "commission",
    "freed",
    "contacts",
    "n_active",
    "balance_current",
    "balance_1_30",
    "balance_31_60",
    "balance_61_90",
    "balance_90_plus",
    "balance_restructured",
    "balance_performing",
    "refund_of_paid",
)
(
    T_ACCRUED,
    T_REVERSED,
    T_DROPPED,
    T_INTEREST,
    T_SUSPENDED,
    T_PENALTY,
    T_REFUNDED,
    T_PRINCIPAL,
    T_WRITTEN,
    T_RECOVERED,
    T_SWEPT,
    T_WALLET,
    T_BUYERS,
    T_COMMISSION,
    T_FREED,
    T_CONTACTS,
    T_ACTIVE,
    T_CURRENT,
    T_30,
    T_60,
    T_90,
    T_OVER,
    T_RESTRUCTURED,
    T_PERFORMING,
    T_REFUND_FEN,
) = range(len(REPAY_TOTALS))

PENALTY, INTEREST, PRINCIPAL = range(3)  # codes of an allocation order


class RepayRules(NamedTuple):
    """Scalars of the merchants' side of one day's repayments."""

    key_forget: np.uint64
    today: int
    stage_share: float
    restocked: float
    shop_days: float
    credit_value: float
    sanction: float
    forget: float
    reminded: float
    idle_days: float
    recovered_unable: float
    recovered_unwilling: float
    horizon: int


class LenderTerms(NamedTuple):
    """What the lenders do after the payout, one element a lender, (n_lenders,) unless said."""

    penalty_permille: Any  # int64: penalty rate over contract rate, thousandths
    allocation: Any  # int64 (n_lenders, 3): codes in the order they are paid
    remind_before: Any  # int64: days before due of the first reminder, 0 for none
    remind_from: Any  # int64: DPD of the reminders after due, 0 for none
    sweep_from: Any  # int64: DPD from which the wallet is swept
    sweep_share: Any  # float64: share of the wallet that is taken a day
    non_accrual_after: Any  # int64: DPD at which interest leaves income
    write_off_after: Any  # int64: DPD
    refund_days: Any  # int64: days of the first-time borrower's interest refund


class Borrowers(NamedTuple):
    """The merchant columns that repayments read and write."""

    merchant_id: Any
    platform: Any
    status: Any
    integrity: Any
    bust_day: Any
    kappa: Any
    margin: Any
    off_platform: Any
    return_rate: Any
    order_value: Any
    sales_mean_30d: Any
    returns_mean_30d: Any
    shortage: Any
    fixed_cost: Any
    stock: Any
    shipped: Any
    wallet: Any
    debt: Any
    due_soon: Any
    days_in_debt: Any
    in_debt_day: Any


class Records(NamedTuple):
    """The lender columns that repayments read and write, (n_lenders, n)."""

    limit_fen: Any
    exposure_fen: Any
    line_fen: Any
    n_open: Any
    n_repaid: Any
    dpd: Any
    worst_dpd: Any


@rule
def _accrue(b, k, penalty_permille):
    """One night's interest, in units: normal on what is not overdue, the penalty rate in its place on what is."""
    rate = np.int64(b.rate[k])
    normal = (b.balance[k] - b.overdue[k]) * rate
    b.penalty[k] += b.overdue[k] * (rate * penalty_permille // 1000)
    return normal


@kernel
def _pay(b, k, money, allocation, totals):
    """Allocate ``money`` fen to one loan in the lender's order; returns what is left of it."""
    upf = b.units_per_fen[k]
    left = money
    for step in range(3):
        code = allocation[step]
        if code == PENALTY:
            part = min(left, max(billed(b.penalty[k], upf), 0))
            b.penalty[k] -= part * upf
            b.penalty_paid[k] += part
            totals[T_PENALTY] += part
        elif code == INTEREST:
            part = min(left, max(billed(b.accrued[k] + b.suspended[k], upf), 0))
            # what was suspended comes back into income only now that it is paid, oldest first
            old = min(part, max(billed(b.suspended[k], upf), 0))
            b.suspended[k] -= old * upf
            b.accrued[k] -= (part - old) * upf
            b.interest_paid[k] += part
            totals[T_SUSPENDED] += old
            totals[T_INTEREST] += part - old
        else:
            part = min(left, b.balance[k])
            b.balance[k] -= part
            b.overdue[k] -= min(part, b.overdue[k])
            b.principal_paid[k] += part
            totals[T_PRINCIPAL] += part
        left -= part
    return left


@rule
def _owed(b, k):
    """Whole fen that would settle the loan now."""
    upf = b.units_per_fen[k]
    return b.balance[k] + max(billed(b.accrued[k] + b.suspended[k], upf), 0) + max(billed(b.penalty[k], upf), 0)


@kernel
def _confirm_pledged(b, k, m, r, commission, allocation, totals):
    """Pass the pledged orders of a loan through their stages; proceeds reach the loan before the wallet.

    Returns the fen that buyers got back today; a fraudster's orders were never real, so all of them come back.
    """
    row = b.row[k]
    carried = 0.0
    for stage in range(STAGES):
        out = leave_stage(b.pledged[k, stage], r.stage_share)
        b.pledged[k, stage] += carried - out
        carried = out
    if carried == 0.0:
        return 0.0
    refund = carried if r.today >= m.bust_day[row] else math.floor(carried * m.return_rate[row])
    fee = math.floor((carried - refund) * commission[m.platform[row]])
    net = np.int64(carried - refund - fee)
    swept = min(net, _owed(b, k))
    _pay(b, k, swept, allocation, totals)
    m.wallet[row] += net - swept
    m.stock[row] += _F(refund / m.order_value[row] * r.restocked)
    m.returns_mean_30d[row] += _F(refund / 30.0)
    totals[T_SWEPT] += swept
    totals[T_FREED] += net - swept
    totals[T_BUYERS] += np.int64(refund)
    totals[T_COMMISSION] += np.int64(fee)
    return refund


@kernel
def _fall_due(b, k, refund, pledged, today):
    """Mark what falls due today: the last date, the end of the pledge, or a returned order at once."""
    is_order_loan = b.product[k] == ORDER_LOAN
    rest = b.balance[k] - b.overdue[k]
    if today >= b.due[k] or (is_order_loan and pledged == 0.0):
        falls = rest
    else:
        falls = min(rest, np.int64(math.floor(refund * b.advance[k])))
    if falls > 0:
        b.overdue[k] += falls
        if b.unpaid_since[k] == 0:
            b.unpaid_since[k] = today
        if b.first_due[k] == 0:
            b.first_due[k] = today


@kernel
def _collect(b, k, m, lenders, terms, r, totals):
    """Collect what is due out of the wallet: willing and able, forgetful, unwilling, or swept."""
    row, lender = b.row[k], b.lender[k]
    claim = _owed(b, k) if b.overdue[k] == b.balance[k] else b.overdue[k]
    shop = shop_worth(
        m.kappa[row], m.margin[row], m.sales_mean_30d[row], m.off_platform[row], r.shop_days, m.status[row] == OPEN
    )
    struck = r.today >= m.bust_day[row]
    willing = is_willing(
        m.integrity[row], struck, claim, shop, lenders.limit_fen[lender, row], r.credit_value, r.sanction
    )
    late = np.int64(b.dpd[k])
    has_reminder = terms.remind_before[lender] > 0 if late == 0 else 0 < terms.remind_from[lender] <= late
    if late > 0 and has_reminder and (late == terms.remind_from[lender] or late % 7 == 0):
        totals[T_CONTACTS] += 1
    # order loans are debited by the platform on their own, so that nobody can forget them
    forgotten = b.product[k] != ORDER_LOAN and forgets(
        unit64(hash64(r.key_forget, b.loan_id[k], 0)), r.forget, r.reminded, has_reminder
    )
    wallet = np.int64(m.wallet[row])
    pay = np.int64(0)
    if willing and not forgotten:
        pay = min(claim, wallet)
    elif late >= terms.sweep_from[lender]:
        pay = min(claim, np.int64(math.floor(wallet * terms.sweep_share[lender])))
    b.cause[k] = FRAUD if struck else (UNABLE if willing else UNWILLING)
    if pay > 0:
        _pay(b, k, pay, terms.allocation[lender], totals)
        m.wallet[row] -= pay
        totals[T_WALLET] += pay


@kernel
def _prepay(b, k, m, terms, r, totals):
    """Repay early out of idle money: what is above some days of sales and costs and today's wish for stock."""
    row = b.row[k]
    buffer = r.idle_days * (m.sales_mean_30d[row] + m.fixed_cost[row]) + m.shortage[row]
    idle = np.int64(math.floor(m.wallet[row] - buffer))
    pay = min(_owed(b, k), idle)
    if pay >= 10_000 or (pay > 0 and pay == _owed(b, k)):
        _pay(b, k, pay, terms.allocation[b.lender[k]], totals)
        m.wallet[row] -= pay
        totals[T_WALLET] += pay


@kernel
def _release(b, k, m):
    """Give pledged orders that are left back to the merchant's own chain."""
    for stage in range(STAGES):
        m.shipped[stage, b.row[k]] += b.pledged[k, stage]
        b.pledged[k, stage] = 0.0


@kernel
def _close(b, k, m, lenders, terms, today, totals):
    """Close a loan that is paid; the fraction of a fen that was never billed is dropped from income."""
    row, lender = b.row[k], b.lender[k]
    if b.is_first[k] and today - b.opened[k] <= terms.refund_days[lender] and b.interest_paid[k] > 0:
        b.refunded[k] = b.interest_paid[k]
        m.wallet[row] += b.refunded[k]
        totals[T_REFUNDED] += b.refunded[k]
    totals[T_DROPPED] += b.accrued[k]
    b.accrued[k] = b.suspended[k] = b.penalty[k] = 0
    b.status[k] = PAID_OFF
    b.closed[k] = today
    if b.first_due[k] == 0:
        b.first_due[k] = today
    _release(b, k, m)
    lenders.n_open[lender, row] -= 1
    if b.max_dpd[k] == 0:
        lenders.n_repaid[lender, row] += 1


@kernel
def _age(b, k, m, lenders, terms, today, totals):
    """Days past due, income past 90 days, write-off."""
    row, lender = b.row[k], b.lender[k]
    if b.overdue[k] == 0 and b.balance[k] > 0:
        b.unpaid_since[k] = 0
        b.dpd[k] = 0
        b.cause[k] = 0
        return
    late = today - b.unpaid_since[k]
    b.dpd[k] = late
    b.max_dpd[k] = max(b.max_dpd[k], late)
    if b.unpaid_since[k] == b.first_due[k]:
        b.first_unpaid_days[k] = late
    if late >= terms.non_accrual_after[lender] and b.accrued[k] != 0:
        totals[T_REVERSED] += b.accrued[k]
        b.suspended[k] += b.accrued[k]
        b.accrued[k] = 0
    if late >= terms.write_off_after[lender]:
        totals[T_REVERSED] += b.accrued[k]
        totals[T_WRITTEN] += b.balance[k]
        b.written_off[k] = b.balance[k]
        b.balance[k] = b.overdue[k] = 0
        b.accrued[k] = b.suspended[k] = b.penalty[k] = 0
        b.status[k] = WRITTEN_OFF
        b.closed[k] = today
        _release(b, k, m)
        lenders.n_open[lender, row] -= 1


@kernel
def _report(b, k, m, lenders, pledged, today, horizon, totals):
    """Put a loan that is still open into its bucket and tell the merchant what it owes."""
    row, lender, balance = b.row[k], b.lender[k], b.balance[k]
    late = max(b.dpd[k], b.inherited_dpd[k])
    totals[T_ACTIVE] += 1
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
    if b.is_restructured[k]:
        totals[T_RESTRUCTURED] += balance
    elif late <= 30:
        totals[T_PERFORMING] += balance
    m.debt[row] += max(balance - pledged, 0.0)
    is_kept_back = b.cause[k] <= UNABLE and b.product[k] != ORDER_LOAN and b.due[k] - today <= horizon
    m.due_soon[row] += _owed(b, k) if is_kept_back else (b.overdue[k] if b.cause[k] <= UNABLE else 0)
    lenders.dpd[lender, row] = max(lenders.dpd[lender, row], late)
    lenders.worst_dpd[lender, row] = max(lenders.worst_dpd[lender, row], late)


@kernel
def _recover(b, k, r, totals):
    """What comes back on a written-off loan today, from the borrower's private means; fraudsters pay nothing."""
    share = r.recovered_unable if b.cause[k] == UNABLE else (r.recovered_unwilling if b.cause[k] == UNWILLING else 0.0)
    money = np.int64(math.floor((b.written_off[k] - b.recovered[k]) * share))
    b.recovered[k] += money
    totals[T_RECOVERED] += money


@kernel
def _live_loan(b, k, m, lenders, terms, r, commission, totals):
    """One loan through one day."""
    row, lender = b.row[k], b.lender[k]
    before = b.balance[k]
    if r.today > b.opened[k]:
        if m.in_debt_day[row] != r.today and before > 0:
            m.in_debt_day[row] = r.today
            m.days_in_debt[row] += 1
        units = _accrue(b, k, terms.penalty_permille[lender])
        if b.dpd[k] >= terms.non_accrual_after[lender]:
            b.suspended[k] += units
        else:
            b.accrued[k] += units
            totals[T_ACCRUED] += units
    refund = _confirm_pledged(b, k, m, r, commission, terms.allocation[lender], totals)
    pledged = b.pledged[k, :].sum()
    _fall_due(b, k, refund, pledged, r.today)
    ahead = terms.remind_before[lender]
    if 0 < ahead == b.due[k] - r.today and b.product[k] != ORDER_LOAN:
        totals[T_CONTACTS] += 1
    if b.overdue[k] > 0 or b.balance[k] == 0:
        if _owed(b, k) > 0:
            _collect(b, k, m, lenders, terms, r, totals)
    elif r.today > b.opened[k] and r.today < m.bust_day[row]:
        _prepay(b, k, m, terms, r, totals)
    if b.balance[k] == 0 and _owed(b, k) == 0:
        _close(b, k, m, lenders, terms, r.today, totals)
    else:
        _age(b, k, m, lenders, terms, r.today, totals)
        if b.status[k] == ACTIVE:
            _report(b, k, m, lenders, pledged, r.today, r.horizon, totals)
    paid = before - b.balance[k]
    lenders.exposure_fen[lender, row] -= paid
    if b.product[k] != ORDER_LOAN:
        lenders.line_fen[lender, row] -= paid


@kernel
def repay(n, b, m, lenders, terms, r, commission, totals):
    """One day of all loans.

    Parameters
    ----------
    n : int
        Number of loans in the book.
    b : Book
        The loan book's columns.
    m : Borrowers
        Merchant columns.
    lenders : Records
        Lender columns, (n_lenders, n_merchants).
    terms : LenderTerms
    r : RepayRules
    commission : ndarray (n_platforms,) of float32
    totals : ndarray (n_lenders, n_products, len(REPAY_TOTALS)) of int64
        Written; see REPAY_TOTALS.
    """
    totals[:] = 0
    for k in range(n):
        row = b.row[k]
        m.debt[row] = 0.0
        m.due_soon[row] = 0.0
        lenders.dpd[b.lender[k], row] = 0
    for k in range(n):
        if b.status[k] == PAID_OFF:
            continue
        if b.status[k] == WRITTEN_OFF:
            _recover(b, k, r, totals[b.lender[k], b.product[k]])
        else:
            _live_loan(b, k, m, lenders, terms, r, commission, totals[b.lender[k], b.product[k]])
