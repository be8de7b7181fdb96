"""Plans: the second dense pass: goods arrive, stock is bought, outside money, the owner, wishes for loans, exits.

It runs after the loans of the day, so that stock is bought from what pledged proceeds and due debts have left.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np
from numba import prange

from sim.core.kernels import hash64, high_half, kernel, low_half, parallel_kernel, unit32
from sim.core.merchants import OPEN
from sim.engine.day.tiles import CHUNK, TILE
from sim.world.cash import (
    kept_back,
    outside_draw,
    outside_repayment,
    owner_draw,
    spent_on_stock,
    stock_target,
    unit_cost,
)
from sim.world.demand import is_worth_asking, money_worth, sale_chance
from sim.world.exits import exit_hazard

_F = np.float32

# Totals of the day, whole fen and a count, in this order.
PLAN_TOTALS = ("stock_bought", "outside_drawn", "outside_repaid", "owner_drawn", "active")

ASKS, LEAVES = 1, 2  # bits of the flags that are written

PlanColumns = namedtuple(
    "PlanColumns",
    (
        "merchant_id", "category", "status", "opened_day", "entry_day", "bust_day", "order_value", "margin",
        "lead_days", "cover_days", "promotion_fit", "fixed_cost", "patience", "habit", "bother", "price_sensitivity",
        "demand_mean", "orders_mean_30d", "sales_mean_90d", "stock", "on_order", "shipped", "wallet", "arrears",
        "outside_debt", "debt", "due_soon", "shortage",
    ),
)  # fmt: skip


class PlanRules(NamedTuple):
    """Scalars of one day's plans; float32 unless said."""

    key_attention: np.uint64
    confirmation: np.float32
    reserve_days: np.float32
    outside_cap: np.float32
    outside_take: np.float32
    outside_price: np.float32
    lowest_price: np.float32
    owner_take: np.float32
    smallest: np.float32
    hazard: np.float32
    exponent: np.float32
    youth: np.float32
    ruin_days: np.float32
    ruin_hazard: np.float32
    today: int


@kernel
def _plan(
    r: Any, ids: Any, status: Any, opened_day: Any, entry_day: Any, bust_day: Any, ahead: Any, lift_ahead: Any,
    decay: Any, order_value: Any, margin: Any, lead: Any, cover: Any, fit: Any, fixed_cost: Any, patience: Any,
    habit: Any, bother: Any, sensitivity: Any, demand_mean: Any, orders_30d: Any, mean_90d: Any, stock: Any, on1: Any,
    on2: Any, s1: Any, s2: Any, s3: Any, s4: Any, wallet: Any, arrears: Any, outside_debt: Any, debt: Any,
    due_soon: Any, shortage: Any, gain: Any, flags: Any, totals: Any,
) -> None:  # fmt: skip
    """Receive goods, buy stock, borrow outside, pay the owner, wish for a loan, leave; for one tile (PLAN_TOTALS)."""
    bought = drawn = repaid = taken = active = np.int64(0)
    for j in range(ids.size):
        is_open = status[j] == OPEN
        live = _F(1) if is_open else _F(0)
        share = _F(2) / lead[j]
        moved, arrived = on1[j] * share, on2[j] * share
        cost = unit_cost(order_value[j], margin[j])
        target = stock_target(demand_mean[j], lead[j], cover[j], ahead[j], fit[j], lift_ahead[j])
        have = stock[j] * (_F(1) - decay[j]) + arrived
        stock[j] = have
        gap = target - have - on1[j] - on2[j] + arrived
        gap = live * (gap if gap > _F(0) else _F(0))
        need = np.float64(gap * cost)
        reserve = kept_back(r.reserve_days, fixed_cost[j], due_soon[j])

        # the owner first: what the shop lacks after that is what it may borrow for
        goods = np.float64((have + on1[j] + on2[j] - arrived) * cost)
        own = wallet[j] + goods + s1[j] + s2[j] + s3[j] + s4[j] - outside_debt[j] - debt[j] - arrears[j]
        days_held = (lead[j] + cover[j]) * cost + r.confirmation * order_value[j]
        needed = np.float64(demand_mean[j] * ahead[j] * days_held)
        take = live * owner_draw(wallet[j], reserve, own, needed, patience[j], r.owner_take)
        money = wallet[j] - take
        spend = live * spent_on_stock(need, money, reserve)
        on1[j] += _F(spend) / cost - moved
        on2[j] += moved - arrived
        money -= spend

        short = need - spend + arrears[j]
        short = short if short >= 1.0 else 0.0  # less than a fen is rounding
        chance = sale_chance(gap, target)
        worth = money_worth(margin[j], chance, lead[j], cover[j], r.confirmation)
        distress = arrears[j] > 0.0 or due_soon[j] > money
        wants_outside = distress or worth > r.outside_price * sensitivity[j]
        draw = live * outside_draw(short, outside_debt[j], r.outside_cap, mean_90d[j], r.outside_take, wants_outside)
        back = outside_repayment(outside_debt[j], money, reserve, short)
        wallet[j] = money + draw - back
        outside_debt[j] += draw - back
        missing = short - draw + (due_soon[j] - wallet[j] if due_soon[j] > wallet[j] else 0.0)
        missing = missing if missing > 0.0 else 0.0
        shortage[j] = _F(missing)
        gain[j] = worth

        h = hash64(r.key_attention, ids[j], 0)
        strikes = r.today >= bust_day[j]
        asks = is_worth_asking(worth, r.lowest_price, sensitivity[j], missing, _F(10), bother[j], distress)
        asks = (asks and unit32(high_half(h)) < habit[j] and missing >= r.smallest) or strikes
        hazard = exit_hazard(
            orders_30d[j],
            _F(r.today - opened_day[j]),
            r.hazard,
            r.exponent,
            r.youth,
            _F(arrears[j]),
            r.ruin_days * fixed_cost[j],
            r.ruin_hazard,
        )
        leaves = unit32(low_half(h)) < hazard
        flags[j] = np.uint8((ASKS if asks and is_open else 0) | (LEAVES if leaves and is_open else 0))

        bought += np.int64(spend)
        drawn += np.int64(draw)
        repaid += np.int64(back)
        taken += np.int64(take)
        active += np.int64(live)
    totals[0] += bought
    totals[1] += drawn
    totals[2] += repaid
    totals[3] += taken
    totals[4] += active


@kernel
def _gather(category: Any, factors: Any, ahead: Any, lift_ahead: Any, decay: Any) -> None:
    """Look up the factors by category; kept apart, since look-ups stop vectorisation."""
    for j in range(category.size):
        code = category[j]
        ahead[j] = factors[0, code]
        lift_ahead[j] = factors[1, code]
        decay[j] = factors[2, code]


@parallel_kernel
def plan(c: Any, factors: Any, r: Any, gain: Any, flags: Any, totals: Any) -> None:
    """Plans of one day for all merchants.

    Parameters
    ----------
    c : PlanColumns
        The merchant columns, each (n,), ``shipped`` (4, n), ``on_order`` (2, n).
    factors : ndarray (3, n_categories) of float32
        Mean season of the weeks ahead, promotions to stock for, share of its value that stock loses a day.
    r : PlanRules
    gain : ndarray (n,) of float32
        Written: what one more yuan in stock gains, per yuan and day.
    flags : ndarray (n,) of uint8
        Written: ASKS, LEAVES.
    totals : ndarray (n_chunks, len(PLAN_TOTALS)) of int64
        Whole fen, written by chunk.
    """
    n = c.merchant_id.size
    for chunk in prange(totals.shape[0]):
        ahead, lift_ahead, decay = np.empty(TILE, _F), np.empty(TILE, _F), np.empty(TILE, _F)
        totals[chunk] = 0
        for a in range(chunk * CHUNK, min(n, chunk * CHUNK + CHUNK), TILE):
            b = min(n, a + TILE)
            m = b - a
            _gather(c.category[a:b], factors, ahead[:m], lift_ahead[:m], decay[:m])
            _plan(
                r, c.merchant_id[a:b], c.status[a:b], c.opened_day[a:b], c.entry_day[a:b], c.bust_day[a:b], ahead[:m],
                lift_ahead[:m], decay[:m], c.order_value[a:b], c.margin[a:b], c.lead_days[a:b], c.cover_days[a:b],
                c.promotion_fit[a:b], c.fixed_cost[a:b], c.patience[a:b], c.habit[a:b], c.bother[a:b],
                c.price_sensitivity[a:b], c.demand_mean[a:b], c.orders_mean_30d[a:b], c.sales_mean_90d[a:b],
                c.stock[a:b], c.on_order[0, a:b], c.on_order[1, a:b], c.shipped[0, a:b], c.shipped[1, a:b], c.shipped[2,
                a:b], c.shipped[3, a:b], c.wallet[a:b], c.arrears[a:b], c.outside_debt[a:b], c.debt[a:b],
                c.due_soon[a:b], c.shortage[a:b], gain[a:b], flags[a:b], totals[chunk],
            )  # fmt: skip
