"""The outlook of a run: factors laid out day by day from calendar, shocks and events, and from nothing else."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from sim.core.clock import day_number
from sim.world.outlook import Outlook, build_outlook
from sim.world.parameters import MerchantParameters
from sim.world.promotions import (
    after_effect,
    largest_ahead,
    lift_by_day,
    lift_of_those_who_join,
    lift_to_stock_for,
    run_up,
)
from sim.world.season import season_table
from sim.world.shocks import common_shocks, distrust, slump

START, N_DAYS = date(2012, 10, 1), 90
D11 = date(2012, 11, 11)
AHEAD = ("lift_ahead", "largest_ahead", "eve", "run_up")
FACTORS = ("demand", "season_ahead", "season_index", "season_index_90d", "lift", *AHEAD)
BY_DAY = ("trust", "rival", "margin")


def parameters(**groups: dict[str, Any]) -> MerchantParameters:
    return MerchantParameters.model_validate(groups)


def outlook(
    promotions: Any = (), slumps: Any = (), seed: int = 3, start: date = START, n: int = N_DAYS, **groups: Any
) -> Outlook:
    return build_outlook(parameters(**groups), seed, start, n, list(promotions), list(slumps))


def differing(a: Outlook, b: Outlook) -> set[str]:
    return {name for name in (*FACTORS, *BY_DAY) if not np.array_equal(getattr(a, name), getattr(b, name))}


def test_every_factor_has_a_row_a_day_and_a_column_a_category() -> None:
    found = outlook([(D11, 1, 6.4, None)], [(date(2012, 12, 1), 30, 0.2, None)])
    for name in FACTORS:
        assert getattr(found, name).shape == (N_DAYS, 7), name
        assert getattr(found, name).dtype == np.float32
        assert np.isfinite(getattr(found, name)).all()


def test_demand_is_season_times_shocks() -> None:
    p = parameters()
    season = season_table(START, N_DAYS, list(p.categories.values()))
    shocks = common_shocks(p.demand, 3, day_number(START), N_DAYS, 7)
    assert np.allclose(outlook().demand, season * shocks, rtol=1e-6)


def test_the_calendar_of_the_scenario_is_used() -> None:
    found = outlook(season={"saturday": 1.4, "festival_low": 0.9}).demand
    assert not np.array_equal(found, outlook().demand)
    p = parameters(season={"saturday": 1.4, "festival_low": 0.9})
    table = season_table(START, N_DAYS, list(p.categories.values()), p.season)
    shocks = common_shocks(p.demand, 3, day_number(START), N_DAYS, 7)
    assert np.allclose(found, table * shocks, rtol=1e-6)


def test_indices_look_back_over_the_start_of_the_run() -> None:
    """A lender divides by the last 30 or 90 days of calendar, also on the first day; shocks are not in it."""
    p = parameters()
    table = season_table(START - timedelta(days=100), 100 + N_DAYS, list(p.categories.values()))
    found = outlook()
    for day in (0, 1, 40, 89):
        today = 100 + day
        assert np.allclose(found.season_index[day], table[today - 29 : today + 1].mean(axis=0), rtol=1e-5)
        assert np.allclose(found.season_index_90d[day], table[today - 89 : today + 1].mean(axis=0), rtol=1e-5)


def test_shops_look_ahead_over_lead_time_and_cover_beyond_the_end_of_the_run() -> None:
    found = outlook(trade={"lead": "10 days", "cover": "20 days"})
    table = season_table(START, N_DAYS + 40, list(parameters().categories.values()))
    for day in (0, 50, 89):
        assert np.allclose(found.season_ahead[day], table[day + 1 : day + 31].mean(axis=0), rtol=1e-5)


def test_double_eleven_lifts_its_day_and_is_stocked_for() -> None:
    promotions = [(D11, 1, 6.4, None), (date(2012, 12, 12), 1, 2.5, "beauty")]
    found = outlook(promotions)
    day, beauty = (D11 - START).days, list(parameters().categories).index("beauty")
    eleven, twelve = (lift_of_those_who_join(size, parameters()) for size in (6.4, 2.5))
    assert eleven > 6.4
    assert twelve > 2.5
    assert (found.lift[day] == np.float32(eleven)).all()
    lift = lift_by_day(N_DAYS + 60, 7, [(day, 1, eleven, None), (day + 31, 1, twelve, beauty)])
    after = after_effect(lift, 0.2, 14)
    assert np.array_equal(found.lift, after[:N_DAYS])
    assert 0.5 < found.lift[day + 1, 0] < 1.0 == found.lift[day - 1, 0]
    assert np.array_equal(found.largest_ahead, largest_ahead(lift)[:N_DAYS])
    assert np.flatnonzero(found.eve[:, 0]).tolist() == [day - 1]
    assert np.allclose(found.run_up, run_up(lift, 10)[:N_DAYS])
    assert np.array_equal(found.lift_ahead, lift_to_stock_for(lift)[:N_DAYS])
    assert differing(found, outlook()) == {"lift", *AHEAD}


def test_a_promotion_after_the_end_is_stocked_for() -> None:
    found = outlook([(START + timedelta(days=N_DAYS + 10), 1, 3.0, None)])
    assert (found.lift == 1.0).all()
    assert found.lift_ahead[-1].min() > 0


def test_a_recession_strikes_all_and_a_slump_its_category() -> None:
    first = START + timedelta(days=20)
    plain = outlook().demand.astype(float)
    recession = outlook(slumps=[(first, 40, 0.3, None)])
    assert np.allclose(recession.demand / plain, slump(N_DAYS, 20, 40, 0.3)[:, None], rtol=1e-5)
    home = list(parameters().categories).index("home")
    own = outlook(slumps=[(first, 40, 0.3, "home")])
    assert np.allclose(own.demand[:, home] / plain[:, home], slump(N_DAYS, 20, 40, 0.3), rtol=1e-5)
    assert np.array_equal(np.delete(own.demand, home, axis=1), np.delete(outlook().demand, home, axis=1))
    assert differing(own, outlook()) == {"demand"}
    both = outlook(slumps=[(first, 40, 0.3, "home"), (first, 40, 0.3, None)])
    assert np.allclose(both.demand[:, home] / plain[:, home], slump(N_DAYS, 20, 40, 0.3) ** 2, rtol=1e-5)


def test_a_rumour_keeps_people_from_borrowing_and_a_rival_draws_orders_away() -> None:
    first = START + timedelta(days=20)
    plain = outlook()
    assert (plain.trust == 1.0).all()
    assert not plain.rival.any()
    rumour = build_outlook(parameters(), 3, START, N_DAYS, [], [], [(first, 10, 0.6)])
    assert np.allclose(rumour.trust, distrust(N_DAYS, 20, 10, 0.6))
    assert differing(rumour, plain) == {"trust"}
    p = parameters(elsewhere={"multihome": 0.25})
    rival = build_outlook(p, 3, START, N_DAYS, [], [], [], [(first, 40, 0.4)])
    drawn = 1.0 - slump(N_DAYS, 20, 40, 0.4)
    # of the orders drawn away the same shops serve a quarter there; the rest is lost to them
    assert np.allclose(rival.demand / plain.demand.astype(float), (1.0 - 0.75 * drawn)[:, None], rtol=1e-5)
    assert np.allclose(rival.rival, 0.25 * drawn / (1.0 - 0.75 * drawn), atol=1e-6)
    assert differing(rival, plain) == {"demand", "rival"}


def test_a_regime_shift_takes_margins_away_for_good() -> None:
    first = START + timedelta(days=20)
    shifts = [(first, 0.4), (first + timedelta(days=30), 0.5)]
    found = build_outlook(parameters(), 3, START, N_DAYS, [], [], shifts=shifts)
    assert (found.margin[:20] == 1.0).all()
    assert np.allclose(found.margin[20:50], 0.6)
    assert np.allclose(found.margin[50:], 0.3)
    assert differing(found, outlook()) == {"margin"}


def test_only_the_seed_moves_the_shocks() -> None:
    assert differing(outlook(seed=3), outlook(seed=4)) == {"demand"}
    assert differing(outlook(), outlook()) == set()


@pytest.mark.parametrize(
    "groups",
    [
        {"entry": {"present": 0.2}}, {"size": {"sigma": 0.5}}, {"character": {"fraudsters": 0.2}},
        {"borrowing": {"habit_mean": 0.5}}, {"exits": {"hazard": 0.1}}, {"cash": {"patience": 3.0}},
    ],
)  # fmt: skip
def test_who_the_merchants_are_does_not_move_the_outlook(groups: dict[str, Any]) -> None:
    assert differing(outlook(), outlook(**groups)) == set()


def test_a_longer_run_begins_the_same() -> None:
    longer = outlook([(D11, 1, 6.4, None)], n=N_DAYS + 50)
    shorter = outlook([(D11, 1, 6.4, None)])
    for name in FACTORS:
        assert np.array_equal(getattr(longer, name)[:N_DAYS], getattr(shorter, name)), name


@pytest.mark.parametrize(
    "start",
    [date(2000, 1, 2), date(2000, 4, 1), date(2000, 4, 15), date(2040, 1, 1), date(2040, 12, 1)],
)
def test_a_run_may_start_on_any_legal_day(start: date) -> None:
    """Windows that reach beyond the tabled years need no festival from there."""
    assert outlook(start=start, n=20).demand.min() > 0
