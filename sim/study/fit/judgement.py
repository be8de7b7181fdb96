"""The judgement of a fit: simulated merchants beside real ones, which need not be those that were fitted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sim.study.fit.judged import Judged, judge, judged_moments, resampled
from sim.study.fit.read import Observed
from sim.study.fit.resample import resamples
from sim.study.fit.simulate import World
from sim.study.moments.shop_days import ShopDays

NOISES = 30  # resamples of merchants for the noise of the moments
MARKETS = 3  # simulated markets whose mean is judged


def judge_on(
    plan: Mapping[str, Any],
    observed: Observed,
    base: Path,
    n_simulated: int,
    seed: int,
    tell: Callable[[str], None] = lambda said: None,
) -> tuple[tuple[Judged, ...], ShopDays]:
    """Lay merchants of a plan beside real ones, over the real calendar: the mean of a few simulated markets.

    Parameters
    ----------
    plan
        Overrides of the base scenario, as `Fit.plan` holds them.
    observed
        The real merchants; they need not be those that were fitted.

    Returns
    -------
    tuple
        The judged moments, and the shops of the first market.
    """
    worlds = [World(base, observed.days, n_simulated, seed + k, tell).shops(plan) for k in range(MARKETS)]
    return tuple(judge(observed.days, worlds, _noise(observed, seed, tell))), worlds[0]


def _noise(observed: Observed, seed: int, tell: Callable[[str], None]) -> dict[str, float]:
    """Standard error over merchants of every judged moment."""
    names: list[str] = list(judged_moments(observed.days))
    rows = []
    for who in resamples(observed.days.n_shops, NOISES, seed):
        moments = judged_moments(resampled(observed.days, who))
        rows.append([moments.get(name, ("", math.nan))[1] for name in names])
        tell("resampling")
    with np.errstate(invalid="ignore"):
        spread = np.array(rows).std(0, ddof=1)
    return dict(zip(names, spread.tolist(), strict=True))
