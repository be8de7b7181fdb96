"""The calendar of demand: season by category, weekdays and the Spring Festival, with a mean of one over a year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from sim.core.clock import FIRST_YEAR, LAST_YEAR, festivals
from sim.world.calendar import Season
from sim.world.parameters import Category

# The shape of the Spring Festival: factor by days from it, straight lines in between. Assumption. Its depth and its
# length on either side are parameters, and these numbers are those of their defaults.
_FESTIVAL_DAYS = np.array([-14, -7, -3, 0, 4, 7, 14], dtype=np.float64)
_FESTIVAL_FACTORS = np.array([1.0, 0.85, 0.5, 0.30, 0.40, 0.75, 1.0])
_LOW, _LENGTH = 0.30, 14


def _quarter_curves(categories: Sequence[Category], days: Sequence[date]) -> npt.NDArray[np.float64]:
    """Index of each day and category, (n_days, n_categories): straight lines between the middles of the quarters."""
    year_share = np.array([(day.timetuple().tm_yday - 1) / 365.25 for day in days])
    middles = (-0.125, 0.125, 0.375, 0.625, 0.875, 1.125)
    curves = [np.interp(year_share, middles, (c.q4, c.q1, c.q2, c.q3, c.q4, c.q1)) for c in categories]
    return np.stack(curves, axis=1)


def _festival_factors(days: Sequence[date], season: Season) -> npt.NDArray[np.float64]:
    """Factor of the Spring Festival nearest to each day, (n_days,); one far from it."""
    numbers = np.array([day.toordinal() for day in days])
    years = range(days[0].year, days[-1].year + 2)
    tabled = [year for year in years if FIRST_YEAR <= year <= LAST_YEAR]
    known = np.array([festivals(year)["spring_festival"].toordinal() for year in tabled])
    distance = (numbers[:, None] - known)[np.arange(numbers.size), np.abs(numbers[:, None] - known).argmin(axis=1)]
    stretched = np.where(_FESTIVAL_DAYS < 0, season.festival_before, season.festival_after) / _LENGTH * _FESTIVAL_DAYS
    shallower = 1.0 - (1.0 - season.festival_low) / (1.0 - _LOW)  # 0 where the dip is that of the shape
    heights = _FESTIVAL_FACTORS + shallower * (1.0 - _FESTIVAL_FACTORS)
    factors: npt.NDArray[np.float64] = np.interp(distance, stretched, heights)
    return factors


def festival_depth(day: date, season: Season) -> float:
    """How deep the Spring Festival's dip is on a day, over that of its own day; by the shape, whatever the depth."""
    usual = season.model_copy(update={"festival_low": _LOW})
    return float((1.0 - _festival_factors([day], usual)[0]) / (1.0 - _LOW))


def season_table(
    first: date, n_days: int, categories: Sequence[Category], season: Season | None = None
) -> npt.NDArray[np.float32]:
    """Seasonal factor of demand, shape (n_days, n_categories), mean one over a common year of each category.

    ``season`` holds weekdays and Spring Festival; the defaults where none is given.
    """
    season = season or Season()
    weekdays = season.weekdays
    days = [first + timedelta(days=i) for i in range(n_days)]
    calendar = np.array([weekdays[day.weekday()] for day in days]) * _festival_factors(days, season)
    year = [date(2011, 1, 1) + timedelta(days=i) for i in range(365)]
    norm = (_quarter_curves(categories, year) * _festival_factors(year, season)[:, None]).mean(axis=0)
    table: npt.NDArray[np.float32] = (calendar[:, None] * _quarter_curves(categories, days) / norm).astype(np.float32)
    return table


def ahead(table: npt.NDArray[np.float32], horizon: int) -> npt.NDArray[np.float32]:
    """Mean of the next ``horizon`` days (tomorrow onwards), same shape; the last days see what is left of the table."""
    sums = np.cumsum(np.concatenate([np.zeros((1, table.shape[1])), table], axis=0), axis=0)
    starts = np.minimum(np.arange(table.shape[0]) + 1, table.shape[0] - 1)
    ends = np.minimum(starts + horizon, table.shape[0])
    means: npt.NDArray[np.float32] = ((sums[ends] - sums[starts]) / (ends - starts)[:, None]).astype(np.float32)
    return means


def behind(table: npt.NDArray[np.float32], horizon: int) -> npt.NDArray[np.float32]:
    """Mean of the last ``horizon`` days, today included, same shape: the index a lender divides by."""
    sums = np.cumsum(np.concatenate([np.zeros((1, table.shape[1])), table], axis=0), axis=0)
    ends = np.arange(table.shape[0]) + 1
    starts = np.maximum(ends - horizon, 0)
    means: npt.NDArray[np.float32] = ((sums[ends] - sums[starts]) / (ends - starts)[:, None]).astype(np.float32)
    return means
