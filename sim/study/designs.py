"""Designs: what varies in a study, and which points of the factors' space are run.

A point holds a written value, as a scenario file may write it, for every factor by name. Points of a design are
distinct and stand in a fixed order, so that a study done again asks for the same runs. What is drawn is drawn by
scipy or SALib with a seed that :func:`derived_seed` takes from the study's; the same seed gives the same points.

Errors read ``problem; what is allowed`` and begin with the factor they are about.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from sim.core import draws
from sim.engine.inputs.text import near, shown
from sim.study.factors import Factor

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "KINDS", "LEAST_BASE_SAMPLES", "MORRIS_LEVELS", "MOST_POINTS", "Factor", "Point", "Sampling", "advice", "count",
    "derived_seed", "grid", "latin_hypercube", "level_of", "morris", "one_at_a_time", "problem", "rows", "saltelli",
    "sobol",
]  # fmt: skip

Point = dict[str, Any]

MOST_POINTS = 1_000_000
MORRIS_LEVELS = 4
# Of a sum of four terms a total share is wrong by 0.33 on average with 8 base samples, 0.04 with 16, 0.01 with 64
# (60 seeds each, `saltelli` and `salib.sobol`): the halves of short Sobol sequences resemble each other.
LEAST_BASE_SAMPLES = 64
KINDS = ("list", "grid", "latin_hypercube", "sobol", "one_at_a_time", "morris", "sobol_indices")

_STREAM = "fit.resample"  # of all sampling in studies; the "day" keeps one use apart from another
_USES = ("latin_hypercube", "sobol", "morris", "sobol_indices", "morris_interval", "sobol_interval", "worlds")


@dataclass(frozen=True)
class Sampling:
    """The samples of a method that asks for the same point more than once.

    Attributes
    ----------
    points
        The distinct points, which are run.
    place
        The point of each sample, (n_samples,).
    unit
        Where each sample lies in the unit cube, (n_samples, n_factors).
    seed
        What the sampler was given.
    """

    points: tuple[Point, ...]
    place: npt.NDArray[np.int64]
    unit: npt.NDArray[np.float64]
    seed: int


def derived_seed(seed: int, use: str) -> int:
    """Return the seed for one use of a study's randomness by a library, 1 to 2^31 - 1, drawn from the study's seed."""
    key = int(draws.day_key(seed, _STREAM, 1 + _USES.index(use)))
    return 1 + key % (2**31 - 1)


def count(kind: str, factors: Sequence[Factor], n: int = 0) -> int:
    """Return how many points a design asks for, before any is made.

    Parameters
    ----------
    n
        Rows of a list, points of a latin_hypercube or sobol, trajectories of morris, base samples of sobol_indices.

    Returns
    -------
    int
        Never too few. Samples of factors with few values may coincide; each point is then run once.

    Raises
    ------
    ValueError
        If there is no such kind of design, or a grid has a factor without values.
    """
    if kind == "grid":
        return math.prod(len(factor.values) for factor in _with_values(factors))
    if kind == "one_at_a_time":
        return 1 + sum(len(factor.extremes) for factor in factors)
    if kind == "morris":
        return n * (len(factors) + 1)
    if kind == "sobol_indices":
        return n * (len(factors) + 2)
    if kind not in KINDS:
        hint = near(kind, KINDS)
        raise ValueError(f"design: there is no kind {shown(kind)}; allowed: {', '.join(KINDS)}{hint and '; ' + hint}")
    return n


def advice(kind: str, n: int) -> str:
    """Say what a number of points had better be; nothing where it is well."""
    if kind not in ("sobol", "sobol_indices"):
        return ""
    if kind == "sobol_indices" and n < LEAST_BASE_SAMPLES:
        return f"{n} base samples are too few for shares of variance: {LEAST_BASE_SAMPLES} or more, better 512."
    if n < 1 or n & (n - 1) == 0:
        return ""
    below = 1 << (n.bit_length() - 1)
    return f"{kind} covers the space evenly with a power of two: {below} or {2 * below} points rather than {n}."


def rows(factors: Sequence[Factor], given_rows: Sequence[Mapping[str, Any]]) -> tuple[Point, ...]:
    """Check the points of a list, each a mapping from every factor to its written value.

    Raises
    ------
    ValueError
        If there is none, a row names no factor of the study or leaves one out, a value is none of its factor's, or a
        row stands twice.
    """
    if not given_rows:
        raise ValueError("rows: there is none; write a mapping of every factor to its value for each point")
    names = [factor.name for factor in factors]
    seen: dict[tuple[str, ...], int] = {}
    for number, row in enumerate(given_rows, 1):
        strange = next((name for name in row if name not in names), None)
        if strange is not None:
            hint = near(strange, names)
            raise ValueError(f"row {number}: no factor {shown(strange)}; {hint or 'there are: ' + ', '.join(names)}")
        missing = next((name for name in names if name not in row), None)
        if missing is not None:
            raise ValueError(f"row {number}: {missing} is missing; every row has a value for each factor")
        for factor in factors:
            _refuse_outside(factor, row[factor.name], number)
        first = seen.setdefault(_mark(row, names), number)
        if first != number:
            raise ValueError(f"row {number}: the same point as row {first}; each point once")
    return tuple({name: row[name] for name in names} for row in given_rows)


def grid(factors: Sequence[Factor]) -> tuple[Point, ...]:
    """Cross the values of all factors; those of the last change fastest.

    Raises
    ------
    ValueError
        If a factor has a range and no values, or there would be more than ``MOST_POINTS``.
    """
    n = _refuse_too_many("grid", factors)
    names = [factor.name for factor in factors]
    crossed = product(*(factor.values for factor in factors)) if n else ()
    return tuple(dict(zip(names, values, strict=True)) for values in crossed)


def latin_hypercube(factors: Sequence[Factor], n: int, seed: int) -> tuple[Point, ...]:
    """Draw ``n`` points so that every n-th part of every factor holds one (McKay, Beckman and Conover 1979).

    Points that coincide, as those of few values may, are told once.

    Raises
    ------
    ValueError
        If there are fewer than 1 or more than ``MOST_POINTS`` points.
    """
    from scipy.stats import qmc

    _refuse_too_many("latin_hypercube", factors, n)
    unit = qmc.LatinHypercube(len(factors), seed=derived_seed(seed, "latin_hypercube")).random(n)
    return _sampled(factors, unit, 0).points


def sobol(factors: Sequence[Factor], n: int, seed: int) -> tuple[Point, ...]:
    """Draw the first ``n`` points of a scrambled Sobol sequence; see :func:`advice` for the best n, a power of two.

    Points that coincide, as those of few values may, are told once.

    Raises
    ------
    ValueError
        If there are fewer than 1 or more than ``MOST_POINTS`` points.
    """
    from scipy.stats import qmc

    _refuse_too_many("sobol", factors, n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about powers of two: `advice` says it better
        unit = qmc.Sobol(len(factors), seed=derived_seed(seed, "sobol")).random(n)
    return _sampled(factors, unit, 0).points


def one_at_a_time(factors: Sequence[Factor], base: Mapping[str, Any]) -> tuple[Point, ...]:
    """Leave the base by one factor at a time: the base first, then each factor at each of its extremes.

    Parameters
    ----------
    base
        Written values by factor name. A factor that is left out stays as the scenario has it.

    Raises
    ------
    ValueError
        If the base names no factor of the study.
    """
    names = [factor.name for factor in factors]
    strange = next((name for name in base if name not in names), None)
    if strange is not None:
        hint = near(strange, names)
        raise ValueError(f"base: no factor {shown(strange)}; {hint or 'there are: ' + ', '.join(names)}")
    start = {name: base[name] for name in names if name in base}
    points = [start]
    for factor in factors:
        others = (value for value in factor.extremes if repr(value) != repr(base.get(factor.name)))
        points += [{name: {**start, factor.name: value}[name] for name in names if name in start or name == factor.name}
                   for value in others]  # fmt: skip
    return tuple(points)


def morris(factors: Sequence[Factor], trajectories: int, seed: int) -> Sampling:
    """Draw trajectories that change one factor after the other (Morris 1991), by SALib: four levels of every factor.

    A factor with n values is stepped over the n places as evenly as four levels allow.
    """
    from SALib.sample import morris as sampler

    _refuse_too_many("morris", factors, trajectories)
    own = derived_seed(seed, "morris")
    unit = sampler.sample(problem(factors), trajectories, num_levels=MORRIS_LEVELS, seed=own)
    return _sampled(factors, unit, own, is_stepped=True)


def saltelli(factors: Sequence[Factor], n: int, seed: int) -> Sampling:
    """Draw ``n`` blocks of one sample, another, and the first with each factor of the other (Saltelli 2002), by SALib.

    It costs n times (factors + 2) points; n had better be a power of two.
    """
    from SALib.sample import sobol as sampler

    _refuse_too_many("sobol_indices", factors, n)
    own = derived_seed(seed, "sobol_indices")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        unit = sampler.sample(problem(factors), n, calc_second_order=False, seed=own)
    return _sampled(factors, unit, own)


def problem(factors: Sequence[Factor]) -> dict[str, Any]:
    """Describe the factors to SALib: all of them in the unit cube."""
    return {"num_vars": len(factors), "names": [one.name for one in factors], "bounds": [[0.0, 1.0]] * len(factors)}


def level_of(factor: Factor, u: float) -> int | None:
    """Return the place of the value that a level of Morris stands for; None where ``u`` itself is taken."""
    return None if factor.n_values is None or factor.is_log else round(u * (factor.n_values - 1))


def _sampled(factors: Sequence[Factor], unit: Any, seed: int, *, is_stepped: bool = False) -> Sampling:
    import numpy as np

    names = [factor.name for factor in factors]
    found: dict[tuple[str, ...], int] = {}
    points: list[Point] = []
    place = np.empty(len(unit), np.int64)
    for number, sample in enumerate(unit):
        point = {one.name: _value(one, float(u), is_stepped) for one, u in zip(factors, sample, strict=True)}
        place[number] = found.setdefault(_mark(point, names), len(points))
        if place[number] == len(points):
            points.append(point)
    return Sampling(tuple(points), place, np.asarray(unit, np.float64), seed)


def _value(factor: Factor, u: float, is_stepped: bool) -> Any:
    level = level_of(factor, u) if is_stepped else None
    return factor.at(u if level is None or factor.n_values is None else (level + 0.5) / factor.n_values)


def _with_values(factors: Iterable[Factor]) -> Iterable[Factor]:
    for factor in factors:
        if not factor.values:
            raise ValueError(f"{factor.name}: a grid needs values, and this is a range; latin_hypercube takes ranges")
        yield factor


def _refuse_too_many(kind: str, factors: Sequence[Factor], n: int = 1) -> int:
    if not factors:
        raise ValueError("factors: there is none; a design needs one that varies")
    if n < 1:
        raise ValueError(f"points: {n}; a design has at least 1")
    total = count(kind, factors, n)
    if total > MOST_POINTS:
        largest = max(factors, key=lambda factor: len(factor.values))
        whose = f"{largest.name} has the most values, {len(largest.values)}" if kind == "grid" else "ask for fewer"
        raise ValueError(f"{kind}: {total:,} points; at most {MOST_POINTS:,}, {whose}")
    return total


def _refuse_outside(factor: Factor, written: Any, row: int) -> None:
    try:
        number = factor.number(written)
    except ValueError as error:
        raise ValueError(f"row {row}: {error}") from None
    if factor.values and repr(written) not in map(repr, factor.values):
        allowed = shown(", ".join(map(str, factor.values)), 200)
        raise ValueError(f"row {row}: {factor.name}: {shown(written)} is none of its values; allowed: {allowed}")
    if not factor.values and not factor.ends[0] <= number <= factor.ends[1]:
        low, high = factor.ends
        allowed = f"{low:g} to {high:g}{factor.unit}"
        raise ValueError(f"row {row}: {factor.name}: {shown(written)} is outside its range; allowed: {allowed}")


def _mark(point: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(repr(point[name]) for name in names)
