"""What a trial inside one market estimates, beside the truth: the same two strategies, each alone in the whole market.

In every world three runs: the trial, the champion alone, the challenger alone. The difference of the last two is what
choosing the challenger would do; the trial's estimate, less that, is what sharing a market does to a trial.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from sim.study.accounts import BAD_AFTER
from sim.study.arm_figures import ASSIGNED, FIGURES, Figure, figures_of, say, say_interval, side_of
from sim.study.challenger import Arm, arms_in, assigned
from sim.study.intervals import Interval
from sim.study.runner import (
    Job,
    Outcome,
    Progress,
    Task,
    available_cores,
    is_finished,
    refuse_used_folders,
    run_jobs,
    workers_that_fit,
)
from sim.study.stats import Paired, Value, pair

if TYPE_CHECKING:
    from sim.engine.scenario import Scenario
    from sim.lenders.parameters import LenderSpec

TRIAL, CHAMPION, CHALLENGER = "trial", "champion", "challenger"


@dataclass(frozen=True)
class Beside:
    """One figure: the challenger's less the champion's, inside one market and across markets, over the same worlds.

    ``gap`` is inside less across, world by world: its mean is the bias of a trial, if the interval leaves zero out.
    """

    figure: Figure
    inside: Paired
    across: Paired
    gap: Paired

    def row(self) -> dict[str, Any]:
        """Return plain values; an undefined number is None."""
        return {
            "measure": self.figure.name, "reading": self.figure.reading, "unit": self.figure.unit,
            "inside": self.inside.difference, "inside_low": self.inside.low, "inside_high": self.inside.high,
            "across": self.across.difference, "across_low": self.across.low, "across_high": self.across.high,
            "gap": self.gap.difference, "gap_low": self.gap.low, "gap_high": self.gap.high,
            "n_seeds": self.gap.n,
        }  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """A trial's estimates beside the truth, figure by figure."""

    a: Arm
    b: Arm
    seeds: tuple[int, ...]
    rows: tuple[Beside, ...]
    outcomes: tuple[Outcome, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The runs that failed; their worlds are left out."""
        return tuple(outcome for outcome in self.outcomes if outcome.has_failed)

    @property
    def times_wider(self) -> float | None:
        """How much wider the intervals inside one market are, the middle one of the figures as assigned."""
        widths = [(_width(one.inside), _width(one.across)) for one in self.rows if one.figure.reading == ASSIGNED]
        ratios = [inside / across for inside, across in widths if inside > 0 and across > 0]
        return float(median(ratios)) if ratios else None

    def verdict(self) -> str:
        """Say in plain words where the trial can be trusted and where it is biased."""
        n = len(self.seeds)
        worlds = f"{n} world" + ("s" if n > 1 else "")
        head = f"{self.b.lender} against {self.a.lender} inside one market and across markets, {worlds}."
        if n < 2:
            return f"{head} One world says nothing about chance: give at least 2, better 20."
        biased = [one for one in self.rows if one.gap.is_clear and one.figure.reading == ASSIGNED]
        told = [_gap(one) for one in biased]
        told_alike = [one for one in self.rows if one.gap.difference is not None and not one.gap.is_clear]
        rest = [one.figure.label.partition(":")[0] for one in told_alike if one.figure.reading == ASSIGNED]
        parts = [head]
        if told:
            parts.append(f"Trial and truth differ in {'; '.join(told)}.")
        if rest:
            parts.append(f"No clear difference between trial and truth in {', '.join(rest)}.")
        parts.append("One figure in twenty differs by chance alone, and a gap that is not found may be there.")
        wider = self.times_wider
        if wider is not None:
            parts.append(f"The trial's intervals are {wider:,.0f} times as wide as those across markets, where each "
                         "merchant is compared with itself.")  # fmt: skip
        return " ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, one object for JSON."""
        return {
            "rows": [one.row() for one in self.rows],
            "summary": {
                "champion": self.a.lender,
                "challenger": self.b.lender,
                "seeds": list(self.seeds),
                "verdict": self.verdict(),
                "failed": [{"scenario": o.name, "seed": o.seed, "error": o.reason} for o in self.failures],
            },
        }


def alone(scenario: Scenario, arm: Arm, others: Sequence[Arm]) -> Scenario:
    """Return the scenario with an arm's lender in the whole market, under the champion's name, and no other arm.

    Both strategies get the first name of ``others`` and their own, so that the draws that a lender's name keys are the
    same; its equity and fixed cost are multiplied, so that it has as much for a merchant as it had in its part.
    """
    name = others[0].lender
    spec = _for_all(scenario.lenders[arm.lender], arm)
    arms = {one.lender for one in others}
    lenders = {
        (name if known == arm.lender else known): (spec if known == arm.lender else own)
        for known, own in scenario.lenders.items()
        if known == arm.lender or known not in arms
    }
    model = scenario.model.model_copy(update={"lenders": lenders})
    return replace(scenario, model=model, provenance={}, notes=())


def beside_truth(
    scenario: Scenario,
    seeds: Sequence[int],
    champion: str | None = None,
    challenger: str | None = None,
    *,
    bad_after: int = BAD_AFTER,
    workers: int | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
    task: Task | None = None,
) -> Truth:
    """Run the trial and either strategy alone in the same worlds, and put the two differences beside each other.

    Parameters
    ----------
    scenario
        One with two lenders in one split.
    seeds
        The worlds.
    out
        Keep every run in ``out/trial/seed-N``, ``out/champion/seed-N`` and ``out/challenger/seed-N``.
    task
        What a job does instead of a run; for tests.

    Raises
    ------
    ValueError
        When the scenario has no trial, or the seeds are not distinct.
    """
    begun = time.monotonic()
    if len(set(seeds)) < len(seeds) or not seeds:
        raise ValueError("the seeds are not distinct" if seeds else "no seeds are given")
    a, b = arms_in(scenario.resolved["lenders"], champion, challenger)
    arms = {TRIAL: scenario, CHAMPION: alone(scenario, a, (a, b)), CHALLENGER: alone(scenario, b, (a, b))}
    jobs = [
        Job(name, one, seed, None if out is None else out / name / f"seed-{seed}")
        for seed in seeds
        for name, one in arms.items()
    ]
    refuse_used_folders(jobs)
    workers = workers or workers_that_fit(arms.values(), min(available_cores(), len(jobs)))
    measure = task or partial(measure_arms, a=a, b=b, bad_after=bad_after)
    outcomes = run_jobs(jobs, workers=workers, task=measure, progress=progress)
    return Truth(a, b, tuple(seeds), _rows(a, b, seeds, outcomes), tuple(outcomes), time.monotonic() - begun)


def measure_arms(job: Job, *, a: Arm, b: Arm, bad_after: int) -> Outcome:
    """Run one job and measure its arms: of a trial each by its own part, of a lender alone all merchants."""
    from sim.engine.run import simulate

    reused = is_finished(job.out)
    run = simulate(job.scenario, seed=job.seed, out=job.out, threads=job.threads)
    found: dict[str, dict[str, Value]] = {}
    for arm in (a, b) if job.name == TRIAL else (a,):
        who = assigned(run, arm) if job.name == TRIAL else assigned(run, replace(arm, at_least=0.0, below=1.0))
        found[arm.lender] = dict(figures_of(side_of(run, arm.lender, who, bad_after=bad_after)))
    return Outcome(job.name, job.seed, found[a.lender], found, reused=reused, path=job.out)


def _for_all(spec: LenderSpec, arm: Arm) -> LenderSpec:
    changes = {}
    for name, change in spec.changes.items():
        kept = {path: value for path, value in change.set.items() if path.partition(".")[0] != "audience"}
        if kept:
            changes[name] = change.model_copy(update={"set": kept})
    return spec.scaled(1.0 / arm.share).model_copy(update={"audience": None, "changes": changes})


def _rows(a: Arm, b: Arm, seeds: Sequence[int], outcomes: Sequence[Outcome]) -> tuple[Beside, ...]:
    found = {(one.name, one.seed): one for one in outcomes}

    def column(run: str, lender: str, measure: str) -> list[Value]:
        return [found[run, seed].summaries.get(lender, {}).get(measure) for seed in seeds]

    rows = []
    for one in FIGURES:
        inside = column(TRIAL, a.lender, one.name), column(TRIAL, b.lender, one.name)
        across = column(CHAMPION, a.lender, one.name), column(CHALLENGER, a.lender, one.name)
        gap = [[None if x is None or y is None else y - x for x, y in zip(*both, strict=True)]
               for both in (across, inside)]  # fmt: skip
        rows.append(Beside(one, pair(*inside), pair(*across), pair(gap[0], gap[1])))
    return tuple(rows)


def _width(paired: Paired) -> float:
    return 0.0 if paired.low is None or paired.high is None else paired.high - paired.low


def _gap(one: Beside) -> str:
    unit = one.figure.unit
    inside, across = (say(unit, side.difference, signed=True) for side in (one.inside, one.across))
    ends = say_interval(unit, Interval(one.gap.low, one.gap.high), signed=True)
    return f"{one.figure.label.partition(':')[0]}: {inside} where the truth is {across}, gap {ends}"
