"""Morris' screening and Sobol's shares of variance, worked out by SALib on means over worlds.

What luck of the worlds is left in these means is told beside them. A factor over values is stepped over their places,
and an effect is told for the whole of its range, whatever step SALib took.

Sources: Morris, Technometrics 33, 1991; Campolongo, Cariboni and Saltelli, Environmental Modelling & Software 22, 2007;
Saltelli et al., Computer Physics Communications 181, 2010.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sim.study import designs
from sim.study.designs import Factor, Sampling
from sim.study.sensitivity import Morris, Screening, Share, Sobol, refuse_other_length
from sim.study.stats import LEVEL, summarise

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

_RESAMPLES = 1_000  # of SALib's intervals


def morris(factors: Sequence[Factor], sampling: Sampling, outcomes: Floats, measure: str) -> Morris:
    """Screen the factors by elementary effects; ``outcomes`` are those of ``sampling.points``.

    A trajectory is taken in the worlds where all of its runs went well, and left out where there is none.

    Raises
    ------
    ValueError
        If outcomes and points are not of one length, or fewer than two trajectories are whole.
    """
    import numpy as np

    k = len(factors)
    cube, unit = _in_groups(sampling, outcomes, k + 1)
    is_whole, kept = _without_failures(cube)
    if kept.sum() < 2:
        raise ValueError(f"{measure}: {kept.sum()} trajectories without a failed run; morris needs 2")
    steps = _steps(factors)
    means = _mean_over(cube[kept], is_whole[kept])
    seed = designs.derived_seed(sampling.seed, "morris_interval")
    found = _by_salib_morris(factors, unit[kept], means, seed)
    by_world = []
    for world in range(outcomes.shape[1]):
        own = is_whole[:, world]
        known = own.sum() >= 2
        alone = _by_salib_morris(factors, unit[own], cube[own, :, world], seed)["mu_star"] if known else [math.nan] * k
        by_world.append(np.asarray(alone) * steps)
    noise = _morris_noise(unit[kept], np.where(is_whole[kept][:, None, :], cube[kept], np.nan), k)
    screenings = []
    for place, factor in enumerate(factors):
        keys = ("mu", "mu_star", "sigma", "mu_star_conf")
        mu, star, sigma, half = (float(found[key][place] * steps[place]) for key in keys)
        luck = None if noise is None else float(noise[place] * steps[place])
        spread = summarise([float(one[place]) for one in by_world])
        screenings.append(Screening(factor.name, mu, star, max(star - half, 0.0), star + half, sigma, spread, luck))
    screenings.sort(key=lambda one: -one.mu_star)
    n = int(kept.sum())
    return Morris(measure, tuple(screenings), n, len(kept) - n, outcomes.shape[1], sampling.seed)


def sobol(factors: Sequence[Factor], sampling: Sampling, outcomes: Floats, measure: str) -> Sobol:
    """Share out the variance of the mean over worlds; ``outcomes`` are those of ``sampling.points``.

    A block of points is taken in the worlds where all of its runs went well, and left out where there is none.

    Raises
    ------
    ValueError
        If outcomes and points are not of one length, or fewer than two blocks are whole.
    """
    import numpy as np

    k = len(factors)
    cube, _ = _in_groups(sampling, outcomes, k + 2)
    is_whole, kept = _without_failures(cube)
    n = int(kept.sum())
    if n < 2:
        raise ValueError(f"{measure}: {n} blocks without a failed run; sobol_indices needs 2")
    means = _mean_over(cube[kept], is_whole[kept])
    about = (n, len(kept) - n, outcomes.shape[1], sampling.seed)
    if np.ptp(means) <= 1e-12 * np.abs(means).max():
        return Sobol(measure, (), None, None, *about)
    from SALib.analyze import sobol as analyser

    seed = designs.derived_seed(sampling.seed, "sobol_interval")
    found = analyser.analyze(designs.problem(factors), means.reshape(-1), calc_second_order=False,
                             num_resamples=_RESAMPLES, conf_level=LEVEL, seed=seed)  # fmt: skip
    shares = []
    for place, factor in enumerate(factors):
        first, first_half, total, total_half = (float(found[key][place]) for key in ("S1", "S1_conf", "ST", "ST_conf"))
        shares.append(Share(factor.name, first, first - first_half, first + first_half,
                            total, total - total_half, total + total_half))  # fmt: skip
    shares.sort(key=lambda one: -one.total)
    drawn = cube[kept][:, [0, -1], :][:, :, is_whole[kept].all(0)].reshape(2 * n, -1)
    return Sobol(measure, tuple(shares), *_luck(drawn), *about)


def _in_groups(sampling: Sampling, outcomes: Floats, size: int) -> tuple[Floats, Floats]:
    """Outcomes (n_groups, size, n_worlds) and places in the unit cube (n_groups, size, n_factors) of the samples."""
    refuse_other_length(outcomes, len(sampling.points))
    n_groups = len(sampling.place) // size
    values = outcomes[sampling.place].reshape(n_groups, size, outcomes.shape[1])
    return values, sampling.unit.reshape(n_groups, size, -1)


def _without_failures(cube: Floats) -> tuple[Bools, Bools]:
    """In which worlds all runs of a group went well, (n_groups, n_worlds), and whether there is such a world."""
    import numpy as np

    is_whole: Bools = np.all(np.isfinite(cube), axis=1)
    kept: Bools = np.any(is_whole, axis=1)
    return is_whole, kept


def _mean_over(cube: Floats, is_whole: Bools) -> Floats:
    """Mean over the worlds in which a group is whole, (n_groups, size)."""
    import numpy as np

    inside = is_whole[:, None, :]
    return np.asarray(np.where(inside, cube, 0.0).sum(2) / inside.sum(2))


def _by_salib_morris(factors: Sequence[Factor], unit: Floats, values: Floats, seed: int) -> Mapping[str, Any]:
    from SALib.analyze import morris as analyser

    found: Mapping[str, Any] = analyser.analyze(
        designs.problem(factors), unit.reshape(-1, unit.shape[2]), values.reshape(-1),
        num_resamples=_RESAMPLES, conf_level=LEVEL, num_levels=designs.MORRIS_LEVELS, seed=seed,
    )  # fmt: skip
    return found


def _steps(factors: Sequence[Factor]) -> Floats:
    """What an effect by SALib is multiplied by: its step in the unit cube over the step that the values really took."""
    import numpy as np

    levels = designs.MORRIS_LEVELS
    step = levels / (2 * (levels - 1))
    found = []
    for factor in factors:
        first, last = designs.level_of(factor, 0.0), designs.level_of(factor, step)
        n = factor.n_values
        taken = step if n is None or first is None or last is None else (last - first) / max(n - 1, 1)
        found.append(step / taken if taken else 1.0)
    return np.array(found)


def _morris_noise(unit: Floats, cube: Floats, k: int) -> Floats | None:
    """Mean size of an effect that is luck alone: sqrt(2/pi) times the root mean square of the effects' errors."""
    import numpy as np

    moved = np.diff(unit, axis=1)
    which = np.abs(moved).argmax(2)
    effects = np.diff(cube, axis=1) / np.take_along_axis(moved, which[:, :, None], 2)
    n = np.isfinite(effects).sum(2)
    if not (n >= 2).any():
        return None
    squares = np.full(n.shape, np.nan)
    squares[n >= 2] = np.nanvar(effects[n >= 2], axis=1, ddof=1) / n[n >= 2]
    return np.array([math.sqrt(2 / math.pi * np.nanmean(squares[which == place])) for place in range(k)])


def _luck(values: Floats) -> tuple[float | None, float | None]:
    """Shares of luck in the variance of the means and of single runs, from values (n_points, n_worlds), two-way."""
    import numpy as np

    n_points, n_worlds = values.shape
    if n_worlds < 2:
        return None, None
    by_point, by_world = values.mean(1), values.mean(0)
    rest = values - by_point[:, None] - by_world[None, :] + values.mean()
    noise = float((rest**2).sum()) / ((n_points - 1) * (n_worlds - 1))
    of_means = float(np.var(by_point, ddof=1))
    of_points = max(of_means - noise / n_worlds, 0.0)
    of_worlds = max(float(np.var(by_world, ddof=1)) - noise / n_points, 0.0)
    total = of_points + of_worlds + noise
    return min(noise / n_worlds / of_means, 1.0), (of_worlds + noise) / total if total else 0.0
