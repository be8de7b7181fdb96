"""Simulated shops, measured as real ones are: a market without lenders over the calendar of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim.study.moments.live import sold_by_day
from sim.study.moments.shop_days import ShopDays

Overrides = Mapping[str, Any]


@dataclass(frozen=True)
class World:
    """The worlds in which a fit is tried out: all but the parameters that are being fitted.

    Parameters
    ----------
    base
        The scenario that is extended.
    days
        The real shops, whose calendar and missing days are taken over.
    n_merchants, seed
        Size and luck of the simulated market.
    tell
        Called after each simulated market.
    """

    base: Path
    days: ShopDays
    n_merchants: int
    seed: int
    tell: Callable[[str], None] = lambda said: None

    def shops(self, overrides: Overrides, seed: int | None = None) -> ShopDays:
        """Let the merchants of a scenario live without a lender, and count their orders."""
        from sim.engine.market import Market
        from sim.engine.scenario import load

        plan = {
            **overrides,
            **calendar_of(self.days),
            "merchants.number": self.n_merchants,
            "lenders": {},
        }
        market = Market(load(self.base, plan), rng=self.seed if seed is None else seed)
        try:
            found = sold_by_day(market, np.arange(market.merchants.n))
        finally:
            market.dispose()
        self.tell("simulating")
        return found.of_sellers(self.days.is_recorded)


def calendar_of(days: ShopDays) -> dict[str, Any]:
    """The days of the data, as a scenario writes them."""
    return {"calendar.start": days.first.isoformat(), "calendar.days": days.n_days}
