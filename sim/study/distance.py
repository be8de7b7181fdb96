"""How far runs are from a file of targets: a distance for each, and the sum that a calibration makes small.

The distance of a target is 0 inside its band. Outside, it is the distance to the nearer end over the band's half-width:
the band says how exactly the figure is known, so 1 means "half a band outside" for every target, whatever its unit. A
band with one end, or of no width, has no such yardstick: a tenth of its end stands in (assumption: the bands of facts
A.4 are 5 to 15 % of their figures to each side), or one unit where the end is zero. The spread over seeds would be no
yardstick, since it changes with the parameters that are looked for.

The sum adds ``weight * log(1 + distance)``: the logarithm keeps one target that cannot be met from hiding the others.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.study.figures import EPOCH
from sim.study.runner import Job, Outcome, Task
from sim.study.search_runs import Row
from sim.study.targets import Target, Targets

WEIGHTS: Mapping[str, float] = {"hard": 3.0, "soft": 1.0}  # assumption: a hard target weighs as three soft ones
UNDEFINED = 100.0  # the distance of a figure that is not defined, or whose run failed
_PART_OF_END = 0.1
CENTRING = 1e-3  # weight of being off the middle, only to choose among sets that meet the same targets

Values = Mapping[str, float | None]
Floats = npt.NDArray[np.float64]


def target_task(file: Targets) -> tuple[Task, str]:
    """Return the task that measures a run by a file of targets, and its mark: what it measures, as text.

    Bands are no part of the mark: they may be moved without running anything again.
    """
    wanted = tuple((name, target.figure, target.amount) for name, target in file.targets.items())
    mark = json.dumps([file.lender, wanted])
    return partial(measure_targets, lender=file.lender, wanted=wanted), mark


def measure_targets(job: Job, *, lender: str | None, wanted: Sequence[tuple[str, str, float | None]]) -> Outcome:
    """Carry out a run; its measures are the figures of targets at full scale, by id, dates as days since 1970."""
    from sim.engine.run import simulate
    from sim.study.targets import judge

    run = simulate(job.scenario, seed=job.seed, threads=job.threads)
    bare = {name: {"figure": figure, "amount": amount} for name, figure, amount in wanted}
    verdict = judge([run], Targets.model_validate({"lender": lender, "targets": bare}))
    values = {row.id: as_number(row.value) for row in verdict.rows}
    return Outcome(job.name, job.seed, values, {lender or "": values})


def as_number(value: Any) -> float | None:
    """A value or a bound as a number: a date in days since 1970."""
    return None if value is None else float((value - EPOCH).days) if isinstance(value, date) else float(value)


def yardstick(target: Target) -> float:
    """What a distance of 1 is, in the figure's unit."""
    low, high = as_number(target.low), as_number(target.high)
    if low is not None and high is not None and high > low:
        return (high - low) / 2
    end = low if low is not None else high
    return _PART_OF_END * abs(end) if end else 1.0


def distance(target: Target, value: float | None) -> float:
    """How far a value is outside of a target's band, in yardsticks; 0 inside."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    low, high = as_number(target.low), as_number(target.high)
    outside = max(0.0 if low is None else low - value, 0.0 if high is None else value - high, 0.0)
    return min(outside / yardstick(target), UNDEFINED)


def means(file: Targets, rows: Sequence[Row | None]) -> dict[str, float | None]:
    """Mean of each target's figure over worlds; undefined where it is undefined in one of them, or a run failed."""
    found: dict[str, float | None] = {}
    for name in file.targets:
        values = [None if row is None else row.get(name) for row in rows]
        known = [value for value in values if value is not None and math.isfinite(value)]
        found[name] = math.fsum(known) / len(known) if known and len(known) == len(values) else None
    return found


def misfit(file: Targets, values: Values) -> float:
    """The sum that is made small: 0 when every target is met."""
    return math.fsum(
        WEIGHTS[target.kind] * math.log1p(distance(target, values.get(name))) for name, target in file.targets.items()
    )


def told(file: Targets, values: Values) -> float:
    """The misfit, and a thousandth of being off the middle of the bands: sets that meet all are not all alike."""
    return misfit(file, values) + CENTRING * sum(
        _off_middle(target, values.get(name)) for name, target in file.targets.items()
    ) / len(file.targets)


def misfits_of(file: Targets, table: Floats, centring: float = 0.0) -> Floats:
    """The misfits of many sets of figures, (n, targets) to (n,); with ``CENTRING``, what `told` gives."""
    total = np.zeros(len(table))
    for column, target in zip(table.T, file.targets.values(), strict=True):
        low, high = as_number(target.low), as_number(target.high)
        below = -np.inf if low is None else low - column
        above = -np.inf if high is None else column - high
        outside = np.maximum(np.maximum(below, above), 0.0) / yardstick(target)
        far = np.where(np.isfinite(column), np.minimum(outside, UNDEFINED), UNDEFINED)
        total += WEIGHTS[target.kind] * np.log1p(far)
        if centring:
            total += centring / len(file.targets) * np.array([_off_middle(target, one) for one in column.tolist()])
    return total


def misfit_of_those_that_ran(file: Targets, rows: Sequence[Row | None]) -> float | None:
    """The misfit of the means over the worlds whose runs did not fail; None where all did."""
    ran = [row for row in rows if row is not None]
    return misfit(file, means(file, ran)) if ran else None


def _off_middle(target: Target, value: float | None) -> float:
    low, high, aim = (as_number(bound) for bound in (target.low, target.high, target.target))
    if value is None or not math.isfinite(value):
        return 1.0
    if low is None or high is None or high == low:
        return 0.0
    return min(abs(value - (aim if aim is not None else (low + high) / 2)) / (high - low) * 2, 1.0)
