"""Dated events of a scenario that strike all merchants: laid out before the run, and lived on their day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.core.clock import Day
from sim.engine.scenario import Scenario
from sim.world.outlook import Outlook, build_outlook
from sim.world.own_days import Holiday
from sim.world.shocks import raise_costs

if TYPE_CHECKING:
    from sim.engine.market import Market

SLUMPS = ("recession", "category_slump")


def foresee(plan: Scenario, seed: int) -> Outlook:
    """Lay out what a scenario's calendar and events do to all shops, day by day."""
    events = plan.events.values()
    return build_outlook(
        plan.merchants,
        seed,
        plan.calendar.start,
        plan.calendar.n_days,
        [(e.date, e.days, float(e.lift or 1.0), e.category) for e in events if e.kind == "promotion"],
        [(e.date, e.days, float(e.size or 0.0), e.category) for e in events if e.kind in SLUMPS],
        [(e.date, e.days, float(e.size or 0.0)) for e in events if e.kind == "rumour"],
        [(e.date, e.days, float(e.size or 0.0)) for e in events if e.kind == "rival_marketplace"],
        [(e.date, float(e.size or 0.0)) for e in events if e.kind == "regime_shift" and e.date >= plan.calendar.start],
        [(e.date, e.days, float(e.lift or 1.0)) for e in events if e.kind == "market_move"],
    )


def holidays_of(plan: Scenario) -> list[Holiday]:
    """Holidays of a scenario, by what they mean to shops."""
    days = [event for event in plan.events.values() if event.kind == "holiday"]
    return [(e.date, e.days, float(e.lift or 1.0), float(e.spread or 0.0)) for e in days]


def shift_regime(market: Market, day: Day) -> None:
    """Raise the costs of all shops on the day of a regime shift, for good."""
    kept = market.outlook.margin
    before = float(kept[day.index - 1]) if day.index else 1.0
    if before > 0.0:
        raise_costs(market.merchants, float(kept[day.index]) / before)
