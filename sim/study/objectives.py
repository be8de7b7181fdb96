"""What a search for policies is told: ``max disbursed``, ``ever90 <= 1 %``, and how a run answers.

Objectives and constraints name measures of the summary or figures of `sim.study.figures`, such as
``days_over_leverage`` and ``loans_over_ceiling``: caps on leverage and ceilings on prices are constraints like others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sim.core.money import parse_rate
from sim.engine.inputs.text import near
from sim.results.measure import Measure
from sim.results.metrics import BY_NAME
from sim.study.figures import FIGURES
from sim.study.runner import Job, Outcome, Task

_OBJECTIVE = re.compile(r"\s*(?P<way>\S+)\s+(?P<measure>\S+)\s*")
_CONSTRAINT = re.compile(r"\s*(?P<measure>[^\s<>=]+)\s*(?P<sign><=|>=|<|>|==|=)\s*(?P<limit>.+?)\s*")
_WAYS = {"max": 1, "min": -1}


@dataclass(frozen=True)
class Objective:
    """A measure and its direction: ``sense`` is 1 where more is better, -1 where less is."""

    measure: str
    sense: int

    def __str__(self) -> str:
        return f"{'max' if self.sense > 0 else 'min'} {self.measure}"


@dataclass(frozen=True)
class Constraint:
    """A measure and its limit in the measure's unit; ``sense`` is 1 for at most, -1 for at least."""

    measure: str
    sense: int
    limit: float
    text: str

    def violation(self, value: float) -> float:
        """How far a value breaks the limit, as a share of it (in its unit where it is 0); at most 0 if it holds."""
        return self.sense * (value - self.limit) / (abs(self.limit) or 1.0)

    def __str__(self) -> str:
        return self.text


def read_objective(text: str) -> Objective:
    """Read ``max disbursed`` or ``min ever90``.

    Raises
    ------
    ValueError
        Naming the nearest match of a misspelt measure.
    """
    match = _OBJECTIVE.fullmatch(text)
    if match is None or match["way"] not in _WAYS:
        raise ValueError(f"objectives: {text!r} is none; written max MEASURE or min MEASURE, as in max disbursed")
    return Objective(_known(match["measure"], "objectives"), _WAYS[match["way"]])


def read_constraint(text: str) -> Constraint:
    """Read ``ever90 <= 1 %``, ``rate_mean_ppm_year <= 24 %/year``, ``disbursed >= 5 m yuan``, ``leverage <= 0.5``.

    Raises
    ------
    ValueError
        Naming the nearest match of a misspelt measure, or what a limit may be.
    """
    match = _CONSTRAINT.fullmatch(text)
    if match is None or match["sign"] in ("=", "=="):
        raise ValueError(f"constraints: {text!r} is none; written MEASURE <= VALUE or MEASURE >= VALUE")
    measure = _known(match["measure"], "constraints")
    sense = 1 if match["sign"].startswith("<") else -1
    return Constraint(measure, sense, _limit(measure, match["limit"], text), " ".join(text.split()))


def read_all(
    objectives: Sequence[str | Objective], constraints: Sequence[str | Constraint]
) -> tuple[tuple[Objective, ...], tuple[Constraint, ...]]:
    """Read the objectives and constraints of a study; a measure is one objective at most.

    Raises
    ------
    ValueError
        When one is misspelt, there is no objective, or a measure is an objective twice.
    """
    aims = tuple(one if isinstance(one, Objective) else read_objective(one) for one in objectives)
    limits = tuple(one if isinstance(one, Constraint) else read_constraint(one) for one in constraints)
    if not aims:
        raise ValueError("objectives: there is none; at least one is needed, as in max disbursed")
    names = [aim.measure for aim in aims]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"objectives: {twice} is named twice; each measure once")
    return aims, limits


def measure_named(name: str) -> Measure:
    """The measure of a name; a figure in the form of one."""
    if name in BY_NAME:
        return BY_NAME[name]
    figure = FIGURES[name]
    label = name.replace("_", " ").capitalize()
    return Measure(name, label, figure.unit, "figures", figure.formula, "sim.study.figures", figure.function)  # type: ignore[arg-type]


def policy_task(
    objectives: Sequence[Objective], constraints: Sequence[Constraint], lender: str | None = None
) -> tuple[Task | None, str]:
    """Return the task that measures what is asked for, and its mark; (None, "") where the measures of a run suffice."""
    names = (*(aim.measure for aim in objectives), *(limit.measure for limit in constraints))
    figures = tuple(dict.fromkeys(name for name in names if name in FIGURES))
    if not figures:
        return None, ""
    return partial(measure_policy, lender=lender, figures=figures), json.dumps([lender, figures])


def measure_policy(job: Job, *, lender: str | None, figures: Sequence[str]) -> Outcome:
    """Carry out a run; figures stand beside its measures, which are those of one lender."""
    from sim.engine.run import simulate
    from sim.results.ledger import Ledger

    run = simulate(job.scenario, seed=job.seed, threads=job.threads)
    whose = lender or (run.lenders[0] if run.lenders else "")
    book = Ledger(run, whose)
    own: Mapping[str, Any] = {**run.summaries[whose], **{name: FIGURES[name].function(book) for name in figures}}
    return Outcome(job.name, job.seed, own, {whose: own})


def _known(measure: str, what: str) -> str:
    if measure not in BY_NAME and measure not in FIGURES:
        hint = near(measure, (*BY_NAME, *FIGURES))
        raise ValueError(f"{what}: there is no measure {measure!r}" + (f"; {hint}" if hint else ""))
    return measure


def _limit(measure: str, text: str, whole: str) -> float:
    unit = measure_named(measure).unit
    allowed = {"yuan": "as in 12.4 m yuan", "ppm a year": "as in 24 %/year"}.get(unit, "a number, or a share as in 1 %")
    bare = text.removesuffix("a year").removesuffix("of net capital").strip()
    try:
        if unit == "ppm a year" and "%" in text:
            return float(parse_rate(bare if "/" in bare else f"{bare}/year").ppm_year)
        if bare.endswith("yuan"):
            if unit != "yuan":
                raise ValueError
            from sim.core.money import FEN_PER_YUAN, parse_money

            return parse_money(bare) / FEN_PER_YUAN
        bare = bare.removesuffix("/year").strip()
        if bare.endswith("%"):
            if not (unit.startswith("share") or "net capital" in unit):
                raise ValueError
            return float(bare[:-1].replace(",", "")) / 100.0
        return float(bare.replace(",", ""))
    except ValueError:
        raise ValueError(f"constraints: {whole!r}: {text!r} is no limit for {measure} ({unit}); {allowed}") from None
