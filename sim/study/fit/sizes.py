"""The law of sizes: of sales, a lognormal body and a Pareto tail; or of orders, a body of two halves."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from sim.study.moments.describe import Floats, finite

EDGE = 1.6  # standard deviations above the median at which the Pareto tail begins, as in `sim.world.birth`
MIDDLE_EXPONENT = 0.83  # log of the middle of the bounds of its exponent
LEAST_TAIL = 10  # merchants that make a tail
CLEAR = 6.0  # twice the gain in log likelihood that makes it more than chance: 5 % for two parameters
CLEARLY = 1.5  # times as far up as down from which a law of sizes is skewed
Figures = Mapping[str, Floats]


def tail(figures: Figures, measure: str | None = None) -> dict[str, float]:
    """The Pareto tail of sizes, by maximum likelihood over the larger half of the shops.

    The density of log sales is (1 - t) normal(c, s) + t a exp(-a (x - c - 1.6 s)) beyond c + 1.6 s, over its own mass
    above the median of all; c is the median of the lognormal part. Small shops, whose mean sales say little of their
    size, have no part in it. No tail (t is 0 and a NaN) where it is of fewer than 10 shops or no clear gain in
    likelihood, where sales reach further down than up, or where sizes are of orders: ``measure`` says so, or the data.
    """
    if (measure or measure_of(figures)) == "orders":
        return {"size.tail_share": 0.0, "size.tail_exponent": math.nan}
    return _tail(figures["log_sales"])


def measure_of(figures: Figures) -> str:
    """What the law of sizes is of: orders, where these reach clearly further up than down and sales do not; else sales.

    Clearly is half as far again, from the median to the 10 and to the 90 % quantile.
    """
    if "log_orders" not in figures:
        return "sales"
    reaches = []
    for name in ("log_orders", "log_sales"):
        low, half, high = np.quantile(finite(figures[name]), [0.1, 0.5, 0.9])
        reaches.append(high - half > CLEARLY * (half - low))
    return "orders" if reaches == [True, False] else "sales"


def lower_spread(logs: Floats) -> float:
    """Deviation of a normal law with the median and the 10 % quantile of some logs."""
    low, half = np.quantile(finite(logs), [0.1, 0.5])
    return max(float(half - low) / 1.2816, 0.05)


def _tail(values: Floats) -> dict[str, float]:
    """The tail of the logs of some sizes."""
    from scipy.optimize import minimize, minimize_scalar
    from scipy.special import ndtr

    logs = np.sort(finite(values))
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
