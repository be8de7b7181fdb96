"""What a study file must say to hold together, before anything is loaded; and the factors that it names."""

from __future__ import annotations

import json
import math
from typing import Any

from sim.engine.inputs.refusals import Path as Keys
from sim.engine.inputs.refusals import Report
from sim.engine.inputs.text import near
from sim.results.metrics import BY_NAME
from sim.study.factors import Factor
from sim.study.study_file import FactorSpec, StudyFile

NOT_WORLD = ("lenders", "institutions")
SEARCHES = ("calibrate", "optimise")
# Kinds of study by the designs they can be told by.
_DESIGNS = {
    "compare": ("list",),
    "sweep": ("list", "grid", "latin_hypercube", "sobol"),
    "frontier": ("list", "grid", "latin_hypercube", "sobol"),
    "sensitivity": ("one_at_a_time", "morris", "sobol_indices"),
}


def check(report: Report, file: StudyFile) -> None:
    """Refuse what does not fit together within the file."""
    for place, name in enumerate(file.measures):
        check_measure(report, ("measures", place), name)
    if file.kind == "compare" and len(file.arms) < 2:
        report.add(
            ("arms",), f"{len(file.arms)} arms; a comparison needs two", "arms: {usual: {}, other: {set: {...}}}"
        )
    if file.kind != "compare":
        for key in ("arms", "until", "budget", "best"):
            if getattr(file, key):
                report.add((key,), f"belongs to a comparison, and this is kind: {file.kind}", at_key=True)
        if not file.world and not file.levers:
            report.add(("levers",), "nothing varies", "write levers or world, each with a key and values or a range")
    elif file.world or file.levers:
        key = "world" if file.world else "levers"
        report.add((key,), "a comparison varies nothing but its arms", "kind: sweep varies factors", at_key=True)
    allowed = _DESIGNS.get(file.kind)
    node, depth = report.find(("design", "kind"))
    if allowed and file.kind != "compare" and depth == 2 and file.design.kind not in allowed:
        report.add(
            ("design", "kind"), f"{node.value} does not go with kind: {file.kind}", f"allowed: {', '.join(allowed)}"
        )
    elif file.kind == "sensitivity" and depth < 2:
        report.add(
            ("design",), "a sensitivity needs its design named", f"allowed: {', '.join(_DESIGNS['sensitivity'])}"
        )
    if file.kind == "calibrate" and file.targets is None:
        report.add(("targets",), "is missing", "needed: the file of targets")
    if file.kind == "optimise" and not file.objectives:
        report.add(("objectives",), "is missing", "as in objectives: [max disbursed, min ever90]")
    for side in ("world", "levers"):
        for name, spec in getattr(file, side).items():
            _check_side(report, side, name, spec)
            if spec.also and file.kind in SEARCHES:
                report.add((side, name, "also"), "a search moves one key a factor", "leave it out", at_key=True)
    both = set(file.world) & set(file.levers)
    if both:
        report.add(("levers", min(both)), "stands in world as well", "every factor has a name of its own", at_key=True)


def check_measure(report: Report, at: Keys, name: str) -> None:
    """Note a measure that does not exist, with the nearest one that does."""
    if name not in BY_NAME:
        report.add(at, f"there is no measure {name!r}", "docs/reference-measures.md lists all", near(name, BY_NAME))


def _check_side(report: Report, side: str, name: str, spec: FactorSpec) -> None:
    at: Keys = (side, name)
    for place, key in enumerate((spec.key, *spec.also)):
        is_lenders = key.partition(".")[0] in NOT_WORLD
        where: Keys = (*at, "also", place - 1) if place else (*at, "key")
        if side == "world" and is_lenders:
            report.add(where, "is no part of the world", "what lenders and institutions do stands under levers")
        if side == "levers" and not is_lenders:
            report.add(where, "is no lever", "keys of lenders or institutions; others stand under world")
    has_range = spec.low is not None or spec.high is not None
    if bool(spec.values) == has_range:
        report.add(at, "needs either values or a range", "values: [...], or low: and high:", at_key=True)
    elif has_range and (spec.low is None or spec.high is None):
        report.add(at, "the range has one end", "give low and high", at_key=True)
    elif len(spec.values) != len({json.dumps(value, default=str) for value in spec.values}):
        report.add((*at, "values"), "a value is given twice", "every value once")


def make_factor(name: str, spec: FactorSpec, side: str) -> Factor:
    """Make the factor of a study file; ValueError ("problem; what is allowed") where its range is none."""
    whose: Any = "world" if side == "world" else "lever"
    if spec.values:
        return Factor(name, spec.key, whose, tuple(spec.values))
    (low, unit), (high, unit_high) = _number_and_unit(spec.low), _number_and_unit(spec.high)
    if unit != unit_high:
        raise ValueError(f"low has the unit {unit or 'none'}, high {unit_high or 'none'}; write both in one unit")
    return Factor(name, spec.key, whose, (), low, high, f" {unit}" if unit else "", spec.whole, spec.log)


def _number_and_unit(value: Any) -> tuple[float, str]:
    if not isinstance(value, str):
        return float(value), ""
    number, _, unit = value.strip().partition(" ")
    try:
        found = float(number.replace(",", ""))
    except ValueError:
        raise ValueError(f"{value!r} does not begin with a number; as in 0.03 %/day") from None
    if not math.isfinite(found):
        raise ValueError(f"{value!r} is not finite; write a finite number")
    return found, unit.strip()
