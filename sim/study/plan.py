"""A study ready to run: its file read and checked, its points laid out, every scenario loaded before the first run."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from sim.core import draws
from sim.engine.inputs.layers import to_data
from sim.engine.inputs.refusals import Path as Keys
from sim.engine.inputs.refusals import Report, tell
from sim.engine.reading import Origin, read_file
from sim.engine.scenario import load
from sim.errors import Issue, ScenarioError
from sim.study import designs
from sim.study.arms import refuse_different_worlds
from sim.study.factors import Factor
from sim.study.study_checks import SEARCHES, check, make_factor
from sim.study.study_file import Arm, StudyFile

if TYPE_CHECKING:
    from sim.engine.scenario import Scenario

MOST_RUNS = 1_000_000
_MEASURES = ("disbursed", "yield_risk_adjusted", "ever90", "npl90")


@dataclass(frozen=True)
class Plan:
    """What a study will do.

    Attributes
    ----------
    path
        The study file; a name of one's own for a study made on the command line.
    file
        What it says.
    base
        Its scenario with everything laid over that holds for all runs.
    factors
        What varies: the world's first, then the levers.
    points
        Written values by factor, by name of the point; empty for a search, which chooses its points on its way.
    scenarios
        The scenario of each point, or of each arm.
    seeds
        The worlds.
    measures
        What the study tells of.
    """

    path: Path
    file: StudyFile
    base: Scenario
    factors: tuple[Factor, ...]
    points: Mapping[str, Mapping[str, Any]]
    scenarios: Mapping[str, Scenario]
    seeds: tuple[int, ...]
    measures: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the study's file."""
        return self.path.stem

    @property
    def levers(self) -> tuple[Factor, ...]:
        """The factors that a lender chooses."""
        return tuple(factor for factor in self.factors if factor.side == "lever")

    @property
    def n_runs(self) -> int:
        """Runs of the design; of a search, those of all its trials."""
        n_points = self.file.trials if self.file.kind in SEARCHES else len(self.scenarios)
        return n_points * len(self.seeds)

    @property
    def hash(self) -> str:
        """SHA-256 of what the study is: its file without words, and its scenario."""
        said = self.file.model_dump(mode="json", exclude={"about", "scenario", "targets", "out"})
        arms = [scenario.hash for scenario in self.scenarios.values()]
        return hashlib.sha256(
            json.dumps([said, self.base.hash, arms], sort_keys=True, default=str).encode()
        ).hexdigest()

    def at(self, values: Mapping[str, Any]) -> Scenario:
        """Load the scenario of a point, given its written values by factor name."""
        return _load(self.base.path, self.file, _overrides(self.file, self.factors, values))


def read_plan(path: str | Path, overrides: Mapping[str, Any] | None = None, *, is_large_allowed: bool = False) -> Plan:
    """Read a study file and lay it out.

    Parameters
    ----------
    overrides
        Keys of the file given anew, such as ``{"seeds": 5}``.
    is_large_allowed
        Whether a design of any size up to a million runs may be laid out, however long it will take.

    Raises
    ------
    ScenarioError
        With everything that is wrong with the file, its factors or the scenarios of its points, each by file, line and
        field; a design that is too large with what it would cost.
    """
    source = Path(path)
    root, issues = read_file(source, Origin(str(source), source.name, source.parent))
    if root is None:
        raise ScenarioError(issues)
    report = Report(root, str(source))
    try:
        file = StudyFile.model_validate({**to_data(root), **(overrides or {})})
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            tell(report, StudyFile, detail)
        raise ScenarioError([*issues, *map(_of_study, report.issues)]) from None
    if issues:
        raise ScenarioError(issues)
    return lay_out(file, source, report, is_large_allowed=is_large_allowed)


def lay_out(file: StudyFile, path: Path, report: Report, *, is_large_allowed: bool = False) -> Plan:
    """Check a study and load all its scenarios; see `read_plan`."""
    check(report, file)
    _refuse(report)
    scenario_path = path.parent / file.scenario
    base = _loaded(report, file, scenario_path, {}, ())
    factors = _factors(report, file)
    _refuse(report)
    _check_factors(report, file, scenario_path, factors)
    lenders = {name for scenario in [base] for name in scenario.lenders}
    if file.lender is not None and file.lender not in lenders and not file.arms:
        report.add(
            ("lender",), f"the scenario has no lender {file.lender!r}", f"it has: {', '.join(lenders) or 'none'}"
        )
    _refuse(report)
    seeds = file.seeds if isinstance(file.seeds, tuple) else draws.replication_seeds(file.first_seed, file.seeds)
    _refuse_too_large(report, file, base, factors, len(seeds), is_large_allowed)
    points = {} if file.kind in (*SEARCHES, "compare") else _points(report, file, factors)
    _refuse(report)
    if file.kind == "compare":
        scenarios = {
            name: _loaded(report, file, _arm_path(path, file, arm), arm.set, ("arms", name, "set"))
            for name, arm in file.arms.items()
        }
    else:
        scenarios = {
            name: _loaded(report, file, scenario_path, _overrides(file, factors, values), ("design",))
            for name, values in points.items()
        }
    _refuse(report)
    if file.kind == "compare":
        refuse_different_worlds(scenarios)
    measures = tuple(file.measures) or _MEASURES
    plan = Plan(path, file, base, factors, points, scenarios, seeds, measures)
    _check_answer(plan)
    return plan


def _check_answer(plan: Plan) -> None:
    """Refuse before the first run what could not be answered after the last."""
    if plan.file.kind == "frontier":
        from sim.study.frontier import check

        check(plan)
    elif plan.file.kind in SEARCHES:
        from sim.study.search_plans import task_of

        task_of(plan)


def _factors(report: Report, file: StudyFile) -> tuple[Factor, ...]:
    found: list[Factor] = []
    for side, specs in (("world", file.world), ("levers", file.levers)):
        for name, spec in specs.items():
            try:
                found.append(make_factor(name, spec, side))
            except ValueError as error:
                problem, _, allowed = str(error).partition("; ")
                report.add((side, name), problem, allowed)
    return tuple(found)


def _check_factors(report: Report, file: StudyFile, scenario: Path, factors: Sequence[Factor]) -> None:
    """Load every value of every factor, and both ends of ranges, alone: what is wrong is then told by factor."""
    for factor in factors:
        side = "world" if factor.side == "world" else "levers"
        ends = factor.values or (factor.at(0.0), factor.at(math.nextafter(1.0, 0.0)))
        for value in ends:
            before = len(report.issues)
            _loaded(report, file, scenario, _overrides(file, factors, {factor.name: value}), (side, factor.name))
            if len(report.issues) > before:
                break


def _points(report: Report, file: StudyFile, factors: Sequence[Factor]) -> dict[str, Mapping[str, Any]]:
    """The design's points by name: ``p0001`` and on, in the order of the design."""
    design = file.design
    try:
        rows = _rows(file, factors)
    except ValueError as error:
        problem, _, allowed = str(error).partition("; ")
        report.add(("design", "rows") if design.kind == "list" else ("design",), problem, allowed)
        return {}
    width = max(4, len(str(len(rows))))
    return {f"p{place:0{width}d}": row for place, row in enumerate(rows, 1)}


def _rows(file: StudyFile, factors: Sequence[Factor]) -> Sequence[Mapping[str, Any]]:
    design = file.design
    if design.kind == "list":
        return designs.rows(factors, design.rows)
    if design.kind == "grid":
        return designs.grid(factors)
    if design.kind in ("latin_hypercube", "sobol"):
        draw = designs.latin_hypercube if design.kind == "latin_hypercube" else designs.sobol
        return draw(factors, _number_of_points(file), file.first_seed)
    if design.kind == "one_at_a_time":
        return designs.one_at_a_time(factors, {})
    if design.kind == "morris":
        return designs.morris(factors, design.trajectories, file.first_seed).points
    return designs.saltelli(factors, _number_of_points(file), file.first_seed).points


def _number_of_points(file: StudyFile) -> int:
    if file.design.points is None:
        raise ValueError(f"{file.design.kind} needs a number of points; as in points: 64")
    return file.design.points


def _refuse_too_large(
    report: Report, file: StudyFile, base: Scenario, factors: Sequence[Factor], n_seeds: int, is_allowed: bool
) -> None:
    """Refuse a design before any of it is made, with what it would cost."""
    n_points = _count(file, factors)
    n_runs = n_points * n_seeds
    from sim.engine.estimate import estimate

    seconds = n_runs * estimate(base).cpu_seconds
    if n_runs <= MOST_RUNS and (seconds <= 30 * 86_400 or is_allowed):
        return
    cost = f"{n_points:,} points in {n_seeds:,} worlds are {n_runs:,} runs and {_duration(seconds)} of processor time"
    allowed = f"at most {MOST_RUNS:,} runs" if n_runs > MOST_RUNS else "start it all the same with --yes"
    report.add(
        ("design",) if not file.arms else ("seeds",),
        f"too large: {cost}",
        allowed,
        "fewer points, values or seeds, or a smaller scale",
    )
    _refuse(report)


def _count(file: StudyFile, factors: Sequence[Factor]) -> int:
    if file.kind == "compare":
        return len(file.arms)
    if file.kind in SEARCHES:
        return file.trials
    design = file.design
    if design.kind == "grid" and any(not factor.values for factor in factors):
        return 1  # the design says which factor has no values
    n = {"list": len(design.rows), "morris": design.trajectories}.get(design.kind, design.points or 0)
    return designs.count(design.kind, factors, n)


def _duration(seconds: float) -> str:
    for size, word in ((365 * 86_400, "years"), (86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {word}"
    return f"{seconds:,.0f} seconds"


def _overrides(file: StudyFile, factors: Sequence[Factor], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted key, given those by factor: a factor may stand for several keys."""
    specs = {**file.world, **file.levers}
    named = [factor for factor in factors if factor.name in values]
    return {key: values[one.name] for one in named for key in (one.key, *specs[one.name].also)}


def _arm_path(path: Path, file: StudyFile, arm: Arm) -> Path:
    return path.parent / (arm.scenario or file.scenario)


def _load(scenario: Path, file: StudyFile, more: Mapping[str, Any]) -> Scenario:
    return load(scenario, {**file.set, **more}, file.scale)


def _loaded(report: Report, file: StudyFile, scenario: Path, more: Mapping[str, Any], at: Keys) -> Scenario:
    """Load a scenario; what is wrong with values of the study is told at their place in the study file."""
    try:
        return _load(scenario, file, more)
    except ScenarioError as error:
        for issue in error.issues:
            _place(report, file, issue, more, at)
        if not at:
            raise ScenarioError(report.issues) from None
        return None  # type: ignore[return-value]  # never seen: what was noted is raised before it is used


def _place(report: Report, file: StudyFile, issue: Issue, more: Mapping[str, Any], at: Keys) -> None:
    for key in (*more, *file.set):
        if issue.file == "--set" and (issue.field == key or issue.field.startswith((f"{key}.", f"{key}["))):
            keys: Keys = at if key in more else ("set", key)
            if key in more and at[-1:] == ("set",):
                keys = (*at, key)
            problem = f"{issue.field}: {issue.problem}"
            report.add(keys, problem, issue.allowed, issue.hint)
            return
    if issue not in report.issues:
        report.issues.append(issue)


def _of_study(issue: Issue) -> Issue:
    """Send who looks for a key of a study file to the page of those, not to the schema of scenarios."""
    return replace(issue, allowed=issue.allowed.replace("`lendsim schema` lists", "docs/reference-studies.md lists"))


def _refuse(report: Report) -> None:
    if report.issues:
        raise ScenarioError(dict.fromkeys(report.issues))


def describe_factors(plan: Plan) -> Iterator[str]:
    """Say of each factor what it is and what it takes, one line each."""
    for factor in plan.factors:
        whose = "uncertainty of the world" if factor.side == "world" else "lever"
        values = ", ".join(map(str, factor.values)) or f"{factor.low:g} to {factor.high:g}{factor.unit}"
        yield f"{factor.name} ({whose}, {factor.key}): {values}"
