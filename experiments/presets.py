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
from market_path import events_of
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

Dated = Mapping[str, tuple[str, int, float] | tuple[str, int, float, float]]
HEAD = "## Presets"
MARKETS, RESAMPLES = 3, 30
DAYS = (MARKET_DAYS[1] - date.fromisoformat(MARKET_DAYS[0])).days + 1

# The data's own calendar, no part of the presets, as the fits find it: promotions are first day, days, lift; holidays
# have a spread between shops too; the path of the market is log growth by month beyond what the preset's shops do.
OFFLINE_EVENTS: Dated = {
    "singles_day_2015": ("2015-11-11", 1, 1.145),
    "singles_day_week_2015": ("2015-11-09", 7, 1.121),
    "promotion_2015_09_13": ("2015-09-13", 1, 1.783),
    "promotion_2015_09_30": ("2015-09-30", 1, 1.322),
    "promotion_2016_08_09": ("2016-08-09", 1, 1.398),
    "christmas_week_2015": ("2015-12-21", 7, 1.132, 0.148),
    "golden_week_2015": ("2015-10-01", 7, 0.974, 0.502),
    "labour_day_2016": ("2016-05-01", 2, 1.018, 0.229),
}
OFFLINE_PATH = {
    "2015-09": -0.299, "2015-10": 0.292, "2015-11": 0.119, "2015-12": -0.115, "2016-01": 0.112,
    "2016-02": 0.265, "2016-03": 0.017, "2016-04": 0.211, "2016-05": 0.168, "2016-06": 0.138,
    "2016-07": 0.121, "2016-08": 0.193, "2016-09": -0.098,
}  # fmt: skip
MARKET_EVENTS: Dated = {"black_friday": ("2017-11-24", 1, 5.33), "black_week": ("2017-11-25", 6, 2.09)}
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


def plan(preset: str, events: Dated) -> dict[str, Any]:
    """What a scenario says for a preset under its own calendar's promotions and holidays."""
    dated = {}
    for name, (first, days, lift, *spread) in events.items():
        kind = {"kind": "holiday", "spread": spread[0]} if spread else {"kind": "promotion"}
        dated[f"events.{name}"] = {"date": first, "days": days, "lift": lift, **kind}
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
    # the market's path as it was, in place of one of the preset's law of such paths
    path = {"merchants.demand.market_shock": 0.0, **events_of(OFFLINE_PATH, shops())}
    taken = plan("offline_shops", OFFLINE_EVENTS) | path
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
