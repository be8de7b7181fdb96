"""Studies without a file: what the short commands say, as a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sim.engine.inputs.layers import from_data, to_data
from sim.engine.inputs.refusals import Report, tell
from sim.engine.reading import Node, Origin, read_text
from sim.errors import Issue, ScenarioError
from sim.study.arms import split_values
from sim.study.plan import Plan, lay_out
from sim.study.study_checks import NOT_WORLD
from sim.study.study_file import StudyFile


def sweep_plan(
    scenario: str | Path,
    vary: Sequence[str],
    *,
    measures: Sequence[str] = (),
    seeds: int | Sequence[int] = 10,
    first_seed: int = 1,
    scale: float | None = None,
    overrides: Sequence[str] = (),
    lender: str | None = None,
    is_large_allowed: bool = False,
) -> Plan:
    """Make the plan of a sweep over the grid of some keys' values.

    Parameters
    ----------
    vary
        ``KEY=V1,V2,...`` each.
    overrides
        ``KEY=VALUE`` each, laid over every run.

    Raises
    ------
    ScenarioError
        As `sim.study.plan.read_plan`; what is wrong with an option is told by its name.
    """
    data = {"kind": "sweep", "design": {"kind": "grid"}, **factors_of(vary, needs_values=True)}
    data |= common(measures, seeds, first_seed, scale, overrides, lender)
    return plan_of(scenario, data, "sweep", is_large_allowed=is_large_allowed)


def common(
    measures: Sequence[str],
    seeds: int | Sequence[int],
    first_seed: int,
    scale: float | None,
    overrides: Sequence[str],
    lender: str | None,
) -> dict[str, Any]:
    """What every study may say, as a file would; what is not given is left out."""
    data: dict[str, Any] = {"seeds": seeds if isinstance(seeds, int) else list(seeds), "first_seed": first_seed}
    if measures:
        data["measures"] = list(measures)
    if scale is not None:
        data["scale"] = scale
    if lender is not None:
        data["lender"] = lender
    if overrides:
        data["set"] = dict(_assigned("--set", one) for one in overrides)
    return data


def factors_of(vary: Sequence[str], *, needs_values: bool = False) -> dict[str, Any]:
    """``world`` and ``levers`` of options ``KEY=V1,V2,...`` or, where allowed, ``KEY=LOW..HIGH``.

    A factor is called after the last part of its key.
    """
    found: dict[str, dict[str, Any]] = {"world": {}, "levers": {}}
    for text in vary:
        key, equals, values = text.partition("=")
        key = key.strip()
        if not equals or not key or not values.strip():
            raise _refusal("--vary", text, "is no KEY=V1,V2,...", "as in lenders.ali.scoring.cutoff=0.5,0.6")
        spec: dict[str, Any] = {"key": key}
        low, dots, high = values.partition("..")
        if dots and not needs_values:
            spec |= {"low": _read("--vary", low.strip()), "high": _read("--vary", high.strip())}
        else:
            spec["values"] = [_read("--vary", value) for value in split_values(values)]
        side = "levers" if key.partition(".")[0] in NOT_WORLD else "world"
        taken = {*found["world"], *found["levers"]}
        found[side][_short_name(key, taken)] = spec
    return found


def plan_of(scenario: str | Path, data: Mapping[str, Any], name: str, *, is_large_allowed: bool = False) -> Plan:
    """Make the plan of what a study file would say; ``name`` is the command's."""
    path = Path(scenario)
    said = {**data, "scenario": path.name}
    root = from_data(said, Origin(f"lendsim {name}", f"lendsim {name}", path.parent))
    report = Report(root, f"lendsim {name}")
    try:
        file = StudyFile.model_validate(to_data(root))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            tell(report, StudyFile, detail)
        raise ScenarioError(report.issues) from None
    return lay_out(file, path.parent / f"{path.stem}-{name}", report, is_large_allowed=is_large_allowed)


def _assigned(option: str, text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise _refusal(option, text, "there is no = in it", "write KEY=VALUE")
    return key.strip(), _read(option, value)


def _read(option: str, text: str) -> Any:
    """A value as a file would hold it."""
    node, issues = read_text(text, Origin(option, option, Path.cwd()))
    if issues or not isinstance(node, Node):
        raise ScenarioError(issues)
    return to_data(node)


def _short_name(key: str, taken: set[str]) -> str:
    """The shortest tail of a key that no other factor has, fit for a column."""
    parts = key.split(".")
    for n in range(1, len(parts) + 1):
        name = "_".join(parts[-n:])
        if name not in taken:
            return name
    raise _refusal("--vary", key, "is given twice", "one list of values for each key")


def _refusal(option: str, text: str, problem: str, allowed: str) -> ScenarioError:
    return ScenarioError([Issue(option, 1, 1, text, problem, allowed)])
