"""What a shop decides before it sells: its price, whether it trades, how much it advertises, where it sells.

``r`` is `sim.engine.day.trade.TradeRules`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import kernel, normal_pair_of
from sim.engine.day.flags import PRESSED
from sim.engine.day.look_ups import bits_of
from sim.world.advertising import advertising_elasticity, advertising_level, advertising_response
from sim.world.elsewhere import AWAY, share_elsewhere
from sim.world.prices import entrant_cut, price_response, price_today, value_today
from sim.world.promotions import MEANS_TO, TAKES_PART, promotion_factor
from sim.world.spells import spell_factor
from sim.world.wash import HABIT

_F = np.float32
_B = np.uint8


@kernel
def set_prices(
    r: Any, opened_day: Any, margin: Any, order_value: Any, promotion: Any, fit: Any, lift: Any, boost: Any,
    price: Any,
) -> None:  # fmt: skip
    """Ask today's price; float32 (n,) but ``opened_day`` (int16) and ``promotion`` (uint8).

    Writes ``price`` (whole fen an order brings); ``lift`` becomes what promotions do to each shop's own demand, and
    ``boost`` is multiplied by what a young shop's price does to it.
    """
    for j in range(margin.size):
        cut = entrant_cut(_F(np.int32(r.today - opened_day[j])), margin[j], r.young_cut, r.young_until)
        boost[j] *= price_response(cut, r.elasticity)
        takes_part = (promotion[j] & _B(TAKES_PART)) != _B(0)
        discount = r.discount if (takes_part and lift[j] > _F(1)) else _F(0)
        price[j] = price_today(order_value[j], discount if discount > cut else cut)
        lift[j] = promotion_factor(takes_part, fit[j], lift[j], r.drawn_away)


@kernel
def vary_values(key: Any, noise: Any, ids: Any, base_orders: Any, price: Any, high: Any, low: Any) -> None:
    """Let what an order brings today, ``price`` (n,) of float32, vary; ``high``, ``low`` (n,) of uint32 are scratch."""
    bits_of(key, ids, high, low)
    for j in range(ids.size):
        z, _ = normal_pair_of(high[j], low[j])
        price[j] = value_today(price[j], noise, base_orders[j], z)


@kernel
def open_up(r: Any, spell: Any, wash: Any, wash_level: Any, boost: Any, fakes: Any, trades: Any) -> None:
    """Rest or trade today; float32 (n,) but ``spell`` (int8) and ``wash_level`` (uint8).

    Multiplies ``boost`` by what the spell does to demand; writes ``fakes`` (of usual sales, fake orders of today)
    and ``trades`` (1, at rest 0).
    """
    for j in range(spell.size):
        days = _F(spell[j])  # as wide as the rest of the loop
        boost[j] *= spell_factor(days, r.hot_lift, r.rest_level)
        level = _F(wash_level[j]) * _F(1 / HABIT)
        trading = _F(1) if days >= _F(0) else _F(0)
        fakes[j] = wash[j] * level * trading
        trades[j] = trading


@kernel
def advertise(
    r: Any, advertising: Any, margin: Any, off_platform: Any, flags: Any, retreat: Any, promotion: Any, run_up: Any,
    boost: Any, share: Any, elsewhere: Any,
) -> None:  # fmt: skip
    """Decide how much to advertise today, and where to sell; float32 (n,), bits and per cent uint8.

    Multiplies ``boost`` by what advertising does to demand; writes ``share`` (of sales, spent on it) and ``elsewhere``
    (of sales, off the platform).
    """
    for j in range(margin.size):
        away = _F(retreat[j]) * _F(1 / AWAY)
        is_short = _F(1) if (flags[j] & _B(PRESSED)) != _B(0) else _F(0)
        prepares = run_up[j] if (promotion[j] & _B(MEANS_TO)) != _B(0) else _F(0)
        level = advertising_level(prepares, is_short, away, r.saved, r.given_up)
        boost[j] *= advertising_response(level, advertising_elasticity(advertising[j], margin[j], r.pull))
        share[j] = advertising[j] * level
        elsewhere[j] = share_elsewhere(share_elsewhere(off_platform[j], r.shifted, away), r.rival, _F(1))
