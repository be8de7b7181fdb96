"""The night of a shop: a day of its spell passes, a new one may begin, and what it fakes tomorrow is settled.

``r`` is `sim.engine.day.plan.PlanRules`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import Scalar, hash64, kernel, normal64, rule
from sim.world.spells import new_spell, proneness, rest_chance, rest_of_youth
from sim.world.wash import next_wash_level

_F = np.float32


@kernel
def pass_the_night(r: Any, shortage: Any, spell: Any, wash_level: Any) -> None:
    """Let a day of each spell (int8) pass, and decide how much to fake tomorrow (uint8); ``shortage`` float32 (n,)."""
    for j in range(spell.size):
        left = np.int32(spell[j])
        spell[j] = left - (np.int32(1) if left > 0 else np.int32(0)) + (np.int32(1) if left < 0 else np.int32(0))
    for j in range(spell.size):
        is_short = shortage[j] >= r.smallest
        wash_level[j] = np.int32(next_wash_level(_F(wash_level[j]), is_short, r.wash_most, r.wash_chase, r.wash_back))


@rule
def spell_of_tonight(r: Any, merchant_id: Scalar, orders: Scalar, age: Scalar, luck: Scalar) -> Scalar:
    """The spell that a shop with ``orders`` a day begins tonight at ``age`` days, in days: see `new_spell`."""
    rest = rest_chance(orders, r.rest, r.rest_exponent)
    if r.rest_sigma > _F(0):
        z = normal64(hash64(r.key_prone, merchant_id, 0), hash64(r.key_prone, merchant_id, 1))
        rest *= proneness(_F(z), r.rest_sigma)
    if r.youth_rest > _F(0):
        rest += rest_of_youth(age, r.youth_rest, r.youth_days)
    hot = r.hot
    if r.hot_sigma > _F(0):
        z = normal64(hash64(r.key_prone, merchant_id, 2), hash64(r.key_prone, merchant_id, 3))
        hot *= proneness(_F(z), r.hot_sigma)
    return new_spell(luck, rest, r.rest_least, r.rest_more, hot, r.hot_more)
