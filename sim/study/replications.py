"""Replications: the same worlds for every arm, in one batch or several, and the measures of what has been run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sim.study.runner import (
    Job,
    Outcome,
    Progress,
    Task,
    available_cores,
    refuse_used_folders,
    run_jobs,
    workers_that_fit,
)
from sim.study.stats import Value

if TYPE_CHECKING:
    from sim.engine.scenario import Scenario
    from sim.study.lab import Lab


@dataclass
class Replications:
    """Arms that live through worlds, batch by batch; each run is done once.

    Attributes
    ----------
    folder
        Where runs are kept, in ``NAME/seed-N``; None keeps none.
    workers, cluster, insecure, task, progress
        As :func:`sim.study.runner.run_jobs` has them; progress counts over all batches.
    lab
        A laboratory that runs them instead, in its own way.
    """

    arms: Mapping[str, Scenario]
    lender: str | None = None
    folder: Path | None = None
    workers: int | None = None
    cluster: str | None = None
    insecure: bool = False
    task: Task | None = None
    progress: Progress | None = None
    lab: Lab | None = None
    worlds: list[int] = field(default_factory=list)
    _found: dict[tuple[str, int], Outcome] = field(default_factory=dict)

    def refuse_used(self, worlds: Sequence[int]) -> None:
        """Look into the folders of all worlds there may be, before the first run begins.

        Raises
        ------
        StoreError
            When a folder holds another run.
        """
        refuse_used_folders(self._jobs(worlds))

    def run(self, worlds: Sequence[int]) -> None:
        """Run every arm in further worlds; none of them may have been run before."""
        if set(worlds) & set(self.worlds):
            raise ValueError("a world is asked for twice; every world counts once")
        if self.lab is not None:
            self._found |= self.lab.measure(self.arms, worlds)
            self.worlds.extend(worlds)
            return
        jobs = self._jobs(worlds)
        if not jobs:
            return
        workers = self.workers or workers_that_fit(self.arms.values(), min(available_cores(), len(jobs)))
        done, failed = len(self._found), sum(outcome.has_failed for outcome in self._found.values())
        tell = self.progress

        def shifted(n: int, of: int, bad: int) -> None:
            if tell is not None:
                tell(done + n, done + of, failed + bad)

        outcomes = run_jobs(
            jobs, workers=workers, cluster=self.cluster, insecure=self.insecure, task=self.task, progress=shifted
        )
        self._found |= {(outcome.name, outcome.seed): outcome for outcome in outcomes}
        self.worlds.extend(worlds)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """All outcomes, arm after arm, in the order of the worlds."""
        return tuple(self._found[name, seed] for name in self.arms for seed in self.worlds)

    def column(self, name: str, measure: str) -> list[Value]:
        """Return a measure of an arm in every world so far; None where it is undefined or the run failed."""
        return [_finite(_measures(self._found[name, seed], self.lender).get(measure)) for seed in self.worlds]

    def _jobs(self, worlds: Sequence[int]) -> list[Job]:
        folder = self.folder
        return [
            Job(name, scenario, seed, None if folder is None else folder / name / f"seed-{seed}")
            for name, scenario in self.arms.items()
            for seed in worlds
        ]


def distinct_worlds(seeds: int | Sequence[int], base_seed: int) -> tuple[int, ...]:
    """Return the seeds: those given, or so many from ``base_seed`` on.

    Raises
    ------
    ValueError
        When one is given twice, or there are none.
    """
    if isinstance(seeds, int):
        if seeds < 1:
            raise ValueError(f"{seeds} seeds; at least 1 is needed, and 2 for an interval")
        from sim.core.draws import replication_seeds

        return replication_seeds(base_seed, seeds)
    worlds = tuple(int(seed) for seed in seeds)
    twice = sorted({seed for seed in worlds if worlds.count(seed) > 1})
    if twice or not worlds:
        said = f"seed {twice[0]} is given twice" if twice else "no seeds are given"
        raise ValueError(f"{said}; every world counts once")
    return worlds


def worlds_up_to(budget: int, worlds: Sequence[int]) -> tuple[int, ...]:
    """Return ``budget`` worlds: the given ones first, then those after the highest seed among them.

    Raises
    ------
    ValueError
        When the budget is below two worlds.
    """
    if budget < 2:
        raise ValueError(f"a budget of {budget} worlds; an interval needs at least 2")
    from sim.core.draws import replication_seeds

    further = replication_seeds(max(worlds) + 1, max(0, budget - len(worlds)))
    return (*worlds, *further)[:budget]


def _measures(outcome: Outcome, lender: str | None) -> Mapping[str, Value]:
    """Return the measures of the asked lender; where it does not exist, those of the market alone."""
    if outcome.summary is None:
        return {}
    if lender is None or lender in outcome.summaries:
        return outcome.summary if lender is None else outcome.summaries[lender]
    return {name: value for name, value in outcome.summary.items() if name.startswith("merchant_")}


def _finite(value: Value) -> Value:
    return None if value is None or not math.isfinite(value) else value
