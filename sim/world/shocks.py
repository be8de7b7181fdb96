"""What strikes all shops alike: autocorrelated market and category shocks, and dated events.

The path is drawn once a run from the seed, so that it is the same under every lender (design rule 11).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.merchants import Merchants
from sim.world.parameters import Demand

LEAST_MARGIN = 0.01  # what a shop keeps of its price whatever becomes of costs; assumption


def common_shocks(p: Demand, seed: int, first_day: int, n_days: int, n_categories: int) -> npt.NDArray[np.float64]:
    """Factor of the common shocks on demand, shape (n_days, n_categories), mean one.

    The market's shock has entity id 0 of stream ``shock.market``; category c has id c of ``shock.category``.
    """
    carry = p.common_autocorrelation
    innovation = math.sqrt(1.0 - carry * carry)
    categories = np.arange(n_categories)
    market = draws.normal(seed, "shock.market", first_day, [0], 1)
    category = draws.normal(seed, "shock.category", first_day, categories, 1)
    logs = np.empty((n_days, n_categories))
    for i in range(n_days):
        market = carry * market + innovation * draws.normal(seed, "shock.market", first_day + i, [0])
        category = carry * category + innovation * draws.normal(seed, "shock.category", first_day + i, categories)
        logs[i] = p.market_shock * market + p.category_shock * category
    variance = p.market_shock**2 + p.category_shock**2
    return draws.exp(logs - variance / 2.0)


def jump(m: Merchants, p: Demand, carry: float, seed: int, day: int) -> None:
    """Let the own shock of some merchants jump on a day; ``carry`` is its autocorrelation one day apart.

    Jumps are normal, and so large that they make up `jump_share` of the variance of the shock:
    (1 - carry^2) share / (chance a day). What moves the shock evenly has the rest (`evenly`).
    """
    if p.jump_share == 0.0:
        return
    chance = p.jumps / 365.0
    rows = np.flatnonzero(draws.uniform(seed, "sales.jump", day, m.merchant_id) < chance)
    size = math.sqrt((1.0 - carry * carry) * p.jump_share / chance)
    z = draws.normal(seed, "sales.jump", day, m.merchant_id[rows], 100)
    m.shock[rows] += (size * z).astype(np.float32)


def evenly(p: Demand) -> float:
    """Factor on what moves the own shock from day to day beside its jumps."""
    return math.sqrt(1.0 - p.jump_share)


def distrust(n_days: int, first: int, length: int, size: float) -> npt.NDArray[np.float64]:
    """Factor of a rumour on how many think of borrowing: ``size`` fewer at first, fading evenly; (n_days,)."""
    passed = np.arange(n_days) - first
    factor: npt.NDArray[np.float64] = 1.0 - size * np.where(passed < 0, 0.0, np.clip(1.0 - passed / length, 0.0, 1.0))
    return factor


def slump(n_days: int, first: int, length: int, size: float) -> npt.NDArray[np.float64]:
    """Factor of a recession that takes ``size`` of demand away: two weeks to build up, as long to end; (n_days,)."""
    days = np.arange(n_days)
    ramp = np.minimum(days - first + 1, first + length + 14 - days) / 14.0
    factor: npt.NDArray[np.float64] = 1.0 - size * np.clip(ramp, 0.0, 1.0)
    return factor


def market_move(n_days: int, first: int, length: int, size: float) -> npt.NDArray[np.float64]:
    """Factor of a market that moves to ``size`` times its demand within ``length`` days and stays there, (n_days,)."""
    ramp = np.clip((np.arange(n_days) - first + 1) / length, 0.0, 1.0)
    return draws.exp(ramp * draws.log(size))


def margin_kept(n_days: int, first: int, size: float) -> npt.NDArray[np.float64]:
    """Factor of a regime shift that takes ``size`` of every margin away for good from its day on, (n_days,)."""
    factor: npt.NDArray[np.float64] = np.where(np.arange(n_days) >= first, 1.0 - size, 1.0)
    return factor


def raise_costs(m: Merchants, kept: float) -> None:
    """Leave every shop, also those yet to come, the share ``kept`` of its margin, `LEAST_MARGIN` at least."""
    if kept < 1.0:
        m.margin[:] = np.maximum(m.margin * np.float32(kept), np.float32(LEAST_MARGIN))
