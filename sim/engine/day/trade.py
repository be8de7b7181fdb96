"""Trade: the first dense pass of a merchant's day: demand, sales, wash trades, confirmations, costs.

Chunks of merchants are spread over threads; every chunk sums whole fen, and sums of whole fen do not depend on their
order, so that any number of threads gives the same bits.
"""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np
from numba import prange

from sim.core.kernels import (
    hash64,
    high_half,
    kernel,
    leave_stage,
    normal_pair,
    parallel_kernel,
    poisson,
    unit32,
)
from sim.core.merchants import OPEN
from sim.engine.day.tiles import CHUNK, TILE
from sim.world.sales import (
    demand_level,
    moved_mean,
    moved_reputation,
    moved_variance,
    next_shock,
    promotion_lift,
    sold_orders,
    trend,
)
from sim.world.wash import faked_value, faking_cost

_F = np.float32

# Totals of the day, whole fen, in this order.
TRADE_TOTALS = (
    "sales", "lost", "shipped", "paid_at_once", "refunded", "confirmed", "commission", "costs", "faked", "faking_cost",
)  # fmt: skip

TradeColumns = namedtuple(
    "TradeColumns",
    (
        "merchant_id", "category", "platform", "status", "entry_day", "volatility", "promotion_fit", "growth",
        "base_orders", "order_value", "off_platform", "return_rate", "advertising", "fixed_cost", "wash", "quality",
        "shock", "luck", "stock", "shipped", "wallet", "arrears", "outside_debt", "reputation", "demand_mean",
        "sales_mean_7d", "sales_mean_30d", "sales_mean_90d", "sales_variance_30d", "orders_mean_30d",
        "returns_mean_30d", "sales_total", "lost_total",
    ),
)  # fmt: skip


class TradeRules(NamedTuple):
    """Scalars of one day's trade; float32 unless said."""

    key_shock: np.uint64
    key_orders: np.uint64
    carry: np.float32
    innovation: np.float32
    noise: np.float32
    stage_share: float
    restocked: np.float32
    outside_day: float
    today: int
    replays: bool


@kernel
def _gather(
    category: Any, platform: Any, status: Any, factors: Any, commission: Any, live: Any, season: Any, boost: Any,
    lift: Any, fee: Any,
) -> None:  # fmt: skip
    """Look up the day's factors by category and platform; kept apart, since look-ups stop vectorisation."""
    for j in range(category.size):
        code = category[j]
        season[j] = factors[0, code]
        boost[j] = factors[1, code]
        lift[j] = factors[2, code]
        fee[j] = commission[platform[j]]
        live[j] = _F(1) if status[j] == OPEN else _F(0)


@kernel
def _want(
    r: Any, ids: Any, entry_day: Any, volatility: Any, fit: Any, growth: Any, base_orders: Any, reputation: Any,
    shock: Any, luck: Any, live: Any, season: Any, boost: Any, lift: Any, observed: Any, wanted: Any, usual: Any,
) -> None:  # fmt: skip
    """Move the shock and draw the orders wanted today; ``usual`` is what turns them into the pace of an average day."""
    for j in range(ids.size):
        z1, z2 = normal_pair(hash64(r.key_shock, ids[j], 0))
        h = hash64(r.key_orders, ids[j], 0)
        z3, _ = normal_pair(h)
        x = next_shock(shock[j], r.carry, r.innovation, z1)
        shock[j] = x
        luck[j] += x if r.today >= entry_day[j] else _F(0)
        calendar = season[j] * promotion_lift(fit[j], lift[j])
        years = _F(r.today - entry_day[j]) * _F(1 / 365)
        mean = live[j] * base_orders[j] * calendar * trend(growth[j], years) * reputation[j] * boost[j]
        mean *= demand_level(volatility[j], x, r.noise, z2)
        n = poisson(mean, unit32(high_half(h)), z3)
        wanted[j] = live[j] * observed[j] if r.replays else n
        usual[j] = _F(1) / calendar


@kernel
def _trade(
    r: Any, live: Any, wanted: Any, usual: Any, commission: Any, order_value: Any, off_platform: Any,
    return_rate: Any, advertising: Any, fixed_cost: Any, wash: Any, quality: Any, stock: Any, s1: Any, s2: Any,
    s3: Any, s4: Any, wallet: Any, arrears: Any, outside_debt: Any, reputation: Any, demand_mean: Any, mean_7d: Any,
    mean_30d: Any, mean_90d: Any, variance_30d: Any, orders_30d: Any, returns_30d: Any, sales_total: Any,
    lost_total: Any, lost_value: Any, sold_value: Any, totals: Any,
) -> None:  # fmt: skip
    """Sell, ship, confirm, pay costs and remember, for one tile; adds to ``totals`` (see TRADE_TOTALS)."""
    sales = lost_ = shipped = at_once = refunded = confirmed = fees = costs = faked = faking = np.int64(0)
    for j in range(live.size):
        sold = sold_orders(wanted[j], stock[j])
        lost = wanted[j] - sold
        price = np.float64(order_value[j])
        value = sold * price
        lost_value[j] = lost * price
        sold_value[j] = value
        off = math.floor(value * off_platform[j])
        on = value - off
        fake = faked_value(wash[j], mean_30d[j], wallet[j], live[j])
        fake_fee = faking_cost(fake)

        q1 = leave_stage(s1[j], r.stage_share)
        q2 = leave_stage(s2[j], r.stage_share)
        q3 = leave_stage(s3[j], r.stage_share)
        q4 = leave_stage(s4[j], r.stage_share)
        refund = math.floor(q4 * return_rate[j])
        receipts = q4 - refund
        fee = math.floor(receipts * commission[j])
        s1[j] += on - q1
        s2[j] += q1 - q2
        s3[j] += q2 - q3 + fake
        s4[j] += q3 - q4
        stock[j] += _F(refund / price) * r.restocked - sold

        cost = arrears[j] + live[j] * fixed_cost[j] + math.floor(value * advertising[j])
        cost += math.floor(outside_debt[j] * r.outside_day)
        money = wallet[j] + receipts - fee + off - fake - fake_fee
        paid = cost if cost < money else money
        paid = paid if paid > 0.0 else 0.0
        wallet[j] = money - paid
        arrears[j] = cost - paid

        recorded = _F(on + fake)
        variance_30d[j] = moved_variance(variance_30d[j], mean_30d[j], recorded, _F(1 / 30))
        mean_7d[j] = moved_mean(mean_7d[j], recorded, _F(1 / 7))
        mean_30d[j] = moved_mean(mean_30d[j], recorded, _F(1 / 30))
        mean_90d[j] = moved_mean(mean_90d[j], recorded, _F(1 / 90))
        orders_30d[j] = moved_mean(orders_30d[j], recorded / order_value[j], _F(1 / 30))
        returns_30d[j] = moved_mean(returns_30d[j], _F(refund), _F(1 / 30))
        demand_mean[j] = moved_mean(demand_mean[j], wanted[j] * usual[j], _F(1 / 28) * live[j])
        reputation[j] = moved_reputation(reputation[j], quality[j], lost, wanted[j], live[j])
        sales_total[j] += value
        lost_total[j] += lost_value[j]

        sales += np.int64(value)
        lost_ += np.int64(lost_value[j])
        shipped += np.int64(on)
        at_once += np.int64(off)
        refunded += np.int64(refund)
        confirmed += np.int64(receipts)
        fees += np.int64(fee)
        costs += np.int64(paid)
        faked += np.int64(fake)
        faking += np.int64(fake_fee)
    totals[0] += sales
    totals[1] += lost_
    totals[2] += shipped
    totals[3] += at_once
    totals[4] += refunded
    totals[5] += confirmed
    totals[6] += fees
    totals[7] += costs
    totals[8] += faked
    totals[9] += faking


@kernel
def _by_category(category: Any, lost_value: Any, sold_value: Any, out: Any) -> None:
    """Add demand lost and served by category, whole fen; ``out`` (2, n_categories) int64."""
    for j in range(category.size):
        out[0, category[j]] += np.int64(lost_value[j])
        out[1, category[j]] += np.int64(sold_value[j])


@parallel_kernel
def trade(c: Any, observed: Any, factors: Any, commission: Any, r: Any, totals: Any, by_category: Any) -> None:
    """Trade of one day for all merchants.

    Parameters
    ----------
    c : TradeColumns
        The merchant columns, each (n,), ``shipped`` (4, n).
    observed : ndarray (n,) of float32
        Orders wanted as a file tells them, when ``r.replays``; else empty.
    factors : ndarray (3, n_categories) of float32
        Season with common shocks, the demand that comes over from rivals out of stock, the lift of promotions.
    commission : ndarray (n_platforms,) of float32
        The platform's share of confirmed sales.
    r : TradeRules
    totals : ndarray (n_chunks, len(TRADE_TOTALS)) of int64
        Whole fen, written by chunk.
    by_category : ndarray (n_chunks, 2, n_categories) of int64
        Fen of demand lost and served.
    """
    n = c.merchant_id.size
    for chunk in prange(totals.shape[0]):
        live, season, boost, lift = np.empty(TILE, _F), np.empty(TILE, _F), np.empty(TILE, _F), np.empty(TILE, _F)
        fee, wanted, usual = np.empty(TILE, _F), np.empty(TILE, _F), np.empty(TILE, _F)
        lost_value, sold_value = np.empty(TILE, np.float64), np.empty(TILE, np.float64)
        nothing = np.zeros(TILE, _F)
        totals[chunk] = 0
        by_category[chunk] = 0
        for a in range(chunk * CHUNK, min(n, chunk * CHUNK + CHUNK), TILE):
            b = min(n, a + TILE)
            m = b - a
            seen = observed[a:b] if r.replays else nothing[:m]
            _gather(
                c.category[a:b], c.platform[a:b], c.status[a:b], factors, commission, live[:m], season[:m], boost[:m],
                lift[:m], fee[:m],
            )  # fmt: skip
            _want(
                r, c.merchant_id[a:b], c.entry_day[a:b], c.volatility[a:b], c.promotion_fit[a:b], c.growth[a:b],
                c.base_orders[a:b], c.reputation[a:b], c.shock[a:b], c.luck[a:b], live[:m], season[:m], boost[:m],
                lift[:m], seen, wanted[:m], usual[:m],
            )  # fmt: skip
            _trade(
                r, live[:m], wanted[:m], usual[:m], fee[:m], c.order_value[a:b], c.off_platform[a:b],
                c.return_rate[a:b], c.advertising[a:b], c.fixed_cost[a:b], c.wash[a:b], c.quality[a:b], c.stock[a:b],
                c.shipped[0, a:b], c.shipped[1, a:b], c.shipped[2, a:b], c.shipped[3, a:b], c.wallet[a:b],
                c.arrears[a:b], c.outside_debt[a:b], c.reputation[a:b], c.demand_mean[a:b], c.sales_mean_7d[a:b],
                c.sales_mean_30d[a:b], c.sales_mean_90d[a:b], c.sales_variance_30d[a:b], c.orders_mean_30d[a:b],
                c.returns_mean_30d[a:b], c.sales_total[a:b], c.lost_total[a:b], lost_value[:m], sold_value[:m],
                totals[chunk],
            )  # fmt: skip
            _by_category(c.category[a:b], lost_value[:m], sold_value[:m], by_category[chunk])
