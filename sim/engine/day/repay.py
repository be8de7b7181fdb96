"""The loans of one day, oldest loan first: most lines only accrue; the few with an event go through all of it.

It is the one place where a loan and its merchant's wallet meet; what happens to the loan itself stands in
`sim.engine.day.loan`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.core.kernels import Scalar, floor, hash64, kernel, least, most, rule, unit64
from sim.core.loanbook import ACTIVE, ORDER_LOAN, PAID_OFF, WRITTEN_OFF
from sim.core.merchants import HONEST, OPEN, STAGES
from sim.engine.day.loan import (
    T_BUYERS,
    T_COMMISSION,
    T_CONTACTS,
    T_FREED,
    T_SWEPT,
    T_WALLET,
    accrue,
    age,
    claim_of,
    close,
    confirm_pledged,
    fall_due,
    interest_tonight,
    owed_now,
    pay,
    pledged_left,
    prepay_quietly,
    put_in_bucket,
    recover,
    sweep_quietly,
)
from sim.world.repayment import FRAUD, UNABLE, UNWILLING, forgets, is_willing, shop_worth

_F = np.float32
_I = np.uint64  # of an index: what has no sign is not tried for counting from the end
SMALLEST_PREPAYMENT = 10_000  # fen; nobody repays less than 100 yuan early, unless it settles the loan


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
    repay_ahead: int
    hardship: float
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
    days_in_debt: Any


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
def means_to_pay(m: Any, row: Scalar, struck: bool, due: Scalar, limit: Scalar, r: Any) -> Scalar:
    """Whether the merchant of ``row`` would pay ``due`` fen if it could; ``limit`` is what this lender offers it."""
    shop = shop_worth(
        m.kappa[row], m.margin[row], m.sales_mean_30d[row], m.off_platform[row], r.shop_days, m.status[row] == OPEN
    )
    return is_willing(m.integrity[row], struck, due, shop, limit, r.credit_value, r.sanction)


@rule
def is_quiet(loan: Any, terms: Any, r: Any) -> Scalar:
    """Whether a loan is in good standing, with nothing to pay, to remind of or to keep money back for."""
    if loan.overdue > 0 or loan.balance == 0 or loan.unpaid_since > 0 or loan.inherited_dpd > 0:
        return False
    near = np.int64(0) if loan.product == ORDER_LOAN else np.int64(r.horizon)
    days = loan.due - r.today
    return days > near and days > terms.remind_before[_I(loan.lender)] and r.today > loan.opened


@rule
def early_payment(owed: Scalar, days: Scalar, is_near: Scalar, idle: Scalar, money: Scalar) -> Scalar:
    """Fen that a borrower repays early, ``days`` before the due date: idle money, and near the date a daily part.

    ``is_near`` is whether it sets money aside for the due date; ``money`` is what it has above today's costs, fen.
    """
    paid = least(owed, idle)
    if is_near:
        part = least(most(owed // days + 1, SMALLEST_PREPAYMENT), owed)
        paid = most(paid, least(part, money))
    return paid if paid >= SMALLEST_PREPAYMENT or paid == owed else np.int64(0)


@rule
def take_back(m: Any, row: Scalar, refund: Scalar, restocked: Scalar) -> None:
    """Goods of returned orders go back to the shelves, as far as they can be sold again, and are remembered."""
    m.stock[row] += _F(refund / m.order_value[row] * restocked)
    m.returns_mean_30d[row] += _F(refund / 30.0)


@rule
def idle_from(m: Any, row: Scalar, r: Any) -> Scalar:
    """Fen in the wallet above which money is idle: some days of sales and costs, and the wish for stock."""
    return r.idle_days * (m.sales_mean_30d[row] + m.fixed_cost[row]) + m.shortage[row]


@kernel
def repay(
    loans: Any, by_row: Any, first: Any, m: Any, lenders: Any, terms: Any, r: Any, commission: Any, debt: Any,
    due_soon: Any, closings: Any, totals: Any,
) -> Any:  # fmt: skip
    """One day of the loans of a tile of merchants.

    Parameters
    ----------
    loans : ndarray (n,) of LOAN
        The loan book.
    by_row : ndarray (k,) of int32
        Positions in the book of the tile's loans by merchant row, oldest loan first.
    first : int
        Row of the first merchant of the tile.
    m : Borrowers
        Merchant columns.
    lenders : Records
        Lender columns, (n_lenders, n_merchants).
    terms : LenderTerms
    r : RepayRules
    commission : ndarray (n_platforms,) of float32
    debt, due_soon : ndarray (tile,) of float64
        Written: fen owed to all lenders beyond pledged orders, and of it what falls due within the planning horizon
        and is kept back by those who mean to pay it.
    closings : ndarray (k,) of int32
        Written: positions of the loans that were paid off today.
    totals : ndarray (n_lenders, n_products, len(REPAY_TOTALS)) of int64
        Added to; see REPAY_TOTALS.

    Returns
    -------
    int
        How many were paid off.
    """
    today, n_closed, counted = r.today, 0, -1
    debt[:] = 0.0
    due_soon[:] = 0.0
    for position in by_row:
        loan = loans[_I(position)]
        lenders.dpd[_I(loan.lender), _I(loan.row)] = 0
    for position in by_row:
        loan = loans[_I(position)]
        row, lender, place = _I(loan.row), _I(loan.lender), _I(loan.row - first)
        sums = totals[lender, _I(loan.product)]
        if loan.status == PAID_OFF:
            continue
        if loan.status == WRITTEN_OFF:
            recover(loan, r.recovered_unable, r.recovered_unwilling, sums)
            continue
        if today > loan.opened and loan.balance > 0 and loan.row != counted:
            counted = loan.row
            m.days_in_debt[row] += 1
        struck = today >= m.bust_day[row]
        order = terms.allocation[lender]
        if is_quiet(loan, terms, r):
            idle = m.wallet[row] - idle_from(m, row, r)
            if loan.product != ORDER_LOAN:
                days, principal = loan.due - today, np.int64(0)
                if struck or (idle < 1.0 and days > r.repay_ahead):
                    accrue(loan, terms.penalty_permille[lender], terms.non_accrual_after[lender], sums)
                elif loan.max_dpd == 0:
                    interest = interest_tonight(loan)
                    owed, spare = loan.balance + interest, np.int64(floor(m.wallet[row] - m.fixed_cost[row]))
                    paid = early_payment(owed, days, days <= r.repay_ahead, np.int64(floor(idle)), spare)
                    principal = prepay_quietly(loan, interest, paid, order, sums)
                    if principal >= 0:
                        m.wallet[row] -= paid
                        lenders.exposure_fen[lender, row] -= principal
                        lenders.line_fen[lender, row] -= principal
                else:
                    principal = np.int64(-1)
                if principal >= 0:
                    put_in_bucket(loan, 0, sums)
                    debt[place] += loan.balance
                    continue
            elif idle < 1.0 and not struck:
                ready = np.int64(m.wallet[row]) if m.integrity[row] == HONEST else np.int64(0)
                is_all, refund, paid, claim = sweep_quietly(
                    loan, r.stage_share, m.return_rate[row], commission[_I(m.platform[row])], order, ready, today, sums
                )
                if is_all:
                    m.wallet[row] -= claim
                    take_back(m, row, refund, r.restocked)
                    put_in_bucket(loan, 0, sums)
                    debt[place] += most(loan.balance - pledged_left(loan), 0.0)
                    lenders.exposure_fen[lender, row] -= paid
                    continue
        before = loan.balance
        wallet = np.int64(m.wallet[row])
        if today > loan.opened:
            accrue(loan, terms.penalty_permille[lender], terms.non_accrual_after[lender], sums)

        # proceeds of pledged orders reach the loan before the wallet (design rule 1)
        refund = 0.0
        if loan.product == ORDER_LOAN:
            out = confirm_pledged(loan, r.stage_share)
            refund = out if struck else floor(out * m.return_rate[row])
            fee = floor((out - refund) * commission[_I(m.platform[row])])
            net = np.int64(out - refund - fee)
            swept = least(net, owed_now(loan))
            pay(loan, swept, order, sums)
            wallet += net - swept
            take_back(m, row, refund, r.restocked)
            sums[T_SWEPT] += swept
            sums[T_FREED] += net - swept
            sums[T_BUYERS] += np.int64(refund)
            sums[T_COMMISSION] += np.int64(fee)

        fall_due(loan, refund, today)
        paid = np.int64(0)
        if loan.overdue > 0 or (loan.balance == 0 and owed_now(loan) > 0):
            # what is due: willing and able, forgetful, unwilling, or swept
            claim = claim_of(loan)
            willing = means_to_pay(m, row, struck, claim, lenders.limit_fen[lender, row], r)
            late, reminded = np.int64(today - loan.unpaid_since), terms.remind_from[lender]
            has_reminder = terms.remind_before[lender] > 0 if late == 0 else 0 < reminded <= late
            if late > 0 and has_reminder and (late == reminded or late % 7 == 0):
                sums[T_CONTACTS] += 1
            # order loans are debited by the platform on their own, so that nobody can forget them
            u = unit64(hash64(r.key_forget, loan.loan_id, 0))
            forgotten = loan.product != ORDER_LOAN and forgets(u, r.forget, r.reminded, has_reminder)
            if willing and not forgotten:
                paid = claim if wallet >= claim else np.int64(floor(wallet * r.hardship))
            elif late >= terms.sweep_from[lender]:
                paid = least(claim, np.int64(floor(wallet * terms.sweep_share[lender])))
            loan.cause = FRAUD if struck else (UNABLE if willing else UNWILLING)
        elif today > loan.opened and not struck:
            # idle money repays early: what is above some days of sales and costs and the wish for stock;
            # and as the due date nears, a daily part of the debt out of whatever there is
            idle, days = np.int64(floor(wallet - idle_from(m, row, r))), loan.due - today
            is_near = loan.product != ORDER_LOAN and days <= r.repay_ahead
            if idle > 0 or is_near:
                paid = early_payment(owed_now(loan), days, is_near, idle, np.int64(floor(wallet - m.fixed_cost[row])))
        if paid > 0:
            pay(loan, paid, order, sums)
            wallet -= paid
            sums[T_WALLET] += paid
        if 0 < terms.remind_before[lender] == loan.due - today and loan.product != ORDER_LOAN:
            sums[T_CONTACTS] += 1

        if loan.balance > 0 and loan.overdue == 0 and loan.unpaid_since == 0 and loan.inherited_dpd == 0:
            # in good standing: nothing to close, to age or to remember
            m.wallet[row] = wallet
            put_in_bucket(loan, 0, sums)
            stays_open = True
        else:
            if loan.balance == 0 and owed_now(loan) == 0:
                wallet += close(loan, today, terms.refund_days[lender], sums)
                if loan.max_dpd == 0:
                    lenders.n_repaid[lender, row] += 1
            else:
                age(loan, today, terms.non_accrual_after[lender], terms.write_off_after[lender], sums)
            m.wallet[row] = wallet
            stays_open = loan.status == ACTIVE
            lenders.worst_dpd[lender, row] = most(lenders.worst_dpd[lender, row], loan.max_dpd)
            if loan.status == PAID_OFF:
                closings[n_closed] = position
                n_closed += 1
            if stays_open:
                late = np.int64(most(loan.dpd, loan.inherited_dpd))
                put_in_bucket(loan, late, sums)
                lenders.dpd[lender, row] = most(lenders.dpd[lender, row], late)
                lenders.worst_dpd[lender, row] = most(lenders.worst_dpd[lender, row], late)
            else:
                lenders.n_open[lender, row] -= 1
                for stage in range(STAGES):
                    m.shipped[stage, row] += loan.pledged[stage]
                    loan.pledged[stage] = 0.0
        if stays_open:
            debt[place] += most(loan.balance - pledged_left(loan), 0.0)
            # what nears its due date is kept back by those who mean to pay it
            if loan.product != ORDER_LOAN and loan.overdue == 0 and loan.due - today <= r.horizon:
                owed = owed_now(loan)
                if means_to_pay(m, row, struck, owed, lenders.limit_fen[lender, row], r):
                    due_soon[place] += owed
        gone = before - loan.balance
        lenders.exposure_fen[lender, row] -= gone
        if loan.product != ORDER_LOAN:
            lenders.line_fen[lender, row] -= gone
    return n_closed
