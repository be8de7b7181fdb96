"""Calibration: a file of targets in, parameters out; how far each target is, and how much of it all to believe.

A search moves the parameters so that the misfit of the means over the fitting worlds becomes small (`distance`).
Three questions are then put to what it found. Would other worlds say the same (held-out seeds)? Which parameters do
the targets tell at all (`identify`)? And is a parameter pressed against an end of its range?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sim.errors import LendsimError
from sim.study.calibration import Calibration, TargetFit
from sim.study.distance import CENTRING, distance, means, misfit, misfit_of_those_that_ran, misfits_of, told, yardstick
from sim.study.identify import (
    HALVINGS,
    Floats,
    GridPoint,
    Profile,
    Promise,
    Tried,
    Units,
    Value,
    grid_of,
    halfway,
    interpolate,
    read_profile,
    try_values,
)
from sim.study.misfit_intervals import excess_in_other_worlds, excess_in_the_same_worlds
from sim.study.search import Factor, Point, Proposal, Score, Search, batches, point_at
from sim.study.search_runs import Evaluate, Row, Worlds, check_search, unseen_worlds
from sim.study.stats import Spread, summarise
from sim.study.targets import Targets, read_targets

GRID, PROFILE_TRIALS = 5, 6  # grid values a parameter, and fresh sets at each
_LEAST_GRID = 3


def calibrate(
    evaluate: Evaluate,
    factors: Sequence[Factor],
    targets: Targets | str | Path,
    *,
    seeds: Sequence[int],
    held_out: int | Sequence[int] = 10,
    trials: int = 100,
    grid: int = GRID,
    profile_trials: int = PROFILE_TRIALS,
    seed: int = 1,
    scenario: str | Path | None = None,
    settings: Point | None = None,
) -> Calibration:
    """Look for the parameters with which a scenario meets its targets, and say how much to believe of them.

    Parameters
    ----------
    evaluate
        Gives the figures of the targets by id (`sim.study.distance.target_task`) for points and seeds.
    factors
        The parameters, each with its range or values.
    targets
        A file of targets, or its content.
    seeds, held_out
        Fitting worlds, and worlds that the search never sees: their seeds, or how many after the last fitting one.
    trials
        Sets that the search tries.
    grid, profile_trials
        Values at which each parameter is held for its profile, and fresh sets at each; 0 of either leaves them out.
    seed
        Of the search.
    scenario, settings
        The scenario's file, for the overlay, and what is laid over every run.

    Raises
    ------
    ScenarioError
        When the file of targets is refused.
    LendsimError
        When every set had a run that failed; nothing could be said.
    MissingExtraError
        When optuna is not installed.
    ValueError
        When there is nothing to vary, or worlds are given twice or are not held out.
    """
    check_search(factors, seeds, trials)
    if grid and grid < _LEAST_GRID:
        raise ValueError(f"grid: {grid} values are no profile; at least {_LEAST_GRID}, or 0 for none")
    fresh = unseen_worlds(seeds, held_out, "held_out")
    file = targets if isinstance(targets, Targets) else read_targets(Path(targets))
    fit = _Fit(file, Worlds(evaluate), factors, tuple(seeds), seed)
    base = fit.worlds.rows([{}], seeds)[0]
    search = Search(factors, seed=seed, n_trials=trials)
    for n in batches(trials):
        asked = search.ask(n)
        search.tell(asked, fit.score(asked))
    history = tuple(fit.tried)
    if fit.n_failed(history) == trials:
        raise LendsimError(f"each of the {trials} sets of the search had a run that failed")
    sets = _try_profiles(fit, grid, profile_trials, search.sampler_seed) if grid and profile_trials else {}
    best = fit.best
    point = point_at(factors, best.units)
    seen = fit.worlds.rows([point], seeds)[0]
    base_unseen, unseen = fit.worlds.rows([{}, point], fresh)
    return Calibration(
        best={factor.name: point[factor.key] for factor in factors},
        overrides=point,
        targets=_target_fits(file, base, seen, unseen),
        profiles=_profiles(fit, sets),
        misfit_base=misfit_of_those_that_ran(file, base),
        misfit_fit=misfit(file, means(file, seen)),
        misfit_held_out=misfit_of_those_that_ran(file, unseen),
        overfit=excess_in_other_worlds(file, unseen, seen, seed),
        gain=excess_in_the_same_worlds(file, unseen, base_unseen, seed),
        history=tuple(
            ({f.name: f.at(u) for f, u in zip(factors, one.units, strict=True)}, fit.misfit(one.units))
            for one in history
        ),
        seeds=tuple(seeds),
        held_out=fresh,
        seed=seed,
        sampler_seed=search.sampler_seed,
        n_failed=fit.n_failed(history),
        n_unjudged=sum(row is None for row in (*unseen, *base_unseen)),
        n_runs=fit.worlds.n_runs,
        profile_trials=profile_trials if grid else 0,
        scenario=None if scenario is None else Path(scenario),
        settings=settings,
    )


class _Fit:
    """The sets that were tried, and what each is worth in the fitting worlds."""

    def __init__(
        self, file: Targets, worlds: Worlds, factors: Sequence[Factor], seeds: tuple[int, ...], seed: int
    ) -> None:
        self.file, self.worlds, self.factors, self.seeds, self.seed = file, worlds, factors, seeds, seed
        self.tried: list[Tried] = []

    def score(self, proposals: Sequence[Proposal]) -> list[Score]:
        """Run a batch, keep it, and return what optuna is told; a failed run counts as far from every target."""
        found = self.worlds.rows([one.point for one in proposals], self.seeds)
        values = [told(self.file, means(self.file, rows)) for rows in found]
        self.tried += [Tried(one.units, value) for one, value in zip(proposals, values, strict=True)]
        return [Score((value,)) for value in values]

    def run(self, places: Sequence[Units]) -> None:
        """Run sets that no sampler asked for."""
        self.score([Proposal(units, point_at(self.factors, units), -1) for units in places])

    @property
    def best(self) -> Tried:
        """The best set so far."""
        return min(self.tried, key=lambda one: one.value)

    def promise(self) -> Promise | None:
        """What the sets run so far promise for others: the misfit of the figures interpolated between them."""
        import numpy as np

        known = {one.units: means(self.file, self.rows(one.units)) for one in self.tried}
        names = list(self.file.targets)
        whole = {u: figures for u, figures in known.items() if all(value is not None for value in figures.values())}
        if not whole:
            return None
        sizes = np.array([yardstick(self.file.targets[name]) for name in names])
        table = np.array([[figures[name] or 0.0 for name in names] for figures in whole.values()]) / sizes
        between = interpolate(list(whole), table)
        if between is None:
            return None

        def misfits(places: Floats) -> Floats:
            return misfits_of(self.file, between(places) * sizes, CENTRING)

        return misfits

    def rows(self, units: Sequence[float]) -> list[Row | None]:
        """What a set gave that was run."""
        return self.worlds.rows([point_at(self.factors, units)], self.seeds)[0]

    def misfit(self, units: Sequence[float]) -> float:
        """The misfit of a set that was run."""
        return misfit(self.file, means(self.file, self.rows(units)))

    def n_failed(self, tried: Sequence[Tried]) -> int:
        """How many sets had a run that failed."""
        return sum(any(row is None for row in self.rows(one.units)) for one in tried)


def _target_fits(
    file: Targets, base: Sequence[Row | None], seen: Sequence[Row | None], unseen: Sequence[Row | None]
) -> tuple[TargetFit, ...]:
    ran = [[row for row in rows if row is not None] for rows in (base, seen, unseen)]
    centres = [means(file, rows) for rows in ran]

    def column(rows: Sequence[Row | None], name: str) -> Spread:
        return summarise([None if row is None else row.get(name) for row in rows])

    return tuple(
        TargetFit(
            name,
            target,
            column(seen, name),
            column(unseen, name),
            *(distance(target, one[name]) if rows else None for one, rows in zip(centres, ran, strict=True)),
        )
        for name, target in file.targets.items()
    )


def _try_profiles(fit: _Fit, grid: int, trials: int, seed: int) -> dict[Value, list[Units]]:
    """Run the sets of the profiles: those of the grid, then those that halve the gaps at the intervals' ends."""
    sets: dict[Value, list[Units]] = {}
    values = [(factor.name, u) for factor in fit.factors for u in grid_of(factor, grid)]
    for _ in range(1 + HALVINGS):
        run = try_values(
            fit.factors, values, lambda: fit.best.units, fit.run, fit.promise, seed=seed, trials=trials
        )  # fmt: skip
        sets |= run
        values = [
            value
            for axis, factor in enumerate(fit.factors)
            for value in halfway(factor, fit.best.units[axis], _points(fit, factor, sets))
            if value not in sets
        ]
    return sets


def _profiles(fit: _Fit, sets: Mapping[Value, Sequence[Units]]) -> tuple[Profile, ...]:
    """The profile of each parameter from the sets that were run at its values."""
    if not sets:
        return ()
    best = fit.best.units
    return tuple(
        read_profile(factor, best[axis], _points(fit, factor, sets)) for axis, factor in enumerate(fit.factors)
    )


def _points(fit: _Fit, factor: Factor, sets: Mapping[Value, Sequence[Units]]) -> list[GridPoint]:
    values = {one.units: one.value for one in fit.tried}
    own = fit.rows(fit.best.units)
    points = []
    for (name, u), places in sets.items():
        if name == factor.name:
            least = min(places, key=lambda units: values[units])
            excess = excess_in_the_same_worlds(fit.file, fit.rows(least), own, fit.seed)
            points.append(GridPoint(u, factor.at(u), fit.misfit(least), excess))
    return points
