"""What is read off the data directly: tail of sizes, entries, how leaving falls with orders, goods, rests, weekdays.

Each function takes what was observed and gives plain numbers (NaN where the data cannot say), so that the same function
can be resampled over merchants.
"""

from __future__ import annotations

import math

import numpy as np

from sim.study.fit.entries import entries
from sim.study.fit.own_days import own_weekdays
from sim.study.fit.paired import Figures
from sim.study.fit.sizes import tail
from sim.study.fit.spells import (
    LEAST_CLOSURES,
    LEAST_PACE,
    feast_rests,
    hot_days,
    rests,
    weekdays,
    within_reach,
)
from sim.study.moments.describe import Floats

LEAST_EXITS = 20  # leavings that say how they fall with orders
USUAL_FALL = 0.85  # how leaving falls with orders where the data cannot say, as in `sim.world.behaviour`
MOST_HAZARD = 0.35  # beginning of the search for `exits.hazard`, of which 0.5 is the most
YOUNG = 1.3  # mean factor of youth on leaving, to begin the search


def leaving(figures: Figures) -> dict[str, float]:
    """How the chance to leave falls with orders, its level for a start, and the share of leavers that come back.

    Leavings are Poisson with mean exposure x exp(a - b log(1 + orders a quarter)), fitted by maximum likelihood; b is
    held so low that the chance of a shop with one order a quarter stays within the bounds of its parameter. The share
    that comes back is of those who left 120 days or more before the end.
    """
    exits, exposure = figures["exits"], figures["exposure"]
    known = exposure > 0
    exits, exposure = exits[known], exposure[known]
    logs = np.log1p(91.0 * figures["pace"][known])
    total = float(exits.sum())
    b = math.nan
    if total >= LEAST_EXITS and logs.std() > 0.05:
        b = _poisson_slope(exits, exposure, logs)

    def level(fall: float) -> float:
        mean = float((exposure * np.exp(-fall * logs)).sum())
        return total / mean / YOUNG if mean > 0 else math.nan

    used = min(max(b, 0.0), 3.0) if math.isfinite(b) else USUAL_FALL
    if level(used) > MOST_HAZARD:
        falls = np.linspace(0.0, used, 301)
        used = b = max((float(fall) for fall in falls if level(fall) <= MOST_HAZARD), default=0.0)
    followed = float(figures["followed"].sum())
    return {
        "exits.hazard": level(used),
        "exits.orders_exponent": used if math.isfinite(b) else math.nan,
        "exits.returns": float(figures["returned"].sum()) / followed if followed >= 5 else math.nan,
    }


def _poisson_slope(events: Floats, exposure: Floats, x: Floats) -> float:
    """Minus the slope of a log-linear Poisson rate, by Newton's method."""
    design = np.stack([np.ones_like(x), x - x.mean()], 1)
    beta = np.array([math.log(max(events.sum(), 0.5) / exposure.sum()), 0.0])
    for _ in range(30):
        mean = exposure * np.exp(np.clip(design @ beta, -40.0, 10.0))
        hessian = design.T @ (design * mean[:, None]) + 1e-9 * np.eye(2)
        move = np.linalg.solve(hessian, design.T @ (events - mean))
        beta = beta + np.clip(move, -1.0, 1.0)
        if np.abs(move).max() < 1e-8:
            break
    return -float(beta[1])


def goods(figures: Figures) -> dict[str, float]:
    """Share of value that came back, and mean days from an order to its confirmation."""
    found = {}
    if "back" in figures:
        found["trade.return_rate"] = float(figures["back"].sum() / max(figures["worth"].sum(), 1e-12))
    if "lag" in figures:
        n = float(figures["n_lags"].sum())
        found["trade.confirmation"] = float(figures["lag"].sum() / n) if n >= 30 else math.nan
    return found


def resting(figures: Figures) -> dict[str, float]:
    """Rests, hot products and weekdays."""
    found = hot_days(figures)
    pace = figures["open_pace"]
    sees = pace >= LEAST_PACE
    slope = math.nan
    if figures["closures"][sees].sum() >= LEAST_CLOSURES and np.log1p(pace[sees]).std() > 0.05:
        slope = _poisson_slope(figures["closures"][sees], figures["open_days"][sees], np.log1p(pace[sees]))
        slope = within_reach(figures, slope)
    found |= rests(figures, slope) | feast_rests(figures)
    if "halves" in figures:
        found |= own_weekdays(figures)
    return found | (weekdays(figures) if "weekday" in figures else {})


def pivot(figures: Figures, n_days: int) -> dict[str, float]:
    """Age in the middle of what is seen of shops: half the mean of the days from the first order to the end."""
    return {"trade.growth_pivot": float((n_days - figures["opened"]).mean()) / 2.0}


def direct(figures: Figures, n_days: int, measure: str | None = None) -> dict[str, float]:
    """All estimates by key of the scenario; ``measure`` as in `sim.study.fit.sizes.tail`."""
    sizes, ages = tail(figures, measure) | entries(figures, n_days), pivot(figures, n_days)
    return sizes | ages | leaving(figures) | goods(figures) | resting(figures)
