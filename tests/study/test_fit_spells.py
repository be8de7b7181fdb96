"""What closures, spikes, weekdays and the Spring Festival tell a fit: figures worked out on paper, known answers."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest
from sample_orders import MONDAY, counts, shop_days

from sim.study.fit.begin import all_came_back, rare, unseen
from sim.study.fit.paired import PAIRS, figures_of
from sim.study.fit.promotions import Promotion, promotions_of, settled
from sim.study.fit.spells import (
    closures,
    feast_figures,
    rest_chance,
    rests,
    spike_figures,
    weekday_sums,
    weekdays,
    within_reach,
)
from sim.world.calendar import Season
from sim.world.parameters import Category
from sim.world.season import season_table

SUMMER, FEAST = date(2012, 4, 2), date(2013, 2, 10)
MOMENTS = {pair.key: pair.moment for pair in PAIRS}


def test_a_closure_is_a_silence_that_cannot_be_chance_and_ends() -> None:
    orders = np.full((200, 4), 5.0)
    orders[50:60, 0] = 0.0  # ten days, of which seven are the least
    orders[50:56, 1] = 0.0  # six days are none
    orders[190:, 2] = 0.0  # not over yet
    orders[:, 3] = 0.0
    orders[::10, 3] = 1.0  # one order in ten days: nine days of silence are chance
    found = closures(shop_days(orders, SUMMER))
    assert found["closures"].tolist() == [1, 0, 0, 0]
    assert found["shut_beyond"].tolist() == [3, 0, 0, 0]
    assert found["open_days"].tolist() == [190, 200, 200, 200]
    assert found["open_pace"][0] == pytest.approx(5.0)


def test_a_closure_of_the_spring_festival_is_counted_elsewhere() -> None:
    first = FEAST - timedelta(days=60)
    orders = np.full((120, 30), 5.0)
    orders[56:66, :10] = 0.0
    days = shop_days(orders, first)
    assert closures(days)["closures"].sum() == 0
    found = feast_figures(days)
    assert found["feast_shops"].sum() == 30
    assert found["feast_shut"].sum() == 10
    assert MOMENTS["spells.festival"](found) == pytest.approx(1 / 3)
    assert MOMENTS["season.festival_low"](found) == pytest.approx(math.log(2 / 3), abs=0.01)


def test_the_length_of_rests_is_found_behind_their_least() -> None:
    """Whole days of 1 and an exponential time: the mean beyond any least tells the mean."""
    u = (np.arange(20_000) + 0.5) / 20_000
    length = 1 + np.floor(-13.0 * np.log(u))
    seen = length[length >= 7]
    figures = {"closures": np.ones(seen.size), "shut_beyond": seen - 7}
    found = rests(figures, 0.4)
    assert found["spells.rest_days"] == pytest.approx(14.0, abs=0.1)
    assert found["spells.orders_exponent"] == 0.4
    assert math.isnan(rests({name: one[:19] for name, one in figures.items()}, 0.4)["spells.rest_days"])


def test_the_chance_to_rest_is_counted_back_from_what_is_seen() -> None:
    """1,000 shops of 8 orders a day, open for a year; chance 0.01 / 9^0.5, of which exp(-6/13) are 7 days or longer."""
    n = 1_000 * 365 * 0.01 / 3.0 * math.exp(-6.0 / 13.0)
    excess = 1.0 / math.expm1(1.0 / 13.0)
    figures = {
        "closures": np.full(1_000, n / 1_000), "shut_beyond": np.full(1_000, n * excess / 1_000),
        "open_days": np.full(1_000, 365.0), "open_pace": np.full(1_000, 8.0),
    }  # fmt: skip
    assert rest_chance(figures, 0.5) == pytest.approx(0.01, rel=1e-6)


def test_the_fall_of_rests_is_held_where_large_shops_shut_for_the_festival() -> None:
    n = np.full(100, 1.0)
    figures = {
        "closures": n, "shut_beyond": 10 * n, "open_days": 300 * n, "open_pace": 99 * n, "feast_shops": n,
        "feast_shut": 0.2 * n,
    }  # fmt: skip
    held = within_reach(figures, 1.0)
    assert 0.6 * 100.0**-held == pytest.approx(0.2, rel=0.05)
    assert within_reach(figures | {"feast_shut": 0.0 * n}, 0.3) == pytest.approx(0.3)


def test_spikes_are_counted_with_their_height_and_their_runs() -> None:
    orders = np.full((100, 2), 20.0)
    orders[40:42, 0] = 80.0
    orders[60, 0] = 60.0
    found = spike_figures(shop_days(orders, SUMMER))
    assert found["seen"].tolist() == [100, 100]
    assert found["high"].tolist() == [3, 0]
    assert found["runs"].tolist() == [2, 0]
    assert found["height"][0] == pytest.approx(2 * math.log(2.0) + math.log(1.5))
    assert MOMENTS["spells.hot"](found) == pytest.approx(math.sqrt(3 / 200))


def test_weekdays_are_read_off_whole_weeks() -> None:
    index = np.array([0.8, 0.9, 0.9, 1.0, 1.0, 1.3, 1.1])
    mean = np.tile(index, 20)[:, None] * np.linspace(20.0, 60.0, 40)
    mean[70:77] *= 3.0  # a busy week moves no weekday
    found = weekdays({"weekday": weekday_sums(shop_days(counts(mean), SUMMER))})
    assert list(found.values()) == pytest.approx(index / index.mean(), rel=0.02)
    assert math.isnan(weekdays({"weekday": weekday_sums(shop_days(counts(mean[:21]), SUMMER))})["season.monday"])


def test_a_spring_festival_of_the_model_is_no_promotion() -> None:
    first = date(2012, 11, 1)
    flat = Category(share=1.0, q1=1.0, q2=1.0, q3=1.0, q4=1.0)
    shallow = season_table(first, 200, [flat], Season(festival_low=0.9)).astype(float) * np.linspace(15.0, 60.0, 40)
    assert promotions_of(shop_days(counts(shallow), first)) == ()


def test_a_promotion_that_brings_too_little_is_lifted_by_as_much() -> None:
    mean = np.tile(np.linspace(15.0, 60.0, 40), (200, 1))
    mean[120] *= 1.4
    asked = Promotion("sale", MONDAY + timedelta(days=120), 1, 1.6, 0.05, "")
    (found,) = settled((asked,), shop_days(counts(mean)))
    assert found.lift == pytest.approx(1.0 + 0.6 * 0.6 / 0.4, abs=0.08)
    assert found.error > asked.error


def test_what_is_rare_is_read_off_and_not_searched_for() -> None:
    orders = np.full((300, 40), 20.0)
    figures = figures_of(shop_days(orders, SUMMER), 10.0)
    keys = unseen(figures)
    assert {"exits.hazard", "spells.rest", "spells.hot", "season.festival_low"} <= set(keys)
    values = {"exits.hazard": 0.0}
    found = {one.key: one for one in rare(figures | {"opened": np.zeros(40)}, values, set(), 300)}
    assert found["spells.rest"].value == 0.0 < found["spells.rest"].error
    assert not all_came_back(figures)


def test_shops_that_all_came_back_never_leave() -> None:
    orders = np.full((300, 25), 20.0)
    orders[100:140] = 0.0
    orders[100:140, 0] = 20.0
    orders[141:180, 0] = 0.0
    figures = figures_of(shop_days(orders, SUMMER), 10.0) | {"opened": np.zeros(25)}
    assert all_came_back(figures)
    found = {one.key: one.value for one in rare(figures, {"exits.hazard": 0.1}, set(), 300)}
    assert found["exits.hazard"] == 0.0
