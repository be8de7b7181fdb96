"""What a fit reads of shops that differ: weekdays, first weeks, rests, wild weeks, holidays."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from sample_orders import MONDAY, counts, shop_days

from sim.core import draws
from sim.study.fit.holidays import Holiday, events_of, holidays_of, settled_holidays
from sim.study.fit.own_days import first_weeks, own_weekdays, rests_of_shops, weekday_halves, wild_weeks
from sim.study.moments.describe import Floats
from sim.world.own_days import LEANINGS


def normals(n: int, k: int = 0) -> Floats:
    return draws.normal(1, "birth.state", 0, np.arange(n), k)


def test_weekdays_of_shops_are_told_from_chance() -> None:
    """Of shops with few orders too, whose own indices spread far more by chance."""
    z, week = normals(500), np.arange(280) % 7
    own = np.stack([normals(500, 5 + k) for k in range(7)])
    factor = 1.0 + 0.2 * np.array(LEANINGS)[week][:, None] * z + 0.08 * own[week]
    found = own_weekdays({"halves": weekday_halves(shop_days(counts(8.0 * np.maximum(factor, 0.05))))})
    assert found["season.own_weekend"] == pytest.approx(0.2, rel=0.12)
    assert found["season.own_weekdays"] == pytest.approx(0.08, rel=0.15)
    alike = own_weekdays({"halves": weekday_halves(shop_days(counts(np.full((280, 500), 8.0))))})
    assert max(alike.values()) < 0.03


def test_the_first_weeks_are_held_against_the_third_and_fourth_month() -> None:
    orders = np.full((200, 3), 20.0)
    orders[:10] = 0.0
    orders[0, 2] = 20.0  # there on the first day
    orders[10:17, 0] = 5.0
    orders[24:38, 1] = 10.0
    found = first_weeks(shop_days(orders))
    assert found["early"][:2] == pytest.approx([np.log(5.04 / 20.04), 0.0])
    assert found["next"][:2] == pytest.approx([0.0, np.log(10.04 / 20.04)])
    assert np.isnan(found["early"][2])


def test_days_off_and_weeks_with_one_day_are_counted() -> None:
    orders = np.full((70, 2), 20.0)
    orders[5], orders[9:11] = 0.0, 0.0  # a day off, and two days that are none
    orders[21:35, 0] = 0.0
    orders[30, 0] = 1.0
    found = rests_of_shops(shop_days(np.column_stack([orders, np.full((70, 25), 20.0)]), MONDAY))
    assert found["days_off"][:3].tolist() == [1, 1, 0]
    assert found["shut_weeks"][:2].tolist() == [2, 0]
    assert found["one_day"][:2].tolist() == [1, 0]
    assert found["shut_share"][0] == pytest.approx(16 / 70)


def test_wild_weeks_are_those_beyond_the_shops_own() -> None:
    level = np.exp(0.1 * normals(60 * 40, 7).reshape(60, 40))
    calm = np.repeat(200.0 * level, 7, axis=0)
    wild = calm.copy()
    wild[7 * 30 :, 0] *= 5.0
    a, b = wild_weeks(shop_days(calm)), wild_weeks(shop_days(wild))
    assert a["wild"].sum() <= 0.01 * a["wild_of"].sum()
    assert (a["wild"][0], b["wild"][0]) == (0, 1)


def test_a_holiday_is_found_and_settled_by_what_simulated_shops_sell() -> None:
    first = date(2015, 8, 1)
    mean = np.full((120, 400), 40.0)
    row = (date(2015, 10, 1) - first).days
    plain = shop_days(counts(mean), first)
    mean[row : row + 7] *= np.maximum(0.9 + 0.3 * normals(400), 0.0)
    real = shop_days(counts(mean), first)
    (found,) = holidays_of(real)
    assert (found.name, found.first, found.days) == ("golden_week_2015", date(2015, 10, 1), 7)
    assert (found.lift, found.spread) == (pytest.approx(0.9, abs=0.04), pytest.approx(0.3, rel=0.12))
    assert found.first + timedelta(days=found.days - 1) == date(2015, 10, 7)
    # shops that have neither give what is missing; shops that have both give nothing
    (more,) = settled_holidays((Holiday("golden_week_2015", date(2015, 10, 1), 7, 1.0, 0.0, 0.1),), real, plain)
    assert (more.lift, more.spread) == (pytest.approx(0.9, abs=0.05), pytest.approx(0.3, rel=0.15))
    assert settled_holidays((found,), real, real) == (found,)
    (event,) = events_of((found,)).values()
    assert (event["kind"], event["date"], event["days"]) == ("holiday", "2015-10-01", 7)
