"""The arms of a comparison: scenarios with names of their own, which must be different lenders in one world."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import Issue, ScenarioError

if TYPE_CHECKING:
    from sim.engine.scenario import Scenario

# What may differ between two scenarios of one world; `about` is words.
_NOT_WORLD = ("about", "lenders", "institutions")
_MAX_DIFFERENCES = 12


def name_arms(
    scenarios: Sequence[str | Path | Scenario] | Mapping[str, Scenario],
    *,
    overrides: Sequence[str] = (),
    vary: str | None = None,
    scale: float | None = None,
) -> dict[str, Scenario]:
    """Load the scenarios that are files, and give every arm a name of its own that is fit for a folder.

    A scenario is called after its file, a variant after what varies: ``cutoff=0.7``. A mapping brings its own names.

    Raises
    ------
    ScenarioError
        With everything that is wrong with any of the files or variants.
    ValueError
        When there are fewer than two arms, or ``vary`` cannot be applied.
    """
    if isinstance(scenarios, Mapping):
        unfit = [name for name in scenarios if name != _fit_for_folders(name)]
        if unfit:
            raise ValueError(f"{unfit[0]!r} cannot name an arm; letters, digits, _ . = + % and - can")
        return _at_least_two({name: _loaded(scenario, overrides, scale) for name, scenario in scenarios.items()})
    if vary is not None:
        if len(scenarios) != 1:
            raise ValueError(f"--vary makes variants of one scenario; {len(scenarios)} are given")
        return _variants(scenarios[0], overrides, vary, scale)
    arms: dict[str, Scenario] = {}
    issues: list[Issue] = []
    for given in scenarios:
        try:
            scenario = _loaded(given, overrides, scale)
        except ScenarioError as error:
            issues.extend(error.issues)
        else:
            arms[_unused(scenario.path.stem, arms)] = scenario
    if issues:
        raise ScenarioError(dict.fromkeys(issues))
    return _at_least_two(arms)


def refuse_different_worlds(arms: Mapping[str, Scenario]) -> None:
    """Refuse arms that differ in more than lenders and institutions: their difference would not be the lender's.

    Raises
    ------
    ScenarioError
        With a line for each value that differs from the first arm's.
    """
    (first, base), *others = arms.items()
    issues: list[Issue] = []
    for scenario in (other for _, other in others if other.world_hash != base.world_hash):
        mine, theirs = _leaves(_world(scenario)), _leaves(_world(base))
        fields = [key for key in dict.fromkeys([*theirs, *mine]) if mine.get(key) != theirs.get(key)]
        for name in fields[:_MAX_DIFFERENCES] or ["merchants.orders"]:
            file, line = _place(scenario, name)
            problem = f"{_shown(mine, name)} here, {_shown(theirs, name)} in {first}: another world"
            if not fields:  # the same paths, other content
                problem = f"the data files are not those of {first}: another world"
            issues.append(Issue(file, line, 1, name, problem, "only lenders and institutions may differ"))
        more = len(fields) - _MAX_DIFFERENCES
        if more > 0:
            issues.append(Issue(str(scenario.path), 1, 1, "", f"{more} more values differ from {first}"))
    if issues:
        hint = "--different-worlds compares them all the same"
        issues[-1] = Issue(**{**vars(issues[-1]), "hint": hint})
        raise ScenarioError(issues)


def _at_least_two(arms: dict[str, Scenario]) -> dict[str, Scenario]:
    if len(arms) < 2:
        raise ValueError("a comparison needs two scenarios, or one with --vary KEY=V1,V2")
    return arms


def _variants(
    given: str | Path | Scenario, overrides: Sequence[str], vary: str, scale: float | None
) -> dict[str, Scenario]:
    key, equals, text = vary.partition("=")
    values = split_values(text)
    if not equals or not key.strip() or not values:
        raise ValueError(f"--vary {vary}: written KEY=V1,V2,... such as lenders.ali.scoring.cutoff=0.5,0.6")
    if not isinstance(given, str | Path):
        raise ValueError(f"--vary starts from a file, not from a loaded scenario; give {str(given.path)!r}")
    arms: dict[str, Scenario] = {}
    issues: list[Issue] = []
    short = key.strip().rpartition(".")[2]
    if len(values) == 1:
        base = _loaded(given, overrides, scale)
        arms[base.path.stem] = base
    for value in values:
        try:
            scenario = _loaded(given, [*overrides, f"{key.strip()}={value}"], scale)
        except ScenarioError as error:
            issues.extend(error.issues)
        else:
            arms[_unused(_fit_for_folders(f"{short}={value}"), arms)] = scenario
    if issues:
        raise ScenarioError(dict.fromkeys(issues))
    return arms


def _loaded(given: str | Path | Scenario, overrides: Sequence[str], scale: float | None) -> Scenario:
    if not isinstance(given, str | Path):
        if overrides or scale is not None:
            raise ValueError("overrides and scale are laid over files; load the scenario with them instead")
        return given
    from sim.engine.scenario import load

    return load(given, overrides=overrides, scale=scale)


def split_values(text: str) -> list[str]:
    """Split at the commas outside brackets and quotes; a value with commas of its own stands in quotes."""
    pieces = re.findall(r"""(?:"[^"]*"|'[^']*'|\[[^\]]*\]|\{[^}]*\}|[^,"'\[{])+""", text)
    return [piece.strip() for piece in pieces if piece.strip()]


def _fit_for_folders(name: str) -> str:
    return re.sub(r"[^\w.=+%-]+", "_", name.replace(" %/", "%_per_")).strip("_.")[:80] or "variant"


def _unused(name: str, taken: Mapping[str, object]) -> str:
    if name not in taken:
        return name
    return next(f"{name}-{n}" for n in count(2) if f"{name}-{n}" not in taken)


def _world(scenario: Scenario) -> dict[str, Any]:
    return {key: value for key, value in scenario.resolved.items() if key not in _NOT_WORLD}


def _leaves(value: Any, at: str = "") -> dict[str, Any]:
    return dict(_walk(value, at))


def _walk(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _walk(inner, f"{at}.{key}" if at else str(key))
    else:
        yield at, value


def _shown(leaves: Mapping[str, Any], name: str) -> str:
    return str(leaves[name])[:60] if name in leaves else "nothing"


def _place(scenario: Scenario, name: str) -> tuple[str, int]:
    """Return file and line of a value; the first line of the scenario where it was not written in the file itself."""
    file, colon, line = scenario.provenance.get(name, "").rpartition(":")
    written_in = scenario.path.parent / file
    if colon and line.isdigit() and written_in.is_file():
        return str(written_in), int(line)
    return str(scenario.path), 1
