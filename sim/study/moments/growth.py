"""How sales grow from week to week and from month to month.

- Weeks: whole weeks, Monday to Sunday, that begin at least 7 days after the first sale. Growth is the difference of
  log(1 + orders) of two weeks in a row, both with orders. ``weekly_log_growth_pooled`` takes all shops together;
  ``weekly_log_growth_sd_by_shop`` the deviation within a shop, for shops with at least 26 such weeks, and
  ``weekly_log_growth_sd_by_size_quartile`` its median in each quarter of these shops by mean weekly orders.
- Months: log of mean orders a recorded day, calendar months that begin no earlier than the shop, the last one as far
  as it goes. Growth needs orders in both months; a shop's own deviation at least 6 of them.
- ``monthly_growth_autocorr_lag1``: correlation of a month's growth with the next one's, all shops and months
  together.
- ``share_of_monthly_growth_variance_common``: 1 - var(growth - median growth of its month) / var(growth).
"""

from __future__ import annotations

import warnings

import numpy as np

from sim.study.moments.describe import (
    Figures,
    Floats,
    correlation,
    describe,
    excess_kurtosis,
    finite,
    group_of,
    median,
    ratio,
)
from sim.study.moments.shop_days import ShopDays

ENOUGH_WEEKS = 26
ENOUGH_MONTHS = 6  # growths of a month


def weekly_growth(weeks: Floats) -> Floats:
    """Growth between weeks in a row, (weeks - 1, shops); NaN where one of the two has no orders."""
    logs: Floats = np.where(weeks > 0, np.log1p(weeks), np.nan)
    return np.diff(logs, axis=0)


def deviation(growth: Floats) -> Floats:
    """Standard deviation of each column's finite values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column without any
        spread: Floats = np.nanstd(growth, axis=0)
        return spread


def by_week(days: ShopDays) -> Figures:
    """Growth from week to week."""
    weeks = days.weeks()
    growth = weekly_growth(weeks)
    is_long = np.isfinite(weeks).sum(0) >= ENOUGH_WEEKS
    own = deviation(growth[:, is_long])
    quarter = group_of(np.nanmean(weeks[:, is_long], axis=0), 4)
    pooled = finite(growth)
    return {
        "weekly_log_growth_sd_by_shop": describe(own),
        "weekly_log_growth_sd_by_size_quartile": [median(own[quarter == k]) for k in range(4)],
        "weekly_log_growth_pooled": describe(pooled) | {"exkurt": excess_kurtosis(pooled)},
    }


def by_month(days: ShopDays) -> Figures:
    """Growth from month to month, and how much of it all shops share."""
    names, means = days.months()
    growth = np.diff(np.log(np.where(means > 0, means, np.nan)), axis=0)
    pooled = finite(growth)
    is_long = np.isfinite(growth).sum(0) >= ENOUGH_MONTHS
    middle = [median(row) for row in growth]
    common = np.array([np.nan if value is None else value for value in middle])
    rest = finite(growth - common[:, None])
    left = ratio(rest.var(), pooled.var()) if pooled.size else None
    return {
        "monthly_log_growth_pooled": describe(pooled),
        "monthly_log_growth_sd_by_shop": describe(deviation(growth[:, is_long])),
        "monthly_growth_autocorr_lag1": correlation(growth[:-1].ravel(), growth[1:].ravel()),
        "median_shop_monthly_log_growth_by_month": {
            name: value for name, value in zip(names[1:], middle, strict=True) if value is not None
        },
        "share_of_monthly_growth_variance_common": None if left is None else 1.0 - left,
    }
