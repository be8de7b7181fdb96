"""What is read off the data directly: the tail of sizes, entries, how leaving falls with orders, returns, confirmation.

Each function takes what was observed and gives plain numbers (NaN where the data cannot say), so that the same function
can be resampled over merchants.
"""

from __future__ import annotations

import math
import numpy as np

from sim.study.fit.paired import Figures, middle, range_of
from sim.study.moments.describe import Floats, finite

EDGE = 1.6  # standard deviations above the median at which the Pareto tail begins, as in `sim.world.birth`
ABOVE = 0.0548  # share of a normal law above it
LEAST_TAIL = 15  # merchants above it that an exponent needs
LEAST_EXITS = 20  # leavings that say how they fall with orders
FIRST_WEEKS = 28  # days within which a merchant that was there from the start has its first order
USUAL_FALL = 0.85  # how leaving falls with orders where the data cannot say, as in `sim.world.behaviour`
MOST_HAZARD = 0.35  # beginning of the search for `exits.hazard`, of which 0.5 is the most
YOUNG = 1.3  # mean factor of youth on leaving, to begin the search


def tail(figures: Figures) -> dict[str, float]:
    """The Pareto tail of sizes: the share of merchants above 1.6 deviations beyond what a lognormal law has there.

    The exponent is the most likely one for those above the edge, a mixture of the law's own upper part and the tail.
    NaN for the exponent where there is no tail to speak of.
    """
    logs = finite(figures["log_sales"])
    centre, spread = middle(logs), range_of(logs, 0.1, 0.9, 2.563)
    beyond = logs[logs > centre + EDGE * spread] - (centre + EDGE * spread)
    share = (beyond.size / max(logs.size, 1) - ABOVE) / (1.0 - ABOVE)
    found = {"size.tail_share": max(share, 0.0), "size.tail_exponent": math.nan}
    if share > 0 and beyond.size >= LEAST_TAIL:
        weight = share / (share + ABOVE * (1.0 - share))
        place = EDGE + beyond / spread
        body = np.exp(-0.5 * place**2) / (math.sqrt(2.0 * math.pi) * spread * ABOVE)
        exponents = np.exp(np.linspace(math.log(1.05), math.log(5.0), 120))[:, None]
        likely = np.log(weight * exponents * np.exp(-exponents * beyond) + (1.0 - weight) * body).sum(1)
        found["size.tail_exponent"] = float(exponents[int(np.argmax(likely)), 0])
    return found


def entries(figures: Figures, n_days: int) -> dict[str, float]:
    """Share of merchants there from the start, and the days over which the others enter evenly.

    Those first seen within four weeks, less the entrants of these weeks, were there; twice the mean wait of the others
    is the time over which they come.
    """
    opened = figures["opened"]
    late = opened[opened >= FIRST_WEEKS]
    if late.size == 0:
        return {"entry.present": 1.0, "entry.over": math.nan}
    over = min(float(n_days), FIRST_WEEKS + 2.0 * float((late - FIRST_WEEKS).mean()))
    early = 1.0 - late.size / opened.size
    present = (early - FIRST_WEEKS / over) / (1.0 - FIRST_WEEKS / over) if over > FIRST_WEEKS else early
    return {"entry.present": min(max(present, 0.0), 1.0), "entry.over": max(over, 1.0)}


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
    used = min(max(b, 0.0), 3.0) if math.isfinite(b) else USUAL_FALL
    usual = total / YOUNG / max(float(exposure.sum()), 1.0)
    if total and used > (most := math.log(MOST_HAZARD / usual) / max(float(np.median(logs)), 0.1)):
        used, b = max(most, 0.0), max(most, 0.0)
    mean = float((exposure * np.exp(-used * logs)).sum())
    followed = float(figures["followed"].sum())
    return {
        "exits.hazard": total / mean / YOUNG if mean > 0 else math.nan,
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


def direct(figures: Figures, n_days: int) -> dict[str, float]:
    """All estimates by key of the scenario."""
    return tail(figures) | entries(figures, n_days) | leaving(figures) | goods(figures)
