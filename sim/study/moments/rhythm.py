"""The rhythm of sales: from week to week, within the week, and at festivals.

- Weekly autocorrelation: log(1 + orders) of whole weeks, weeks without orders included, for shops with at least 26
  weeks (``growth``); a shop's own autocorrelation is the mean product of deviations a lag apart over their variance,
  and the median of shops is given. Detrended: less the path common to all shops (the running sum of each week's
  median growth, weeks with at least 20 shops), then less a straight line fitted to the rest.
- ``weekday_index_mon_sun``: orders of all shops in the last 27 weeks of the data (or as many whole weeks as there
  are), by weekday, over the mean of the seven sums; ``weekday_index_sd_across_shops`` the deviation, over the shops
  that opened more than 60 days before these weeks, of a shop's mean recorded day of each weekday over the mean of the
  seven.
- ``daily_cv_within_week_beyond_poisson_median``: in whole weeks (``growth``) with at least one order a day, the
  deviation of the seven days over their mean; a shop's median of it, squared, less one over its mean daily orders
  (what a Poisson count would give), not below 0, its root; the median of shops.
- Events: a shop's mean orders a day in the window over those of 42 days around it, 28 to 8 days before it begins and
  8 to 28 days after it ends; shops that opened more than 35 days before, with at least 3 orders a day around it. The
  aggregate multiple is of the sums over these shops. An event needs all these days in the data.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from sim.core.clock import festivals
from sim.study.moments.describe import Figures, Floats, finite, median, ratio
from sim.study.moments.growth import ENOUGH_WEEKS, weekly_growth
from sim.study.moments.shop_days import FEW, ShopDays

LAGS = (1, 2, 4, 8)
LONG_LAGS = (*LAGS, 13)
INDEX_WEEKS = 27  # weeks at the end of the data that give the index of the weekday
SETTLED = 60  # days before them by which a shop has opened, more than
BEFORE, NEAR, FAR = 35, 8, 28  # days around an event
LEAST = 3.0  # orders a day around an event


def autocorrelation(series: Floats, lag: int) -> float:
    """Mean product of deviations from the mean a lag apart, over the variance; NaN values are left out."""
    apart = series - np.nanmean(series)
    products, spread = finite(apart[:-lag] * apart[lag:]), finite(apart * apart).mean()
    return float(products.mean() / spread) if products.size and spread > 0 else float("nan")


def without_line(series: Floats) -> Floats:
    """A series less the straight line fitted to its finite values by least squares."""
    at = np.flatnonzero(np.isfinite(series))
    rest = np.full(series.size, np.nan)
    rest[at] = series[at] - np.polyval(np.polyfit(at, series[at], 1), at)
    return rest


def common_path(weeks: Floats) -> Floats:
    """Running sum of the median weekly growth of all shops, (weeks,); a week with fewer than 20 shops adds nothing."""
    growth = weekly_growth(weeks)
    steps = [float(np.median(finite(row))) if finite(row).size >= FEW else 0.0 for row in growth]
    return np.concatenate([[0.0], np.cumsum(steps)])


def persistence(days: ShopDays) -> Figures:
    """Autocorrelation of weekly sales, raw and detrended."""
    weeks = days.weeks()
    logs: Floats = np.log1p(weeks)
    path = common_path(weeks) if weeks.size else np.zeros(0)
    raw, rest = [], []
    for series in logs[:, np.isfinite(logs).sum(0) >= ENOUGH_WEEKS].T:
        raw.append([autocorrelation(series, lag) for lag in LAGS])
        rest.append([autocorrelation(without_line(series - path), lag) for lag in LONG_LAGS])
    firsts = finite([row[0] for row in rest])
    return {
        "weekly_log_sales_acf_1_2_4_8_median": [median([row[k] for row in raw]) for k in range(len(LAGS))],
        "weekly_detrended_acf_1_2_4_8_13_median": [median([row[k] for row in rest]) for k in range(len(LONG_LAGS))],
        "weekly_detrended_acf1_iqr": [float(np.quantile(firsts, q)) if firsts.size else None for q in (0.25, 0.75)],
    }


def _by_week(days: ShopDays, values: Floats) -> Floats:
    """Whole weeks of a (days, shops) table, Monday first, (weeks, 7, shops)."""
    start = (7 - days.first.weekday()) % 7
    n = max((days.n_days - start) // 7, 0)
    return values[start : start + 7 * n].reshape(n, 7, days.n_shops)


def by_weekday(days: ShopDays) -> Figures:
    """Index of the weekday of all orders, and how far shops differ in it."""
    last = 7 * min(INDEX_WEEKS, days.n_days // 7)
    none = [None] * 7
    if not last:
        return {"weekday_index_mon_sun": none, "weekday_index_sd_across_shops": none}
    weekday, start = days.weekday[-last:], days.n_days - last
    sums = np.bincount(weekday, days.orders[-last:].sum(1), 7)
    lived = days.lived[-last:, days.opened < start - SETTLED]
    own = np.array([_mean_by_shop(lived[weekday == k]) for k in range(7)])
    usual = own.mean(0)
    own = own[:, usual > 0] / usual[usual > 0]
    return {
        "weekday_index_mon_sun": [ratio(7.0 * x, sums.sum()) for x in sums],
        "weekday_index_sd_across_shops": [float(row.std()) for row in own] if own.shape[1] > 1 else none,
    }


def _mean_by_shop(lived: Floats) -> Floats:
    counted = np.isfinite(lived).sum(0)
    means: Floats = np.nansum(lived, 0) / np.where(counted, counted, np.nan)
    return means


def within_week(days: ShopDays) -> Figures:
    """How much the days of a week vary, beyond what chance gives."""
    counted = np.where(np.isfinite(days.weeks())[:, None, :], _by_week(days, days.orders), np.nan)
    level = counted.mean(1)
    level = np.where(level >= 1.0, level, np.nan)
    spread = counted.std(1) / level
    beyond = []
    for shop in np.flatnonzero(np.isfinite(level).any(0)):
        middle, orders = np.median(finite(spread[:, shop])), finite(level[:, shop]).mean()
        beyond.append(float(np.sqrt(max(middle**2 - 1.0 / orders, 0.0))))
    return {"daily_cv_within_week_beyond_poisson_median": median(beyond)}


def windows(year: int) -> dict[str, tuple[date, date]]:
    """First and last day of the events of a year."""
    singles = date(year, 11, 11)
    monday = singles - timedelta(days=singles.weekday())
    found = {
        f"singles_day_week_{year}": (monday, monday + timedelta(days=6)),
        f"singles_day_{year}": (singles, singles),
        f"christmas_week_{year}": (date(year, 12, 21), date(year, 12, 27)),
        f"labour_day_{year}": (date(year, 5, 1), date(year, 5, 2)),
        f"golden_week_{year}": (date(year, 10, 1), date(year, 10, 7)),
    }
    try:
        eve = festivals(year)["spring_festival"] - timedelta(days=1)
    except (KeyError, ValueError):  # beyond the table of the lunar calendar
        return found
    return found | {f"spring_festival_{year}": (eve, eve + timedelta(days=6))}


def multiple(days: ShopDays, begin: int, end: int) -> Figures | None:
    """What shops sell on rows ``begin`` to ``end`` over what they sell around; None where days are not in the data."""
    if begin - FAR < 0 or end + FAR >= days.n_days:
        return None
    known = days.is_recorded
    around = np.concatenate([np.arange(begin - FAR, begin - NEAR + 1), np.arange(end + NEAR, end + FAR + 1)])
    inside = np.arange(begin, end + 1)
    around, inside = around[known[around]], inside[known[inside]]
    usual = days.orders[around].mean(0)
    counts: npt.NDArray[np.bool_] = (days.opened < begin - BEFORE) & (usual >= LEAST)
    if not counts.any() or inside.size == 0:
        return None
    then, usual = days.orders[inside].mean(0)[counts], usual[counts]
    each = then / usual
    return {
        "n_shops": int(counts.sum()),
        "aggregate_multiple": ratio(then.sum(), usual.sum()),
        "median_shop_multiple": median(each),
        "p10": float(np.quantile(each, 0.1)),
        "p90": float(np.quantile(each, 0.9)),
        "share_shops_zero": float((each == 0).mean()),
    }


def events(days: ShopDays) -> Figures:
    """Multiples of the events that lie in the data."""
    found = {}
    for year in range(days.first.year, days.date_of(days.n_days - 1).year + 1):
        for name, (begin, end) in windows(year).items():
            figures = multiple(days, days.row_of(begin), days.row_of(end))
            if figures is not None:
                found[name] = figures
    return {"events": found}
