"""The frontier of strategies: growth, yield and default together, with their uncertainty, and a robust choice.

A strategy is on the frontier when no other is as good in every objective and better in one. Which are is an estimate
from the worlds that were run: every probability here is the share of resamples of these worlds, the same for all
points, in which the set, the slope along it or the choice comes out so. Of few worlds that is too sure of itself.

Growth, yield and default are judged by facts C.11: default by loans ever 90 days late, since growth dilutes NPL.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import Issue, ScenarioError
from sim.study import pareto
from sim.study.objectives import Constraint, Objective
from sim.study.robust import Choice, Preference, take
from sim.study.stats import LEVEL, Spread, summarise

if TYPE_CHECKING:
    import numpy.typing as npt

    from sim.study.designs import Factor
    from sim.study.findings import Findings, Measured
    from sim.study.plan import Plan

    Floats = npt.NDArray[np.float64]

_TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
OBJECTIVES = (Objective("balance_growth", 1), Objective("yield_risk_adjusted", 1), Objective("ever90", -1))
ON, UNSURE, BEATEN, OVER, UNDEFINED = "on the frontier", "not told apart", "beaten", "over a limit", "undefined"


@dataclass(frozen=True)
class Strategy:
    """One point of the design with what became of it.

    Attributes
    ----------
    spreads
        Mean of each objective over worlds with its 95 % interval, in the measure's unit.
    apart
        Half-widths of the intervals for comparing points with each other: the luck that all share in a world is taken
        out (Morey, Tutorials in Quantitative Methods for Psychology 4, 2008). None with one world.
    probability
        How often it is on the frontier, over resamples of the worlds; None with one world.
    standing
        On the frontier; not told apart from it, being on it in at least 5 % of the resamples; beaten; over a limit;
        undefined.
    """

    place: int
    name: str
    point: Mapping[str, Any]
    spreads: tuple[Spread, ...]
    apart: tuple[float | None, ...]
    probability: float | None
    standing: str


@dataclass(frozen=True)
class Slope:
    """How a lever goes along the frontier towards the good end of the first objective: its rank correlation.

    ``low`` and ``high`` bound its 95 % interval over resamples of the worlds, of which the share ``defined`` has a
    frontier of 3 points along which the lever varies. ``values`` are those found on the frontier.
    """

    lever: str
    values: tuple[Any, ...]
    correlation: float | None
    low: float | None
    high: float | None
    defined: float | None

    @property
    def is_clear(self) -> bool:
        """True when its direction along the frontier is told apart from chance."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class Frontier:
    """What a study of a frontier found; the strategies stand in the order of the design."""

    objectives: tuple[Objective, ...]
    constraints: tuple[str, ...]
    strategies: tuple[Strategy, ...]
    slopes: tuple[Slope, ...]
    choices: tuple[Choice, ...]
    n_worlds: int
    n_worlds_dropped: int
    n_resamples: int

    @property
    def efficient(self) -> tuple[Strategy, ...]:
        """The strategies on the frontier, by the first objective, the least growth first."""
        own = [one for one in self.strategies if one.standing == ON]
        sense = self.objectives[0].sense
        return tuple(sorted(own, key=lambda one: sense * (one.spreads[0].mean or 0.0)))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One dict per strategy: ``point``, its factors, ``standing, probability``, mean and interval of objectives."""
        found = []
        for one in self.strategies:
            row: dict[str, Any] = {"point": one.name, **one.point}
            row |= {"standing": one.standing, "probability": one.probability}
            for aim, spread, apart in zip(self.objectives, one.spreads, one.apart, strict=True):
                row |= {aim.measure: spread.mean, f"{aim.measure}_low": spread.low, f"{aim.measure}_high": spread.high,
                        f"{aim.measure}_apart": apart}  # fmt: skip
            found.append(row)
        return found

    @property
    def more(self) -> dict[str, Any]:
        """Slopes and choices as plain values."""
        return {"slopes": [vars(one) for one in self.slopes], "choices": [vars(one) for one in self.choices]}

    def sentences(self) -> tuple[str, ...]:
        """Say what is on the frontier, which lever goes along it, and what is chosen."""
        from sim.study.frontier_words import say_all

        return say_all(self)


def frontier(
    factors: Sequence[Factor],
    points: Mapping[str, Mapping[str, Any]],
    values: Floats,
    objectives: Sequence[Objective] = OBJECTIVES,
    constraints: Sequence[Constraint] = (),
    *,
    preferences: Sequence[Preference] = (Preference(),),
    n_settings: int = 1,
    seed: int = 1,
    n_resamples: int = pareto.RESAMPLES,
) -> Frontier:
    """Find the frontier.

    Parameters
    ----------
    factors
        The levers.
    points
        Written values by factor, by name of the point.
    values
        (n_points, n_worlds, n_columns) in the measures' units, nan where undefined. Worlds are the seeds, or the
        seeds under the first of ``n_settings`` settings of uncertain factors, under the second, and so on. What only a
        constraint names comes after the objectives, see `columns_of`.
    constraints
        Limits, kept by the mean over worlds; by the worst-case choice in every world.
    preferences
        How a strategy is chosen; each gives a choice by mean, by worst case and by regret.
    seed
        Of the resamples, which are drawn from it by ``sim.core.draws``.

    Raises
    ------
    ValueError
        If the shape of the values does not fit, or a preference names no objective.
    """
    columns = columns_of(objectives, constraints)
    if values.ndim != 3 or values.shape[::2] != (len(points), len(columns)) or values.shape[1] % n_settings:
        raise ValueError(f"values of the shape {values.shape} for {len(points)} points and {', '.join(columns)}")
    n_seeds = values.shape[1] // n_settings
    kept, seeds = pareto.usable(values, n_settings)
    told = tuple(str(one) for one in constraints)
    dropped = (n_seeds - len(seeds)) * n_settings
    if not len(kept):
        nothing = (summarise([]),) * len(objectives)
        none = tuple(
            Strategy(place, name, point, nothing, (None,) * len(objectives), None, UNDEFINED)
            for place, (name, point) in enumerate(points.items())
        )
        return Frontier(tuple(objectives), told, none, (), (), 0, dropped, n_resamples)
    worlds = (np.arange(n_settings)[:, None] * n_seeds + seeds).reshape(-1)
    senses = np.array([float(aim.sense) for aim in objectives] + [1.0] * (len(columns) - len(objectives)))
    goods = values[np.ix_(kept, worlds)] * senses
    limits = tuple(
        pareto.Limit(column, one.sense * senses[column], one.sense * one.limit)
        for one in constraints
        for column in [columns.index(one.measure)]
    )
    written = [points[name] for name in points]
    levers = np.array([[one.number(written[place][one.name]) for one in factors] for place in kept])
    levers = levers.reshape(len(kept), len(factors))
    drawn = None
    if len(seeds) > 1:
        drawn = pareto.membership(goods, len(objectives), limits, levers, seed, n_settings, n_resamples)
    strategies = _strategies(points, kept, goods, senses, limits, len(objectives), n_settings, drawn)
    on_set = np.array([strategies[place].standing == ON for place in kept], np.bool_)
    slopes = _slopes(factors, [written[place] for place in kept], levers, goods.mean(axis=1), on_set, drawn)
    names = [list(points)[place] for place in kept]
    choices = tuple(
        take(criterion, wish, goods, objectives, limits, names, kept, (seed, n_settings, n_resamples))
        for wish in preferences
        for criterion in pareto.CRITERIA
    ) if len(kept) else ()  # fmt: skip
    return Frontier(tuple(objectives), told, strategies, slopes, choices, len(worlds), dropped, n_resamples)


def check(plan: Plan) -> None:
    """Refuse a study that cannot be told as a frontier, before it runs.

    Raises
    ------
    ScenarioError
        If an objective or a constraint is misspelt, or not every strategy meets the same settings of the world.
    """
    from sim.study.findings import Measured
    from sim.study.objectives import read_all

    try:
        read_all(plan.file.objectives or OBJECTIVES, plan.file.constraints)
        _crossed(plan, Measured(tuple(plan.points), plan.seeds, {}))
    except ValueError as error:
        raise ScenarioError([Issue(str(plan.path), 1, 1, "", str(error))]) from None


def analyse(plan: Plan, measured: Measured) -> Findings:
    """Find the frontier of a study: its levers are the strategies, its world factors cross them as settings of worlds.

    Raises
    ------
    ScenarioError
        If an objective or a constraint is misspelt, or not every strategy was run in the same settings of the world.
    """
    from sim.study.findings import Findings, Picture
    from sim.study.frontier_picture import draw_frontier
    from sim.study.frontier_words import say_all
    from sim.study.objectives import read_all

    try:
        aims, limits = read_all(plan.file.objectives or OBJECTIVES, plan.file.constraints)
        points, n_settings, order = _crossed(plan, measured)
    except ValueError as error:
        raise ScenarioError([Issue(str(plan.path), 1, 1, "", str(error))]) from None
    columns = [measured.array(name)[order] for name in columns_of(aims, limits)]
    values = np.stack(columns, axis=2).reshape(len(points), -1, len(columns))
    seed = plan.file.first_seed
    found = frontier(plan.levers, points, values, aims, limits, n_settings=n_settings, seed=seed)
    sentences = say_all(found)
    pictures = {}
    if len(aims) > 1 and found.efficient:
        pictures["frontier"] = Picture(draw_frontier(found), sentences[0])
    return Findings(found.rows, sentences, pictures, more=found.more)


def _crossed(plan: Plan, measured: Measured) -> tuple[dict[str, Mapping[str, Any]], int, list[int]]:
    """The strategies by name, how many settings of the world each was run in, and the order of the points for both."""
    names = [factor.name for factor in plan.levers]
    if not names:
        raise ValueError("levers: there is none; a frontier compares what a lender can choose")
    strategies: dict[str, list[tuple[str, int]]] = {}
    first: dict[str, Mapping[str, Any]] = {}
    for place, point in enumerate(measured.points):
        written = plan.points[point]
        lever, setting = ({name: v for name, v in written.items() if (name in names) == own} for own in (True, False))
        strategies.setdefault(repr(lever), []).append((repr(setting), place))
        first.setdefault(repr(lever), {"name": point, **lever})
    settings = [setting for setting, _ in next(iter(strategies.values()))]
    order = []
    for own in strategies.values():
        place_of = dict(own)
        if sorted(place_of) != sorted(settings):
            raise ValueError(
                "design: world factors must be crossed with the levers in a frontier; design: {kind: grid}"
            )
        order += [place_of[setting] for setting in settings]
    points: dict[str, Mapping[str, Any]] = {
        str(one["name"]): {name: one[name] for name in names} for one in first.values()
    }
    return points, len(settings), order


def columns_of(objectives: Sequence[Objective], constraints: Sequence[Constraint] = ()) -> tuple[str, ...]:
    """Return the measures of the last axis of values: the objectives, then what only a constraint names."""
    return tuple(dict.fromkeys((*(one.measure for one in objectives), *(one.measure for one in constraints))))


def _strategies(
    points: Mapping[str, Mapping[str, Any]],
    kept: npt.NDArray[np.int64],
    goods: Floats,
    senses: Floats,
    limits: tuple[pareto.Limit, ...],
    n_objectives: int,
    n_settings: int,
    drawn: pareto.Membership | None,
) -> tuple[Strategy, ...]:
    means = goods.mean(axis=1)
    is_allowed = pareto.allowed(means, limits)
    on_set = pareto.efficient(means[:, :n_objectives], is_allowed)
    by_seed = (goods * senses).reshape(len(kept), n_settings, -1, len(senses)).mean(axis=1)
    centred = by_seed - by_seed.mean(axis=0) + by_seed.mean(axis=(0, 1))
    row_of = {int(place): row for row, place in enumerate(kept)}
    found = []
    for place, (name, point) in enumerate(points.items()):
        row = row_of.get(place)
        if row is None:
            nothing = (summarise([]),) * n_objectives
            found.append(Strategy(place, name, point, nothing, (None,) * n_objectives, None, UNDEFINED))
            continue
        spreads = tuple(summarise(by_seed[row, :, column].tolist()) for column in range(n_objectives))
        apart = tuple(_half(summarise(centred[row, :, column].tolist()), len(kept)) for column in range(n_objectives))
        chance = None if drawn is None else float(drawn.probability[row])
        is_open = chance is not None and chance >= 1 - LEVEL
        standing = ON if on_set[row] else UNSURE if is_open else BEATEN if is_allowed[row] else OVER
        found.append(Strategy(place, name, point, spreads, apart, chance, standing))
    return tuple(found)


def _half(spread: Spread, n_points: int) -> float | None:
    """Half the width of an interval from which the common luck was taken, corrected for that (Morey 2008)."""
    if spread.low is None or spread.high is None or n_points < 2:
        return None
    return (spread.high - spread.low) / 2 * math.sqrt(n_points / (n_points - 1))


def _slopes(
    factors: Sequence[Factor],
    written: Sequence[Mapping[str, Any]],
    levers: Floats,
    means: Floats,
    on_set: npt.NDArray[np.bool_],
    drawn: pareto.Membership | None,
) -> tuple[Slope, ...]:
    found = []
    whole = pareto.slopes_along(means[on_set, 0], levers[on_set])
    for column, factor in enumerate(factors):
        on = sorted(np.flatnonzero(on_set).tolist(), key=lambda row: levers[row, column])
        values = tuple({repr(written[row][factor.name]): written[row][factor.name] for row in on}.values())
        correlation = float(whole[column]) if math.isfinite(whole[column]) else None
        low = high = defined = None
        if drawn is not None:
            known = drawn.slopes[np.isfinite(drawn.slopes[:, column]), column]
            defined = len(known) / len(drawn.slopes)
            if defined >= 0.5:
                low, high = (float(np.quantile(known, share, method="inverted_cdf")) for share in _TAILS)
        found.append(Slope(factor.name, values, correlation, low, high, defined))
    return tuple(found)
