"""What tells how shops differ from the market: weekdays and holidays of their own, first weeks, rests, spikes, jumps.

Figures are per shop, so that they can be summed over any resample of shops.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from sim.study.fit.promotions import is_festive
from sim.study.fit.shops import own_growth, wide_deviation
from sim.study.moments.describe import Floats
from sim.study.moments.shop_days import ShopDays
from sim.world.own_days import LEANINGS

Figures = Mapping[str, Floats]
CLEARLY_SHUT = 10.0  # orders a day from which a day without is no chance
ENOUGH_OF_HALF = 200.0  # orders in either half of a shop's weeks from which its weekdays are told
EARLY, NEXT, LATE = (0, 1), (2, 4), (8, 16)  # weeks of a life, from and to before
WILD = 3.0  # own robust deviations from which a week's growth is wild
LEAST_SHOPS = 50  # shops that tell of weekdays, without which they are left as they are


def weekday_halves(days: ShopDays) -> Floats:
    """Orders by weekday in every other whole week, (shops, 2, 7), away from the Spring Festival and missing days."""
    counted = np.isfinite(days.weeks())
    start, n = (7 - days.first.weekday()) % 7, counted.shape[0]
    by_week = days.orders[start : start + 7 * n].reshape(n, 7, days.n_shops)
    whole: npt.NDArray[np.bool_] = np.asarray(days.is_recorded[start : start + 7 * n].reshape(n, 7).all(axis=1))
    for k in range(n):
        monday = days.date_of(start + 7 * k)
        whole[k] &= not (is_festive(monday) or is_festive(monday + timedelta(days=6)))
    kept = by_week * (counted & whole[:, None] & (by_week > 0).all(1))[:, None, :]
    halves: Floats = np.stack([kept[0::2].sum(0), kept[1::2].sum(0)]).transpose(2, 0, 1)
    return halves


def own_weekdays(figures: Figures) -> dict[str, float]:
    """Spread between shops of the weekend and of single weekdays, from what both halves of their weeks agree on.

    Chance differs between the halves, so that it is not in their covariance. For a shop's index of each weekday over
    that of all: with weekend w and day d, the difference of the means of weekend and other days has the variance
    1.96 w^2 + 0.7 d^2, what is left of a day of the weekend d^2 / 2, of another 4 d^2 / 5 and a little of the leaning.
    """
    halves = figures["halves"]
    halves = halves[(halves.sum(2) >= ENOUGH_OF_HALF).all(1)]
    if halves.shape[0] < LEAST_SHOPS:
        return {"season.own_weekend": math.nan, "season.own_weekdays": math.nan}
    index = halves / halves.mean(2, keepdims=True)
    index = index / index.mean((0, 1)) - 1.0
    weekend, others = index[:, :, 5:], index[:, :, :5]
    apart = weekend.mean(2) - others.mean(2)
    rest = np.concatenate([others - others.mean(2, keepdims=True), weekend - weekend.mean(2, keepdims=True)], axis=2)
    own = [_agreed(rest[:, :, k]) for k in range(7)]
    days = sum(own[:5]) / 0.8 + sum(own[5:]) / 0.5  # 7 d^2, and what the leaning gives the other days among themselves
    beside = sum((one + 0.4) ** 2 for one in LEANINGS[:5]) / 0.8
    leaning = max((_agreed(apart) - 0.1 * days) / (1.96 - 0.1 * beside), 0.0)
    day = max((days - beside * leaning) / 7.0, 0.0)
    return {"season.own_weekend": min(math.sqrt(leaning), 1.0), "season.own_weekdays": min(math.sqrt(day), 1.0)}


def _agreed(pairs: Floats) -> float:
    """Covariance of two columns."""
    apart = pairs - pairs.mean(0)
    return float((apart[:, 0] * apart[:, 1]).mean())


def first_weeks(days: ShopDays) -> dict[str, Floats]:
    """Log orders of a shop's first weeks over those of its third and fourth month, (shops,) each.

    ``early`` of its first seven days, ``next`` of its third and fourth week, held above -4; NaN for a shop that was
    there on the first day, or has too few weeks.
    """
    found = {"early": np.full(days.n_shops, np.nan), "next": np.full(days.n_shops, np.nan)}
    for shop in np.flatnonzero((days.opened > 0) & (days.opened + 7 * LATE[1] <= days.n_days)):
        own = days.orders[days.opened[shop] :, shop]
        usual = math.log(own[7 * LATE[0] : 7 * LATE[1]].mean() + 0.04)
        for name, (first, last) in {"early": EARLY, "next": NEXT}.items():
            found[name][shop] = max(math.log(own[7 * first : 7 * last].mean() + 0.04) - usual, -4.0)
    return found


def rests_of_shops(days: ShopDays) -> dict[str, Floats]:
    """Days shut, (shops,) each.

    ``days_off`` single days without orders between two with, of shops with 10 orders a day or more, and ``days_open``
    of these; ``shut_share`` days without orders over days lived; ``shut_weeks`` whole weeks with orders on one day at
    most, and ``one_day`` those of them with one.
    """
    sold, lived = days.orders > 0, days.is_lived
    pace = days.orders.sum(0) / np.maximum((sold & lived).sum(0), 1)
    alone = lived[1:-1] & ~sold[1:-1] & sold[:-2] & sold[2:]
    tells = pace >= CLEARLY_SHUT
    weeks = days.weeks()
    start, n = (7 - days.first.weekday()) % 7, weeks.shape[0]
    n_sold = sold[start : start + 7 * n].reshape(n, 7, days.n_shops).sum(1)
    shut = np.isfinite(weeks) & tells & (n_sold <= 1)
    return {
        "shut_weeks": shut.sum(0).astype(np.float64),
        "one_day": (shut & (n_sold == 1)).sum(0).astype(np.float64),
        "days_off": np.where(tells, alone.sum(0), 0).astype(np.float64),
        "days_open": np.where(tells, (sold & lived).sum(0), 0).astype(np.float64),
        "shut_share": (lived & ~sold).sum(0) / np.maximum(lived.sum(0), 1),
    }


def wild_weeks(days: ShopDays) -> dict[str, Floats]:
    """``wild`` weeks of a shop, of ``wild_of`` steps between weeks with orders on every day, (shops,) each.

    A step is wild where growth beyond the week's median shop is more than 3 of the shop's own robust deviations.
    """
    weeks = days.weeks()
    start, n = (7 - days.first.weekday()) % 7, weeks.shape[0]
    full = (days.orders[start : start + 7 * n].reshape(n, 7, days.n_shops) > 0).all(1)
    growth = own_growth(np.where(full, weeks, np.nan))
    spread = wide_deviation(growth)
    with np.errstate(invalid="ignore"):
        wild = np.abs(growth) > WILD * spread
    known = np.isfinite(growth) & np.isfinite(spread)
    return {"wild": (wild & known).sum(0).astype(np.float64), "wild_of": known.sum(0).astype(np.float64)}


def own_figures(days: ShopDays) -> dict[str, Floats]:
    """All figures of this module that simulated shops are measured by too."""
    return first_weeks(days) | rests_of_shops(days) | wild_weeks(days)
