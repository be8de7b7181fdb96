"""The start is no artefact: the first month's means lie within the noise of the third's.

The noise of a mean is its standard deviation over ten small markets with seeds of their own. Means are taken over open
shops, each in days of its own average sales, so that a few large shops do not hide a drift. The means of all ten
markets together may lie two such deviations apart, which is much more than chance leaves to them.

Three comparisons: the first month with the third in a level world, where nothing should move; the same in the seasonal
world for what its season can be divided out of; and, as stock and wallets do move with the season, the first month of
a market with the same month of one that began 108 days before.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from small import scenario

from sim.core.merchants import OPEN
from sim.engine import market as engine
from sim.engine.market import Market

MONTH, SEEDS, N = 30, range(1, 11), 1000
TWO = 2.0  # standard deviations
MEASURES = ("sales", "escrow", "stock", "wallet", "active")
Means = dict[str, np.ndarray]  # monthly means by measure, (n_seeds, n_months)

# Calendars without events. In the level world there is no season and no trend either.
SEASONAL: dict[str, Any] = {"merchants.number": N, "events": {}, "calendar": {"start": "2011-07-01", "days": 3 * MONTH}}
STEADY = SEASONAL | {"merchants.trade.growth": 0.0, "merchants.trade.growth_spread": 0.0}
EARLIER = 108  # days
BEGUN_EARLIER = STEADY | {"calendar": {"start": "2011-03-15", "days": EARLIER + 3 * MONTH}}
CATEGORIES = ("clothing", "electronics", "home", "beauty", "food", "children", "other")
LEVEL = STEADY | {f"merchants.categories.{name}.q{quarter}": 1.0 for name in CATEGORIES for quarter in (1, 2, 3, 4)}


def days_of(plan: Any, seed: int) -> dict[str, np.ndarray]:
    """Mean of each measure on each day, (n_days,), with the season of its category divided out."""
    numba.set_num_threads(1)
    market = Market(plan, rng=seed)
    m, days = market.merchants, []
    before = m.sales_total.copy()
    size = m.base_orders.astype(np.float64) * m.order_value
    while market.running:
        index = market.day_index
        market.step()
        season = market.outlook.demand[index][m.category]
        last_month = market.outlook.season_index[index][m.category]
        next_month = market.outlook.season_ahead[index][m.category]
        on = m.status == OPEN
        days.append(
            {
                "sales": ((m.sales_total - before) / size / season)[on].mean(),
                "escrow": (m.shipped.sum(axis=0) / size / last_month)[on].mean(),
                "stock": (m.stock / m.base_orders / next_month)[on].mean(),
                "wallet": (m.wallet / size / last_month)[on].mean(),
                "active": on.mean(),
            }
        )
        before = m.sales_total.copy()
    return {name: np.array([day[name] for day in days]) for name in MEASURES}


def measured(world: dict[str, Any], skipped: int = 0) -> Means:
    """Monthly means of the ten markets, from the day after the skipped ones on."""
    plan = scenario(world, "no_credit")
    runs = [days_of(plan, seed) for seed in SEEDS]
    return {name: np.stack([run[name][skipped:].reshape(-1, MONTH).mean(axis=1) for run in runs]) for name in MEASURES}


def apart(early: np.ndarray, late: np.ndarray) -> float:
    """How far two means over all markets lie apart, in standard deviations of the later one's; (n_seeds,) each."""
    return float((early.mean() - late.mean()) / late.std(ddof=1))


@pytest.fixture(scope="module")
def level() -> Means:
    return measured(LEVEL)


@pytest.fixture(scope="module")
def seasonal() -> Means:
    return measured(SEASONAL)


@pytest.fixture(scope="module")
def steady() -> Means:
    return measured(STEADY)


@pytest.fixture(scope="module")
def begun_earlier() -> Means:
    return measured(BEGUN_EARLIER, EARLIER)


@pytest.mark.parametrize("measure", MEASURES)
def test_nothing_moves_where_nothing_should(level: Means, measure: str) -> None:
    means = level[measure]
    assert abs(apart(means[:, 0], means[:, 2])) < TWO, means.mean(axis=0)


@pytest.mark.parametrize("measure", ["sales", "escrow", "active"])
def test_the_first_month_is_like_the_third_but_for_the_season(seasonal: Means, measure: str) -> None:
    means = seasonal[measure]
    assert abs(apart(means[:, 0], means[:, 2])) < TWO, means.mean(axis=0)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_market_begins_as_one_that_has_run_for_months(steady: Means, begun_earlier: Means, measure: str) -> None:
    new, old = steady[measure][:, 0], begun_earlier[measure][:, 0]
    assert abs(apart(new, old)) < TWO, (new.mean(), old.mean())


def test_the_noise_is_small_enough_to_see_a_drift(level: Means) -> None:
    """What the two deviations come to: a start further off than this would be found."""
    for measure, share in (("sales", 0.06), ("escrow", 0.25), ("stock", 0.08), ("wallet", 0.33), ("active", 0.05)):
        third = level[measure][:, 2]
        assert TWO * third.std(ddof=1) < share * third.mean(), measure


def test_shops_that_begin_with_empty_shelves_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proof by mutation: a start with a fifth of the goods shows in sales and in stock."""
    right = engine.begin_shops

    def empty_shelves(merchants: Any, rows: Any, *rest: Any, **more: Any) -> dict[str, int]:
        opening = right(merchants, rows, *rest, **more)
        merchants.stock[rows] *= 0.2
        merchants.on_order[:, rows] *= 0.2
        return opening

    monkeypatch.setattr(engine, "begin_shops", empty_shelves)
    broken = measured(LEVEL)
    for measure in ("sales", "stock"):
        assert apart(broken[measure][:, 0], broken[measure][:, 2]) < -TWO
