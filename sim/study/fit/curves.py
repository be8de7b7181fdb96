"""The curves of a fit's pictures: the same of real and of simulated shops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.study.fit.shops import own_autocorrelation, series_of, shop_figures
from sim.study.moments.describe import Floats, finite, group_of
from sim.study.moments.growth import weekly_growth
from sim.study.moments.sellers import survival
from sim.study.moments.shop_days import ShopDays

SILENT = 60  # days without an order at the end that count as gone
MONTHS = tuple(range(25))
LAGS = tuple(range(1, 14))


@dataclass(frozen=True)
class Curve:
    """A curve: places, heights, and where they have any, standard errors over merchants."""

    x: Floats
    y: Floats
    error: Floats | None = None


def curves_of(days: ShopDays) -> dict[str, Curve]:
    """All curves of some shops, by name of the picture."""
    orders = np.sort(days.mean_orders())
    found = {"sizes": Curve((np.arange(orders.size) + 0.5) / orders.size, orders)}
    found["zero_days"] = _zero_days(days)
    rest = series_of(days)
    if rest.shape[0] > LAGS[-1] + 2 and np.isfinite(rest).any():
        own = [finite(own_autocorrelation(rest, lag)) for lag in LAGS]
        found["persistence"] = _middles(np.array(LAGS, np.float64), own)
    figures = shop_figures(days)
    tenth = group_of(days.mean_orders(), 5)
    spreads = [finite(np.exp(figures["log_deviation"][tenth == k])) for k in range(5)]
    if all(one.size for one in spreads):
        found["growth"] = _middles(np.arange(1.0, 6.0), spreads)
    pooled = np.sort(finite(weekly_growth(days.weeks())))
    if pooled.size > 50:
        shares = np.linspace(0.01, 0.99, 99)
        found["weeks"] = Curve(shares, np.quantile(pooled, shares))
    last = days.n_days - 1 - np.argmax(days.orders[::-1] > 0, axis=0)
    lives = survival(days.opened.astype(float), last.astype(float), float(days.n_days - 1), SILENT, MONTHS)
    known = [(month, share) for month, share in ((m, lives[str(m)]) for m in MONTHS) if share is not None]
    if known:
        found["survival"] = Curve(np.array([m for m, _ in known], float), np.array([s for _, s in known]))
    found["total"] = _total(days)
    found["weekdays"] = _weekdays(days)
    return found


def _middles(x: Floats, groups: list[Floats]) -> Curve:
    """Medians of groups of shops, with the standard error of a median from the interquartile range."""
    middle = np.array([np.median(one) if one.size else np.nan for one in groups])
    error = np.array([
        1.2533 * np.subtract(*np.quantile(one, [0.75, 0.25])) / 1.349 / np.sqrt(one.size) if one.size > 3 else np.nan
        for one in groups
    ])  # fmt: skip
    return Curve(x, middle, error)


def _zero_days(days: ShopDays) -> Curve:
    lived = days.is_lived
    own = ((days.orders == 0) & lived).sum(0) / lived.sum(0)
    tenth = group_of(days.mean_orders(), 5)
    groups = [own[tenth == k] for k in range(5)]
    mean = np.array([one.mean() if one.size else np.nan for one in groups])
    error = np.array([one.std() / np.sqrt(one.size) if one.size else np.nan for one in groups])
    return Curve(np.arange(1.0, 6.0), mean, error)


def _total(days: ShopDays) -> Curve:
    """Orders of all shops by week, over the mean week."""
    n = days.n_days // 7
    weeks = days.orders[: 7 * n].reshape(n, 7, -1).sum((1, 2))
    return Curve(np.arange(n, dtype=np.float64), weeks / weeks.mean())


def _weekdays(days: ShopDays) -> Curve:
    known = days.is_recorded
    sums = np.array([days.orders[known & (days.weekday == k)].sum(1).mean() for k in range(7)])
    return Curve(np.arange(7.0), sums / sums.mean())
