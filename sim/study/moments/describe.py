"""How a set of numbers is described: its spread, and the distribution of sizes.

Standard deviations divide by n. Quantiles interpolate linearly between ordered values (rule 7 of Hyndman and Fan).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Figures = dict[str, Any]

PERCENTS = (5, 10, 25, 50, 75, 90, 95, 99)


def finite(values: Any) -> Floats:
    """The finite ones of some numbers, flat."""
    flat = np.asarray(values, np.float64).ravel()
    return flat[np.isfinite(flat)]


def mean(values: Any) -> float | None:
    """Mean of the finite values; None where there is none."""
    known = finite(values)
    return float(known.mean()) if known.size else None


def median(values: Any) -> float | None:
    """Median of the finite values; None where there is none."""
    known = finite(values)
    return float(np.median(known)) if known.size else None


def ratio(part: float, whole: float) -> float | None:
    """A share or rate; None where the whole is nothing."""
    return float(part / whole) if whole else None


def correlation(a: Floats, b: Floats) -> float | None:
    """Pearson correlation over the pairs of which both are finite; None for fewer than three or without spread."""
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 3 or np.ptp(a[both]) == 0 or np.ptp(b[both]) == 0:
        return None
    return float(np.corrcoef(a[both], b[both])[0, 1])


def rank_correlation(a: Floats, b: Floats) -> float | None:
    """Spearman correlation: that of the ranks, ties sharing their mean rank."""
    from scipy.stats import rankdata

    both = np.isfinite(a) & np.isfinite(b)
    return correlation(rankdata(a[both]), rankdata(b[both]))


def describe(values: Any, percents: Sequence[int] = PERCENTS) -> Figures:
    """Number, mean, standard deviation and percentiles of the finite values."""
    known = finite(values)
    if known.size == 0:
        return {"n": 0, "mean": None, "sd": None, **{f"p{p}": None for p in percents}}
    cuts = np.quantile(known, [p / 100 for p in percents])
    named = {f"p{p}": float(cut) for p, cut in zip(percents, cuts, strict=True)}
    return {"n": int(known.size), "mean": float(known.mean()), "sd": float(known.std()), **named}


def excess_kurtosis(values: Any) -> float | None:
    """Fourth central moment over the squared variance, less 3."""
    known = finite(values)
    spread = known.var() if known.size else 0.0
    return float(((known - known.mean()) ** 4).mean() / spread**2 - 3.0) if spread > 0 else None


def lognormal_distance(logs: Floats, ddof: int = 0) -> float:
    """Kolmogorov-Smirnov distance of logs from the normal law of their own mean and deviation."""
    from scipy.special import ndtr

    ordered = np.sort(logs)
    law = ndtr((ordered - ordered.mean()) / ordered.std(ddof=ddof))
    steps = np.arange(ordered.size + 1) / ordered.size
    return float(max((steps[1:] - law).max(), (law - steps[:-1]).max()))


def hill(ordered: Floats, share: float) -> float | None:
    """Hill's tail exponent over the k largest, k = floor(share n), against the next one below.

    alpha = 1 / mean(log x_i - log x_(k+1)); large is a thin tail.
    """
    k = int(ordered.size * share + 1e-9)
    if k < 2 or ordered.size <= k:
        return None
    excess = np.log(ordered[-k:]).mean() - np.log(ordered[-k - 1])
    return float(1.0 / excess) if excess > 0 else None


def size(values: Any) -> Figures:
    """Distribution of sizes over the positive values.

    ``gini`` is 2 sum(i x_i) / (n sum(x)) - (n + 1) / n over ordered values; ``top10`` the share of the largest 10 % in
    the whole, their number rounded; ``lognorm_mu`` and ``_sigma`` mean and deviation of logs, ``log_skew`` and
    ``log_exkurt`` their third and fourth standardised moments.
    """
    known = finite(values)
    ordered = np.sort(known[known > 0])
    names = "mean median p90 p99 gini top1 top10 top20 lognorm_mu lognorm_sigma log_skew log_exkurt ks_lognormal"
    found: Figures = {"n": int(ordered.size), **dict.fromkeys(names.split())}
    found |= {"hill_alpha_top10pct": hill(ordered, 0.1), "hill_alpha_top5pct": hill(ordered, 0.05)}
    n = ordered.size
    if n == 0:
        return found
    logs, whole = np.log(ordered), float(ordered.sum())
    found["mean"], found["median"] = float(ordered.mean()), float(np.median(ordered))
    found["p90"], found["p99"] = (float(np.quantile(ordered, q)) for q in (0.9, 0.99))
    found["gini"] = float(2.0 * (np.arange(1, n + 1) * ordered).sum() / (n * whole) - (n + 1) / n)
    for percent in (1, 10, 20):
        largest = round(n * percent / 100)
        found[f"top{percent}"] = float(ordered[n - largest :].sum() / whole)
    found["lognorm_mu"], found["lognorm_sigma"] = float(logs.mean()), float(logs.std())
    if logs.std() > 0:
        found["log_skew"] = float(((logs - logs.mean()) ** 3).mean() / logs.std() ** 3)
        found["log_exkurt"], found["ks_lognormal"] = excess_kurtosis(logs), lognormal_distance(logs)
    return found


def group_of(values: Floats, n: int) -> npt.NDArray[np.int64]:
    """Which of n equally large groups by size each value is in, from 0, the smallest."""
    edges = np.quantile(values, np.arange(1, n) / n) if values.size else np.zeros(n - 1)
    return np.searchsorted(edges, values, side="left")


def by_bucket(values: Any, edges: Sequence[float]) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    """Buckets of values, open on the left and closed on the right, each with its name and its mask."""
    known, whole = np.asarray(values, np.float64), all(isinstance(edge, int) for edge in edges)
    pairs = pairwise(edges)
    return [
        (f"({low}, {high}]" if whole else f"({float(low)}, {float(high)}]", (known > low) & (known <= high))
        for low, high in pairs
    ]


def rates(is_event: npt.NDArray[np.bool_], values: Any, edges: Sequence[float]) -> Figures:
    """Number of cases and share of events in each bucket."""
    return {name: {"n": int(inside.sum()), "rate": mean(is_event[inside])} for name, inside in by_bucket(values, edges)}
