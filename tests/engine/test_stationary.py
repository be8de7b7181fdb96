"""The start is no artefact: the first month's means lie within the noise of the third's.

The noise of a mean is its standard deviation in the third month, over ten small markets with seeds of their own. Means
are taken over open shops, each in days of its own average sales, so that a few large shops do not hide a drift. The
means of all ten markets together may lie two such deviations apart, which is much more than chance leaves to them.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from small import scenario

from sim.core.merchants import OPEN
from sim.engine.market import Market

MONTH, SEEDS, N = 30, range(1, 11), 1000
TWO = 2.0  # standard deviations

# A calendar without events; in the level world there is no season and no trend either, so that nothing should move.
WORLD: dict[str, Any] = {"merchants.number": N, "events": {}, "calendar.days": 3 * MONTH}
CATEGORIES = ("clothing", "electronics", "home", "beauty", "food", "children", "other")
LEVEL = WORLD | {"merchants.trade.growth": 0.0, "merchants.trade.growth_spread": 0.0}
LEVEL |= {f"merchants.categories.{name}.q{quarter}": 1.0 for name in CATEGORIES for quarter in (1, 2, 3, 4)}


def monthly_means(plan: Any, seed: int) -> dict[str, np.ndarray]:
    """Mean of each measure in each month, (3,), with the season of its category divided out."""
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
    months = [days[k : k + MONTH] for k in range(0, 3 * MONTH, MONTH)]
    return {name: np.array([np.mean([day[name] for day in month]) for month in months]) for name in days[0]}


def measured(world: dict[str, Any]) -> dict[str, np.ndarray]:
    """Monthly means by measure, (n_seeds, 3)."""
    plan = scenario(world, "no_credit")
    runs = [monthly_means(plan, seed) for seed in SEEDS]
    return {name: np.stack([run[name] for run in runs]) for name in runs[0]}


def apart(means: np.ndarray, early: int = 0, late: int = 2) -> float:
    """How far one month's mean lies from another's, in standard deviations of the later one's."""
    return float((means[:, early].mean() - means[:, late].mean()) / means[:, late].std(ddof=1))


@pytest.fixture(scope="module")
def level() -> dict[str, np.ndarray]:
    return measured(LEVEL)


@pytest.fixture(scope="module")
def seasonal() -> dict[str, np.ndarray]:
    return measured(WORLD)


MEASURES = ("sales", "escrow", "stock", "wallet", "active")


@pytest.mark.parametrize("measure", MEASURES)
def test_nothing_moves_where_nothing_should(level: dict[str, np.ndarray], measure: str) -> None:
    assert abs(apart(level[measure])) < TWO, level[measure].mean(axis=0)


# From July to September money turns into stock for the autumn, which no index of sales takes out of the wallets: they
# are judged in the level world alone.
@pytest.mark.parametrize("measure", [measure for measure in MEASURES if measure != "wallet"])
def test_the_first_month_is_like_the_third_but_for_the_season(seasonal: dict[str, np.ndarray], measure: str) -> None:
    assert abs(apart(seasonal[measure])) < TWO, seasonal[measure].mean(axis=0)


def test_the_noise_is_small_enough_to_see_a_drift(level: dict[str, np.ndarray]) -> None:
    """What the two deviations come to: a start further off than this would be found."""
    for measure, share in (("sales", 0.06), ("escrow", 0.25), ("stock", 0.08), ("wallet", 0.33), ("active", 0.05)):
        third = level[measure][:, 2]
        assert TWO * third.std(ddof=1) < share * third.mean(), measure


def test_shops_that_begin_with_half_their_stock_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proof by mutation: a start from nearly empty shelves shows in sales and in stock."""
    from sim.engine import market as engine

    right = engine.begin_shops

    def empty_shelves(merchants: Any, rows: Any, *rest: Any) -> dict[str, int]:
        opening = right(merchants, rows, *rest)
        merchants.stock[rows] *= 0.2
        merchants.on_order[:, rows] *= 0.2
        return opening

    monkeypatch.setattr(engine, "begin_shops", empty_shelves)
    broken = measured(LEVEL)
    assert apart(broken["sales"]) < -TWO
    assert apart(broken["stock"]) < -TWO
