"""How far figures of the data would move with other merchants of the same kind: a bootstrap over merchants."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.study.moments.describe import Floats


def resamples(n: int, times: int, seed: int) -> Iterator[npt.NDArray[np.int64]]:
    """Let ``times`` samples of n out of n pass, drawn with replacement, (n,) each."""
    places = np.arange(n)
    for k in range(times):
        yield np.floor(draws.uniform(seed, "fit.resample", draws.ONCE, places, 2 + k) * n).astype(np.int64)


def spread_of(
    figures: Callable[[npt.NDArray[np.int64]], Floats], n: int, times: int, seed: int
) -> tuple[Floats, Floats]:
    """Standard errors of some figures, and their covariance.

    Parameters
    ----------
    figures
        Figures, (k,), of the merchants at some places, (n,).

    Returns
    -------
    tuple
        Standard errors (k,), NaN for a figure that more than a tenth of the samples do not have, and the covariance
        (k, k) with zeros in its place.
    """
    found = np.array([figures(who) for who in resamples(n, times, seed)])
    known = np.isfinite(found)
    enough = known.mean(0) > 0.9
    centre = np.where(known, found, 0.0).sum(0) / np.maximum(known.sum(0), 1)
    apart = np.where(known, found - centre, 0.0)
    covariance: Floats = apart.T @ apart / (times - 1)
    covariance[~enough] = 0.0
    covariance[:, ~enough] = 0.0
    return np.where(enough, np.sqrt(np.diag(covariance)), np.nan), covariance
