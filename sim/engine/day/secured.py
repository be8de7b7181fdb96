"""A loan on stock in a warehouse: what the pledge is worth, what is paid as it shrinks, how it is sold (facts A.1.7).

The pledge is all the stock of the shop, at cost; loans on it may be worth its value less the haircut. Where a shop has
several, each rests on its share of the stock, by what was owed on each in the morning.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import Scalar, floor, least, most, rule
from sim.engine.day.loan import T_REALISED, T_WALLET
from sim.engine.day.scheduled import add_unpaid, pay, settles
from sim.world.cash import unit_cost


@rule
def stock_behind(loan: Any, m: Any, row: Scalar, on_stock: Scalar) -> Scalar:
    """What the goods cost that a loan rests on, fen, float64; ``on_stock`` is owed by its shop on all such loans."""
    cost = np.float64(m.stock[row]) * np.float64(unit_cost(m.order_value[row], m.margin[row]))
    return cost * (loan.balance / most(on_stock, np.float64(loan.balance)))


@rule
def release(
    loan: Any, plan: Any, late_ones: Any, stock: Scalar, wallet: Scalar, order: Any, by_instalment: Scalar,
    today: Scalar, sums: Any,
) -> Scalar:  # fmt: skip
    """Pay, out of what its sale brought, for stock that is no longer there; gives the fen.

    ``stock`` is the cost of what is. What the wallet lacks falls due.
    """
    beyond = loan.balance - loan.overdue - np.int64(floor(stock * loan.advance))
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
    loan: Any, plan: Any, late_ones: Any, m: Any, row: Scalar, stock: Scalar, kept: Scalar, order: Any,
    by_instalment: Scalar, sums: Any,
) -> None:  # fmt: skip
    """Sell stock that cost ``stock`` fen for the share ``kept`` of that, as much as settles the loan."""
    worth = stock * kept
    got = least(np.int64(floor(worth)), settles(loan, plan, late_ones))
    if got > 0:
        goods = got / kept / np.float64(unit_cost(m.order_value[row], m.margin[row]))
        m.stock[row] -= np.float32(least(goods, np.float64(m.stock[row])))
        pay(loan, plan, late_ones, got, order, by_instalment, sums)
        sums[T_REALISED] += got
