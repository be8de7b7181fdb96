"""The arithmetic of a frontier: which points no other beats, and how sure that is over the worlds.

``goods`` are objectives turned so that more is better, (n_points, n_worlds, n_objectives), without gaps: every point
lived through the same worlds. Worlds are seeds, or every seed under each of ``n_settings`` settings of the uncertain
factors, the seeds of the first setting first. A resample draws seeds with replacement, the same for all points, and
keeps all settings: these are the study's choice and no chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from sim.core import draws
from sim.study.designs import derived_seed

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Places = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]

RESAMPLES = 999
Criterion = Literal["mean", "worst case", "regret"]
CRITERIA: tuple[Criterion, ...] = ("mean", "worst case", "regret")
_STREAM = "fit.resample"
_LEAST_ON_A_LINE = 3  # points that a rank correlation needs


@dataclass(frozen=True)
class Limit:
    """``sign`` times the good in place ``column`` is at most ``most``."""

    column: int
    sign: float
    most: float

    def holds(self, goods: Floats) -> Bools:
        """Say where it is kept, (...), by goods (..., n_objectives)."""
        return np.asarray(self.sign * goods[..., self.column] <= self.most)


def efficient(goods: Floats, is_allowed: Bools | None = None) -> Bools:
    """Say of each point whether no other allowed one is as good in everything and better in something.

    Parameters
    ----------
    goods
        (n_points, n_objectives), more is better.
    is_allowed
        Points that count, (n_points,); the others are not efficient. Equal points are efficient together.

    Returns
    -------
    (n_points,)
    """
    left = np.arange(len(goods)) if is_allowed is None else np.flatnonzero(is_allowed)
    # Those with the greatest sum first: they beat most of the others, which are then looked at no more.
    left = left[np.argsort(-_evened(goods[left]).sum(1), kind="stable")]
    at = 0
    while at < len(left):
        own = goods[left[at]]
        is_kept = (goods[left] > own).any(1) | (goods[left] == own).all(1)
        left = left[is_kept]
        at = int(is_kept[:at].sum()) + 1
    found = np.zeros(len(goods), np.bool_)
    found[left] = True
    return found


def allowed(means: Floats, limits: tuple[Limit, ...]) -> Bools:
    """Say which points keep all limits, (n_points,), by goods (n_points, n_objectives)."""
    found = np.ones(len(means), np.bool_)
    for limit in limits:
        found &= limit.holds(means)
    return found


def usable(values: Floats, n_settings: int = 1) -> tuple[Places, Places]:
    """Choose the points and seeds to go on with, so that every point has a value in every world.

    A seed that failed somewhere is left out; but where that would cost more than half of the seeds, the points that
    failed most often are left out first.

    Parameters
    ----------
    values
        (n_points, n_worlds, n_objectives), nan where undefined.

    Returns
    -------
    Places of the points, and of the seeds.
    """
    known = np.isfinite(values).reshape(len(values), n_settings, -1, values.shape[2])
    is_known: Bools = np.asarray(np.all(known, axis=(1, 3)))  # (n_points, n_seeds)
    points = np.flatnonzero(is_known.any(axis=1))
    while len(points):
        seeds = np.flatnonzero(is_known[points].all(axis=0))
        if 2 * len(seeds) >= is_known.shape[1]:
            return points, seeds
        n_missing = (~is_known[points]).sum(axis=1)
        points = points[n_missing < n_missing.max()]
    return points, np.zeros(0, np.int64)


def resamples(n_seeds: int, n_settings: int, seed: int, times: int = RESAMPLES) -> Iterator[Places]:
    """Give the places of the worlds of each resample, (n_settings * n_seeds,)."""
    own = derived_seed(seed, "worlds")
    which = np.arange(times)
    luck = [draws.uniform(own, _STREAM, draws.ONCE, which, place) for place in range(n_seeds)]
    chosen = np.minimum(np.floor(np.array(luck).T * n_seeds).astype(np.int64), n_seeds - 1)
    settings = np.arange(n_settings)[:, None] * n_seeds
    for seeds in chosen:
        yield (settings + seeds).reshape(-1)


def mean_over(goods: Floats, worlds: Places) -> Floats:
    """Mean over some worlds, each as often as it is named, (n_points, n_objectives), added in their order."""
    total = np.zeros((len(goods), goods.shape[2]))
    for world in worlds:
        total += goods[:, world]
    return total / len(worlds)


@dataclass(frozen=True)
class Membership:
    """How often each point is on the set, and how each lever goes along it, over the resamples.

    Attributes
    ----------
    probability
        (n_points,)
    slopes
        Rank correlation of each lever with the first objective among the points of the set, (n_resamples, n_levers);
        nan where the set has fewer than 3 points or the lever is the same on all of it.
    """

    probability: Floats
    slopes: Floats


def membership(
    goods: Floats,
    n_objectives: int,
    limits: tuple[Limit, ...],
    levers: Floats,
    seed: int,
    n_settings: int = 1,
    times: int = RESAMPLES,
) -> Membership:
    """Work the set out anew for every resample of the worlds.

    Parameters
    ----------
    goods
        (n_points, n_worlds, at least n_objectives); what comes after the objectives is there for the limits.
    levers
        Numbers, (n_points, n_levers).
    """
    n_seeds = goods.shape[1] // n_settings
    counts = np.zeros(len(goods))
    slopes = np.full((times, levers.shape[1]), np.nan)
    for place, worlds in enumerate(resamples(n_seeds, n_settings, seed, times)):
        means = mean_over(goods, worlds)
        on_set = efficient(means[:, :n_objectives], allowed(means, limits))
        counts += on_set
        slopes[place] = slopes_along(means[on_set, 0], levers[on_set])
    return Membership(counts / times, slopes)


def slopes_along(first: Floats, levers: Floats) -> Floats:
    """Rank correlation of each lever, (n, n_levers), with the first objective, (n,); nan where it is undefined."""
    return np.array([rank_correlation(levers[:, place], first) for place in range(levers.shape[1])])


def rank_correlation(x: Floats, y: Floats) -> float:
    """Spearman's rank correlation, ties at their mean rank; nan for fewer than 3 points or where one is constant."""
    if len(x) < _LEAST_ON_A_LINE or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    from scipy.stats import rankdata

    a, b = (rankdata(one) - (len(one) + 1) / 2 for one in (x, y))
    return float((a * b).sum() / math.sqrt(float((a * a).sum() * (b * b).sum())))


def scores(criterion: Criterion, goods: Floats, is_allowed: Bools) -> Floats:
    """Judge each point over the worlds, (n_points,), more is better, from one good, (n_points, n_worlds).

    ``mean`` over worlds; ``worst case``: its value in its worst world; ``regret``: less the most that the best allowed
    point of a world would have gained over it (Savage 1951).
    """
    if criterion == "mean":
        return np.asarray(goods.mean(axis=1))
    if criterion == "worst case":
        return np.asarray(goods.min(axis=1))
    return np.asarray(-(goods[is_allowed].max(axis=0) - goods).max(axis=1))


def choose(
    criterion: Criterion,
    goods: Floats,
    limits: tuple[Limit, ...],
    spans: Floats,
    weights: tuple[float, ...] | None,
    order: tuple[int, ...],
    tolerance: float,
) -> int | None:
    """Return the place of the point to choose; None where no point keeps the limits.

    Parameters
    ----------
    goods
        (n_points, n_worlds, n_objectives)
    limits
        Kept by the mean over worlds; with ``worst case`` in every world.
    spans
        What one objective is measured by, (n_objectives,).
    weights
        Of the objectives, each over its span, added up in every world; None to choose by order.
    order
        Objectives, the most important first: of the points within ``tolerance`` spans of the best in the first, those
        of the second, and so on; the best in the last of them is chosen.
    """
    left = allowed(goods.mean(axis=1), limits)
    if criterion == "worst case":
        for limit in limits:
            left &= limit.holds(goods).all(axis=1)
    if not left.any():
        return None
    if weights is not None:
        together = (goods[:, :, : len(weights)] * (np.array(weights) / spans[: len(weights)])).sum(axis=2)
        return _best(scores(criterion, together, left), left)
    is_allowed = left.copy()
    last = np.zeros(len(goods))
    for column in order:
        last = scores(criterion, goods[:, :, column], is_allowed)
        left &= last >= last[left].max() - tolerance * spans[column]
    return _best(last, left)


def spans_of(means: Floats) -> Floats:
    """What each objective spans over the points, (n_objectives,); 1 where it is the same at all."""
    span = np.ptp(means, axis=0)
    return np.where(span > 0, span, 1.0)


def _best(judged: Floats, left: Bools) -> int:
    return int(np.where(left, judged, -math.inf).argmax())


def _evened(goods: Floats) -> Floats:
    """Each objective on its own span, so that a sum means something."""
    return goods / spans_of(goods) if len(goods) else goods
