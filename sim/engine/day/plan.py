"""Plans: the last part of a merchant's day: goods arrive, stock is bought, outside money, the owner, wishes, exits.

It comes after the loans of the day, so that stock is bought from what pledged proceeds and due debts have left. What
is rare is only flagged here; few merchants have it, and `sim.engine` treats them one by one.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np

from sim.core.kernels import kernel, unit32
from sim.core.merchants import HONEST, OPEN, WAITING
from sim.engine.day.flags import ASKS, ENTERS, FLEES, LEAVES, MAY_LEAVE, PRESSED, REOPENS, WINDS_DOWN
from sim.engine.day.look_ups import bits_of, look_up
from sim.engine.day.nights import pass_the_night, spell_of_tonight
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
from sim.world.elsewhere import next_retreat
from sim.world.exits import FRAUDSTERS_STAY, comes_back, exit_hazard, most_hazard, sells_off
from sim.world.promotions import MEANS_TO, TAKES_PART, has_the_goods, pays_to_join

_F = np.float32
_B = np.uint8

# Totals of the day, whole fen and a count, in this order.
PLAN_TOTALS = ("stock_bought", "outside_drawn", "outside_repaid", "owner_drawn", "active")

PlanColumns = namedtuple(
    "PlanColumns",
    (
        "merchant_id", "category", "status", "opened_day", "entry_day", "reopen_day", "bust_day", "order_value",
        "margin", "lead_days", "cover_days", "promotion_fit", "fixed_cost", "patience", "habit", "bother",
        "price_sensitivity", "demand_mean", "sales_mean_30d", "sales_mean_90d", "stock", "on_order", "shipped",
        "wallet", "arrears", "outside_debt", "shortage", "gain", "flags",
        "integrity", "retreat", "promotion", "spell", "wash_level",
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
    trust: np.float32
    hazard: np.float32
    exponent: np.float32
    youth: np.float32
    ruin_days: np.float32
    ruin_hazard: np.float32
    away_honest: np.float32
    away_step: np.float32
    back_step: np.float32
    discount: np.float32
    drawn_away: np.float32
    least_stock: np.float32
    is_promoted: bool
    key_prone: np.uint64
    rest: np.float32
    rest_sigma: np.float32
    rest_most: np.float32
    youth_rest: np.float32
    youth_days: np.float32
    rest_exponent: np.float32
    rest_least: np.float32
    rest_more: np.float32
    hot: np.float32
    hot_sigma: np.float32
    hot_most: np.float32
    hot_more: np.float32
    wash_most: np.float32
    wash_chase: np.float32
    wash_back: np.float32
    today: int


@kernel
def prepare(
    r: Any, margin: Any, fit: Any, demand_mean: Any, ahead: Any, stock: Any, largest: Any, tomorrow: Any,
    lift_ahead: Any, promotion: Any,
) -> None:  # fmt: skip
    """See what is worth preparing for, and on the eve of a promotion who takes part; float32 (n,).

    ``largest`` and ``tomorrow`` are lift - 1 of the largest promotion in sight and of one that begins tomorrow.
    Writes ``promotion`` (uint8), and 0 to ``lift_ahead`` for those who do not mean to join.
    """
    for j in range(margin.size):
        means_to = pays_to_join(fit[j], margin[j], largest[j], r.discount, r.drawn_away)
        lift_ahead[j] = lift_ahead[j] if means_to else _F(0)
        joins = pays_to_join(fit[j], margin[j], tomorrow[j], r.discount, r.drawn_away)
        joins = joins and has_the_goods(stock[j], demand_mean[j], ahead[j], fit[j], tomorrow[j], r.least_stock)
        latest = promotion[j] & _B(TAKES_PART)
        admitted = _B(TAKES_PART) if joins else _B(0)
        latest = admitted if tomorrow[j] > _F(0) else latest
        promotion[j] = latest | (_B(MEANS_TO) if means_to else _B(0))


@kernel
def stock_up(
    r: Any, status: Any, order_value: Any, margin: Any, lead: Any, cover: Any, fit: Any, demand_mean: Any, ahead: Any,
    lift_ahead: Any, decay: Any, stock: Any, on1: Any, on2: Any, live: Any, cost: Any, need: Any, goods: Any,
    needed: Any, gain: Any,
) -> Any:  # fmt: skip
    """Receive the goods that arrive, and see what is missing; every array is float32 (n,) but ``status``.

    Writes ``stock`` and ``on1``, ``on2`` (orders on their way); ``live`` (1 for an open shop), ``cost`` (fen an
    order), ``need`` (fen of goods missing), ``goods`` (fen, at cost), ``needed`` (fen of capital that the shop's pace
    ties up) and ``gain`` (of one more yuan in stock, per yuan and day). Returns the number of open shops.
    """
    active = np.int32(0)
    for j in range(status.size):
        alive = _F(1) if status[j] == OPEN else _F(0)
        live[j] = alive
        active += np.int32(alive)
        share = _F(2) / lead[j]
        moved, arrived = on1[j] * share, on2[j] * share
        unit = unit_cost(order_value[j], margin[j])
        cost[j] = unit
        target = stock_target(demand_mean[j], lead[j], cover[j], ahead[j], fit[j], lift_ahead[j])
        have = stock[j] * (_F(1) - decay[j]) + arrived
        stock[j] = have
        coming = on1[j] + on2[j] - arrived
        on1[j] -= moved
        on2[j] += moved - arrived
        gap = target - have - coming
        gap = alive * (gap if gap > _F(0) else _F(0))
        need[j] = gap * unit
        goods[j] = (have + coming) * unit
        needed[j] = demand_mean[j] * ahead[j] * ((lead[j] + cover[j]) * unit + r.confirmation * order_value[j])
        gain[j] = money_worth(margin[j], sale_chance(gap, target), lead[j], cover[j], r.confirmation)
    return active


@kernel
def share_out(
    r: Any, live: Any, need: Any, goods: Any, needed: Any, gain: Any, fixed_cost: Any, patience: Any, sensitivity: Any,
    mean_90d: Any, debt: Any, due_soon: Any, s1: Any, s2: Any, s3: Any, s4: Any, wallet: Any, arrears: Any,
    outside_debt: Any, shortage: Any, spent: Any, unpaid: Any, distress: Any, totals: Any,
) -> None:  # fmt: skip
    """Share the wallet out: the owner, stock, outside money; fen in float64 (n,); adds to ``totals`` (PLAN_TOTALS).

    Writes ``wallet``, ``outside_debt``, ``shortage``, ``spent`` (fen on stock) and ``unpaid`` (fen of costs) as
    float32, and ``distress``: 1 for a shop that cannot pay what is due, 2 for one that still cannot after it has
    borrowed outside, 3 for both (uint8).
    """
    bought = drawn = repaid = taken = np.int64(0)
    for j in range(fixed_cost.size):
        wants = np.float64(need[j])
        reserve = kept_back(r.reserve_days, fixed_cost[j], due_soon[j])
        # the owner first: what the shop lacks after that is what it may borrow for
        own = wallet[j] + goods[j] + s1[j] + s2[j] + s3[j] + s4[j] - outside_debt[j] - debt[j] - arrears[j]
        take = live[j] * owner_draw(wallet[j], reserve, own, np.float64(needed[j]), patience[j], r.owner_take)
        money = wallet[j] - take
        spend = live[j] * spent_on_stock(wants, money, reserve)
        money -= spend
        spent[j] = _F(spend)

        short = wants - spend + arrears[j]
        short = short if short >= 1.0 else 0.0  # less than a fen is rounding
        is_late = arrears[j] > 0.0
        unpaid[j] = _F(arrears[j])
        is_pressed = is_late or due_soon[j] > money
        wants_outside = is_pressed or gain[j] > r.outside_price * sensitivity[j]
        draw = live[j] * outside_draw(
            short, outside_debt[j], r.outside_cap, mean_90d[j], r.outside_take, wants_outside
        )
        back = outside_repayment(outside_debt[j], money, reserve, short)
        money += draw - back
        wallet[j] = money
        outside_debt[j] += draw - back
        lack = due_soon[j] - money
        missing = short - draw + (lack if lack > 0.0 else 0.0)
        shortage[j] = _F(missing if missing > 0.0 else 0.0)
        distress[j] = (_B(1) if is_pressed else _B(0)) | (_B(2) if (is_late or lack > 0.0) else _B(0))

        bought += np.int64(spend)
        drawn += np.int64(draw)
        repaid += np.int64(back)
        taken += np.int64(take)
    totals[0] += bought
    totals[1] += drawn
    totals[2] += repaid
    totals[3] += taken


@kernel
def turn_away(r: Any, integrity: Any, distress: Any, late: Any, retreat: Any) -> None:
    """Turn away from the platform in trouble, and come back after it; (n,) of uint8 but ``integrity`` (int8).

    Trouble is a loan past due (``late`` 1), or more due than the shop can pay even with money from outside.
    """
    for j in range(integrity.size):
        is_in_trouble = _F(distress[j]) + _F(2) * _F(late[j]) >= _F(2)  # all as wide as a float32
        is_honest = _F(integrity[j]) == _F(HONEST)
        after = next_retreat(_F(retreat[j]), is_in_trouble, is_honest, r.away_honest, r.away_step, r.back_step)
        retreat[j] = np.int32(after)


@kernel
def make_up_mind(
    r: Any, status: Any, entry_day: Any, reopen_day: Any, bust_day: Any, fixed_cost: Any, habit: Any, bother: Any,
    sensitivity: Any, unpaid: Any, stock: Any, cost: Any, spent: Any, shortage: Any, gain: Any, distress: Any,
    high: Any, low: Any, on1: Any, flags: Any,
) -> None:  # fmt: skip
    """Order what was paid for, and flag what is rare; ``high`` and ``low`` are the bits of today's attention.

    Writes ``on1`` (orders, float32 (n,)) and ``flags`` (uint8 (n,)).
    """
    most = most_hazard(r.hazard, r.youth)
    # as narrow as the columns they are compared with
    least_new = _F(1) - r.rest_most - r.hot_most
    today, tomorrow, fled = np.int16(r.today), np.int16(r.today + 1), np.int16(r.today - FRAUDSTERS_STAY)
    for j in range(status.size):
        on1[j] += spent[j] / cost[j]
        is_open = status[j] == OPEN
        strikes = bust_day[j] <= today
        pays = is_worth_asking(
            gain[j], r.lowest_price, sensitivity[j], shortage[j], _F(10), bother[j], (distress[j] & _B(1)) != _B(0)
        )
        asks = (pays and unit32(high[j]) < habit[j] * r.trust and shortage[j] >= r.smallest) or strikes
        pressed = strikes or (distress[j] & _B(2)) != _B(0)
        luck = unit32(low[j])
        may_leave = luck < most or luck > least_new or unpaid[j] > r.ruin_days * fixed_cost[j]
        flees = bust_day[j] <= fled
        found = _B(ASKS) if asks else _B(0)
        found |= _B(PRESSED) if pressed else _B(0)
        found |= _B(MAY_LEAVE) if may_leave else _B(0)
        found |= _B(LEAVES | FLEES) if flees else _B(0)
        found = found if is_open else _B(0)
        found |= _B(WINDS_DOWN) if sells_off(status[j], stock[j]) else _B(0)
        found |= _B(ENTERS) if (status[j] == WAITING and entry_day[j] == tomorrow) else _B(0)
        found |= _B(REOPENS) if comes_back(status[j], reopen_day[j], tomorrow) else _B(0)
        flags[j] = found


@kernel
def decide_to_leave(
    r: Any, ids: Any, opened_day: Any, mean_30d: Any, order_value: Any, fixed_cost: Any, unpaid: Any, low: Any,
    flags: Any, spell: Any, which: Any,
) -> None:  # fmt: skip
    """Turn the few flags of those who may leave into those who do, and begin new spells; ``which`` (n,) is scratch."""
    found = 0
    for j in range(flags.size):  # a list first, lest the hazard be worked out for everybody
        which[found] = j
        found += flags[j] // MAY_LEAVE
    for k in range(found):
        j = which[k]
        orders, luck = mean_30d[j] / order_value[j], unit32(low[j])
        hazard = exit_hazard(
            orders,
            _F(r.today - opened_day[j]),
            r.hazard,
            r.exponent,
            r.youth,
            unpaid[j],
            r.ruin_days * fixed_cost[j],
            r.ruin_hazard,
        )
        flags[j] = (flags[j] & ~_B(MAY_LEAVE)) | (_B(LEAVES) if luck < hazard else _B(0))
        if spell[j] == 0:
            spell[j] = np.int8(spell_of_tonight(r, ids[j], orders, _F(r.today - opened_day[j]), luck))


@kernel
def plan(
    c: Any, a: Any, b: Any, factors: Any, r: Any, debt: Any, due_soon: Any, late: Any, bits: Any, x: Any,
    distress: Any, totals: Any,
) -> None:  # fmt: skip
    """Plans of one day for the merchants of rows ``a`` to ``b``.

    Parameters
    ----------
    c : PlanColumns
        The merchant columns, each (n,), ``shipped`` (4, n), ``on_order`` (2, n).
    factors : ndarray (5, n_categories) of float32
        Mean season of the weeks ahead, promotions to stock for, lift - 1 of the largest one in sight and of one that
        begins tomorrow, share of its value that stock loses a day.
    r : PlanRules
    debt, due_soon : ndarray (tile,) of float64
        Fen owed to all lenders beyond pledged orders, and of it what falls due within the planning horizon.
    late : ndarray (tile,) of uint8
        1 for a merchant with a loan past due.
    bits, x, distress : ndarray (2, tile) of uint32, (10, tile) of float32, (tile,) of uint8
        Scratch; the first b - a of each row are used.
    totals : ndarray (len(PLAN_TOTALS),) of int64
        Whole fen, added to.
    """
    ahead, lift_ahead, decay = x[0], x[1], x[2]
    live, cost, need, goods, needed, spent, unpaid = x[3], x[4], x[5], x[6], x[7], x[8], x[9]
    look_up(c.category[a:b], factors[0], ahead)
    look_up(c.category[a:b], factors[1], lift_ahead)
    look_up(c.category[a:b], factors[4], decay)
    if r.is_promoted:
        largest, tomorrow = x[3], x[4]
        look_up(c.category[a:b], factors[2], largest)
        look_up(c.category[a:b], factors[3], tomorrow)
        prepare(
            r, c.margin[a:b], c.promotion_fit[a:b], c.demand_mean[a:b], ahead, c.stock[a:b], largest, tomorrow,
            lift_ahead, c.promotion[a:b],
        )  # fmt: skip
    totals[4] += stock_up(
        r, c.status[a:b], c.order_value[a:b], c.margin[a:b], c.lead_days[a:b], c.cover_days[a:b],
        c.promotion_fit[a:b], c.demand_mean[a:b], ahead, lift_ahead, decay, c.stock[a:b], c.on_order[0, a:b],
        c.on_order[1, a:b], live, cost, need, goods, needed, c.gain[a:b],
    )  # fmt: skip
    share_out(
        r, live, need, goods, needed, c.gain[a:b], c.fixed_cost[a:b], c.patience[a:b], c.price_sensitivity[a:b],
        c.sales_mean_90d[a:b], debt, due_soon, c.shipped[0, a:b], c.shipped[1, a:b], c.shipped[2, a:b],
        c.shipped[3, a:b], c.wallet[a:b], c.arrears[a:b], c.outside_debt[a:b], c.shortage[a:b], spent, unpaid,
        distress, totals,
    )  # fmt: skip
    turn_away(r, c.integrity[a:b], distress, late, c.retreat[a:b])
    bits_of(r.key_attention, c.merchant_id[a:b], bits[0], bits[1])
    make_up_mind(
        r, c.status[a:b], c.entry_day[a:b], c.reopen_day[a:b], c.bust_day[a:b], c.fixed_cost[a:b], c.habit[a:b],
        c.bother[a:b], c.price_sensitivity[a:b], unpaid, c.stock[a:b], cost, spent, c.shortage[a:b],
        c.gain[a:b], distress, bits[0], bits[1], c.on_order[0, a:b], c.flags[a:b],
    )  # fmt: skip
    pass_the_night(r, c.shortage[a:b], c.spell[a:b], c.wash_level[a:b])
    decide_to_leave(
        r, c.merchant_id[a:b], c.opened_day[a:b], c.sales_mean_30d[a:b], c.order_value[a:b], c.fixed_cost[a:b],
        unpaid, bits[1], c.flags[a:b], c.spell[a:b], bits[0],
    )  # fmt: skip
