"""The calendar of demand: a mean of one, the Spring Festival on its moving date, and the windows that look along it."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from sim.core.clock import festivals
from sim.world.calendar import Season
from sim.world.parameters import Category, MerchantParameters
from sim.world.season import ahead, behind, season_table

CATEGORIES = MerchantParameters().categories
WEEKDAYS = Season().weekdays
FLAT = Category(share=1.0, q1=1.0, q2=1.0, q3=1.0, q4=1.0)


def without_weekdays(first: date, n_days: int, categories: list[Category]) -> np.ndarray:
    week = np.array([WEEKDAYS[(first.weekday() + i) % 7] for i in range(n_days)])
    return season_table(first, n_days, categories).astype(float) / week[:, None]


def test_a_week_has_a_mean_of_one() -> None:
    assert len(WEEKDAYS) == 7
    assert sum(WEEKDAYS) == pytest.approx(7.0, abs=1e-12)


def test_every_category_has_a_mean_of_one_over_a_common_year() -> None:
    table = without_weekdays(date(2011, 1, 1), 365, list(CATEGORIES.values()))
    assert np.abs(table.mean(axis=0) - 1.0).max() < 1e-6


@pytest.mark.parametrize("year", [2010, 2012, 2013, 2020, 2033])
def test_other_years_differ_by_where_the_festival_falls(year: int) -> None:
    days = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    means = season_table(date(year, 1, 1), days, list(CATEGORIES.values())).mean(axis=0)
    assert np.abs(means - 1.0).max() < 0.005


@pytest.mark.parametrize("festival", [date(2012, 1, 23), date(2013, 2, 10), date(2014, 1, 31)])
def test_trade_rests_at_the_spring_festival(festival: date) -> None:
    """Parcels slow down two weeks before, stand almost still on the day, and flow again two weeks after."""
    assert festivals(festival.year)["spring_festival"] == festival
    found = without_weekdays(festival - timedelta(days=30), 61, [FLAT])[:, 0]
    factor = found / found[0]
    assert int(factor.argmin()) == 30
    by_distance = {-15: 1.0, -14: 1.0, -7: 0.85, -3: 0.5, 0: 0.3, 4: 0.4, 7: 0.75, 14: 1.0, 15: 1.0, 30: 1.0}
    for distance, expected in by_distance.items():
        assert factor[30 + distance] == pytest.approx(expected, abs=1e-5), distance
    assert (np.diff(factor[16:31]) < 0).all()
    assert (np.diff(factor[30:45]) > 0).all()


def test_the_depth_and_the_length_of_the_festival_are_parameters() -> None:
    """Half the depth is half of what is missing on every day; twice the length is the same at twice the distance."""
    feast = date(2012, 1, 23)
    first, at = feast - timedelta(days=40), 40

    def dip(season: Season) -> np.ndarray:
        found = season_table(first, 81, [FLAT], season)[:, 0].astype(float)
        week = np.array([season.weekdays[(first.weekday() + i) % 7] for i in range(81)])
        return 1.0 - found / week / (found / week)[0]

    usual = dip(Season())
    assert np.allclose(dip(Season(festival_low=0.65)), 0.5 * usual, atol=1e-5)
    assert dip(Season(festival_low=1.0)) == pytest.approx(0.0, abs=1e-6)
    assert dip(Season(festival_low=1.2))[at] == pytest.approx(-0.2, abs=1e-5)
    longer = dip(Season(festival_before="28 days"))
    assert np.allclose(longer[at - 28 : at + 1 : 2], usual[at - 14 : at + 1], atol=1e-5)
    assert np.allclose(longer[at:], usual[at:], atol=1e-5)
    assert np.allclose(dip(Season(festival_after="7 days"))[at : at + 8], usual[at : at + 15 : 2], atol=1e-5)


def test_weekdays_are_parameters_over_their_mean() -> None:
    season = Season(monday=2.0, sunday=1.0)
    flat = season_table(date(2012, 9, 3), 7, [FLAT], season)[:, 0].astype(float)
    written = np.array([2.0, 1.03, 1.02, 1.01, 1.00, 0.95, 1.0])
    assert np.allclose(flat / flat.mean(), written / written.mean(), rtol=1e-6)
    assert Season().weekdays == (1.03, 1.03, 1.02, 1.01, 1.00, 0.95, 0.96)  # the same bits as written


def test_the_festival_moves_with_the_year() -> None:
    """The same calendar day is a holiday in one year and an ordinary day in the next."""
    for quiet, busy in ((date(2012, 1, 23), date(2013, 1, 23)), (date(2013, 2, 10), date(2012, 2, 10))):
        rest, work = (without_weekdays(day, 1, [FLAT])[0, 0] for day in (quiet, busy))
        assert rest < 0.4 * work


def test_quarters_have_their_index_and_weekdays_their_share() -> None:
    """In mid-May and mid-November the curve is at the middle of its quarter, far from any festival."""
    categories = list(CATEGORIES.values())
    may, november = (without_weekdays(day, 1, categories)[0] for day in (date(2012, 5, 15), date(2012, 11, 15)))
    expected = [category.q4 / category.q2 for category in categories]
    assert np.allclose(november / may, expected, rtol=0.01)
    flat = season_table(date(2012, 9, 3), 7, [FLAT])[:, 0]  # a Monday
    assert np.allclose(flat / flat.mean(), WEEKDAYS, rtol=1e-6)


def test_a_day_has_the_same_factor_wherever_the_table_begins() -> None:
    categories = list(CATEGORIES.values())
    whole = season_table(date(2011, 10, 1), 200, categories)
    assert whole.shape == (200, len(categories))
    assert whole.dtype == np.float32
    assert np.array_equal(season_table(date(2011, 12, 20), 40, categories), whole[80:120])
    assert np.array_equal(season_table(date(2011, 10, 1), 200, categories[2:3])[:, 0], whole[:, 2])


def test_the_whole_tabled_calendar_has_a_season() -> None:
    """No day needs the festival of a year that is not tabled."""
    for first in (date(2000, 1, 1), date(2040, 1, 1), date(2040, 12, 1)):
        assert season_table(first, 31, [FLAT]).min() > 0


@pytest.mark.parametrize("horizon", [1, 5, 24, 100])
def test_windows_are_plain_means(horizon: int) -> None:
    table = season_table(date(2011, 12, 1), 60, list(CATEGORIES.values())[:3])
    coming, past = ahead(table, horizon), behind(table, horizon)
    assert coming.shape == past.shape == table.shape
    for day in range(60):
        last = table[max(0, day - horizon + 1) : day + 1]
        assert np.allclose(past[day], last.mean(axis=0), rtol=1e-5)
        following = table[day + 1 : day + 1 + horizon]
        assert np.allclose(coming[day], (following if following.size else table[-1:]).mean(axis=0), rtol=1e-5)
