"""What all shops share: season, and the market's own shocks, from the common path of their weeks.

These rest on one path, however many shops there are: their standard errors are those of a short, autocorrelated series
and do not shrink with more merchants.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from sim.study.fit.promotions import Promotion, is_festive, promotions_of
from sim.study.moments.describe import Floats, finite
from sim.study.moments.growth import weekly_growth
from sim.study.moments.rhythm import common_path
from sim.study.moments.shop_days import FEW, ShopDays
from sim.world.calendar import Season

YEAR = 365  # days that a season needs
CARRY = 0.97  # autocorrelation of common shocks one day apart, as `demand.common_autocorrelation` has it


@dataclass(frozen=True)
class Common:
    """What is common: sales index by quarter and its standard errors, deviation of the market's shock, promotions.

    ``quarters`` is None where the days do not span a year.
    """

    quarters: tuple[Floats, Floats] | None
    shock: float
    shock_error: float
    promotions: tuple[Promotion, ...]


def common_of(days: ShopDays, season: Season | None = None) -> Common:
    """Measure what all shops share; ``season`` holds the weekdays of the model."""
    promotions = promotions_of(days, season)
    starts = [days.first + timedelta(days=(7 - days.first.weekday()) % 7 + 7 * k) for k in range(days.weeks().shape[0])]
    weeks = days.weeks()
    known = _usable(starts, promotions) & (np.isfinite(weeks).sum(1) >= FEW)
    if known.sum() < 8:
        return Common(None, math.nan, math.nan, promotions)
    path = common_path(weeks)
    quarters, rest = _season(path, starts, known, days.n_days)
    shock, error = _shock(rest, known, weeks)
    return Common(quarters, shock, error, promotions)


def _usable(starts: list[date], promotions: tuple[Promotion, ...]) -> npt.NDArray[np.bool_]:
    """Weeks away from the Spring Festival, whose dip has parameters of its own, and without a promotion."""
    good = np.ones(len(starts), bool)
    for k, start in enumerate(starts):
        end = start + timedelta(days=6)
        good[k] = not (is_festive(start) or is_festive(end))
        good[k] &= all(end < one.first or one.last < start for one in promotions)
    return good


def basis_of(starts: list[date]) -> Floats:
    """How much each quarter's index counts in a week, (weeks, 4), as `sim.world.season` draws it."""
    share = np.array([((start + timedelta(days=3)).timetuple().tm_yday - 1) / 365.25 for start in starts])
    middles = (-0.125, 0.125, 0.375, 0.625, 0.875, 1.125)
    unit = np.eye(4)
    return np.stack([np.interp(share, middles, [row[3], *row, row[0]]) for row in unit], 1)


def _season(
    path: Floats, starts: list[date], known: npt.NDArray[np.bool_], n_days: int
) -> tuple[tuple[Floats, Floats] | None, Floats]:
    """Sales index by quarter, mean one, with standard errors; and what is left of the path after trend and season.

    Least squares of the path on a straight line and three contrasts of the quarters. The errors are widened by (1 + r)
    / (1 - r), r the autocorrelation of what is left.
    """
    at = np.arange(path.size) / 52.0
    design = np.stack([np.ones_like(at), at], 1)
    has_season = n_days >= YEAR
    if has_season:
        basis = basis_of(starts)
        design = np.concatenate([design, basis[:, :3] - basis[:, 3:]], 1)
    inverse = np.linalg.pinv(design[known].T @ design[known])
    beta = inverse @ design[known].T @ path[known]
    rest = np.where(known, path - design @ beta, np.nan)
    if not has_season:
        return None, rest
    left = rest[known]
    variance = float(left @ left) / max(known.sum() - design.shape[1], 1)
    r = float(np.clip(np.corrcoef(left[:-1], left[1:])[0, 1], 0.0, 0.95))
    wide = variance * (1.0 + r) / (1.0 - r)
    contrast = np.concatenate([np.eye(3), -np.ones((1, 3))])
    logs = contrast @ beta[2:]
    errors = np.sqrt(np.diag(contrast @ inverse[2:, 2:] @ contrast.T) * wide)
    index = np.exp(logs)
    index = np.clip(index / index.mean(), 0.1, 5.0)
    return (index, index * errors), rest


def _shock(rest: Floats, known: npt.NDArray[np.bool_], weeks: Floats) -> tuple[float, float]:
    """Deviation of the market's shock from the steps of the path from week to week.

    The weekly mean of an autoregressive shock of unit variance moves by a variance known from its autocorrelation; the
    variance of a median over shops is taken off. Steps are measured by their interquartile range.
    """
    steps = np.diff(rest)[known[1:] & known[:-1]]
    if steps.size < 8:
        return math.nan, math.nan
    low, high = np.quantile(steps, [0.25, 0.75])
    moved = ((high - low) / 1.349) ** 2
    growth = weekly_growth(weeks)
    chance = [1.57 * (np.subtract(*np.quantile(own, [0.75, 0.25])) / 1.349) ** 2 / own.size
              for own in map(finite, growth) if own.size >= FEW]  # fmt: skip
    gap = np.abs(np.arange(7)[:, None] - np.arange(7))
    ahead = np.abs(np.arange(7)[:, None] - np.arange(7) - 7)
    per_unit = 2.0 * (float((CARRY**gap).mean()) - float((CARRY**ahead).mean()))
    variance = max(moved - float(np.mean(chance)), 0.0) / per_unit
    shock = math.sqrt(variance)
    error = moved * 1.6 * math.sqrt(2.0 / steps.size) / per_unit / (2.0 * max(shock, 0.02))
    return min(shock, 1.0), error
