"""The day of one loan, as a market's day has it, by the compiled rules: morning, payments, evening."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import floor, kernel, least
from sim.core.loanbook import ACTIVE, ORDER_LOAN, WAREHOUSE, WRITTEN_OFF
from sim.engine.day import loan as whole
from sim.engine.day import scheduled
from sim.engine.day.loan import T_BUYERS, T_FREED, T_SWEPT, T_WALLET
from sim.engine.day.secured import release

NON_ACCRUAL, WRITE_OFF, OBSERVED, REFUND = 30, 60, 45, 3


@kernel
def a_morning(
    loans: Any, plans: Any, unpaid: Any, today: Any, compounds: Any, late_fee: Any, order: Any, by_instalment: Any,
    sold: Any, stock: Any, sums: Any,
) -> None:  # fmt: skip
    """Interest, sweeps, what falls due; ``stock`` is what the goods behind a loan on stock cost."""
    loan, plan, late = loans[0], plans[0], unpaid[0]
    if loan.status == WRITTEN_OFF:
        whole.recover(loan, 0.01, 0.01, sums)
    if loan.status != ACTIVE:
        return
    if loan.schedule > 0:
        scheduled.accrue(loan, plan, late, today, 1500, compounds, late_fee, NON_ACCRUAL, sums)
        if plan.share > 0:
            sums[T_WALLET] += scheduled.take_share(loan, plan, late, sold, np.int64(10**12), order, by_instalment, sums)
    else:
        whole.accrue(loan, today, 1500, compounds, late_fee, NON_ACCRUAL, sums)
    refund = 0.0
    if loan.product == ORDER_LOAN:
        out = whole.confirm_pledged(loan, 0.4, 0.4)
        refund = floor(out * 0.2)
        net = np.int64(out - refund)
        if loan.schedule > 0:
            swept = least(net, scheduled.settles(loan, plan, late))
            scheduled.pay(loan, plan, late, swept, order, by_instalment, sums)
        else:
            swept = least(net, whole.owed_now(loan))
            whole.pay(loan, swept, order, sums)
        sums[T_SWEPT] += swept
        sums[T_FREED] += net - swept
        sums[T_BUYERS] += np.int64(refund)
    if loan.schedule > 0:
        scheduled.fall_due(loan, plan, late, today)
    else:
        whole.fall_due(loan, refund, today)
    if loan.product == WAREHOUSE:
        release(loan, plan, late, stock, np.int64(sold), order, by_instalment, today, sums)


@kernel
def a_payment(loans: Any, plans: Any, unpaid: Any, fen: Any, order: Any, by_instalment: Any, sums: Any) -> Any:
    if loans[0].schedule > 0:
        return scheduled.pay(loans[0], plans[0], unpaid[0], fen, order, by_instalment, sums)
    return whole.pay(loans[0], fen, order, sums)


@kernel
def an_evening(loans: Any, plans: Any, unpaid: Any, today: Any, sums: Any) -> None:
    """Close what is paid, age what is late, count what is open."""
    loan = loans[0]
    if loan.status != ACTIVE:
        return
    if loan.schedule > 0:
        if loan.balance == 0 and scheduled.settles(loan, plans[0], unpaid[0]) == 0:
            whole.close(loan, today, REFUND, sums)
        else:
            scheduled.age(loan, plans[0], unpaid[0], today, NON_ACCRUAL, WRITE_OFF, OBSERVED, sums)
    elif loan.balance == 0 and whole.owed_now(loan) == 0:
        whole.close(loan, today, REFUND, sums)
    else:
        whole.age(loan, today, NON_ACCRUAL, WRITE_OFF, OBSERVED, sums)
    if loan.status == ACTIVE:
        whole.put_in_bucket(loan, np.int64(max(loan.dpd, loan.inherited_dpd)), sums)


@kernel
def owed(loans: Any, plans: Any, unpaid: Any) -> Any:
    """Fen that would settle the loan, and fen that have fallen due."""
    if loans[0].schedule > 0:
        settles = scheduled.settles(loans[0], plans[0], unpaid[0])
        return settles, scheduled.due_of(loans[0], plans[0], unpaid[0])
    due = whole.claim_of(loans[0]) if loans[0].overdue > 0 or loans[0].balance == 0 else np.int64(0)
    return whole.owed_now(loans[0]), due
