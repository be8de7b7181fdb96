"""What a fit writes into a scenario beside the parameters that are searched: overrides of the base, by dotted key."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sim.core.money import FEN_PER_YUAN
from sim.study.fit.common import Common
from sim.study.fit.estimates import PATH, Estimate
from sim.study.fit.read import Observed


def plan_of(direct: list[Estimate], common: Common, base: Any) -> dict[str, Any]:
    """Overrides that the data give without simulation: direct estimates, season, market, promotions."""
    plan: dict[str, Any] = {f"merchants.{one.key}": one.written() for one in direct}
    plan["merchants.demand.category_shock"] = 0.0
    if math.isfinite(common.shock):
        plan["merchants.demand.market_shock"] = common.shock
    plan |= {f"merchants.categories.{name}": None for name in base.merchants.categories if name != "all"}
    plan["merchants.categories.all.share"] = 1.0
    if common.quarters is not None:
        for k in range(4):
            plan[f"merchants.categories.all.q{k + 1}"] = float(common.quarters[0][k])
    # a path of the market that the base gives is that of the data
    plan |= {f"events.{name}": None for name, event in base.events.items() if event.kind != "market_move"}
    for one in common.promotions:
        plan[f"events.{one.name}"] = {
            "date": one.first.isoformat(),
            "kind": "promotion",
            "lift": round(one.lift, 3),
            "days": one.days,
        }
    return plan


def common_estimates(common: Common) -> list[Estimate]:
    found = []
    if math.isfinite(common.shock):
        says = "steps of the common path from week to week"
        found.append(Estimate("demand.market_shock", common.shock, common.shock_error, PATH, says))
    if common.quarters is not None:
        for k, (value, error) in enumerate(zip(*common.quarters, strict=True)):
            says = "the common path less its trend; a year tells season and trend apart poorly"
            found.append(Estimate(f"categories.all.q{k + 1}", float(value), float(error), PATH, says))
    return found


def equity_of(base: Any, observed: Observed, usual: float) -> dict[str, Any]:
    """Equity of the base's lenders in proportion to the merchants' sales, so that money is as plentiful as there."""
    days, m = observed.days, base.merchants
    value = days.value if days.value is not None else np.full(days.n_shops, usual)
    own = float((days.mean_orders() * value).mean()) * observed.n_merchants
    theirs = m.size.median_daily_sales / FEN_PER_YUAN * math.exp(m.size.sigma**2 / 2.0) * m.number
    factor = own / theirs
    return {
        f"lenders.{name}.equity": f"{max(round(spec.equity / FEN_PER_YUAN * factor, -3), 1000):.0f} yuan"
        for name, spec in base.lenders.items()
    }
