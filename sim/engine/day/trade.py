"""Trade: the first part of a merchant's day: demand, sales, wash trades, confirmations, costs.

Loops are split by what they hold: bits, float32, fen in float64. The processor then works on as many merchants at once
as the width of that one kind allows.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np

from sim.core.kernels import (
    floor,
    is_unsure,
    kernel,
    leave_stage,
    normal_pair_of,
    poisson,
    poisson_below,
    unit32,
)
from sim.core.merchants import OPEN
from sim.engine.day.look_ups import bits_of, look_up
from sim.engine.day.shopfront import advertise, open_up, set_prices, vary_values
from sim.world.sales import (
    demand_level,
    moved_mean,
    moved_reputation,
    moved_variance,
    next_shock,
    sold_orders,
    trend,
)
from sim.world.wash import faked_value, faking_cost

_F = np.float32

# Totals of the day, whole fen, in this order.
TRADE_TOTALS = ("paid_at_once", "refunded", "confirmed", "commission", "costs", "faked", "faking_cost")

SCRATCH = 20  # rows of float32 that trade and plans write to
RECORDED = 12  # row of the scratch in which a tile's recorded sales, fen, are left for its loans

TradeColumns = namedtuple(
    "TradeColumns",
    (
        "merchant_id", "category", "platform", "status", "entry_day", "volatility", "promotion_fit", "growth",
        "base_orders", "order_value", "off_platform", "return_rate", "advertising", "fixed_cost", "wash", "quality",
        "shock", "luck", "stock", "shipped", "wallet", "arrears", "outside_debt", "reputation", "demand_mean",
        "sales_mean_7d", "sales_mean_30d", "sales_mean_90d", "sales_variance_30d", "returns_mean_30d",
        "sales_total", "lost_total", "margin", "flags", "retreat", "advertising_mean_30d", "advertising_mean_90d",
        "promotion", "opened_day", "spell", "wash_level",
    ),
)  # fmt: skip


class TradeRules(NamedTuple):
    """Scalars of one day's trade; float32 unless said."""

    key_shock: np.uint64
    key_orders: np.uint64
    key_value: np.uint64
    carry: np.float32
    innovation: np.float32
    noise: np.float32
    value_noise: np.float32
    first_share: float  # of shipped orders that move on from the first stage; and from each of the others
    stage_share: float
    restocked: np.float32
    outside_day: float
    pull: np.float32
    saved: np.float32
    given_up: np.float32
    shifted: np.float32
    rival: np.float32
    discount: np.float32
    drawn_away: np.float32
    young_cut: np.float32
    young_until: np.float32
    elasticity: np.float32
    hot_lift: np.float32
    rest_level: np.float32
    today: int
    replays: bool


@kernel
def draw(r: Any, ids: Any, high: Any, low: Any, z_shock: Any, z_noise: Any, z_count: Any, u_count: Any) -> None:
    """The draws of a day's demand, float32: three standard normals and a uniform; ``high``, ``low`` are scratch."""
    bits_of(r.key_shock, ids, high, low)
    for j in range(ids.size):
        z_shock[j], z_noise[j] = normal_pair_of(high[j], low[j])
    bits_of(r.key_orders, ids, high, low)
    for j in range(ids.size):
        z_count[j], _ = normal_pair_of(high[j], low[j])
        u_count[j] = unit32(high[j])


@kernel
def want(
    r: Any, status: Any, entry_day: Any, volatility: Any, growth: Any, base_orders: Any, reputation: Any,
    shock: Any, luck: Any, season: Any, boost: Any, lift: Any, z_shock: Any, z_noise: Any, z_count: Any, u_count: Any,
    which: Any, mean: Any, live: Any, wanted: Any, usual: Any,
) -> None:  # fmt: skip
    """Move the shock and count the orders wanted today.

    ``lift`` is what promotions do to each shop; ``usual`` turns orders into the pace of an average day. Every array is
    float32 (n,) but ``status``, ``entry_day`` and ``which`` (uint32, scratch). Writes ``shock``, ``luck``, ``mean``
    (orders expected), ``live`` (1 for an open shop, 0 for others), ``wanted`` and ``usual``.
    """
    for j in range(status.size):
        x = next_shock(shock[j], r.carry, r.innovation, z_shock[j])
        shock[j] = x
        days = np.int32(r.today - entry_day[j])  # 32 bits, as wide as the rest of the loop
        luck[j] += x if days >= 0 else _F(0)
        alive = _F(1) if status[j] == OPEN else _F(0)
        live[j] = alive
        calendar = season[j] * lift[j]
        usual[j] = _F(1) / calendar
        usually = base_orders[j] * calendar * trend(growth[j], _F(days) * _F(1 / 365)) * reputation[j] * boost[j]
        mean[j] = alive * usually * demand_level(volatility[j], x, r.noise, z_noise[j])
    for j in range(status.size):
        wanted[j] = poisson_below(mean[j], u_count[j], z_count[j])
    found = 0
    for j in range(status.size):  # the few whose count is not sure
        which[found] = j
        found += 1 if is_unsure(mean[j], wanted[j]) else 0
    for k in range(found):
        j = which[k]
        wanted[j] = poisson(mean[j], u_count[j], z_count[j])


@kernel
def sell(
    r: Any, live: Any, wanted: Any, fee: Any, order_value: Any, today_value: Any, off_platform: Any, return_rate: Any,
    advertising: Any, fixed_cost: Any, wash: Any, mean_30d: Any, stock: Any, s1: Any, s2: Any, s3: Any, s4: Any,
    wallet: Any, arrears: Any, outside_debt: Any, sales_total: Any, lost_total: Any, lost: Any, recorded: Any,
    refunded: Any, adverts: Any, sold_fen: Any, lost_fen: Any, totals: Any,
) -> None:  # fmt: skip
    """Sell, ship, confirm and pay costs; money is whole fen in float64, (n,); adds to ``totals`` (TRADE_TOTALS).

    An order brings ``today_value`` fen; goods that come back are counted at their usual value.

    ``off_platform`` and ``advertising`` are the shares of today. Writes ``lost`` (orders), ``recorded``, ``refunded``
    and ``adverts`` (fen) as float32, ``sold_fen`` and ``lost_fen`` as int64. No two arrays may be one: the loop would
    not be vectorised, and take three times as long.
    """
    at_once = refunds = confirmed = fees = costs = faked = faking = np.int64(0)
    for j in range(order_value.size):
        sold = sold_orders(wanted[j], stock[j])
        missed = wanted[j] - sold
        price = np.float64(today_value[j])
        value = sold * price
        off = floor(value * off_platform[j])
        on = value - off
        fake = faked_value(wash[j], mean_30d[j], wallet[j], live[j])
        fake_fee = faking_cost(fake)

        q1 = leave_stage(s1[j], r.first_share)
        q2 = leave_stage(s2[j], r.stage_share)
        q3 = leave_stage(s3[j], r.stage_share)
        q4 = leave_stage(s4[j], r.stage_share)
        refund = floor(q4 * return_rate[j])
        receipts = q4 - refund
        charge = floor(receipts * fee[j])
        s1[j] += on - q1
        s2[j] += q1 - q2
        s3[j] += q2 - q3 + fake
        s4[j] += q3 - q4
        stock[j] += _F(refund) / order_value[j] * r.restocked - sold

        spent = floor(value * advertising[j])  # clicks are paid for, and come with the sales
        cost = arrears[j] + live[j] * fixed_cost[j] + spent
        cost += floor(outside_debt[j] * r.outside_day)
        money = wallet[j] + receipts - charge + off - fake - fake_fee
        paid = cost if cost < money else money
        paid = paid if paid > 0.0 else 0.0
        wallet[j] = money - paid
        arrears[j] = cost - paid
        sales_total[j] += value
        lost_total[j] += _F(missed * price)

        lost[j] = missed
        recorded[j] = _F(on + fake)
        refunded[j] = _F(refund)
        adverts[j] = _F(spent)
        sold_fen[j] = np.int64(value)
        lost_fen[j] = np.int64(missed * price)
        at_once += np.int64(off)
        refunds += np.int64(refund)
        confirmed += np.int64(receipts)
        fees += np.int64(charge)
        costs += np.int64(paid)
        faked += np.int64(fake)
        faking += np.int64(fake_fee)
    totals[0] += at_once
    totals[1] += refunds
    totals[2] += confirmed
    totals[3] += fees
    totals[4] += costs
    totals[5] += faked
    totals[6] += faking


@kernel
def remember(
    live: Any, trades: Any, wanted: Any, lost: Any, usual: Any, recorded: Any, refunded: Any, quality: Any,
    reputation: Any, demand_mean: Any, mean_7d: Any, mean_30d: Any, mean_90d: Any, variance_30d: Any, returns_30d: Any,
    adverts: Any, adverts_30d: Any, adverts_90d: Any,
) -> None:  # fmt: skip
    """Move the rating and the running means of a tile by what happened today; all float32 (n,).

    A shop at rest (``trades`` 0) knows that nobody could order: its forecast stays.
    """
    for j in range(quality.size):
        value = recorded[j]
        variance_30d[j] = moved_variance(variance_30d[j], mean_30d[j], value, _F(1 / 30))
        mean_7d[j] = moved_mean(mean_7d[j], value, _F(1 / 7))
        mean_30d[j] = moved_mean(mean_30d[j], value, _F(1 / 30))
        mean_90d[j] = moved_mean(mean_90d[j], value, _F(1 / 90))
        returns_30d[j] = moved_mean(returns_30d[j], refunded[j], _F(1 / 30))
        demand_mean[j] = moved_mean(demand_mean[j], wanted[j] * usual[j], _F(1 / 28) * live[j] * trades[j])
        reputation[j] = moved_reputation(reputation[j], quality[j], lost[j], wanted[j], live[j])
    for j in range(quality.size):  # one loop over all these columns would not be vectorised
        adverts_30d[j] = moved_mean(adverts_30d[j], adverts[j], _F(1 / 30))
        adverts_90d[j] = moved_mean(adverts_90d[j], adverts[j], _F(1 / 90))


@kernel
def sum_by_category(category: Any, lost_fen: Any, sold_fen: Any, out: Any) -> None:
    """Add demand lost and served by category, whole fen; ``out`` (2, n_categories) int64."""
    for j in range(category.size):
        code = np.uint64(category[j])
        out[0, code] += lost_fen[j]
        out[1, code] += sold_fen[j]


@kernel
def trade(
    c: Any, a: Any, b: Any, observed: Any, own: Any, factors: Any, commission: Any, r: Any, bits: Any, x: Any, fen: Any,
    totals: Any, by_category: Any,
) -> None:  # fmt: skip
    """Trade of one day for the merchants of rows ``a`` to ``b``.

    Parameters
    ----------
    c : TradeColumns
        The merchant columns, each (n,), ``shipped`` (4, n).
    observed : ndarray (n,) of float32
        Orders wanted as a file tells them, when ``r.replays``; else empty.
    own : ndarray (n,) of float32
        Factor on demand of each shop's own day; empty where all shops have the market's days.
    factors : ndarray (4, n_categories) of float32
        Season with common shocks, the demand that comes over from rivals out of stock, the lift of promotions, what
        is advertised more for those to come.
    commission : ndarray (n_platforms,) of float32
        The platform's share of confirmed sales.
    r : TradeRules
    bits, x, fen : ndarray (2, tile) of uint32, (SCRATCH, tile) of float32, (2, tile) of int64
        Scratch; the first b - a of each row are used.
    totals : ndarray (len(TRADE_TOTALS),) of int64
        Whole fen, added to.
    by_category : ndarray (2, n_categories) of int64
        Fen of demand lost and served, added to.
    """
    season, boost, lift = x[0], x[1], x[2]
    fee, live, wanted, usual = x[3], x[4], x[5], x[6]
    z_shock, z_noise, z_count, u_count = x[7], x[8], x[9], x[10]
    lost, recorded, refunded, mean = x[11], x[RECORDED], x[13], x[14]
    share, elsewhere, run_up, price = x[15], x[16], x[11], x[17]
    fakes, trades = x[18], x[19]
    adverts = z_shock  # once the shock has moved
    for k in range(3):
        look_up(c.category[a:b], factors[k], x[k])
    look_up(c.category[a:b], factors[3], run_up)
    if own.size > 0:
        for j in range(b - a):
            boost[j] *= own[a + j]
    set_prices(
        r, c.opened_day[a:b], c.margin[a:b], c.order_value[a:b], c.promotion[a:b], c.promotion_fit[a:b], lift, boost,
        price,
    )  # fmt: skip
    if r.value_noise > _F(0):
        vary_values(r.key_value, r.value_noise, c.merchant_id[a:b], c.base_orders[a:b], price, bits[0], bits[1])
    open_up(r, c.spell[a:b], c.wash[a:b], c.wash_level[a:b], boost, fakes, trades)
    advertise(
        r, c.advertising[a:b], c.margin[a:b], c.off_platform[a:b], c.flags[a:b], c.retreat[a:b], c.promotion[a:b],
        run_up, boost, share, elsewhere,
    )  # fmt: skip
    look_up(c.platform[a:b], commission, fee)
    draw(r, c.merchant_id[a:b], bits[0], bits[1], z_shock, z_noise, z_count, u_count)
    want(
        r, c.status[a:b], c.entry_day[a:b], c.volatility[a:b], c.growth[a:b],
        c.base_orders[a:b], c.reputation[a:b], c.shock[a:b], c.luck[a:b], season, boost, lift, z_shock, z_noise,
        z_count, u_count, bits[0], mean, live, wanted, usual,
    )  # fmt: skip
    if r.replays:
        for j in range(b - a):
            wanted[j] = live[j] * observed[a + j]
    sell(
        r, live, wanted, fee, c.order_value[a:b], price, elsewhere, c.return_rate[a:b], share,
        c.fixed_cost[a:b], fakes, c.sales_mean_30d[a:b], c.stock[a:b], c.shipped[0, a:b], c.shipped[1, a:b],
        c.shipped[2, a:b], c.shipped[3, a:b], c.wallet[a:b], c.arrears[a:b], c.outside_debt[a:b], c.sales_total[a:b],
        c.lost_total[a:b], lost, recorded, refunded, adverts, fen[0], fen[1], totals,
    )  # fmt: skip
    remember(
        live, trades, wanted, lost, usual, recorded, refunded, c.quality[a:b], c.reputation[a:b],
        c.demand_mean[a:b], c.sales_mean_7d[a:b], c.sales_mean_30d[a:b], c.sales_mean_90d[a:b],
        c.sales_variance_30d[a:b], c.returns_mean_30d[a:b], adverts, c.advertising_mean_30d[a:b],
        c.advertising_mean_90d[a:b],
    )  # fmt: skip
    sum_by_category(c.category[a:b], fen[1], fen[0], by_category)
