"""Strategies compared in the same worlds: paired differences of the headline measures, with their uncertainty."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.study.arms import name_arms, refuse_different_worlds
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
from sim.study.stats import Paired, Value, pair

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sim.engine.scenario import Scenario

# What strategies are judged by: growth, yield, default (facts C.11), and what becomes of the merchants.
MEASURES = (
    "disbursed", "balance_growth", "balance_growth_of_equity", "customers", "approval_rate",
    "yield_gross", "yield_risk_adjusted", "roe", "raroc",
    "npl90", "ever90", "net_charge_off", "expected_loss_rate",
    "merchant_sales", "merchant_sales_growth", "merchant_exits",
)  # fmt: skip


@dataclass(frozen=True)
class Contrast:
    """One measure of ``b`` against the same measure of ``a``, paired by world."""

    measure: str
    a: str
    b: str
    paired: Paired

    def row(self) -> dict[str, Value | str]:
        """Return the row of tables and JSON; an undefined number is None."""
        return {
            "measure": self.measure,
            "a": self.a,
            "b": self.b,
            "mean_a": self.paired.mean_a,
            "mean_b": self.paired.mean_b,
            "difference": self.paired.difference,
            "low": self.paired.low,
            "high": self.paired.high,
            "n_seeds": self.paired.n,
            "n_seeds_unpaired": self.paired.n_unpaired,
        }


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
    seconds
        Time it took.
    """

    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    contrasts: tuple[Contrast, ...]
    outcomes: tuple[Outcome, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)
    path: Path | None = field(default=None, compare=False)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One dict per measure and compared arm: ``measure, a, b, mean_a, ..., n_seeds_unpaired``."""
        return [contrast.row() for contrast in self.contrasts]

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The runs that failed; their worlds are left out of the pairs."""
        return tuple(outcome for outcome in self.outcomes if outcome.has_failed)

    def frame(self) -> pd.DataFrame:
        """Return the rows as a pandas frame; undefined numbers are missing."""
        import pandas as pd

        frame = pd.DataFrame(self.rows)
        numbers = ["mean_a", "mean_b", "difference", "low", "high"]
        return frame.astype({**dict.fromkeys(numbers, "float64"), "n_seeds": "int64", "n_seeds_unpaired": "Int64"})

    def runs(self) -> pd.DataFrame:
        """Return every run's measures, one row per arm and seed, to do one's own statistics with."""
        import pandas as pd

        return pd.DataFrame([{"arm": o.name, "seed": o.seed, **(o.summary or {})} for o in self.outcomes])

    def verdict(self) -> str:
        """Say in plain words what differs beyond chance, by how much, and what does not."""
        from sim.study.wording import verdict

        return verdict(self.contrasts, len(self.seeds))

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
    workers: int | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
    task: Task | None = None,
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
    workers
        Processes; None takes one for each core, as far as the memory goes. The results do not depend on it.
    out
        Keep every run in ``out/NAME/seed-N`` (finished ones are reused) and write page, picture and JSON there, unless
        every run failed.

    Raises
    ------
    ScenarioError
        When a scenario is refused, or the worlds differ.
    StoreError
        When a folder below ``out`` holds another run.
    ValueError
        When there are fewer than two arms, or the seeds are not distinct.
    """
    begun = time.monotonic()
    worlds = _worlds(seeds, base_seed)
    arms = name_arms(scenarios, overrides=overrides, vary=vary, scale=scale)
    if not different_worlds:
        refuse_different_worlds(arms)
    folder = None if out is None else Path(out)
    jobs = [
        Job(name, scenario, seed, None if folder is None else folder / name / f"seed-{seed}")
        for name, scenario in arms.items()
        for seed in worlds
    ]
    refuse_used_folders(jobs)
    workers = workers or workers_that_fit(arms.values(), min(available_cores(), len(jobs)))
    outcomes = run_jobs(jobs, workers=workers, task=task, progress=progress)
    comparison = Comparison(
        arms=tuple(arms),
        seeds=worlds,
        contrasts=_contrasts(tuple(arms), worlds, outcomes, lender),
        outcomes=tuple(outcomes),
        notes=tuple(_notes(arms, outcomes, lender, different_worlds)),
        seconds=time.monotonic() - begun,
        path=folder,
    )
    if folder is not None and len(comparison.failures) < len(outcomes):
        comparison.save(folder)
    return comparison


def _worlds(seeds: int | Sequence[int], base_seed: int) -> tuple[int, ...]:
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


def _contrasts(
    names: tuple[str, ...], worlds: tuple[int, ...], outcomes: Sequence[Outcome], lender: str | None
) -> tuple[Contrast, ...]:
    found = {(outcome.name, outcome.seed): _measures(outcome, lender) for outcome in outcomes}

    def column(name: str, measure: str) -> list[Value]:
        return [_value(found[name, seed].get(measure)) for seed in worlds]

    first = names[0]
    return tuple(
        Contrast(measure, first, name, pair(column(first, measure), column(name, measure)))
        for name in names[1:]
        for measure in MEASURES
    )


def _measures(outcome: Outcome, lender: str | None) -> Mapping[str, Value]:
    """Return the measures of the asked lender; where it does not exist, those of the market alone."""
    if outcome.summary is None:
        return {}
    if lender is None or lender in outcome.summaries:
        return outcome.summary if lender is None else outcome.summaries[lender]
    return {name: value for name, value in outcome.summary.items() if name.startswith("merchant_")}


def _value(value: Value) -> Value:
    return None if value is None or not math.isfinite(value) else value


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
