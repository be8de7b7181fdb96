"""Shops' own days in the running market: they move sales on their days, nothing before, and nothing where not asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sim.engine.market import Market
from sim.engine.scenario import load
from sim.study.moments.live import sold_by_day

BASE = Path(__file__).parents[2] / "scenarios" / "base.yaml"
QUIET: dict[str, Any] = {
    "merchants.number": 300, "calendar.start": "2011-03-01", "calendar.days": 12, "lenders": {},
    "merchants.entry.present": 1.0,
}  # fmt: skip


def sold(**more: Any) -> npt.NDArray[np.float64]:
    """Orders by day and shop."""
    market = Market(load(BASE, QUIET | more), rng=4)
    found = sold_by_day(market, np.arange(300)).orders
    market.dispose()
    return found


@pytest.fixture(scope="module")
def usual() -> npt.NDArray[np.float64]:
    return sold()


def event(**fields: Any) -> dict[str, Any]:
    return {"events.dated": {"date": "2011-03-05", **fields}}


def test_on_a_holiday_shops_sell_what_it_says(usual: npt.NDArray[np.float64]) -> None:
    found = sold(**event(kind="holiday", days=2, lift=0.2))
    assert np.array_equal(found[:4], usual[:4])
    assert found[4:6].sum() == pytest.approx(0.2 * usual[4:6].sum(), rel=0.15)
    assert found[8:].sum() == pytest.approx(usual[8:].sum(), rel=0.05)


def test_a_holiday_that_changes_nothing_gives_the_same_bits(usual: npt.NDArray[np.float64]) -> None:
    assert np.array_equal(sold(**event(kind="holiday", days=2, lift=1.0)), usual)


def test_a_market_that_moves_stays_there(usual: npt.NDArray[np.float64]) -> None:
    found = sold(**event(kind="market_move", days=1, lift=0.5))
    assert np.array_equal(found[:4], usual[:4])
    assert found[4:].sum() == pytest.approx(0.5 * usual[4:].sum(), rel=0.1)


def test_jumps_move_shops_apart(usual: npt.NDArray[np.float64]) -> None:
    found = sold(**{"merchants.demand.jump_share": 0.5, "merchants.demand.jumps": 50.0})
    assert not np.array_equal(found, usual)
    assert np.array_equal(sold(**{"merchants.demand.jumps": 50.0}), usual)
