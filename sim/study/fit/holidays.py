"""What holidays mean to shops: how much the usual shop sells on them, and how far shops differ in it.

Simulated shops differ on these days for other reasons too: what they show is held against the real ones, and lift and
spread corrected (`settled_holidays`).
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from sim.study.fit.promotions import Promotion
from sim.study.moments.rhythm import multiple, windows
from sim.study.moments.shop_days import FEW, ShopDays

NAMES = ("golden_week", "labour_day", "christmas_week")


@dataclass(frozen=True)
class Holiday:
    """A holiday: name, first day, days, factor of the usual shop and its standard error, spread between shops."""

    name: str
    first: date
    days: int
    lift: float
    spread: float
    error: float


def holidays_of(days: ShopDays, promotions: Collection[Promotion] = ()) -> tuple[Holiday, ...]:
    """The holidays that lie in the data and are no promotions, by orders over those around, shop by shop."""
    taken = {one.name for one in promotions}
    found = []
    for year in range(days.first.year, days.date_of(days.n_days - 1).year + 1):
        for name, (first, last) in windows(year).items():
            if not name.startswith(NAMES) or name in taken:
                continue
            seen = multiple(days, days.row_of(first), days.row_of(last))
            if seen is not None and seen["n_shops"] >= FEW:
                lift, spread = _middle(seen), (seen["p90"] - seen["p10"]) / 2.563
                error = 1.25 * spread / math.sqrt(seen["n_shops"])
                found.append(Holiday(name, first, (last - first).days + 1, lift, spread, error))
    return tuple(found)


def _middle(seen: Any) -> float:
    return max(float(seen["median_shop_multiple"]), 0.01)


def settled_holidays(holidays: tuple[Holiday, ...], real: ShopDays, simulated: ShopDays) -> tuple[Holiday, ...]:
    """The holidays with a lift and a spread for which simulated shops sell on them as the real ones do.

    ``simulated`` lived with both as they are. Variances add, so that what they have too much is taken away.
    """
    theirs = {one.name: one for one in holidays_of(simulated)}
    found = []
    for one in holidays:
        other, own = theirs.get(one.name), next((x for x in holidays_of(real) if x.name == one.name), None)
        if other is None or own is None:
            found.append(one)
            continue
        square = one.spread**2 + own.spread**2 - other.spread**2
        lift = float(np.clip(one.lift + own.lift - other.lift, 0.01, 100.0))
        found.append(replace(one, lift=lift, spread=math.sqrt(max(square, 0.0))))
    return tuple(found)


def events_of(holidays: tuple[Holiday, ...]) -> dict[str, Any]:
    """The holidays as events of a scenario."""
    return {
        f"events.{one.name}": {
            "date": one.first.isoformat(),
            "kind": "holiday",
            "lift": round(one.lift, 3),
            "spread": round(one.spread, 3),
            "days": one.days,
        }
        for one in holidays
    }
