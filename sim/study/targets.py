"""A run against published figures: each target with its band, the value over seeds with its interval, pass or fail.

A file of targets names, for each id, a figure, the band in which its mean over the seeds must lie, and whether it is
hard (all must pass) or soft (at least ``soft_share`` must). Targets are written for the whole market: what grows with
it is divided by the run's ``scale``, so that a small run is judged like a large one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ValidationError

from sim.core.money import FEN_PER_YUAN, parse_money
from sim.core.quantities import Id, Parameters, Share, Text, parameter, refuse
from sim.engine.inputs.layers import Files, to_data
from sim.engine.inputs.refusals import Report, tell
from sim.engine.inputs.text import near
from sim.errors import ScenarioError, StoreError
from sim.results.files import MANIFEST
from sim.results.headline import say_number
from sim.results.ledger import Ledger
from sim.results.metrics import BY_NAME
from sim.results.run import Run
from sim.results.store import open_run
from sim.study.figures import EPOCH, FIGURES, FIRST_INTEREST, first_day_of_interest
from sim.study.stats import summarise

Bound = float | date
Value = float | date | None
_ALLOWED = "a number, a share such as 0.5 %, an amount such as 12.4 bn yuan, or a date"
_YUAN = ("disbursed", "balance_mean", "balance_end", "interest_income", "profit")  # measures that grow with the market
_COUNTS = ("n_loans", "customers", "customers_new")


def _read_bound(value: object) -> object:
    """A bound in the figure's unit: yuan for an amount, 0 to 1 for a share."""
    if isinstance(value, date | int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            if value.rstrip().endswith("yuan"):
                return parse_money(value) / FEN_PER_YUAN
            if value.rstrip().endswith("%"):
                return float(value.rstrip()[:-1].replace(",", "")) / 100.0
            return date.fromisoformat(value) if value.count("-") == 2 else float(value.replace(",", ""))
        except ValueError:
            pass
    raise refuse("no bound", _ALLOWED)


BoundQ = Annotated[Any, BeforeValidator(_read_bound)]


class Target(Parameters):
    """One published figure and the band in which a run's must lie."""

    figure: Text = parameter(..., unit="name", source="design section 9", doc="A measure or a figure; see the docs.")
    low: BoundQ | None = parameter(None, unit="as the figure", source="the target's", doc="Least that passes.")
    high: BoundQ | None = parameter(None, unit="as the figure", source="the target's", doc="Most that passes.")
    target: BoundQ | None = parameter(None, unit="as the figure", source="the target's", doc="What was published.")
    kind: Literal["hard", "soft"] = parameter("soft", unit="name", source="facts A.4", doc="All hard ones must pass.")
    amount: BoundQ | None = parameter(None, unit="yuan", source="the target's", doc="For first_day_of_interest.")
    what: Text = parameter("", unit="text", source="the target's", doc="In words.")
    source: Text = parameter("", unit="text", source="the target's", doc="Where the figure was published.")


class Targets(Parameters):
    """A file of targets."""

    lender: Id | None = parameter(None, unit="name", source="the file's", doc="Whose, if not the first lender's.")
    soft_share: Share = parameter(0.8, unit="share", source="facts A.4", doc="Share of soft targets that must pass.")
    targets: dict[Id, Target] = parameter(..., unit="mapping", source="the file's", doc="Targets by id.")


@dataclass(frozen=True)
class Judged:
    """One target after the runs: the mean of its figure at full scale, the 95 % interval over seeds, the verdict."""

    id: str
    target: Target
    unit: str
    value: Value
    low: Value
    high: Value
    n: int
    passed: bool


@dataclass(frozen=True)
class Verdict:
    """All targets of a file against the runs of one scenario."""

    rows: tuple[Judged, ...]
    n_seeds: int
    scale: float
    soft_share: float

    @property
    def hard(self) -> tuple[int, int]:
        """Hard targets that passed, and all of them."""
        return self._count("hard")

    @property
    def soft(self) -> tuple[int, int]:
        """Soft targets that passed, and all of them."""
        return self._count("soft")

    @property
    def passed(self) -> bool:
        """Whether all hard targets passed, and as many soft ones as must."""
        soft, n_soft = self.soft
        return self.hard[0] == self.hard[1] and soft >= self.soft_share * n_soft

    def _count(self, kind: str) -> tuple[int, int]:
        own = [row.passed for row in self.rows if row.target.kind == kind]
        return sum(own), len(own)


def read_targets(path: Path) -> Targets:
    """Read a file of targets.

    Raises
    ------
    ScenarioError
        With everything that is wrong, each with file, line and field.
    """
    files = Files(path)
    root = files.read()
    if root is None:
        raise ScenarioError(files.issues)
    report, issues = Report(root, str(path)), list(files.issues)
    try:
        found = Targets.model_validate(to_data(root))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            tell(report, Targets, detail)
        raise ScenarioError(issues + report.issues) from None
    for name, target in found.targets.items():
        _check(report, ("targets", name), target)
    if issues or report.issues:
        raise ScenarioError(issues + report.issues)
    return found


def _check(report: Report, at: tuple[str, str], target: Target) -> None:
    known = (*BY_NAME, *FIGURES, FIRST_INTEREST)
    if target.figure not in known:
        allowed = "a measure of `summary`, or: " + ", ".join((*FIGURES, FIRST_INTEREST))
        report.add((*at, "figure"), f"there is no figure {target.figure!r}", allowed, near(target.figure, known))
    bounds = [bound for bound in (target.low, target.high) if bound is not None]
    if not bounds:
        report.add(at, "has no band", "give low, high or both")
    if any(isinstance(bound, date) != (target.figure == FIRST_INTEREST) for bound in bounds):
        allowed = "dates are for first_day_of_interest, numbers for the others"
        report.add((*at, "low" if target.low is not None else "high"), "the bound is of another kind", allowed)
    elif len(bounds) == 2 and bounds[0] > bounds[1]:
        report.add((*at, "low"), "the least is above the most", "exchange low and high")
    if (target.amount is None) == (target.figure == FIRST_INTEREST):
        report.add(at, "an amount belongs to first_day_of_interest alone", "as in amount: 1 m yuan")


def find_runs(folder: Path) -> list[Run]:
    """The finished runs of a folder: itself, or those in its `seed-N` folders.

    Raises
    ------
    StoreError
        If there is none, or if they are not of one scenario.
    """
    if (folder / MANIFEST).exists():
        return [open_run(folder)]
    inside = sorted(path.parent for path in folder.glob(f"seed-*/{MANIFEST}"))
    if not inside:
        open_run(folder)  # says why it is none
        raise StoreError(f"{folder}: there is no finished run in it")
    runs = [open_run(path) for path in inside]
    if len({run.manifest.get("scenario_hash") for run in runs}) > 1:
        raise StoreError(f"{folder}: its runs are not of one scenario")
    return runs


def judge(runs: Sequence[Run], file: Targets) -> Verdict:
    """Judge the runs of one scenario, one a seed, by a file of targets.

    Raises
    ------
    StoreError
        If there is no such lender in the runs.
    """
    scale = float(runs[0].scenario.get("scale") or 1.0)
    books = [Ledger(run, _lender(run, file)) for run in runs]
    rows = tuple(_judge(name, target, books, scale) for name, target in file.targets.items())
    return Verdict(rows, len(runs), scale, file.soft_share)


def _lender(run: Run, file: Targets) -> str:
    lender = file.lender or (run.lenders[0] if run.lenders else "")
    if lender not in run.lenders:
        raise StoreError(f"{run.path}: there is no lender {lender!r} in it; it has {', '.join(run.lenders) or 'none'}")
    return lender


def _judge(name: str, target: Target, books: Sequence[Ledger], scale: float) -> Judged:
    values = [_value(target, book, scale) for book in books]
    is_date = target.figure == FIRST_INTEREST
    numbers = [(one - EPOCH).days if isinstance(one, date) else one for one in values]
    spread = summarise(numbers)
    mean = None if len([one for one in numbers if one is None]) else spread.mean
    low, high = (_number(bound) for bound in (target.low, target.high))
    passed = mean is not None and low <= mean <= (high if target.high is not None else math.inf)
    shown = [_as_date(one) if is_date else one for one in (mean, spread.low, spread.high)]
    return Judged(name, target, _unit(target.figure), shown[0], shown[1], shown[2], spread.n, passed)


def _unit(figure: str) -> str:
    if figure == FIRST_INTEREST:
        return "date"
    return BY_NAME[figure].unit if figure in BY_NAME else FIGURES[figure].unit


def _number(bound: Bound | None) -> float:
    if bound is None:
        return -math.inf
    return float((bound - EPOCH).days) if isinstance(bound, date) else float(bound)


def _as_date(days: float | None) -> date | None:
    return None if days is None else EPOCH + timedelta(days=round(days))


def _value(target: Target, book: Ledger, scale: float) -> Value:
    """The figure of one run at full scale."""
    if target.figure == FIRST_INTEREST:
        return first_day_of_interest(book, float(target.amount or 0.0) * scale)
    if target.figure in FIGURES:
        figure = FIGURES[target.figure]
        value, grows = figure.function(book), figure.scales
    else:
        value, grows = BY_NAME[target.figure](book), target.figure in (*_YUAN, *_COUNTS)
    if value is None or isinstance(value, date):
        return value
    return value / scale if grows else float(value)


def as_rows(verdict: Verdict) -> list[Mapping[str, Any]]:
    """Rows of `id, value, low, high, kind, passed` (the band), and the interval over seeds."""
    return [
        {
            "id": row.id,
            "figure": row.target.figure,
            "value": _plain(row.value),
            "low": _plain(row.target.low),
            "high": _plain(row.target.high),
            "kind": row.target.kind,
            "passed": row.passed,
            "interval_low": _plain(row.low),
            "interval_high": _plain(row.high),
            "n_seeds": row.n,
            "unit": row.unit,
        }
        for row in verdict.rows
    ]


def _plain(value: Value) -> float | str | None:
    return value.isoformat() if isinstance(value, date) else value


def say(value: Value, unit: str) -> str:
    """A value or a bound for people: ``13.0 bn``, ``0.0545 %``, ``2012-07-20``; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    if unit.startswith("share"):
        digits = 4 if 0 < abs(value) < 0.001 else 2
        return f"{100 * value:.{digits}f} %"
    return say_number(float(value))
