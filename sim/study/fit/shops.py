"""What is measured of each merchant, so that a fit can compare real and simulated ones and resample them.

Weeks are those of `sim.study.moments` (Monday to Sunday, from 7 days after the first order). All figures are per shop,
NaN where a shop is too short or too small for one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.study.moments.describe import Floats
from sim.study.moments.growth import weekly_growth
from sim.study.moments.rhythm import common_path
from sim.study.moments.shop_days import FEW, ShopDays

ENOUGH_WEEKS = 26  # weeks of a shop's own series, or half of what there is
ENDS = 8  # weeks at either end of a life between which growth is measured
QUIET = 30  # days without orders that are the least for a shop to have left
SURE = 7.0  # orders that were to be expected in a silence that cannot be chance: exp(-7) is 0.1 %
COMES_BACK = 120  # days after which a leaver that comes back has done so


def series_of(days: ShopDays) -> Floats:
    """Detrended weekly log orders, (weeks, shops): less the path of all shops, less each shop's own straight line.

    NaN where a week does not count, and throughout for a shop with too few weeks.
    """
    weeks = days.weeks()
    enough = min(ENOUGH_WEEKS, max(weeks.shape[0] // 2, 6))
    logs: Floats = np.where(np.isfinite(weeks).sum(0) >= enough, np.log1p(weeks), np.nan)
    if weeks.size:
        logs = logs - common_path(weeks)[:, None]
    at = np.where(np.isfinite(logs), np.arange(logs.shape[0], dtype=np.float64)[:, None], np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        n = np.isfinite(logs).sum(0)
        centre, level = np.nansum(at, 0) / n, np.nansum(logs, 0) / n
        apart = at - centre
        slope = np.nansum(apart * (logs - level), 0) / np.nansum(apart * apart, 0)
    rest: Floats = logs - level - slope * apart
    return rest


def own_growth(weeks: Floats) -> Floats:
    """Weekly growth of each shop less that of the week's median shop, (weeks - 1, shops)."""
    growth = weekly_growth(weeks)
    known = np.isfinite(growth).sum(1) >= FEW
    middle = np.array([np.nanmedian(row) if is_known else 0.0 for row, is_known in zip(growth, known, strict=True)])
    beyond: Floats = growth - middle[:, None]
    return beyond


def wide_deviation(growth: Floats) -> Floats:
    """Deviation of each column from the range of four fifths of its finite values; NaN where there are fewer than 6."""
    found = np.full(growth.shape[1], np.nan)
    enough = np.isfinite(growth).sum(0) >= 6
    if enough.any():
        low, high = np.nanquantile(growth[:, enough], [0.1, 0.9], axis=0)
        found[enough] = (high - low) / 2.563
    return found


def own_autocorrelation(rest: Floats, lag: int) -> Floats:
    """Autocorrelation of each shop's detrended series, (shops,): mean product a lag apart over the variance."""
    with np.errstate(invalid="ignore", divide="ignore"):
        products, squares = rest[:-lag] * rest[lag:], rest * rest
        pairs, n = np.isfinite(products).sum(0), np.isfinite(squares).sum(0)
        found: Floats = (np.nansum(products, 0) / pairs) / (np.nansum(squares, 0) / n)
    return np.where((pairs > 2) & (np.nansum(squares, 0) > 0), found, np.nan)


def shop_figures(days: ShopDays, value: float | None = None) -> dict[str, Floats]:
    """Figures of each shop, (shops,), by name.

    ``log_sales`` and ``log_orders``: log of the mean of a lived day, in yuan (``value`` yuan an order where the days
    know none) and in orders. ``log_deviation``: log of (90 % less 10 % quantile) / 2.563 of weekly growth beyond the
    week's median shop, which is the deviation of a normal law that a closure of some days does not blow up.
    ``autocorrelation``, ``_2``: of the detrended weeks, one and two apart. ``daily``: squared spread of the days within
    a week over the week's level, less that of a Poisson count. ``growth``: log of the mean of the last 8 weeks of a
    life over that of the first 8, by year, from shops with 26 weeks; a quarter of an order a week is added to both.
    """
    orders = days.mean_orders()
    each = days.value if days.value is not None else np.full(days.n_shops, value or 1.0)
    weeks, rest = days.weeks(), series_of(days)
    spread = np.where(np.isfinite(rest).any(0), wide_deviation(own_growth(weeks)), 0.0)
    found = {
        "log_orders": np.log(orders),
        "log_sales": np.log(orders * each),
        "log_deviation": np.log(np.where(spread > 0, spread, np.nan)),
        "autocorrelation": own_autocorrelation(rest, 1),
        "autocorrelation_2": own_autocorrelation(rest, 2),
        "daily": _daily(days),
        "growth": _growth(weeks),
    }
    return {name: np.where(np.isfinite(values), values, np.nan) for name, values in found.items()}


def _daily(days: ShopDays) -> Floats:
    """Squared spread within the week beyond chance, as in `sim.study.moments.rhythm`, not cut at zero.

    A shop's own weekdays, its mean day of each over the mean of the seven, are divided out first: what comes back every
    week is no noise.
    """
    counted = np.isfinite(days.weeks())
    start = (7 - days.first.weekday()) % 7
    by_week = days.orders[start : start + 7 * counted.shape[0]].reshape(counted.shape[0], 7, days.n_shops)
    level = np.where(counted, by_week.mean(1), np.nan)
    level = np.where(level >= 1.0, level, np.nan)
    found = np.full(days.n_shops, np.nan)
    has = np.isfinite(level).any(0)
    if has.any():
        shares = by_week[:, :, has] / level[:, None, has]
        usual = np.nanmean(shares, axis=0)
        rest = shares - usual
        n = np.isfinite(level[:, has]).sum(0)
        spread = np.nanmedian(rest.std(1), axis=0) ** 2 * n / np.maximum(n - 1, 1)
        found[has] = np.where(n > 1, spread - 1.0 / np.nanmean(level[:, has], axis=0), np.nan)
    return found


def _growth(weeks: Floats) -> Floats:
    """Log growth a year between the ends of each shop's weeks."""
    found = np.full(weeks.shape[1], np.nan)
    counted = np.isfinite(weeks)
    n = counted.sum(0)
    for shop in np.flatnonzero(n >= ENOUGH_WEEKS):
        own = weeks[counted[:, shop], shop]
        sold = np.flatnonzero(own > 0)
        if sold.size == 0 or sold[-1] + 1 < ENOUGH_WEEKS:
            continue
        own = own[: sold[-1] + 1]  # a shop that has left does not shrink any more
        years = (own.size - ENDS) * 7 / 365.0
        found[shop] = np.log((own[-ENDS:].mean() + 0.25) / (own[:ENDS].mean() + 0.25)) / years
    return found


def leavings(days: ShopDays) -> dict[str, npt.NDArray[np.float64]]:
    """Who leaves: silences that cannot be chance, (shops,).

    A shop has left when it has no order for 30 days, or for as many as would bring it 7 orders at its usual pace if
    these are more. Gives ``exits``, ``exposure`` (days lived on which leaving would have been seen), ``returned``
    (leavings it came back from) and ``followed`` (leavings 120 days or more before the end) and ``pace`` (orders a day
    while selling).
    """
    lived, sold = days.is_lived, days.orders > 0
    n = days.n_days
    active = days.orders.sum(0) / np.maximum(lived.sum(0), 1)
    names = ("exits", "exposure", "returned", "followed", "pace")
    found = {name: np.zeros(days.n_shops) for name in names}
    for shop in range(days.n_shops):
        at = np.flatnonzero(sold[:, shop])
        needed = max(QUIET, int(np.ceil(SURE / active[shop])))
        gaps = np.diff(np.append(at, n)) - 1
        starts, long = at, gaps >= needed
        ends_open = bool(long[-1])
        quiet = gaps[long].sum()
        span = n - at[0]
        found["exits"][shop] = long.sum()
        found["exposure"][shop] = max(span - quiet - (0 if ends_open else needed), 0)
        is_old = long & (n - starts >= COMES_BACK)
        found["followed"][shop] = is_old.sum()
        found["returned"][shop] = is_old.sum() - (1 if ends_open and is_old[-1] else 0)
        found["pace"][shop] = days.orders[:, shop].sum() / max(span - quiet, 1)
    blind = found["exposure"] <= 0
    found["exits"][blind] = 0.0
    return found
