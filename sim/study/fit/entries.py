"""When merchants entered: those there from the start, and the others evenly or in waves."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from sim.study.moments.describe import Floats

FIRST_WEEKS = 28  # days within which a merchant that was there from the start has its first order, at most
LEAST_WAVES = 100  # merchants that enter late, without which waves are not told from chance
SURELY = 0.001  # chance of months so uneven, where merchants come evenly, below which they come in waves
PART, IN_PART = 7.0, 10  # days of a part of the waves, and merchants in it, at least
Figures = Mapping[str, Floats]


def entries(figures: Figures, n_days: int) -> dict[str, float]:
    """Share of merchants there from the start, and the days over which the others enter.

    Those first seen while nine in ten of all would have had three orders, four weeks at most, less the entrants of that
    time, were there. Twice the mean wait of the others is the time over which they come, where they come evenly; where
    they do not, it lasts to the last of them.
    """
    opened, first = figures["opened"], _first_days(figures)
    late = opened[opened >= first]
    if late.size == 0:
        return {"entry.present": 1.0, "entry.over": math.nan}
    comes_in_waves = bool(waves_of(figures))
    over = float(late.max()) if comes_in_waves else min(float(n_days), first + 2.0 * float((late - first).mean()))
    early = 1.0 - late.size / opened.size
    if comes_in_waves:
        soon = float((late < first + FIRST_WEEKS).sum()) / opened.size
        present = early - soon * (first - 1.0) / FIRST_WEEKS
    else:
        present = (early - first / over) / (1.0 - first / over) if over > first else early
    return {"entry.present": min(max(present, 0.0), 1.0), "entry.over": max(over, 1.0)}


def _first_days(figures: Figures) -> int:
    """Days within which a merchant that was there from the start has its first order."""
    if "pace" not in figures:
        return FIRST_WEEKS
    wait = float(np.quantile(3.0 / np.maximum(figures["pace"], 1e-3), 0.9))
    return int(min(max(math.ceil(wait), 1), FIRST_WEEKS))


def waves_of(figures: Figures) -> tuple[float, ...]:
    """How many merchants entered in equal parts of the time over which they come, a week or more each.

    None where they come evenly, as far as a chi-squared test of thirty days each can tell.
    """
    from scipy.stats import chi2

    opened, first = figures["opened"], _first_days(figures)
    late = opened[opened >= first]
    if late.size < LEAST_WAVES or late.max() - first < 60.0:
        return ()
    last = float(late.max())
    months = np.histogram(late, bins=int((last - first) / 30.0), range=(first, last + 1.0))[0]
    mean = late.size / months.size
    if ((months - mean) ** 2 / mean).sum() < chi2.isf(SURELY, months.size - 1):
        return ()
    parts = int(max(min(last / PART, late.size / IN_PART), 2))
    # an entrant of day d is drawn between d - 1 and d of this time
    counts = np.histogram(late - 0.5, bins=parts, range=(0.0, last))[0]
    edges = np.linspace(0.0, last, parts + 1)
    seen = np.clip((edges[1:] - (first - 1.0)) * parts / last, 0.0, 1.0)  # share of each part after the first days
    known = seen >= 0.3
    level = counts[known][0] / seen[known][0]
    return tuple(float(f"{n:.4g}") for n in np.where(known, counts / np.maximum(seen, 0.3), level))
