"""Optimisation of policies: the best that levers can do, against the same luck, and judged again by new luck.

All points of a search live through the same worlds, so that they differ by what the lender does and by nothing else.
Yet the best of many is partly the luckiest of many (the winner's curse): what the search proposes lives through fresh
worlds that it has not seen, and only these say how good it is. The drop from one to the other is reported, each
measured against the scenario as it stands in the same worlds, so that a kinder set of worlds is no drop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sim.errors import LendsimError
from sim.study.front import centrality, nondominated, spread_out
from sim.study.objectives import Constraint, Objective, read_all
from sim.study.optimum import Answer, Candidate, Optimisation, Tried
from sim.study.search import Factor, Point, Sampler, Score, Search, batches, point_at
from sim.study.search_runs import Evaluate, Row, Worlds, check_search, gap, unseen_worlds
from sim.study.stats import Value, pair, summarise

MOST_CANDIDATES, CANDIDATES_OF_ONE = 12, 5  # that live through fresh worlds: of several objectives, of a single one


def optimise(
    evaluate: Evaluate,
    factors: Sequence[Factor],
    objectives: Sequence[str | Objective],
    constraints: Sequence[str | Constraint] = (),
    *,
    seeds: Sequence[int],
    fresh: int | Sequence[int] = 10,
    trials: int = 100,
    seed: int = 1,
    sampler: Sampler = "tpe",
    preference: Mapping[str, float] | None = None,
    scenario: str | Path | None = None,
    settings: Point | None = None,
) -> Optimisation:
    """Look for the levers that serve the objectives best within the constraints.

    Parameters
    ----------
    evaluate
        Gives measures for points and seeds; figures among them need `sim.study.objectives.policy_task`.
    factors
        The levers, each with its range or values.
    objectives, constraints
        ``max disbursed``, ``min ever90``; ``ever90 <= 1 %``. Constraints hold for means over the worlds.
    seeds, fresh
        Worlds of the search, and those that judge what it found: their seeds, or how many after the search's last.
    trials
        Points that the search tries.
    seed
        Of the search.
    sampler
        ``tpe`` or ``nsga2`` (wants some hundreds of trials).
    preference
        Weights of objectives by measure, equal ones unless told otherwise: chosen is the point of the search's front
        with the least weighted distance from the best of every objective, each from best to worst of it.
    scenario, settings
        The scenario's file, for the overlay, and what is laid over every run.

    Raises
    ------
    LendsimError
        When no point of the search has all its measures; MissingExtraError when optuna is not installed.
    ValueError
        When an objective, constraint, preference or world is refused.
    """
    check_search(factors, seeds, trials)
    aims, limits = read_all(objectives, constraints)
    weights = _weights(aims, preference)
    unseen = unseen_worlds(seeds, fresh, "fresh")
    names = tuple(dict.fromkeys([*(aim.measure for aim in aims), *(limit.measure for limit in limits)]))
    worlds = Worlds(evaluate)
    base = worlds.rows([{}], seeds)[0]
    search = Search(
        factors,
        seed=seed,
        directions=["maximize" if aim.sense > 0 else "minimize" for aim in aims],
        n_trials=trials,
        sampler=sampler,
        constrained=bool(limits),
    )
    history: list[Tried] = []
    for n in batches(trials):
        asked = search.ask(n)
        found = [
            _tried(factors, one.units, rows, names, limits)
            for one, rows in zip(asked, worlds.rows([one.point for one in asked], seeds), strict=True)
        ]
        search.tell(asked, [_score(one, aims) for one in found])
        history += found
    _refuse_nothing(history, names, worlds, factors, seeds)
    proposed = _propose(history, aims, weights)
    points = [point_at(factors, one.units) for one in proposed]
    rows_seen, rows_new = worlds.rows([{}, *points], seeds)[1:], worlds.rows([{}, *points], unseen)
    candidates = _judge(proposed, points, names, aims, limits, base, rows_seen, rows_new)
    chosen = next((one for one in candidates if one.is_feasible), None)
    first = [] if chosen is None else [chosen]
    spreads = {name: summarise(_column(rows_new[0], name)) for name in names}
    return Optimisation(
        objectives=aims,
        constraints=limits,
        preference=weights,
        candidates=(*first, *(one for one in candidates if one is not chosen)),
        chosen=chosen,
        base=spreads,
        is_base_feasible=_meets(limits, {name: spread.mean for name, spread in spreads.items()}),
        history=tuple(history),
        levers=tuple(factor.name for factor in factors),
        seeds=tuple(seeds),
        fresh=unseen,
        seed=seed,
        sampler=sampler,
        sampler_seed=search.sampler_seed,
        n_runs=worlds.n_runs,
        n_fresh_failed=sum(row is None for rows in rows_new for row in rows),
        scenario=None if scenario is None else Path(scenario),
        settings=settings,
    )


def _weights(aims: Sequence[Objective], preference: Mapping[str, float] | None) -> dict[str, float]:
    names = [aim.measure for aim in aims]
    for name, weight in (preference or {}).items():
        if name not in names:
            raise ValueError(f"preference: {name!r} is no objective; the objectives are {', '.join(names)}")
        if not weight >= 0:
            raise ValueError(f"preference: the weight of {name} is {weight}; weights are at least 0")
    weights = {name: 1.0 if preference is None else float(preference.get(name, 0.0)) for name in names}
    if not any(weights.values()):
        raise ValueError("preference: no objective has a weight above 0")
    return weights


def _column(rows: Sequence[Row | None], name: str) -> list[Value]:
    return [None if row is None else row.get(name) for row in rows]


def _tried(
    factors: Sequence[Factor],
    units: tuple[float, ...],
    rows: Sequence[Row | None],
    names: Sequence[str],
    limits: Sequence[Constraint],
) -> Tried:
    """A point with its means; one with a run that failed, or a measure undefined in some world, has none."""
    values = {factor.name: factor.at(u) for factor, u in zip(factors, units, strict=True)}
    spreads = {name: summarise(_column(rows, name)) for name in names}
    if any(spread.mean is None or spread.n_dropped for spread in spreads.values()):
        return Tried(values, units, None, tuple(1.0 for _ in limits))
    means = {name: spread.mean for name, spread in spreads.items() if spread.mean is not None}
    return Tried(values, units, means, tuple(limit.violation(means[limit.measure]) for limit in limits))


def _score(tried: Tried, aims: Sequence[Objective]) -> Score:
    if tried.means is None:
        return Score(None, tried.violations)
    return Score(tuple(tried.means[aim.measure] for aim in aims), tried.violations)


def _refuse_nothing(
    history: Sequence[Tried], names: Sequence[str], worlds: Worlds, factors: Sequence[Factor], seeds: Sequence[int]
) -> None:
    if any(one.means is not None for one in history):
        return
    rows = [row for one in history for row in worlds.rows([point_at(factors, one.units)], seeds)[0]]
    if all(row is None for row in rows):
        raise LendsimError(f"every run of the search failed ({len(rows)} of them)")
    never = [name for name in names if all(row is None or row.get(name) is None for row in rows)]
    what = f"{never[0]} is defined in no run" if never else "no point has all its measures defined in every world"
    raise LendsimError(f"{what} of the search: is the run too short, or does the lender lend nothing?")


def _propose(history: Sequence[Tried], aims: Sequence[Objective], weights: Mapping[str, float]) -> list[Tried]:
    """What is to live through fresh worlds, in the order of preference, by the means of the search alone."""
    able = list({one.units: one for one in history if one.means is not None}.values())
    able = list({repr(sorted(one.values.items())): one for one in able}.values())
    feasible = [one for one in able if one.is_feasible]
    if not feasible:
        return sorted(able, key=lambda one: sum(max(v, 0.0) for v in one.violations))[:CANDIDATES_OF_ONE]
    goods = [_goods(one.means or {}, aims) for one in feasible]
    if len(aims) == 1:
        order = sorted(range(len(feasible)), key=lambda k: -goods[k][0])
        return [feasible[k] for k in order[:CANDIDATES_OF_ONE]]
    front = nondominated(goods)
    kept = spread_out([goods[k] for k in front], MOST_CANDIDATES)
    far = centrality([goods[k] for k in front], [weights[aim.measure] for aim in aims])
    nearest = min(range(len(front)), key=lambda j: far[j])
    kept = sorted({*kept, nearest}, key=lambda j: far[j])
    return [feasible[front[j]] for j in kept]


def _goods(means: Mapping[str, float], aims: Sequence[Objective]) -> tuple[float, ...]:
    """Values of the objectives, turned so that more is better."""
    return tuple(aim.sense * means[aim.measure] for aim in aims)


def _meets(limits: Sequence[Constraint], values: Mapping[str, float | None]) -> bool:
    found = [(limit, values[limit.measure]) for limit in limits]
    return all(value is not None and limit.violation(value) <= 0 for limit, value in found)


def _judge(
    proposed: Sequence[Tried],
    points: Sequence[Point],
    names: Sequence[str],
    aims: Sequence[Objective],
    limits: Sequence[Constraint],
    base_seen: Sequence[Row | None],
    rows_seen: Sequence[Sequence[Row | None]],
    rows_new: Sequence[Sequence[Row | None]],
) -> list[Candidate]:
    """The candidates after the fresh worlds; ``rows_new`` begins with those of the scenario as it stands."""
    found = []
    senses = {aim.measure: aim.sense for aim in aims}
    for seen, new in zip(rows_seen, rows_new[1:], strict=True):
        answers = {}
        for name in names:
            sense = senses.get(name, next((-limit.sense for limit in limits if limit.measure == name), 1))
            answers[name] = _answer(name, sense, *(_column(rows, name) for rows in (base_seen, seen, rows_new[0], new)))
        found.append(answers)
    fits = [_meets(limits, {name: one.fresh.mean for name, one in answers.items()}) for answers in found]
    able = [k for k, a in enumerate(found) if fits[k] and all(a[aim.measure].fresh.mean is not None for aim in aims)]
    goods = [tuple(aim.sense * (found[k][aim.measure].fresh.mean or 0.0) for aim in aims) for k in able]
    front = {able[j] for j in nondominated(goods)}
    return [
        Candidate(one.values, point, answers, k in able, k in able and _is_sure(limits, answers), k in front)
        for k, (one, point, answers) in enumerate(zip(proposed, points, found, strict=True))
    ]


def _answer(
    name: str, sense: int, base_seen: list[Value], seen: list[Value], base_new: list[Value], new: list[Value]
) -> Answer:
    """A measure of a candidate; its drop is against the base where that has the measure, else of the value itself."""

    def gains(own: list[Value], of_base: list[Value]) -> list[Value]:
        pairs = zip(own, of_base, strict=True)
        return [None if a is None or b is None else sense * (a - b) for a, b in pairs]

    looked, is_ = gains(seen, base_seen), gains(new, base_new)
    if all(one is None for one in looked) or all(one is None for one in is_):
        looked, is_ = ([None if v is None else sense * v for v in column] for column in (seen, new))
    return Answer(name, summarise(seen), summarise(new), pair(base_new, new), gap(looked, is_))


def _is_sure(limits: Sequence[Constraint], answers: Mapping[str, Answer]) -> bool:
    """Whether every constraint holds at the worse end of its interval too."""
    for limit in limits:
        spread = answers[limit.measure].fresh
        end = spread.high if limit.sense > 0 else spread.low
        if end is None or limit.violation(end) > 0:
            return False
    return True
