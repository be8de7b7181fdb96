"""Which parameters the targets tell: each held at a value while the others are looked for again.

The profile of a parameter is the least misfit of several fresh sets that have it exactly at a grid value. One of them
is the best set with this parameter moved; the others are where the figures, interpolated between all sets run so far
(thin-plate splines, one a target), promise least; the interpolation is made anew when half of them are run, so that it
follows a ridge, along which parameters make up for one another. A grid value is *as good as* the best set when the
paired interval of the two misfits in the same worlds does not lie above zero. Between the last value that is and the
first that is not, the interval's end is looked for by halving. A parameter that is as good everywhere is not
identified.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.study.search import Factor, evenly
from sim.study.search_runs import Gap

NEAR_END = 0.02  # of the range
HALVINGS = 2  # of the gap between the last value that is as good and the first that is not
_PLACES = 1_500  # of the other parameters, among which the interpolation chooses
_NEAR = 0.1  # every second place is this near to the best known
_APART = 0.03  # sets of one value keep this far apart
_SMOOTHING = 1e-3  # of the interpolation, in yardsticks: sets that nearly coincide do not bend it

IDENTIFIED, ONE_SIDED, FLAT, UNJUDGED = "identified", "one side only", "not identified", "not judged"
Floats = npt.NDArray[np.float64]
Value = tuple[str, float]  # a parameter, and a place on its axis
Units = tuple[float, ...]
Promise = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Tried:
    """One set of parameters that was run: its place in the unit cube, and the value that optuna is told."""

    units: tuple[float, ...]
    value: float


@dataclass(frozen=True)
class GridPoint:
    """The best set with a parameter at one value: its misfit, and the paired difference from the best set of all."""

    unit: float
    written: Any
    misfit: float
    excess: Gap

    @property
    def is_as_good(self) -> bool:
        """Whether it is not told apart from the best set."""
        return self.excess.difference is not None and (
            self.excess.difference <= 0 or (self.excess.low is not None and self.excess.low <= 0)
        )

    @property
    def is_judged(self) -> bool:
        """Whether there are worlds enough for an interval: a value whose runs failed is not told apart by that."""
        return self.excess.low is not None


@dataclass(frozen=True)
class Profile:
    """What the targets tell of one parameter.

    Attributes
    ----------
    status
        ``identified``, ``one side only``, ``not identified`` or ``not judged`` (a single world, or runs that failed).
    low, high
        The nearest grid values below and above the best that are told apart from it: the interval. None where there is
        none up to the end of the range, and for a parameter of values.
    as_good
        Grid values that are as good as the best.
    end
        ``low`` or ``high`` when the best lies at an end of the range.
    """

    name: str
    key: str
    best: Any
    best_unit: float
    points: tuple[GridPoint, ...]
    status: str
    low: Any
    high: Any
    as_good: tuple[Any, ...]
    end: str | None

    def row(self) -> dict[str, Any]:
        """Return the row of tables and JSON."""
        return {
            "parameter": self.name,
            "key": self.key,
            "best": self.best,
            "low": self.low,
            "high": self.high,
            "status": self.status,
            "as_good": list(self.as_good),
            "at_end": self.end,
        }


def grid_of(factor: Factor, n: int) -> list[float]:
    """Places of a factor's axis that its profile looks at: all its values, or ``n`` from end to end."""
    if factor.values:
        return [(k + 0.5) / len(factor.values) for k in range(len(factor.values))]
    return [k / (n - 1) for k in range(n)]


def try_values(
    factors: Sequence[Factor],
    values: Sequence[Value],
    best: Callable[[], Units],
    run: Callable[[Sequence[Units]], object],
    promise: Callable[[], Promise | None],
    *,
    seed: int,
    trials: int,
) -> dict[Value, list[Units]]:
    """Run fresh sets with a parameter at each of some values; their places in the unit cube.

    Parameters
    ----------
    best
        The best set so far.
    run
        Runs sets; called twice, with half of the sets of all values each time.
    promise
        What the sets run so far promise for any others, (n, factors) to (n,); None where they are too few.
    """
    axes = {factor.name: axis for axis, factor in enumerate(factors)}
    found: dict[Value, list[Units]] = {value: [] for value in values}
    first = -(-trials // 2)
    for n in (first, trials - first):
        at, guess = best(), promise()
        batch: list[Units] = []
        for value in values:
            chosen = _choose(value, axes[value[0]], at, guess, found[value], n, seed)
            found[value] += chosen
            batch += chosen
        if batch:
            run(batch)
    return found


def halfway(factor: Factor, best_unit: float, points: Sequence[GridPoint]) -> list[Value]:
    """Where to look next for the ends of a parameter's interval."""
    if factor.values or not all(point.is_judged for point in points):
        return []
    ordered = sorted(points, key=lambda point: point.unit)
    below, above = _told_apart(best_unit, ordered)
    good = [point.unit for point in ordered if point.is_as_good] + [best_unit]
    found = []
    if below is not None:
        found.append((below.unit + min(u for u in good if u > below.unit)) / 2)
    if above is not None:
        found.append((above.unit + max(u for u in good if u < above.unit)) / 2)
    return [(factor.name, u) for u in found]


def read_profile(factor: Factor, best_unit: float, points: Sequence[GridPoint]) -> Profile:
    """Say what the grid values of a parameter tell."""
    points = sorted(points, key=lambda point: point.unit)
    judged = all(point.is_judged for point in points)
    good = [point for point in points if point.is_as_good]
    below, above = _told_apart(best_unit, points)
    if not judged:
        status = UNJUDGED
    elif factor.values:
        others = [point for point in good if factor.at(point.unit) != factor.at(best_unit)]
        status = IDENTIFIED if not others else FLAT if len(good) == len(points) else ONE_SIDED
    else:
        status = FLAT if not (below or above) else IDENTIFIED if below and above else ONE_SIDED
    is_range = judged and not factor.values
    end = None
    if not factor.values:
        end = "low" if best_unit <= NEAR_END else "high" if best_unit >= 1 - NEAR_END else None
    return Profile(
        factor.name,
        factor.key,
        factor.at(best_unit),
        best_unit,
        tuple(points),
        status,
        below.written if below and is_range else None,
        above.written if above and is_range else None,
        tuple(point.written for point in good),
        end,
    )


def _told_apart(best_unit: float, ordered: Sequence[GridPoint]) -> tuple[GridPoint | None, GridPoint | None]:
    """The nearest points below and above the best that are told apart from it."""
    below = [point for point in ordered if point.unit < best_unit and not point.is_as_good]
    above = [point for point in ordered if point.unit > best_unit and not point.is_as_good]
    return below[-1] if below else None, above[0] if above else None


def _choose(
    value: Value, axis: int, best: Units, promise: Promise | None, known: Sequence[Units], n: int, seed: int
) -> list[Units]:
    """The sets to run next at a value: the best set moved there, then what is promised least and lies apart."""
    u = value[1]
    moved = (*best[:axis], u, *best[axis + 1 :])
    chosen = [] if known else [moved]
    places = np.array(evenly(len(best), _PLACES, seed + len(known)))
    if promise is not None:
        places[:, axis] = u
        start = places[int(np.argmin(promise(places)))]
        places[::2] = np.clip(start + _NEAR * (2 * places[::2] - 1), 0.0, 1.0)
        places[1::4] = np.clip(np.array(best) + _NEAR * (2 * places[1::4] - 1), 0.0, 1.0)
    places[:, axis] = u
    order = np.arange(len(places)) if promise is None else np.argsort(promise(places), kind="stable")
    for k in order.tolist():
        if len(chosen) >= n:
            break
        place = tuple(float(x) for x in places[k])
        if all(max(abs(a - b) for a, b in zip(place, other, strict=True)) > _APART for other in (*known, *chosen)):
            chosen.append(place)
    return chosen[:n]


def interpolate(units: Sequence[Units], figures: Floats) -> Callable[[Floats], Floats] | None:
    """Interpolate figures (n, targets) between the places of sets; None where there are too few of them."""
    from scipy.interpolate import RBFInterpolator

    places, where = np.unique(np.array(units), axis=0, return_index=True)
    n, n_axes = places.shape
    if n < n_axes + 2 or np.linalg.matrix_rank(np.column_stack([places, np.ones(n)])) <= n_axes:
        return None
    return RBFInterpolator(places, figures[where], kernel="thin_plate_spline", smoothing=_SMOOTHING)  # type: ignore[no-any-return]
