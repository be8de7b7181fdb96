"""The scenario that a fit writes: it extends the base, and every line says how its value was set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim.engine.inputs.layers import SCENARIOS
from sim.errors import Issue, ScenarioError
from sim.results.files import write_whole
from sim.study.fit.estimates import Estimate, Fit

BASE = "base.yaml"
WIDTH = 110  # of a line, beyond which its comment goes before it
_GROUPS = ("entry", "size", "trade", "demand", "season", "spells", "exits")


def find_base(out: Path) -> tuple[Path, bool]:
    """Where the base of a new scenario lies, and whether it must be copied beside it.

    Looked for as `extends: base` will be: in the scenario's folder, then in the folder ``scenarios`` above it; failing
    these, in ``scenarios`` of the working directory and of the installation.

    Raises
    ------
    ScenarioError
        If there is none.
    """
    folder = Path(os.path.realpath(out)).parent
    root = next((one for one in (folder, *folder.parents) if one.name == SCENARIOS), folder)
    for place in (folder, root):
        if (place / BASE).is_file():
            return place / BASE, False
    for place in (Path.cwd() / SCENARIOS, Path(__file__).parents[3] / SCENARIOS):
        if (place / BASE).is_file():
            return place / BASE, True
    problem = f"there is no {BASE} in {folder} to extend"
    raise ScenarioError(
        [Issue(str(out), 1, 1, "extends", problem, "write the scenario into the folder of your scenarios")]
    )


def write_scenario(fit: Fit, out: Path, source: str, base: Path, copies_base: bool) -> None:
    """Write the scenario, and the base beside it where it must be copied."""
    if copies_base:
        write_whole(out.parent / BASE, base.read_bytes())
    write_whole(out, as_yaml(fit, source).encode())


def as_yaml(fit: Fit, source: str) -> str:
    """The scenario as text."""
    by_key = {one.key: one for one in fit.estimates}
    plan = fit.plan
    lines = [
        f"# Fitted to {source} by `lendsim fit`, seed {fit.seed}. Each value: how it was set, and its standard error",
        "# (s.e.) over merchants of the same kind. What orders do not tell keeps the value of base, an assumption.",
        "about:",
        f"  title: {_quoted(f'Merchants fitted to {source}')}",
        "  question: What does the lender of base earn with merchants like these?",
        f"  lesson: {_quoted(f'{fit.n_met} of {len(fit.judged)} moments of the data are met; see the page.')}",
        f"  source: {_quoted(f'own orders: {fit.observed.days.n_shops} merchants, {fit.observed.days.n_days} days')}",
        "extends: base",
        f"calendar: {{start: {plan['calendar.start']}, days: {plan['calendar.days']}}}  # those of the data",
        "merchants:",
        f"  number: {plan['merchants.number']}  # those of the data with any order",
    ]
    for group in _GROUPS:
        own = [one for one in fit.estimates if one.key.startswith(f"{group}.")]
        extra = [] if group != "demand" else ["category_shock"]
        if own or extra:
            lines.append(f"  {group}:")
        for name, value, comment in beside(plan):
            if name.startswith(f"{group}."):
                lines += _line("    ", name.partition(".")[2], value, comment)
        lines += [
            line for one in own for line in _line("    ", one.key.partition(".")[2], one.written(), one.comment())
        ]
        for name in extra:
            lines += _line("    ", name, 0.0, "all merchants are one category")
    lines += _categories(plan, by_key)
    lines += _events(fit)
    lines += _lenders(plan)
    return "\n".join(lines) + "\n"


def beside(plan: Mapping[str, Any]) -> list[tuple[str, Any, str]]:
    """What a fit sets that is no number: key, value and comment."""
    found: list[tuple[str, Any, str]] = []
    if plan["merchants.size.measure"] != "sales":
        says = "direct: logs of orders reach further up than down, those of sales do not"
        found.append(("size.measure", plan["merchants.size.measure"], says))
    if len(plan["merchants.entry.waves"]) > 1:
        waves = ", ".join(f"{n:g}" for n in plan["merchants.entry.waves"])
        says = "direct: first seen in equal parts of that time; s.e. of each its root"
        found.append(("entry.waves", f"[{waves}]", says))
    return found


def _line(indent: str, name: str, value: Any, comment: str) -> list[str]:
    line = f"{indent}{name}: {value:g}" if isinstance(value, float) else f"{indent}{name}: {value}"
    whole = f"{line}  # {comment}"
    return [whole] if len(whole) <= WIDTH else [f"{indent}# {comment}", line]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _categories(plan: Mapping[str, Any], by_key: Mapping[str, Estimate]) -> list[str]:
    prefix = "merchants.categories."
    gone = [key.removeprefix(prefix) for key, value in plan.items() if key.startswith(prefix) and value is None]
    lines = ["  categories:  # the file says nothing of trades: all merchants are of one"]
    lines += [f"    {name}: null" for name in gone]
    lines += ["    all:", "      share: 1.0"]
    for k in range(1, 5):
        one = by_key.get(f"categories.all.q{k}")
        if one is not None:
            lines += _line("      ", f"q{k}", one.written(), one.comment())
    return lines


def _events(fit: Fit) -> list[str]:
    gone = [
        key.removeprefix("events.") for key, value in fit.plan.items() if key.startswith("events.") and value is None
    ]
    if not fit.common.promotions and not fit.holidays and not gone:
        return []
    lines = ["events:"] + [f"  {name}: null  # of the base's calendar" for name in gone]
    for one in fit.common.promotions:
        value = f"{{date: {one.first.isoformat()}, kind: promotion, lift: {round(one.lift, 3):g}, days: {one.days}}}"
        lines += _line("  ", one.name, value, f"direct: {one.says}; s.e. {one.error:.2g}")
    for day in fit.holidays:
        value = f"{{date: {day.first.isoformat()}, kind: holiday, lift: {round(day.lift, 3):g}, "
        value += f"spread: {round(day.spread, 3):g}, days: {day.days}}}"
        lines += _line("  ", day.name, value, f"direct: shops' orders over those around; s.e. {day.error:.2g}")
    return lines


def _lenders(plan: Mapping[str, Any]) -> list[str]:
    own = {key.split(".")[1]: value for key, value in plan.items() if key.startswith("lenders.")}
    if not own:
        return []
    lines = ["lenders:  # assumed: equity as base has it, in proportion to all merchants' sales"]
    return lines + [f"  {name}: {{equity: {value}}}" for name, value in own.items()]
