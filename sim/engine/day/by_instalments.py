"""The day of a loan that is repaid by instalments, and of its borrower's wallet."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import floor, kernel, least, most
from sim.core.loanbook import ACTIVE, ORDER_LOAN, SECURED, WAREHOUSE
from sim.engine.day.borrower import (
    answer_claim,
    early_payment,
    free_pledge,
    idle_from,
    means_to_pay,
    note_standing,
    proceeds,
    sanction_on,
)
from sim.engine.day.loan import T_CONTACTS, T_FREED, T_SWEPT, T_WALLET, close, pledged_left, put_in_bucket
from sim.engine.day.plan_of_loan import AT_END, SETTLEMENT
from sim.engine.day.scheduled import (
    accrue,
    age,
    due_of,
    fall_due,
    falls_next,
    interest_to_date,
    pay,
    settles,
    take_share,
)
from sim.engine.day.secured import release, sell_pledge, stock_behind


@kernel
def repay_by_instalments(
    loan: Any, position: Any, schedules: Any, unpaid: Any, place: Any, recorded: Any, on_stock: Any, m: Any,
    lenders: Any, terms: Any, r: Any, commission: Any, debt: Any, due_soon: Any, closings: Any, n_closed: Any,
    sums: Any,
) -> Any:  # fmt: skip
    """One day of an active loan with a schedule.

    Parameters
    ----------
    loan : record of LOAN
    position : int
        Its place in the book.
    schedules, unpaid : ndarray (k,) of SCHEDULE, (k, most) of UNPAID
    place : int
        Place of its borrower in the tile.
    on_stock : ndarray (tile,) of float64
        Fen owed by each merchant on its stock in the morning.
    recorded, debt, due_soon : ndarray (tile,)
        As `sim.engine.day.repay.repay` has them, as everything else.

    Returns
    -------
    tuple of int and bool
        How many loans of the tile have been paid off so far; whether the lender's people have something to do about
        this one.
    """
    is_noticed = False
    today, row, lender = r.today, np.uint64(loan.row), np.uint64(loan.lender)
    plan, late_ones = schedules[loan.schedule - 1], unpaid[loan.schedule - 1]
    struck, order = today >= m.bust_day[row], terms.allocation[lender]
    before, wallet = loan.balance, np.int64(m.wallet[row])
    if today > loan.opened:
        accrue(
            loan, plan, late_ones, today, terms.penalty_permille[lender], terms.compounds[lender],
            terms.late_fee[lender], terms.non_accrual_after[lender], sums,
        )  # fmt: skip
    if plan.share > 0:  # its platform holds back a share of what it sells, asked or not
        paid = take_share(
            loan, plan, late_ones, np.int64(recorded[place]), wallet, order, terms.by_instalment[lender], sums
        )
        wallet -= paid
        sums[T_WALLET] += paid
    if loan.product == ORDER_LOAN:  # under new terms its pledge still pays it before the wallet
        net, _ = proceeds(loan, m, row, struck, r, commission, sums)
        swept = least(net, settles(loan, plan, late_ones))
        pay(loan, plan, late_ones, swept, order, terms.by_instalment[lender], sums)
        wallet += net - swept
        sums[T_SWEPT] += swept
        sums[T_FREED] += net - swept
    fall_due(loan, plan, late_ones, today)
    if loan.product == WAREHOUSE:
        stock = stock_behind(loan, m, row, on_stock[place])
        wallet -= release(
            loan, plan, late_ones, stock, wallet, order, terms.by_instalment[lender], today, sums
        )
        if loan.dpd >= terms.sell_after[lender]:
            sell_pledge(
                loan, plan, late_ones, m, row, stock, terms.sale_share[lender], order, terms.by_instalment[lender], sums
            )

    paid = np.int64(0)
    if plan.n_unpaid > 0:
        claim = due_of(loan, plan, late_ones)
        paid, is_noticed = answer_claim(loan, claim, wallet, row, lender, m, lenders, terms, r, sums)
    elif today > loan.opened and not struck:
        days = plan.next_due - today
        is_settlement = plan.kind == SETTLEMENT and plan.number < plan.periods
        is_near = (plan.kind == AT_END or is_settlement) and days <= r.repay_ahead
        idle = np.int64(floor(wallet - idle_from(m, row, r)))
        if idle > 0 or is_near:
            owed, spare = settles(loan, plan, late_ones), np.int64(floor(wallet - m.fixed_cost[row]))
            if is_settlement:  # nobody pays what will be forgiven
                owed = most(owed - plan.instalment, 0)
            paid = early_payment(owed, days, is_near, idle, spare)
    if paid > 0:
        pay(loan, plan, late_ones, paid, order, terms.by_instalment[lender], sums)
        wallet -= paid
        sums[T_WALLET] += paid
    if 0 < terms.remind_before[lender] == plan.next_due - today:
        sums[T_CONTACTS] += 1
    is_noticed = is_noticed or (0 < terms.ahead[lender] == plan.next_due - today and plan.n_unpaid == 0)

    if loan.balance == 0 and settles(loan, plan, late_ones) == 0:
        wallet += close(loan, today, terms.refund_days[lender], sums)
        if loan.max_dpd == 0 and loan.n_restructured == 0:
            lenders.n_repaid[lender, row] += 1
        n_closed = note_standing(loan, row, lender, position, lenders, sums, closings, n_closed)
    elif plan.n_unpaid == 0 and loan.unpaid_since == 0 and loan.inherited_dpd == 0:
        put_in_bucket(loan, 0, sums)
    else:
        age(
            loan, plan, late_ones, today, terms.non_accrual_after[lender], terms.write_off_after[lender],
            terms.observed_for[lender], sums,
        )  # fmt: skip
        n_closed = note_standing(loan, row, lender, position, lenders, sums, closings, n_closed)
    m.wallet[row] = wallet
    if loan.status != ACTIVE:
        free_pledge(loan, m, row)
    else:
        debt[place] += most(loan.balance - pledged_left(loan), 0.0)
        if plan.n_unpaid == 0 and plan.next_due - today <= r.horizon:
            falls = falls_next(loan, plan) + interest_to_date(loan, plan)
            if means_to_pay(
                m, row, struck, falls, lenders.limit_fen[lender, row], lender, terms, r, sanction_on(loan, terms)
            ):
                due_soon[place] += falls
    gone = before - loan.balance
    lenders.exposure_fen[lender, row] -= gone
    if loan.product not in SECURED:
        lenders.line_fen[lender, row] -= gone
    return n_closed, is_noticed
