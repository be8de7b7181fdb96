"""The parts of a fit: figures worked out on paper, estimates from made-up data whose answer is known."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest
from sample_orders import MONDAY, counts, shop_days, steady
from scipy.special import ndtri

from sim.core import draws
from sim.study.fit.adjust import errors_of, search
from sim.study.fit.common import basis_of, common_of
from sim.study.fit.direct import direct, leaving
from sim.study.fit.entries import entries, waves_of
from sim.study.fit.judged import CLOSE, Judged, judge
from sim.study.fit.paired import PAIRS, Pair, figures_of, moments_of
from sim.study.fit.promotions import promotions_of
from sim.study.fit.resample import spread_of
from sim.study.fit.shops import leavings, own_autocorrelation, series_of, shop_figures, wide_deviation
from sim.study.fit.sizes import lower_spread, measure_of, tail
from sim.study.moments.describe import Floats
from sim.study.moments.rhythm import persistence


def normals(n: int, k: int = 0) -> Floats:
    return draws.normal(1, "birth.state", 0, np.arange(n), k)


# ------------------------------------------------------------------------------------------------- one shop


def test_the_autocorrelation_is_the_one_of_the_published_figures() -> None:
    days = shop_days(counts(np.exp(0.4 * np.cumsum(normals(30 * 280).reshape(280, 30), 0) / 10.0 + 3.0)))
    own = own_autocorrelation(series_of(days), 2)
    assert np.median(own) == pytest.approx(persistence(days)["weekly_detrended_acf_1_2_4_8_13_median"][1], abs=1e-9)


def test_a_normal_law_has_its_own_deviation_and_a_rare_jump_does_not_move_it() -> None:
    calm = 0.3 * normals(4_000).reshape(1_000, 4)
    jump = calm.copy()
    jump[::50] = 8.0
    assert wide_deviation(calm) == pytest.approx(0.3, rel=0.08)
    assert wide_deviation(jump) == pytest.approx(0.3, rel=0.25)
    assert jump.std(0).min() > 0.9


def test_growth_is_by_year_between_the_ends_of_a_life() -> None:
    weeks = np.exp(0.01 * np.arange(60))
    orders = np.repeat(200.0 * weeks, 7)[:, None] / 7.0
    found = shop_figures(shop_days(orders))["growth"][0]
    # 59 whole weeks count, from the second on; their ends are 51 weeks apart
    assert found == pytest.approx(0.01 * 51 / (51 * 7 / 365), rel=0.01)


def test_who_has_left_and_who_came_back() -> None:
    orders = np.zeros((400, 4))
    orders[:, 0] = 1.0  # stays
    orders[:100, 1] = 1.0  # left on day 100
    orders[:, 2] = 1.0
    orders[50:100, 2] = 0.0  # away for 50 days, back
    orders[::20, 3] = 1.0  # an order every 20 days: silence of 7 x 20 days would be needed
    found = leavings(shop_days(orders))
    assert found["exits"].tolist() == [0, 1, 1, 0]
    assert found["returned"].tolist() == [0, 0, 1, 0]
    assert found["followed"].tolist() == [0, 1, 1, 0]
    assert found["exposure"][:3].tolist() == [370, 100, 320]
    assert found["pace"][2] == pytest.approx(1.0)


# -------------------------------------------------------------------------------------------------- direct


def test_a_pareto_tail_is_found_and_a_lognormal_law_has_none() -> None:
    body = ndtri((np.arange(3_760) + 0.5) / 3_760)
    far = 1.6 - np.log((np.arange(240) + 0.5) / 240) / 1.8
    found = tail({"log_sales": np.concatenate([body, far])})
    assert found["size.tail_share"] == pytest.approx(0.06, abs=0.003)
    assert found["size.tail_exponent"] == pytest.approx(1.8, rel=0.1)
    alone = tail({"log_sales": body})
    assert alone["size.tail_share"] < 0.002


def test_those_there_from_the_start_and_those_who_enter_evenly() -> None:
    opened = np.concatenate([np.zeros(600), np.linspace(0.0, 200.0, 400)])
    found = entries({"opened": opened}, 365)
    assert found["entry.present"] == pytest.approx(0.6, abs=0.01)
    assert found["entry.over"] == pytest.approx(200.0, rel=0.02)
    assert entries({"opened": np.zeros(9)}, 365)["entry.present"] == 1.0


def test_waves_of_entry_are_found_where_merchants_do_not_come_evenly() -> None:
    even = np.linspace(0.5, 364.0, 400)
    figures = {"opened": even, "pace": np.full(400, 20.0)}
    assert waves_of(figures) == ()
    bursts = np.concatenate([np.zeros(50), np.repeat([30.0, 200.0, 364.0], [200, 100, 100])])
    found = {"opened": bursts, "pace": np.full(450, 20.0)}
    weights = np.array(waves_of(found))
    assert weights.size > 20
    assert weights.sum() == pytest.approx(400, rel=0.01)
    assert sorted(weights[weights > 0]) == [100, 100, 200]
    assert (np.flatnonzero(weights) / weights.size * 364.0) == pytest.approx([27.0, 197.0, 357.0], abs=9.0)
    there = entries(found, 365)
    assert there["entry.over"] == 364.0
    assert there["entry.present"] == pytest.approx(50 / 450, abs=1e-6)


def test_sizes_are_of_orders_where_these_alone_are_skewed() -> None:
    z = normals(2_000)
    orders = np.where(z > 0, 1.0, 0.4) * z
    value = 0.8 * normals(2_000, 3)
    assert measure_of({"log_orders": orders, "log_sales": orders + value - 0.5 * orders}) == "orders"
    assert measure_of({"log_orders": z, "log_sales": z + value}) == "sales"
    assert measure_of({"log_orders": orders, "log_sales": orders}) == "sales"  # both are skewed: it makes no difference
    assert lower_spread(orders) == pytest.approx(0.4, rel=0.05)


def test_how_leaving_falls_with_orders() -> None:
    pace = np.repeat([0.05, 0.2, 1.0, 4.0], 50)
    exposure = np.full(200, 300.0)
    rate = 0.004 * np.exp(-0.6 * np.log1p(91.0 * pace))
    figures = {
        "pace": pace, "exposure": exposure, "exits": rate * exposure * 100, "followed": np.full(200, 1.0),
        "returned": np.full(200, 0.25),
    }  # fmt: skip
    found = leaving(figures)
    assert found["exits.orders_exponent"] == pytest.approx(0.6, abs=1e-4)
    assert found["exits.hazard"] == pytest.approx(0.4 / 1.3, rel=1e-3)
    assert found["exits.returns"] == 0.25
    few = leaving(figures | {"exits": rate * exposure / 10})
    assert math.isnan(few["exits.orders_exponent"])


def test_a_figure_that_the_file_does_not_give_is_not_estimated() -> None:
    figures = figures_of(shop_days(steady())) | {"opened": np.zeros(30)}
    assert "trade.return_rate" not in direct(figures, 70)
    found = direct(figures | {"back": np.full(30, 2.0), "worth": np.full(30, 50.0)}, 70)
    assert found["trade.return_rate"] == pytest.approx(0.04)


# ---------------------------------------------------------------------------------------------- common path


def test_a_promotion_common_to_all_is_found_with_its_lift() -> None:
    mean = np.tile(np.linspace(15.0, 60.0, 40), (200, 1))
    mean[120:122] *= 1.8
    found = promotions_of(shop_days(counts(mean)))
    assert len(found) == 1
    one = found[0]
    assert (one.first, one.days, one.last) == (MONDAY + timedelta(days=120), 2, MONDAY + timedelta(days=121))
    assert one.lift == pytest.approx(1.8, rel=0.05)
    assert 0 < one.error < 0.1
    assert promotions_of(shop_days(counts(np.tile(np.linspace(15.0, 60.0, 40), (200, 1))))) == ()


def test_the_season_of_two_years_is_found() -> None:
    starts = [date(2011, 1, 3) + timedelta(days=k) for k in range(730)]
    true = np.array([0.9, 1.0, 0.8, 1.3])
    index = basis_of([start - timedelta(days=3) for start in starts]) @ true
    found = common_of(shop_days(counts(index[:, None] * np.linspace(40.0, 90.0, 40)), starts[0]))
    assert found.quarters is not None
    assert found.quarters[0] == pytest.approx(true / true.mean(), abs=0.04)
    assert found.shock < 0.02
    assert basis_of(starts).sum(1) == pytest.approx(1.0)


def test_less_than_a_year_gives_no_season() -> None:
    assert common_of(shop_days(steady(40, 200))).quarters is None


# -------------------------------------------------------------------------------------- search and its errors

PLAIN = tuple(Pair(name, name, lambda f: math.nan, -5.0, 5.0, "plain", 0.1) for name in ("a", "b"))


def bent(place: Floats) -> Floats:
    return np.array([place[0] + 0.3 * place[1] ** 2, np.exp(0.5 * place[1]) + 0.1 * place[0]])


def test_the_search_finds_the_parameters_of_curved_moments() -> None:
    true = np.array([1.2, -0.7])
    found = search(PLAIN, np.zeros(2), bent(true), np.full(2, 0.01), bent)
    assert found.place == pytest.approx(true, abs=0.02)
    assert found.is_near
    assert found.path[-1] <= 0.5 < found.path[0]


def test_a_parameter_that_presses_on_its_bound_is_held_and_the_gap_told() -> None:
    found = search(PLAIN, np.zeros(2), np.array([9.0, 1.0]), np.full(2, 0.1), lambda place: place.copy())
    assert found.place == pytest.approx([5.0, 1.0], abs=0.06)
    assert not found.is_near
    assert found.gaps[0] == pytest.approx(-40.0, abs=0.5)


def test_errors_pass_through_the_slopes() -> None:
    found = search(PLAIN, np.zeros(2), np.zeros(2), np.ones(2), lambda place: np.array([2.0, 0.5]) * place)
    covariance = np.array([[0.04, 0.0], [0.0, 0.01]])
    errors = errors_of(found, covariance, 100, 100)
    assert errors == pytest.approx(np.sqrt(2.0) * np.array([0.2 / 2.0, 0.1 / 0.5]), rel=1e-6)


def test_a_resample_of_merchants_gives_the_error_of_a_mean() -> None:
    values = normals(400)
    errors, covariance = spread_of(lambda who: np.array([values[who].mean(), np.nan]), 400, 400, 1)
    assert errors[0] == pytest.approx(values.std() / 20.0, rel=0.15)
    assert math.isnan(errors[1])
    assert covariance[0, 1] == 0.0


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.key)
def test_a_parameter_survives_the_scale_of_its_search(pair: Pair) -> None:
    middle = 0.3 * pair.low + 0.7 * min(pair.high, 2.0 + 2.0 * pair.low)
    assert pair.from_search(pair.to_search(middle)) == pytest.approx(middle)
    for far in (-60.0, 60.0):
        assert pair.low <= pair.from_search(far) <= pair.high
    step = 1e-6
    place = pair.to_search(middle)
    slope = (pair.from_search(place + step) - pair.from_search(place - step)) / (2 * step)
    assert pair.slope(place) == pytest.approx(slope, rel=1e-4)


def test_every_moment_but_growth_is_there_for_half_a_year_of_steady_shops() -> None:
    known = np.isfinite(moments_of(figures_of(shop_days(steady(40, 180)), 100.0)))
    assert {pair.key for pair, is_known in zip(PAIRS, known, strict=True) if not is_known} == {
        "trade.growth", "trade.growth_spread", "exits.returns", "season.festival_low", "spells.festival",
        "season.own_festival", "spells.hot_lift_sigma", "spells.rest_level", "spells.rest_days", "entrants.climb",
        "entrants.climb_days",
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------- judgement


def test_a_moment_is_met_within_15_per_cent_or_twice_its_noise() -> None:
    assert CLOSE == 0.15
    assert Judged("a", "sizes", 10.0, 11.4, 0.1).is_met
    assert not Judged("a", "sizes", 10.0, 11.6, 0.1).is_met
    assert Judged("a", "sizes", 10.0, 11.6, 0.9).is_met
    assert not Judged("a", "sizes", 10.0, math.nan, 0.9).is_met
    assert "shape" in Judged("a", "festivals", 1.0, 2.0, 0.1).about
    assert Judged("a", "sizes", 1.0, 2.0, 0.1).about == ""


def test_shops_judged_by_themselves_meet_every_moment() -> None:
    days = shop_days(steady(40, 200), value=np.full(40, 12.0))
    rows = judge(days, [days, days], {})
    assert len(rows) > 50
    assert all(row.is_met for row in rows)
