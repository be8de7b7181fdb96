"""Intervals within one world, with the merchant as the unit: of shares by their score, of money by resampling.

Loans of one merchant stand and fall together, so that a merchant, not a loan, is what is drawn again or counted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.core import draws

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.95
COPIES = 1000
_MOST_DRAWS = 100_000_000  # for one resampling: large markets get fewer copies, at least `_LEAST_COPIES`
_LEAST_COPIES = 200
_DEFINED = 0.95  # share of the copies in which a ratio must be defined for an interval of it


class Interval(NamedTuple):
    """The two ends of a 95 % interval; None where there is none."""

    low: float | None
    high: float | None


NONE = Interval(None, None)


def normal_quantile(probability: float) -> float:
    """Return the quantile of the standard normal, for instance 1.9600 for 0.975."""
    from scipy.special import ndtri

    return float(ndtri(probability))


def of_share(n: int, of: int) -> Interval:
    """Return Wilson's score interval of a share of ``n`` in ``of``.

    ``(p + z^2/2m -+ z sqrt(p(1-p)/m + z^2/4m^2)) / (1 + z^2/m)`` with m = ``of``. Source: Wilson 1927, Journal of the
    American Statistical Association 22, 209-212.
    """
    if of == 0:
        return NONE
    z, p = normal_quantile((1 + LEVEL) / 2), n / of
    centre = p + z * z / (2 * of)
    half = z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    return Interval(max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale))


def of_difference(n_a: int, of_a: int, n_b: int, of_b: int) -> Interval:
    """Return the interval of the share of b less that of a, by Newcombe's hybrid of the two score intervals.

    ``d - sqrt((p_b - l_b)^2 + (u_a - p_a)^2)`` to ``d + sqrt((u_b - p_b)^2 + (p_a - l_a)^2)``. Source: Newcombe 1998,
    Statistics in Medicine 17, 873-890, method 10.
    """
    a, b = of_share(n_a, of_a), of_share(n_b, of_b)
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return NONE
    p_a, p_b = n_a / of_a, n_b / of_b
    d = p_b - p_a
    return Interval(d - math.hypot(p_b - b.low, a.high - p_a), d + math.hypot(b.high - p_b, p_a - a.low))


def resampled_sums(columns: NDArray[Any], seed: int, group: int, copies: int | None = None) -> NDArray[np.float64]:
    """Return the sums of columns over merchants drawn again with replacement.

    Parameters
    ----------
    columns : (n, k)
        One row a merchant, one column a quantity that is summed.
    seed, group
        Seed of the run, and a number of the group of merchants, so that groups are drawn independently.
    copies
        How many times; fewer than `COPIES` for very many merchants unless told.

    Returns
    -------
    ndarray (copies, k)
    """
    n, k = columns.shape
    copies = copies or copies_for(n)
    sums = np.zeros((copies, k))
    if n == 0:
        return sums
    places, values = np.arange(n), np.asarray(columns, dtype=np.float64)
    for copy in range(copies):
        # uniforms lie below 1, but their product with n may round up to it
        taken = np.minimum(draws.uniform(seed, "study.resample", group, places, copy) * n, n - 1).astype(np.int64)
        sums[copy] = np.bincount(taken, minlength=n) @ values
    return sums


def copies_for(n: int) -> int:
    """Return how many resampled copies of ``n`` merchants are drawn."""
    return int(max(_LEAST_COPIES, min(COPIES, _MOST_DRAWS // max(n, 1))))


def of_copies(values: NDArray[np.float64]) -> Interval:
    """Return the middle 95 % of resampled values, (copies,): the percentile interval (Efron and Tibshirani 1993).

    None where the value is undefined in more than a twentieth of the copies.
    """
    defined = values[np.isfinite(values)]
    if values.size == 0 or defined.size < _DEFINED * values.size:
        return NONE
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))
