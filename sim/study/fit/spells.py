"""What closures, spikes and the Spring Festival tell of a shop's spells, and of the calendar's dip.

Figures are per shop, so that they can be summed over any resample of shops.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.study.fit.promotions import is_feast, is_festive
from sim.study.moments.describe import Floats
from sim.study.moments.rhythm import BEFORE, FAR, NEAR, windows
from sim.study.moments.shop_days import ShopDays
from sim.study.moments.spells import LEAST, SHUT, against_around

if TYPE_CHECKING:
    from sim.study.fit.estimates import Estimate

Figures = Mapping[str, Floats]
SURE = 7.0  # orders that were to be expected in a closure that cannot be chance, as for those who leave
LEAST_CLOSURES = 20  # closures without which rests are left as they are
LEAST_SPIKES = 200  # days above twice those around, without which hot products are left as they are
LEAST_PACE = 1.0  # orders a day from which every closure is seen, so that its chance can be set against size
USUAL_FALL = 0.5  # how the chance to rest falls with orders where the data cannot say, as in `sim.world.decisions`
MOST_SHUT, MOST_REST = 0.6, 0.12  # beginning of the search for chances, of which 1 and 0.2 are the most
USUAL_LENGTH = 14.0  # days, the same
LONGEST_REST, LONGEST_HOT = 60.0, 60.0  # days: bounds of the parameters
TELLS_OF_SPIKES = 60  # days on which a spike could be seen from which a shop tells whether it has any
MOST_HOT = range(1, 6)  # whole days of a hot product that are tried
LOW = 0.25  # of the orders around, below which a day is low
YOUNG = 14  # days of a life in which a closure is an early one
FEAST_ORDERS = 3.0  # orders a day around the festival from which a shop tells of it


def closures(days: ShopDays) -> dict[str, Floats]:
    """Closures that cannot be chance, away from the Spring Festival, (shops,) each.

    At least 7 days without orders, or as many as would bring 7 orders at the shop's pace if these are more, between two
    days with orders. ``closures`` are counted, ``shut_beyond`` is the sum of their days beyond the least number,
    ``open_days`` the days on which one could begin, ``open_pace`` orders a day on these; ``early_closures`` are those
    of the first 14 days of a life. ``feast_closures`` are those over the day of the festival, ``feast_beyond`` the sum
    of their days beyond 7.
    """
    lived, sold = days.is_lived, days.orders > 0
    pace = days.orders.sum(0) / np.maximum(lived.sum(0), 1)
    feast = np.array([is_festive(days.date_of(row)) for row in range(days.n_days)])
    until = np.concatenate([[0], np.cumsum(feast)])
    passed = np.concatenate([[0], np.cumsum([is_feast(days.date_of(row)) for row in range(days.n_days)])])
    names = ("closures", "shut_beyond", "open_days", "open_pace", "early_closures", "feast_closures", "feast_beyond")
    found = {name: np.zeros(days.n_shops) for name in names}
    for shop in range(days.n_shops):
        at = np.flatnonzero(sold[:, shop])
        gaps = np.diff(at) - 1
        least = max(SHUT, int(np.ceil(SURE / pace[shop])))
        long = (gaps >= least) & (until[at[1:]] == until[at[:-1]])
        is_open = max(int(lived[:, shop].sum()) - int(gaps[gaps >= least].sum()), 1)
        over = (gaps >= SHUT) & (passed[at[1:]] > passed[at[:-1] + 1])
        found["feast_closures"][shop] = over.sum()
        found["feast_beyond"][shop] = (gaps[over] - SHUT).sum()
        found["early_closures"][shop] = (long & (at[:-1] - at[0] < YOUNG)).sum()
        found["closures"][shop] = long.sum()
        found["shut_beyond"][shop] = (gaps[long] - least).sum()
        found["open_days"][shop] = is_open
        found["open_pace"][shop] = days.orders[:, shop].sum() / is_open
    return found


def spike_figures(days: ShopDays) -> dict[str, Floats]:
    """Days far above those around, (shops,) each; see `sim.study.moments.spells`.

    ``seen`` days with a local median of 10 orders or more, ``high`` of them above twice the median, ``runs`` of high
    days in a row, ``height`` sum of log(multiple / 2) over high days, ``squares`` of its squares; ``spikes_seen``
    whether a shop has 60 days that are seen, and ``any_spike`` whether it has a high one too; ``low`` days with orders,
    but fewer than a quarter of those around.
    """
    multiple = against_around(days, LEAST)
    high = multiple > 2.0
    before = np.concatenate([np.zeros((1, days.n_shops), bool), high[:-1]])
    over = np.where(high, np.log(np.where(high, multiple, 2.0) / 2.0), 0.0)
    n_seen = np.isfinite(multiple).sum(0)
    return {
        "seen": n_seen.astype(np.float64),
        "spikes_seen": (n_seen >= TELLS_OF_SPIKES).astype(np.float64),
        "any_spike": ((n_seen >= TELLS_OF_SPIKES) & high.any(0)).astype(np.float64),
        "squares": (over * over).sum(0),
        "low": ((multiple > 0.0) & (multiple < LOW)).sum(0).astype(np.float64),
        "high": high.sum(0).astype(np.float64),
        "runs": (high & ~before).sum(0).astype(np.float64),
        "height": over.sum(0),
    }


def feast_figures(days: ShopDays) -> dict[str, Floats]:
    """The week of the Spring Festival, (shops,) each, summed over those in the data.

    ``feast_orders`` a day of that week, ``feast_usual`` around it, of settled shops with 3 orders a day around it, as
    in `sim.study.moments.rhythm`; ``feast_shops`` counts such shops, ``feast_shut`` those without an order;
    ``feast_multiple`` is that of a shop that has any, NaN for others.
    """
    names = ("feast_orders", "feast_usual", "feast_shops", "feast_shut")
    found = {name: np.zeros(days.n_shops) for name in names} | {"feast_multiple": np.full(days.n_shops, np.nan)}
    known = days.is_recorded
    for year in range(days.first.year, days.date_of(days.n_days - 1).year + 1):
        for name, (first, last) in windows(year).items():
            begin, end = days.row_of(first), days.row_of(last)
            if not name.startswith("spring") or begin - FAR < 0 or end + FAR >= days.n_days:
                continue
            around = np.r_[begin - FAR : begin - NEAR + 1, end + NEAR : end + FAR + 1]
            usual = days.orders[around[known[around]]].mean(0)
            then = days.orders[begin : end + 1][known[begin : end + 1]].mean(0)
            tells: npt.NDArray[np.bool_] = (days.opened < begin - BEFORE) & (usual >= FEAST_ORDERS)
            found["feast_orders"] += np.where(tells, then, 0.0)
            found["feast_usual"] += np.where(tells, usual, 0.0)
            found["feast_shops"] += tells
            found["feast_shut"] += tells & (then == 0)
            is_open = tells & (then > 0)
            found["feast_multiple"][is_open] = then[is_open] / usual[is_open]
    return found


def weekday_sums(days: ShopDays, n_least: int = 4) -> Floats:
    """Orders by weekday, Monday first, (shops, 7), over whole weeks on record and away from the Spring Festival.

    NaN where there are fewer than ``n_least`` such weeks.
    """
    counted = np.isfinite(days.weeks())
    start = (7 - days.first.weekday()) % 7
    n = counted.shape[0]
    by_week = days.orders[start : start + 7 * n].reshape(n, 7, days.n_shops)
    whole: npt.NDArray[np.bool_] = np.asarray(days.is_recorded[start : start + 7 * n].reshape(n, 7).all(axis=1))
    for k in range(n):
        monday = days.date_of(start + 7 * k)
        whole[k] &= not (is_festive(monday) or is_festive(monday + timedelta(days=6)))
    if whole.sum() < n_least:
        return np.full((days.n_shops, 7), np.nan)
    sums: Floats = (by_week * (counted & whole[:, None])[:, None, :]).sum(0).T
    return sums


def weekdays(figures: Figures) -> dict[str, float]:
    """Index of each weekday, mean one."""
    sums = figures["weekday"].sum(0)
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    mean = sums.mean()
    return {f"season.{name}": float(x / mean) if mean > 0 else math.nan for name, x in zip(names, sums, strict=True)}


def rests(figures: Figures, slope: float) -> dict[str, float]:
    """Mean length of a rest and, where there are closures enough, how its chance falls with size.

    Days beyond the least are geometric with the same mean as from the first day on: a mean of e days is an exponential
    time of mean 1 / log(1 + 1/e) cut to whole days, and the first day comes on top. ``slope`` is that of a Poisson
    regression of closures on log(1 + orders a day).
    """
    n = float(figures["closures"].sum())
    if n < LEAST_CLOSURES:
        return {"spells.rest_days": math.nan, "spells.orders_exponent": math.nan}
    beyond = max(float(figures["shut_beyond"].sum()) / n, 0.1)
    return {
        "spells.rest_days": min(1.0 + 1.0 / math.log1p(1.0 / beyond), LONGEST_REST),
        "spells.orders_exponent": min(max(slope, 0.0), 3.0) if math.isfinite(slope) else math.nan,
    }


def feast_rests(figures: Figures) -> dict[str, float]:
    """Mean days of a closure over the Spring Festival, by the days beyond its least; see `rests`."""
    n = float(figures["feast_closures"].sum())
    if n < LEAST_CLOSURES:
        return {"spells.festival_days": math.nan}
    beyond = max(float(figures["feast_beyond"].sum()) / n, 0.1)
    return {"spells.festival_days": min(SHUT + 1.0 / math.log1p(1.0 / beyond), LONGEST_REST)}


def rest_chance(figures: Figures, fall: float) -> float:
    """Chance a day that a shop without orders begins to rest, for a start: counted closures over those to be expected.

    Of rests, only those of the least length are closures; the chance falls with orders as ``fall`` says.
    """
    length = rests(figures, math.nan)["spells.rest_days"]
    length = length if math.isfinite(length) else USUAL_LENGTH
    least = np.maximum(SHUT, np.ceil(SURE / np.maximum(figures["open_pace"], 1e-6)))
    seen = np.exp(-(least - 1.0) / max(length - 1.0, 0.5))
    mean = float((figures["open_days"] * np.exp(-fall * np.log1p(figures["open_pace"])) * seen).sum())
    return float(figures["closures"].sum()) / mean if mean > 0 else math.nan


def within_reach(figures: Figures, slope: float) -> float:
    """The slope, held so low that shops without orders rest, and shut for the Spring Festival, with a chance at most.

    The model lets both fall with orders alike: where many large shops shut for the festival, the fall must be slow.
    """
    shops = figures["feast_shops"]
    n = max(float(shops.sum()), 1.0)
    shut = float(figures["feast_shut"].sum()) / n

    def is_within(fall: float) -> bool:
        of_none = float((shops * np.exp(-fall * np.log1p(figures["open_pace"]))).sum()) / n
        return shut <= MOST_SHUT * of_none and rest_chance(figures, fall) <= MOST_REST

    falls = np.linspace(0.0, max(slope, 0.0), 101)
    return max((float(fall) for fall in falls if fall == 0.0 or is_within(float(fall))), default=0.0)


def hot_days(figures: Figures) -> dict[str, float]:
    """Mean days of a hot product: the mean run of days above twice those around."""
    high, runs = float(figures["high"].sum()), float(figures["runs"].sum())
    return {"spells.hot_days": min(max(high / runs, 1.0), LONGEST_HOT) if high >= LEAST_SPIKES else math.nan}


def hot_days_settled(
    direct: list[Estimate], figures: Figures, lived: Callable[[Mapping[str, str]], ShopDays]
) -> list[Estimate]:
    """The estimates with the days of a hot product for which simulated runs of high days are as long as real ones.

    Other fluctuations cut real runs short, so that their mean is below it. ``lived`` lets shops live under an override.
    """
    real = hot_days(figures)["spells.hot_days"]
    found = []
    for one in direct:
        if one.key == "spells.hot_days":
            runs = {
                days: hot_days(spike_figures(lived({"merchants.spells.hot_days": f"{days} days"})))["spells.hot_days"]
                for days in MOST_HOT
            }
            best = min(runs, key=lambda days: abs(runs[days] - real) if math.isfinite(runs[days]) else math.inf)
            says = "mean run of days above twice those around, nearest of simulated"
            one = replace(one, value=float(best), says=says)
        found.append(one)
    return found
