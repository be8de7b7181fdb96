"""What makes a shop's days its own: weekdays, holidays, first weeks, days off; none of it where nothing asks for it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sim.core import draws
from sim.core.clock import day_number
from sim.core.merchants import Merchants
from sim.world.own_days import LEANINGS, LEAST, LIKENESS, MOST_SLACK, OwnDays
from sim.world.parameters import MerchantParameters

N, SEED = 20_000, 3
IDS = np.arange(1, N + 1)
MONDAY = date(2012, 3, 5)
FESTIVAL = date(2012, 1, 23)
HOLIDAY = (date(2012, 10, 1), 7, 1.1, 0.3)
Floats = npt.NDArray[np.float64]


def shops() -> Merchants:
    m = Merchants(N, 0)
    m.opened_day[:] = 1
    return m


def own(holidays: tuple[Any, ...] = (), **groups: dict[str, Any]) -> OwnDays:
    return OwnDays(MerchantParameters.model_validate(groups), SEED, IDS, holidays)


def factors(days: OwnDays, day: date, m: Merchants | None = None) -> Floats:
    return days.factors(day, m if m is not None else shops()).astype(np.float64)


def normals(k: int) -> Floats:
    return draws.normal(SEED, "birth.rhythm", draws.ONCE, IDS, 100 + k)


def test_by_default_there_is_nothing() -> None:
    assert not own().is_on
    assert own().factors(MONDAY, shops()).size == 0


def test_the_weekend_of_a_shop_is_its_own_and_its_week_stays_whole() -> None:
    days = own(season={"own_weekend": 0.2, "own_weekdays": 0.05})
    assert sum(LEANINGS) == pytest.approx(0.0)
    week = np.array([factors(days, MONDAY + timedelta(days=k)) for k in range(7)])
    weights = np.array(days.p.season.weekdays)
    assert np.average(week, axis=0, weights=weights) == pytest.approx(1.0, abs=1e-5)
    expected = np.array([1.0 + 0.2 * LEANINGS[k] * normals(0) + 0.05 * normals(1 + k) for k in range(7)])
    expected = np.maximum(expected, LEAST)
    assert np.allclose(week, expected / np.average(expected, axis=0, weights=weights), atol=1e-5)
    assert np.array_equal(week[0], factors(days, MONDAY + timedelta(days=7)))  # next week is the same
    assert week[5].std() == pytest.approx(0.2, rel=0.1)


def test_a_holiday_means_what_its_event_says_on_its_days_alone() -> None:
    days = own((HOLIDAY,), season={"own_weekend": 0.2})
    plain = own(season={"own_weekend": 0.2})
    day = date(2012, 10, 3)
    z = draws.normal(SEED, "event.holiday", day_number(HOLIDAY[0]), IDS)
    like = LIKENESS * normals(0) + np.sqrt(1.0 - LIKENESS**2) * z
    found = factors(days, day) / factors(plain, day)
    assert np.allclose(found, np.maximum(1.1 + 0.3 * like, LEAST), rtol=1e-4)
    assert np.corrcoef(found, normals(0))[0, 1] == pytest.approx(LIKENESS, abs=0.03)
    for other in (date(2012, 9, 30), date(2012, 10, 8)):
        assert np.array_equal(factors(days, other), factors(plain, other))


def test_shops_differ_most_on_the_day_of_the_festival_and_not_far_from_it() -> None:
    days = own(season={"own_festival": 0.3, "festival_low": 1.0})
    assert np.allclose(factors(days, FESTIVAL), np.maximum(1.0 + 0.3 * normals(8), LEAST), rtol=1e-5)
    near = factors(days, FESTIVAL + timedelta(days=7)).std()
    assert near == pytest.approx(0.3 * (1.0 - 0.75) / 0.7, rel=0.03)  # the shape: 0.75 a week later, 0.3 on the day
    assert (factors(days, FESTIVAL + timedelta(days=14)) == 1.0).all()


def test_a_shop_climbs_to_its_size() -> None:
    days = own(entrants={"climb": 0.8, "climb_days": "20 days"})
    m = shops()
    m.opened_day[:] = day_number(MONDAY)
    first, later = np.log(factors(days, MONDAY, m)), np.log(factors(days, MONDAY + timedelta(days=20), m))
    assert first.mean() == pytest.approx(-0.8, rel=0.03)  # exponential of this mean, and so of this deviation
    assert first.std() == pytest.approx(0.8, rel=0.04)
    assert np.allclose(later, first * np.exp(-1.0), rtol=1e-3, atol=1e-6)


def test_a_hot_product_keeps_its_height_and_the_next_one_has_another() -> None:
    days = own(spells={"hot_lift_sigma": 0.5})
    m = shops()
    m.spell[: N // 2], m.spell[N // 2 :] = 3, -3
    today = factors(days, MONDAY, m)
    m.spell[: N // 2] = 2
    assert np.array_equal(factors(days, MONDAY + timedelta(days=1), m), today)
    assert not np.array_equal(factors(days, MONDAY + timedelta(days=2), m), today)
    assert (today[N // 2 :] == 1.0).all()
    assert np.log(today[: N // 2]).std() == pytest.approx(0.5, rel=0.03)
    assert today[: N // 2].mean() == pytest.approx(1.0, abs=0.02)


def test_days_off_come_at_their_chance_each_day_anew() -> None:
    days = own(spells={"day_off": 0.05})
    found = [factors(days, MONDAY + timedelta(days=k)) for k in range(2)]
    assert set(np.unique(found)) == {0.0, 1.0}
    for one in found:
        assert (one == 0.0).mean() == pytest.approx(0.05, abs=0.006)
    assert ((found[0] == 0.0) & (found[1] == 0.0)).mean() < 0.005


def test_on_a_slack_day_a_shop_has_a_part_of_its_demand_at_most() -> None:
    found = factors(own(spells={"day_off": 0.05, "slack": 0.1}), MONDAY)
    assert (found == 0.0).mean() == pytest.approx(0.05, abs=0.006)
    slack = found[(found > 0.0) & (found < 1.0)]
    assert slack.size / N == pytest.approx(0.1, abs=0.008)
    assert slack.max() <= MOST_SLACK
    assert slack.mean() == pytest.approx(MOST_SLACK / 2.0, rel=0.04)


def test_more_merchants_change_nobody() -> None:
    groups: dict[str, Any] = {"season": {"own_weekend": 0.2, "own_weekdays": 0.1}, "spells": {"day_off": 0.1}}
    some = OwnDays(MerchantParameters.model_validate(groups), SEED, IDS[:100], (HOLIDAY,))
    m = Merchants(100, 0)
    m.opened_day[:] = 1
    assert np.array_equal(some.factors(HOLIDAY[0], m), own((HOLIDAY,), **groups).factors(HOLIDAY[0], shops())[:100])
