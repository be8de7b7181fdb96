"""Strategies compared in the same worlds: paired differences of the headline measures, with their uncertainty."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.study.arms import name_arms, refuse_different_worlds
from sim.study.contrast import Contrast, contrast_all
from sim.study.replications import Replications, distinct_worlds, worlds_up_to
from sim.study.runner import Outcome, Progress, Task
from sim.study.select import Choice, Columns, choose, replicate_for_best
from sim.study.stats import Paired, pair, summarise
from sim.study.until import Ending, Goal, measure_named, read_goal, replicate_until

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sim.engine.scenario import Scenario
    from sim.study.lab import Lab

__all__ = ["BEST_BY", "MEASURES", "Comparison", "Contrast", "compare", "most_worlds"]

# What strategies are judged by: growth, yield, default (facts C.11), and what becomes of the merchants.
MEASURES = (
    "disbursed", "balance_growth", "balance_growth_of_equity", "customers", "approval_rate",
    "yield_gross", "yield_risk_adjusted", "roe", "raroc",
    "npl90", "ever90", "net_charge_off", "expected_loss_rate",
    "merchant_sales", "merchant_sales_growth", "merchant_exits",
)  # fmt: skip


# What the best of three arms or more is chosen by, unless told otherwise.
BEST_BY = "yield_risk_adjusted"
BUDGET = 200


@dataclass(frozen=True)
class Comparison:
    """What a comparison found.

    Attributes
    ----------
    arms
        Names of the compared scenarios; all others are compared with the first.
    seeds
        The worlds: each arm lived through each of them.
    contrasts
        One per measure and arm after the first.
    outcomes
        One per arm and seed, the failed ones with their traceback.
    notes
        What a reader should know besides.
    choice
        The best of several arms and how sure that is; None for two arms, unless it was asked for.
    ending
        Why no more worlds were run, where worlds were run until an interval was narrow enough.
    seconds
        Time it took.
    """

    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    contrasts: tuple[Contrast, ...]
    outcomes: tuple[Outcome, ...] = ()
    notes: tuple[str, ...] = ()
    choice: Choice | None = None
    ending: Ending | None = None
    seconds: float = field(default=0.0, compare=False)
    path: Path | None = field(default=None, compare=False)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One dict per measure and compared arm: ``measure, a, b, mean_a, ..., p_holm``."""
        return [contrast.row() for contrast in self.contrasts]

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The runs that failed; their worlds are left out of the pairs."""
        return tuple(outcome for outcome in self.outcomes if outcome.has_failed)

    def frame(self) -> pd.DataFrame:
        """Return the rows as a pandas frame; undefined numbers are missing."""
        import pandas as pd

        frame = pd.DataFrame(self.rows)
        texts, counts = ("measure", "a", "b"), ("n_seeds", "n_seeds_unpaired")
        numbers = [name for name in frame.columns if name not in (*texts, *counts)]
        return frame.astype({**dict.fromkeys(numbers, "float64"), "n_seeds": "int64", "n_seeds_unpaired": "Int64"})

    def runs(self) -> pd.DataFrame:
        """Return every run's measures, one row per arm and seed, to do one's own statistics with."""
        import pandas as pd

        return pd.DataFrame([{"arm": o.name, "seed": o.seed, **(o.summary or {})} for o in self.outcomes])

    def verdict(self) -> str:
        """Say in plain words what differs beyond chance, by how much, and what does not."""
        from sim.study.wording import verdict

        return verdict(self.contrasts, len(self.seeds), self.choice)

    def plot(self) -> Figure:
        """Draw every difference with its interval around zero."""
        from sim.study.page import draw_differences

        return draw_differences(self)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, one object for JSON; what may vary when it is done again is in ``about_run``."""
        return {
            "rows": self.rows,
            "summary": {
                "scenarios": list(self.arms),
                "seeds": list(self.seeds),
                "verdict": self.verdict(),
                "notes": list(self.notes),
                "best": None if self.choice is None else self.choice.as_dict(),
                "until": None if self.ending is None else self.ending.as_dict(),
                "failed": [{"scenario": o.name, "seed": o.seed, "error": o.reason} for o in self.failures],
            },
            "about_run": {
                "seconds": round(self.seconds, 3),
                "reused": sum(outcome.reused for outcome in self.outcomes),
                "folder": None if self.path is None else str(self.path),
            },
        }

    def to_json(self) -> str:
        """Return :meth:`as_dict` as JSON text."""
        return json.dumps(self.as_dict(), ensure_ascii=False, allow_nan=False, indent=1)

    def save(self, folder: str | Path) -> Path:
        """Write ``comparison.html``, ``.svg`` and ``.json`` into a folder; return the path of the page."""
        from sim.study.page import write_page

        return write_page(self, Path(folder))


def compare(
    scenarios: Sequence[str | Path | Scenario] | Mapping[str, Scenario],
    seeds: int | Sequence[int] = 20,
    *,
    base_seed: int = 1,
    overrides: Sequence[str] = (),
    vary: str | None = None,
    scale: float | None = None,
    lender: str | None = None,
    different_worlds: bool = False,
    measures: Sequence[str] = MEASURES,
    until: str | None = None,
    best: str | None = None,
    budget: int = BUDGET,
    workers: int | None = None,
    cluster: str | None = None,
    insecure_cluster: bool = False,
    out: str | Path | None = None,
    progress: Progress | None = None,
    task: Task | None = None,
    lab: Lab | None = None,
) -> Comparison:
    """Run every scenario in the same worlds and compare each with the first.

    Parameters
    ----------
    scenarios
        Files or loaded scenarios; two or more, or one together with ``vary``. A mapping gives the arms names of one's
        own.
    seeds
        How many worlds (``base_seed``, ``base_seed + 1``, ...), or their seeds themselves.
    overrides, scale
        Laid over every scenario given as a file, as ``--set`` and ``--scale`` do.
    vary
        ``KEY=V1,V2,...``: variants of the one scenario by that key. With one value the scenario as it stands is the
        first arm, with several the first value is.
    lender
        Whose measures are compared; the first lender of each scenario unless told otherwise.
    different_worlds
        Allow scenarios that differ in more than lenders and institutions; the difference is then not the lender's.
    measures
        Names of the measures that are compared.
    until
        ``npl90 ± 0.1 pp``: go on with further worlds until the 95 % interval of that difference is no wider than that
        on either side, for every compared arm, or ``budget`` worlds have been run. ``seeds`` are the first batch, which
        has at least ten worlds. :mod:`sim.study.until` says what stopping so does to the interval.
    best
        The measure by which the best arm is chosen; with a zone (``yield_risk_adjusted ± 0.1 pp``) further worlds are
        run after ``seeds``, up to ``budget``, as many as a correct selection with a probability of 95 % takes where the
        best leads by the zone or more (:mod:`sim.study.select`).
    workers
        Processes; None takes one for each core, as far as the memory goes. The results do not depend on it.
    cluster, insecure_cluster
        Address of a dask scheduler whose workers do the runs instead, and leave to talk to another machine without TLS.
    out
        Keep every run in ``out/NAME/seed-N`` (finished ones are reused) and write page, picture and JSON there, unless
        every run failed.

    lab
        A laboratory that does the runs, in place of ``workers``, ``cluster``, ``progress`` and ``task``.

    Raises
    ------
    ScenarioError
        When a scenario is refused, or the worlds differ.
    StoreError
        When a folder below ``out`` holds another run.
    ValueError
        When there are fewer than two arms, the seeds are not distinct, a measure is unknown, or ``until`` or ``best``
        cannot be read.
    """
    begun = time.monotonic()
    worlds = distinct_worlds(seeds, base_seed)
    plan = _Plan.read(measures, until, best)
    arms = name_arms(scenarios, overrides=overrides, vary=vary, scale=scale)
    if not different_worlds:
        refuse_different_worlds(arms)
    folder = None if out is None else Path(out)
    runs = Replications(arms, lender, folder, workers, cluster, insecure_cluster, task, progress, lab)
    possible = worlds_up_to(budget, worlds) if plan.is_sequential else worlds
    runs.refuse_used(possible)
    ending, n_needed, zone = plan.carry_out(runs, possible, len(worlds))
    choice = None
    if best is not None or len(arms) > 2:
        columns = {name: runs.column(name, plan.best_by) for name in arms}
        choice = choose(columns, plan.best_by, zone=zone, n_needed=n_needed)
    notes = _notes(arms, runs.outcomes, lender, different_worlds)
    comparison = Comparison(
        arms=tuple(arms),
        seeds=tuple(runs.worlds),
        contrasts=contrast_all(tuple(arms), plan.measures, runs.column),
        outcomes=runs.outcomes,
        notes=(*notes, *([] if ending is None else [ending.told])),
        choice=choice,
        ending=ending,
        seconds=time.monotonic() - begun,
        path=folder,
    )
    if folder is not None and len(comparison.failures) < len(comparison.outcomes):
        comparison.save(folder)
    return comparison


def most_worlds(seeds: int, *, until: str | None, best: str | None, budget: int) -> int:
    """Return how many worlds a comparison may run at most.

    Raises
    ------
    ValueError
        When ``until`` or ``best`` cannot be read.
    """
    return budget if _Plan.read((), until, best).is_sequential else seeds


@dataclass(frozen=True)
class _Plan:
    """What is measured, and what more worlds are run for."""

    measures: tuple[str, ...]
    best_by: str
    until: Goal | None
    zone: Goal | None

    @classmethod
    def read(cls, measures: Sequence[str], until: str | None, best: str | None) -> _Plan:
        """Read the options; ValueError names the one that cannot be meant."""
        for name in measures:
            measure_named(name, option="measures")
        goal = None if until is None else read_goal(until)
        zone = read_goal(best, option="--best") if best is not None and any(map(best.count, "±+")) else None
        if goal is not None and zone is not None:
            raise ValueError("--until and a zone of --best each decide how many worlds are run; give one of the two")
        by = zone.measure if zone is not None else measure_named((best or BEST_BY).strip(), option="--best").name
        asked = [*measures, *([goal.measure] if goal else []), *([by] if best is not None else [])]
        return cls(tuple(dict.fromkeys(asked)), by, goal, zone)

    @property
    def is_sequential(self) -> bool:
        """True when the number of worlds is decided on the way."""
        return self.until is not None or self.zone is not None

    def carry_out(
        self, runs: Replications, worlds: Sequence[int], first: int
    ) -> tuple[Ending | None, int | None, float | None]:
        """Run the worlds; return why it stopped, the worlds a correct selection takes, and its zone."""
        a, *others = runs.arms
        if self.until is not None:
            goal = self.until

            def observe(batch: Sequence[int]) -> list[Paired]:
                runs.run(batch)
                return [pair(runs.column(a, goal.measure), runs.column(b, goal.measure)) for b in others]

            return replicate_until(goal, observe, worlds, first=first), None, None
        if self.zone is not None:
            zone = self.zone

            def columns(batch: Sequence[int]) -> Columns:
                runs.run(batch)
                return {name: runs.column(name, zone.measure) for name in runs.arms}

            def width(seen: Columns) -> float:
                return zone.half_width(summarise(next(iter(seen.values()))).mean) or 0.0

            _, needed, wide = replicate_for_best(columns, worlds, width, first=first)
            return None, needed, wide
        runs.run(worlds)
        return None, None, None


def _notes(
    arms: Mapping[str, Scenario], outcomes: Sequence[Outcome], lender: str | None, different_worlds: bool
) -> list[str]:
    notes: list[str] = []
    if different_worlds and len({scenario.world_hash for scenario in arms.values()}) > 1:
        notes.append("The worlds differ: a difference is not the lender's alone.")
    for name in arms:
        ids = next((tuple(o.summaries) for o in outcomes if o.name == name and o.summary is not None), ())
        if lender is None and len(ids) > 1:
            notes.append(f"{name} has {len(ids)} lenders ({', '.join(ids)}); the measures are those of {ids[0]}.")
        if lender is not None and ids and lender not in ids:
            notes.append(f"{name} has no lender {lender!r}: only the merchants' measures are compared.")
    failed = sum(outcome.has_failed for outcome in outcomes)
    if failed:
        notes.append(f"{failed} of {len(outcomes)} runs failed; their worlds are left out of the pairs.")
    return notes
