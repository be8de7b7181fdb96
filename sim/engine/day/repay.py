"""The loans of one day, oldest loan first: most lines only accrue; the few with an event go through all of it.

It is the one place where a loan and its merchant's wallet meet; what happens to the loan itself stands in
`sim.engine.day.loan`, to one repaid by instalments in `sim.engine.day.by_instalments`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import Scalar, floor, kernel, least, most, rule
from sim.core.loanbook import ACTIVE, ORDER_LOAN, PAID_OFF, WAREHOUSE, WRITTEN_OFF
from sim.core.merchants import HONEST
from sim.engine.day.borrower import (
    answer_claim,
    early_payment,
    free_pledge,
    idle_from,
    means_to_pay,
    note_standing,
    proceeds,
    take_back,
)
from sim.engine.day.by_instalments import repay_by_instalments
from sim.engine.day.loan import (
    T_CONTACTS,
    T_FREED,
    T_SWEPT,
    T_WALLET,
    accrue,
    age,
    claim_of,
    close,
    fall_due,
    owed_now,
    pay,
    pledged_left,
    put_in_bucket,
    recover,
)
from sim.engine.day.quiet import interest_tonight, prepay_quietly, sweep_quietly

_I = np.uint64  # of an index: what has no sign is not tried for counting from the end


@rule
def is_quiet(loan: Any, terms: Any, r: Any) -> Scalar:
    """Whether a loan is in good standing, with nothing to pay, to remind of or to keep money back for."""
    if loan.overdue > 0 or loan.balance == 0 or loan.unpaid_since > 0 or loan.inherited_dpd > 0 or loan.surcharge > 0:
        return False
    near = np.int64(0) if loan.product == ORDER_LOAN else np.int64(r.horizon)
    days = loan.due - r.today
    lender = _I(loan.lender)
    is_far = days > near and days > terms.remind_before[lender] and days > terms.ahead[lender]
    return is_far and r.today > loan.opened


@kernel
def repay(
    loans: Any, by_row: Any, first: Any, m: Any, lenders: Any, terms: Any, r: Any, commission: Any, debt: Any,
    due_soon: Any, closings: Any, noticed: Any, totals: Any, schedules: Any, unpaid: Any, recorded: Any,
    on_stock: Any,
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
    noticed : ndarray (k,) of int32
        Written: positions of the loans that are late or soon due, which the evening looks at.
    totals : ndarray (n_lenders, n_products, len(REPAY_TOTALS)) of int64
        Added to; see REPAY_TOTALS.
    schedules, unpaid : ndarray (k,) of SCHEDULE, (k, most) of UNPAID
        Of the loans that are repaid by instalments.
    recorded : ndarray (tile,) of float32
        Fen of sales that the platform saw today.
    on_stock : ndarray (tile,) of float64
        Scratch: fen that each merchant owes on its stock.

    Returns
    -------
    tuple of int
        How many were paid off, and how many were noticed.
    """
    today, n_closed, n_noticed, counted = r.today, 0, 0, -1
    debt[:] = 0.0
    due_soon[:] = 0.0
    on_stock[:] = 0.0
    for position in by_row:
        loan = loans[_I(position)]
        lenders.dpd[_I(loan.lender), _I(loan.row)] = 0
        if loan.product == WAREHOUSE:
            on_stock[_I(loan.row - first)] += loan.balance
    for position in by_row:
        loan = loans[_I(position)]
        row, lender, place = _I(loan.row), _I(loan.lender), _I(loan.row - first)
        sums = totals[lender, _I(loan.product)]
        if loan.status == PAID_OFF:
            continue
        if loan.status == WRITTEN_OFF:
            recover(loan, r.recovered_unable, r.recovered_unwilling, sums)
            if pledged_left(loan) > 0.0:  # of a debt that was sold last night
                free_pledge(loan, m, row)
            continue
        if today > loan.opened and loan.balance > 0 and loan.row != counted:
            counted = loan.row
            m.days_in_debt[row] += 1
        if loan.schedule > 0:
            n_closed, is_noticed = repay_by_instalments(
                loan, position, schedules, unpaid, place, recorded, on_stock, m, lenders, terms, r, commission, debt,
                due_soon, closings, n_closed, sums,
            )  # fmt: skip
            if is_noticed:
                noticed[n_noticed] = position
                n_noticed += 1
            continue
        struck = today >= m.bust_day[row]
        order = terms.allocation[lender]
        if is_quiet(loan, terms, r):
            idle = m.wallet[row] - idle_from(m, row, r)
            if loan.product != ORDER_LOAN:
                days, principal = loan.due - today, np.int64(0)
                if struck or (idle < 1.0 and days > r.repay_ahead):
                    accrue(loan, today, 0, False, 0, terms.non_accrual_after[lender], sums)
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
                    loan, r.first_share, r.stage_share, m.return_rate[row], commission[_I(m.platform[row])], order,
                    ready, today, sums,
                )  # fmt: skip
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
            accrue(
                loan, today, terms.penalty_permille[lender], terms.compounds[lender], terms.late_fee[lender],
                terms.non_accrual_after[lender], sums,
            )  # fmt: skip

        # proceeds of pledged orders reach the loan before the wallet (design rule 1)
        refund = 0.0
        if loan.product == ORDER_LOAN:
            net, refund = proceeds(loan, m, row, struck, r, commission, sums)
            swept = least(net, owed_now(loan))
            pay(loan, swept, order, sums)
            wallet += net - swept
            sums[T_SWEPT] += swept
            sums[T_FREED] += net - swept

        fall_due(loan, refund, today)
        paid = np.int64(0)
        if loan.overdue > 0 or (loan.balance == 0 and owed_now(loan) > 0):
            paid, is_noticed = answer_claim(loan, claim_of(loan), wallet, row, lender, m, lenders, terms, r, sums)
            if is_noticed:
                noticed[n_noticed] = position
                n_noticed += 1
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
        if 0 < terms.ahead[lender] == loan.due - today and loan.product != ORDER_LOAN and loan.overdue == 0:
            noticed[n_noticed] = position
            n_noticed += 1

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
                age(
                    loan, today, terms.non_accrual_after[lender], terms.write_off_after[lender],
                    terms.observed_for[lender], sums,
                )  # fmt: skip
            m.wallet[row] = wallet
            stays_open = loan.status == ACTIVE
            n_closed = note_standing(loan, row, lender, position, lenders, sums, closings, n_closed)
            if not stays_open:
                free_pledge(loan, m, row)
        if stays_open:
            debt[place] += most(loan.balance - pledged_left(loan), 0.0)
            # what nears its due date is kept back by those who mean to pay it
            if loan.product != ORDER_LOAN and loan.overdue == 0 and loan.due - today <= r.horizon:
                owed = owed_now(loan)
                if means_to_pay(m, row, struck, owed, lenders.limit_fen[lender, row], lender, terms, r, 0.0):
                    due_soon[place] += owed
        gone = before - loan.balance
        lenders.exposure_fen[lender, row] -= gone
        if loan.product != ORDER_LOAN:
            lenders.line_fen[lender, row] -= gone
    return n_closed, n_noticed
