"""A loan on stock in a warehouse: what the pledge is worth, what is paid as it shrinks, how it is sold (facts A.1.7).

The pledge is all the stock of the shop, at cost; the loan may be worth the value less the haircut.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import Scalar, floor, least, rule
from sim.engine.day.loan import T_REALISED, T_WALLET
from sim.engine.day.scheduled import add_unpaid, pay, settles
from sim.world.cash import unit_cost


@rule
def stock_value(m: Any, row: Scalar) -> Scalar:
    """What the goods of a shop cost, fen, float64."""
    return np.float64(m.stock[row]) * np.float64(unit_cost(m.order_value[row], m.margin[row]))


@rule
def release(
    loan: Any, plan: Any, late_ones: Any, m: Any, row: Scalar, wallet: Scalar, order: Any, by_instalment: Scalar,
    today: Scalar, sums: Any,
) -> Scalar:  # fmt: skip
    """Pay, out of what its sale brought, for stock that is no longer there; gives the fen.

    What the wallet lacks falls due.
    """
    beyond = loan.balance - loan.overdue - np.int64(floor(stock_value(m, row) * loan.advance))
    if beyond <= 0:
        return np.int64(0)
    paid = least(beyond, wallet)
    if paid > 0:
        pay(loan, plan, late_ones, paid, order, by_instalment, sums)
        sums[T_WALLET] += paid
    if beyond > paid:
        add_unpaid(loan, plan, late_ones, today, np.int64(0), least(beyond - paid, loan.balance - loan.overdue))
    return paid


@rule
def sell_pledge(
    loan: Any, plan: Any, late_ones: Any, m: Any, row: Scalar, kept: Scalar, order: Any, by_instalment: Scalar,
    sums: Any,
) -> None:  # fmt: skip
    """Sell pledged stock for the share ``kept`` of its cost, as much as settles the loan."""
    worth = stock_value(m, row) * kept
    got = least(np.int64(floor(worth)), settles(loan, plan, late_ones))
    if got > 0:
        m.stock[row] -= np.float32(m.stock[row] * (got / worth))
        pay(loan, plan, late_ones, got, order, by_instalment, sums)
        sums[T_REALISED] += got
