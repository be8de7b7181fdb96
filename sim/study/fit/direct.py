"""What is read off the data directly: tail of sizes, entries, how leaving falls with orders, goods, rests, weekdays.

Each function takes what was observed and gives plain numbers (NaN where the data cannot say), so that the same function
can be resampled over merchants.
"""

from __future__ import annotations

import math

import numpy as np

from sim.study.fit.paired import Figures
from sim.study.fit.spells import LEAST_CLOSURES, LEAST_PACE, hot_days, rests, weekdays, within_reach
from sim.study.moments.describe import Floats, finite

EDGE = 1.6  # standard deviations above the median at which the Pareto tail begins, as in `sim.world.birth`
MIDDLE_EXPONENT = 0.83  # log of the middle of the bounds of its exponent
LEAST_TAIL = 10  # merchants that make a tail
CLEAR = 6.0  # twice the gain in log likelihood that makes it more than chance: 5 % for two parameters
LEAST_EXITS = 20  # leavings that say how they fall with orders
FIRST_WEEKS = 28  # days within which a merchant that was there from the start has its first order
USUAL_FALL = 0.85  # how leaving falls with orders where the data cannot say, as in `sim.world.behaviour`
MOST_HAZARD = 0.35  # beginning of the search for `exits.hazard`, of which 0.5 is the most
YOUNG = 1.3  # mean factor of youth on leaving, to begin the search


def tail(figures: Figures) -> dict[str, float]:
    """The Pareto tail of sizes, by maximum likelihood over the larger half of the shops.

    The density of log sales is (1 - t) normal(c, s) + t a exp(-a (x - c - 1.6 s)) beyond c + 1.6 s, over its own mass
    above the median of all; c is the median of the lognormal part. Small shops, whose mean sales say little of their
    size, have no part in it. No tail (t is 0 and a NaN) where it is of fewer than 10 shops or no clear gain in
    likelihood, or where sales reach further down than up.
    """
    from scipy.optimize import minimize, minimize_scalar
    from scipy.special import ndtr

    logs = np.sort(finite(figures["log_sales"]))
    ranks = (np.arange(logs.size) + 0.5) / logs.size
    middle = float(np.median(logs))
    above = logs[logs > middle]

    def unlikely(place: Floats) -> float:
        t, a, s = 0.5 / (1.0 + math.exp(-place[0])), math.exp(place[1]), math.exp(place[2])
        c = float(np.interp(0.5 * (1.0 - t), ranks, logs))
        beyond = above - c
        body = np.exp(-0.5 * (beyond / s) ** 2) / (math.sqrt(2.0 * math.pi) * s)
        far = np.where(beyond > EDGE * s, a * np.exp(-a * (beyond - EDGE * s)), 0.0)
        mass = (1.0 - t) * float(ndtr((c - middle) / s)) + t
        bound = 10.0 * max(abs(place[1] - MIDDLE_EXPONENT) - 0.8, 0.0) ** 2  # a within 1.05 and 5 or so
        bound += 10.0 * max(abs(place[0]) - 12.0, 0.0) ** 2
        return float(above.size * bound - np.log(((1.0 - t) * body + t * far) / mass + 1e-300).sum())

    spread = float(np.quantile(logs, 0.84) - np.quantile(logs, 0.5))
    begin = np.array([-2.0, MIDDLE_EXPONENT, math.log(max(spread, 0.05))])
    rough = {"xatol": 0.01, "fatol": 0.05}
    found = minimize(unlikely, begin, method="Nelder-Mead", options=rough)
    alone = minimize_scalar(
        lambda s: unlikely(np.array([-12.0, MIDDLE_EXPONENT, s])), bracket=(found.x[2], found.x[2] + 0.1), tol=0.01
    )
    share = 0.5 / (1.0 + math.exp(-float(found.x[0])))
    low, high = np.quantile(logs, [0.05, 0.95])
    reaches_up = high - middle > middle - low  # the body is symmetric: a tail makes sales reach further up than down
    is_tail = reaches_up and share * logs.size >= LEAST_TAIL and 2.0 * (alone.fun - found.fun) > CLEAR
    return {
        "size.tail_share": share if is_tail else 0.0,
        "size.tail_exponent": min(max(math.exp(found.x[1]), 1.05), 5.0) if is_tail else math.nan,
    }


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
    found |= rests(figures, slope)
    return found | (weekdays(figures) if "weekday" in figures else {})


def direct(figures: Figures, n_days: int) -> dict[str, float]:
    """All estimates by key of the scenario."""
    return tail(figures) | entries(figures, n_days) | leaving(figures) | goods(figures) | resting(figures)
