"""The path of a market by month, as dated moves of it: an input of the judgement of ``offline_shops``, and of its fit.

What all shops have in common from month to month (the platform's start, its campaigns, the weather) is no property of
shops, and one path of 15 months tells no law of such paths. It is therefore given to the simulated market as it was:
moves for which the median shop of simulated markets grows as the median real shop did.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from preset_data import lived

from sim.study.moments.growth import by_month
from sim.study.moments.shop_days import ShopDays

FIGURE = "median_shop_monthly_log_growth_by_month"
TELLING = 50  # shops with two months in a row that tell how the market moved
ROUNDS, SEEDS, STEP = 5, tuple(range(51, 59)), 0.9  # of the search, other worlds than those judged


def events_of(logs: Mapping[str, float], days: ShopDays) -> dict[str, Any]:
    """Moves of the market whose logs are given by month, from the middle of the month before on.

    A first one, on the first day, sets the level so that the mean log over all days that shops lived is nothing.
    """
    rows = np.arange(days.n_days)
    path = np.zeros(days.n_days)
    found = {}
    for name, value in logs.items():
        year, month = int(name[:4]), int(name[5:])
        first, last = date(year - (month == 1), month - 1 or 12, 15), date(year, month, 15)
        length, begin = (last - first).days, days.row_of(first)
        path += value * np.clip((rows - begin + 1) / length, 0.0, 1.0)
        found[f"events.month_{name.replace('-', '_')}"] = _move(first, length, value)
    level = float((path * days.is_lived.sum(1)).sum() / days.is_lived.sum())
    return {"events.level": _move(days.first, 1, -level)} | found


def _move(first: date, length: int, log: float) -> dict[str, Any]:
    return {"date": first.isoformat(), "kind": "market_move", "days": length, "lift": round(math.exp(log), 4)}


def logs_of(real: ShopDays, plan: Mapping[str, Any], seeds: Sequence[int] = SEEDS) -> dict[str, float]:
    """Logs by month for which markets of a plan grow from month to month as the real shops did."""
    names, means = real.months()
    n_shops = dict(zip(names[1:], ((means[1:] > 0) & (means[:-1] > 0)).sum(1), strict=True))
    target = {name: value for name, value in by_month(real)[FIGURE].items() if n_shops[name] >= TELLING}
    logs = dict.fromkeys(target, 0.0)
    start, n = real.first.isoformat(), real.n_shops
    for _ in range(ROUNDS):
        whole = {**plan, "merchants.demand.market_shock": 0.0, **events_of(logs, real)}
        worlds = [by_month(lived(whole, n, start, real.n_days, seed))[FIGURE] for seed in seeds]
        for name, value in target.items():
            theirs = [world[name] for world in worlds if name in world]
            if theirs:
                logs[name] += STEP * (value - float(np.mean(theirs)))
    return logs
