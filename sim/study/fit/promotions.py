"""Days on which all shops sell more: festivals by name, and promotions found in the data.

A promotion is written as an event of the scenario, with the lift of all shops together. Not every simulated shop joins
one, has the goods, or serves all who come: what they sell then is measured like what real shops sell, and the lift
corrected once by the ratio (`settled`).
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from sim.core.clock import festivals
from sim.study.moments.describe import Floats
from sim.study.moments.rhythm import multiple, windows
from sim.study.moments.shop_days import FEW, ShopDays
from sim.world.calendar import Season
from sim.world.parameters import Category
from sim.world.season import season_table

SHARP = 1.15  # factor from which a day stands out
CLEAR = 3.0  # standard errors, or robust deviations, from which it does so clearly
AROUND = 14  # days on either side that are its measure
MOST = 12  # promotions without a name
SETTLED = 35  # days since its first order after which a shop tells of the market
FESTIVE = 17  # days on either side of the Spring Festival that tell of it alone
MOST_CORRECTED = 2.0  # factor by which what a promotion brings is corrected at most


@dataclass(frozen=True)
class Promotion:
    """A promotion: name, first day, days, lift over days around it and over the model, standard error, and how."""

    name: str
    first: date
    days: int
    lift: float
    error: float
    says: str

    @property
    def last(self) -> date:
        """Its last day."""
        return self.first + timedelta(days=self.days - 1)


def promotions_of(days: ShopDays, season: Season | None = None) -> tuple[Promotion, ...]:
    """Named festivals first, then what else stands out; ``season`` holds the weekdays of the model."""
    named = _named(days, season or Season())
    return (*named, *_found(days, named))


def settled(
    promotions: tuple[Promotion, ...], simulated: ShopDays, season: Season | None = None
) -> tuple[Promotion, ...]:
    """The promotions with lifts for which simulated shops sell as much more as the real ones did.

    ``simulated`` lived with the lifts as they are. What a lift brings beyond one is multiplied by real over simulated.
    """
    names = {one.name for one in promotions}
    theirs = {one.name: one.lift for one in _named(simulated, season or Season(), names)}
    above, _ = _above(simulated)
    found = []
    for one in promotions:
        row = simulated.row_of(one.first)
        brings = theirs.get(one.name, float(np.exp(above[max(row, 0) : row + one.days]).mean())) - 1.0
        factor = (one.lift - 1.0) / brings if math.isfinite(brings) and brings > 0.02 else 1.0
        factor = min(max(factor, 1.0 / MOST_CORRECTED), MOST_CORRECTED)
        found.append(replace(one, lift=1.0 + factor * (one.lift - 1.0), error=factor * one.error))
    return tuple(found)


def is_festive(day: date) -> bool:
    """Whether a day lies near a Spring Festival."""
    near = (day - timedelta(days=FESTIVE), day + timedelta(days=FESTIVE))
    return any(near[0] <= feast <= near[1] for feast in map(_spring, {one.year for one in near}) if feast is not None)


def is_feast(day: date) -> bool:
    """Whether a day is that of a Spring Festival."""
    return _spring(day.year) == day


def _spring(year: int) -> date | None:
    try:
        return festivals(year)["spring_festival"]
    except (KeyError, ValueError):  # beyond the table of the lunar calendar
        return None


def _named(days: ShopDays, season: Season, names: Collection[str] | None = None) -> tuple[Promotion, ...]:
    """Festivals on which the shops sell clearly more than the model: orders there over those around, the same of both.

    The measure is that of `sim.study.moments.rhythm`; its standard error is that of a mean of shops. With ``names``
    these are given, however small they are, and no others.
    """
    table = season_table(days.first, days.n_days, [Category(share=1.0, q1=1.0, q2=1.0, q3=1.0, q4=1.0)], season)
    model = ShopDays(days.first, 1e3 * table.astype(np.float64))
    found: list[Promotion] = []
    for year in range(days.first.year, days.date_of(days.n_days - 1).year + 1):
        spans = {name: span for name, span in windows(year).items() if not name.startswith("spring")}
        if names is not None:
            spans = {name: span for name, span in spans.items() if name in names}
        for name, (first, last) in sorted(spans.items(), key=lambda one: one[1][1] - one[1][0]):
            rows = days.row_of(first), days.row_of(last)
            real, usual = multiple(days, *rows), multiple(model, *rows)
            if real is None or usual is None or real["n_shops"] < FEW:
                continue
            n_days = (last - first).days + 1
            lift = real["aggregate_multiple"] / usual["aggregate_multiple"]
            error = (real["p90"] - real["p10"]) / 2.563 / math.sqrt(real["n_shops"]) / usual["aggregate_multiple"]
            inside = [one for one in found if first <= one.first and one.last <= last]
            of_others = sum(one.days for one in inside)
            if of_others < n_days:  # a day within a festive week is an event of its own, and the week is what is left
                lift = (lift * n_days - sum(one.lift * one.days for one in inside)) / (n_days - of_others)
            if names is not None or (lift >= SHARP and lift - 1.0 >= CLEAR * error):
                says = "orders over those around, over the same of the model"
                found.append(Promotion(name, first, n_days, lift, error, says))
    return tuple(found)


def _found(days: ShopDays, named: tuple[Promotion, ...]) -> list[Promotion]:
    """Days on which the shops together sell far more than around.

    A day counts if the orders of settled shops, over those usual on its weekday, are at least 1.15 times the median of
    the four weeks around, and at least 3 robust deviations above it. Neighbours are one promotion. Days around the
    Spring Festival and those of named promotions are left out.
    """
    above, spread = _above(days)
    for row in range(days.n_days):
        day = days.date_of(row)
        if is_festive(day) or any(one.first <= day <= one.last for one in named):
            above[row] = np.nan
    stands: npt.NDArray[np.bool_] = np.nan_to_num(above, nan=0.0) >= max(math.log(SHARP), CLEAR * spread)
    edge = np.flatnonzero(np.diff(np.concatenate([[0], stands.astype(np.int8), [0]])))
    found = []
    for row, end in edge.reshape(-1, 2).tolist():
        lift = float(np.exp(above[row:end]).mean())
        first = days.date_of(row)
        error = lift * spread / math.sqrt(end - row)
        found.append(
            Promotion(f"promotion_{first:%Y_%m_%d}", first, end - row, lift, error, "orders over those around")
        )
    return sorted(sorted(found, key=lambda one: -one.lift)[:MOST], key=lambda one: one.first)


def _above(days: ShopDays) -> tuple[Floats, float]:
    """Log orders of settled shops above those around each day and its weekday's usual, and the robust deviation."""
    settled = days.age >= SETTLED
    known = days.is_recorded & (settled.sum(1) >= FEW)
    if known.sum() < 2 * AROUND + 1:
        return np.full(days.n_days, np.nan), 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        index = np.log((days.orders * settled).sum(1) / settled.sum(1))
    index = np.where(known & np.isfinite(index), index, np.nan)
    above = np.full(days.n_days, np.nan)
    for row in range(days.n_days):
        around = np.r_[index[max(row - AROUND, 0) : row], index[row + 1 : row + AROUND + 1]]
        around = around[np.isfinite(around)]
        if around.size >= AROUND:
            above[row] = index[row] - np.median(around)
    for k in range(7):
        own = above[days.weekday == k]
        if np.isfinite(own).any():
            above[days.weekday == k] -= np.nanmedian(own)
    return above, 1.4826 * float(np.nanmedian(np.abs(above))) if np.isfinite(above).any() else 0.0
