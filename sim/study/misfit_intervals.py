"""How sure a difference of two misfits is, when each is that of means over a few worlds.

A misfit bends at the ends of the bands, so that its own standard error says little (a jackknife of it was tried and was
several times too wide, and off its middle). The figures do not bend: their means over worlds are spread as Student's t.
So the means are drawn anew many times with the covariance that the worlds show between figures, and the misfits of the
drawn means are compared. Two sets in the same worlds are drawn together, world by world, so that luck which is common
to both cancels. The interval holds the middle 95 % of the drawn differences (a parametric bootstrap: Efron and
Tibshirani 1993, chapter 6). Worlds in which a run failed are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.study.distance import means, misfit, misfits_of
from sim.study.search_runs import Gap, Row
from sim.study.stats import LEVEL
from sim.study.targets import Targets

Floats = npt.NDArray[np.float64]

_DRAWS = 2_000
_STREAM, _DAY, _SIDES = "fit.resample", 9_001, 2  # no other draw of the stream uses this day number


def excess_in_the_same_worlds(file: Targets, rows: Sequence[Row | None], than: Sequence[Row | None], seed: int) -> Gap:
    """The misfit of a set less that of another in the same worlds, with its 95 % interval.

    Parameters
    ----------
    rows, than
        Figures by target of either set, world by world; None for a run that failed.
    seed
        Of the draws.

    Returns
    -------
    Gap
        Without an interval where fewer than two worlds are left, and empty where none is.
    """
    both = [(a, b) for a, b in zip(rows, than, strict=True) if a is not None and b is not None]
    if not both:
        return Gap(None, None, None)
    mine, theirs = [a for a, _ in both], [b for _, b in both]
    difference = misfit(file, means(file, mine)) - misfit(file, means(file, theirs))
    if len(both) < 2:
        return Gap(difference, None, None)
    moves = _moves(len(both), seed, 0)
    return _middle(difference, _drawn(file, mine, moves) - _drawn(file, theirs, moves))


def excess_in_other_worlds(file: Targets, rows: Sequence[Row | None], than: Sequence[Row | None], seed: int) -> Gap:
    """The misfit in some worlds less that in others, as `excess_in_the_same_worlds`, each side drawn alone."""
    mine, theirs = ([row for row in side if row is not None] for side in (rows, than))
    if not mine or not theirs:
        return Gap(None, None, None)
    difference = misfit(file, means(file, mine)) - misfit(file, means(file, theirs))
    if min(len(mine), len(theirs)) < 2:
        return Gap(difference, None, None)
    drawn = [_drawn(file, side, _moves(len(side), seed, k)) for k, side in enumerate((mine, theirs))]
    return _middle(difference, drawn[0] - drawn[1])


def _moves(n: int, seed: int, side: int) -> Floats:
    """What each draw gives to each of ``n`` worlds, (draws, n): normals over a chi, so that means move as t does."""
    ids = np.arange(_DRAWS * (2 * n - 1)) * _SIDES + side
    normal = draws.normal(seed, _STREAM, _DAY, ids)
    z, rest = normal[: _DRAWS * n].reshape(_DRAWS, n), normal[_DRAWS * n :].reshape(_DRAWS, n - 1)
    chi = np.sqrt((rest**2).mean(axis=1, keepdims=True))
    return np.asarray(z / chi / np.sqrt(n * (n - 1)))


def _drawn(file: Targets, rows: Sequence[Row], moves: Floats) -> Floats:
    """Misfits of drawn means, (draws,); a figure that is undefined in one world stays so."""
    table = np.array([[_number(row.get(name)) for name in file.targets] for row in rows])
    middle = table.mean(axis=0)
    return misfits_of(file, middle + moves @ (table - middle))


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _middle(difference: float, drawn: Floats) -> Gap:
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    # What was seen lies between: at the bend of a band the draws may all be to one side of it.
    return Gap(difference, min(float(low), difference), max(float(high), difference))
