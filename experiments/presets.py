"""The presets against the data they were fitted to: which moments a market without a lender meets, and which not.

Run as ``python experiments/presets.py`` where the data are: it writes its section of ``docs/validation.md``. A moment
is met if the mean over simulated markets lies within 15 % of the data's, or within twice its sampling noise (standard
error over shops, sellers or orders), whichever is wider. All figures of `sim.study.moments` that data and market both
have are judged, but mere numbers of cases.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from preset_data import (
    BASE,
    MARKET_DAYS,
    ORDERS,
    SELLERS,
    SHOPS,
    TICKETS,
    flat,
    lived,
    noise_of,
    order_figures,
    samples,
    sellers,
    shop_moments,
    shops,
    single_orders,
    some_orders,
)

from sim.engine.rules import stage_shares
from sim.engine.scenario import load
from sim.study.fit.judged import Judged, resampled
from sim.study.moments.live import confirmation
from sim.study.moments.quarterly import by_quarter

HEAD = "## Presets"
MARKETS, RESAMPLES = 3, 30
DAYS = (MARKET_DAYS[1] - date.fromisoformat(MARKET_DAYS[0])).days + 1

# Promotions of the data's own calendar, no part of the presets: first day, days, lift, as the fits find them.
OFFLINE_EVENTS = {
    "singles_day_2015": ("2015-11-11", 1, 1.311),
    "singles_day_week_2015": ("2015-11-09", 7, 1.291),
    "promotion_2015_09_13": ("2015-09-13", 1, 1.672),
    "promotion_2015_09_30": ("2015-09-30", 1, 1.535),
    "promotion_2016_08_09": ("2016-08-09", 1, 1.422),
}
MARKET_EVENTS = {"black_friday": ("2017-11-24", 1, 5.33), "black_week": ("2017-11-25", 6, 2.09)}
# Of the merchants of a market, how many must be drawn for one that sells anything within the days of the data.
DRAWN_FOR_EACH_SELLER = 1.15


@dataclass(frozen=True)
class Verdict:
    """A preset's moments beside those of its data."""

    preset: str
    rows: tuple[Judged, ...]

    @property
    def share(self) -> float:
        """Share of the moments that are met."""
        return sum(row.is_met for row in self.rows) / len(self.rows)


def plan(preset: str, events: Mapping[str, tuple[str, int, float]]) -> dict[str, Any]:
    """What a scenario says for a preset under its own calendar's promotions."""
    dated = {
        f"events.{name}": {"date": first, "days": days, "kind": "promotion", "lift": lift}
        for name, (first, days, lift) in events.items()
    }
    return {"merchants.preset": preset, **dated}


def rows_of(
    real: Mapping[str, float], worlds: list[dict[str, float]], noise: Mapping[str, float]
) -> tuple[Judged, ...]:
    """Each moment of the data beside its mean over simulated markets; one that no market has is missed."""
    found = []
    for name, value in real.items():
        theirs = [world[name] for world in worlds if math.isfinite(world.get(name, math.nan))]
        mean = float(np.mean(theirs)) if theirs else math.nan
        found.append(Judged(name, name.split("/")[0], value, mean, noise.get(name, math.nan)))
    return tuple(found)


def offline(markets: int = MARKETS, resamples: int = RESAMPLES, who: Any = None) -> Verdict:
    """``offline_shops`` against payments of shops by day; ``who`` are places of some of them."""
    real = shops() if who is None else resampled(shops(), who)
    noise = noise_of([shop_moments(resampled(real, one)) for one in samples(real.n_shops, resamples)])
    taken = plan("offline_shops", OFFLINE_EVENTS)
    worlds = [
        shop_moments(lived(taken, real.n_shops, real.first.isoformat(), real.n_days, 101 + k)) for k in range(markets)
    ]
    return Verdict("offline_shops", rows_of(shop_moments(real), worlds, noise))


def marketplace(markets: int = MARKETS, resamples: int = RESAMPLES) -> Verdict:
    """``marketplace_small`` against sellers by quarter and a sample of orders."""
    real, given = sellers(), single_orders()
    figures = flat(real.figures()) | flat({"orders_sample": order_figures(given)})
    noise = noise_of([flat(real.of(who).figures()) for who in samples(real.first.size, resamples)])
    drawn = [some_orders(given, who) for who in samples(given.ordered.size, resamples)]
    noise |= noise_of([flat({"orders_sample": order_figures(one)}) for one in drawn])
    taken = plan("marketplace_small", MARKET_EVENTS)
    scenario = load(BASE, {"merchants.preset": "marketplace_small"})
    lags = confirmation(stage_shares(scenario.merchants))
    lags["weekday_index_mon_sun"] = list(scenario.merchants.season.weekdays)
    n = round(real.first.size * DRAWN_FOR_EACH_SELLER)
    worlds = []
    for k in range(markets):
        found = by_quarter(lived(taken, n, MARKET_DAYS[0], DAYS, 101 + k))
        worlds.append(flat(found) | flat({"orders_sample": lags}))
    return Verdict("marketplace_small", rows_of(figures, worlds, noise))


def main() -> None:
    from presets_page import section
    from validation import write_section

    if not all(path.exists() for path in (SHOPS, TICKETS, SELLERS, ORDERS)):
        raise SystemExit(f"the data are not at {SHOPS.parent}")
    write_section(section([offline(), marketplace()]))


if __name__ == "__main__":
    main()
