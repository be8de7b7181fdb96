"""``lendsim check``, ``schema`` and ``new``: what the author of a scenario or a policy needs."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.app import show
from sim.app.commands.ending import FAILED, REFUSED, ending, refuse, say
from sim.app.commands.options import AsJson, Overrides, Scale
from sim.errors import PolicyError, ScenarioError

if TYPE_CHECKING:
    from sim.engine.scenario import Scenario

_SCENARIO = """\
about:
  title: {title}
  question: What does a lender earn on small, short loans?
  lesson: To be written once it has run.
  source: assumption
calendar: {{start: 2012-01-01, days: 180}}
merchants: {{number: 2000}}
lenders:                            # a mapping by id; {{}} is a world without credit
  ali:
    equity: 20 m yuan
    bank_debt: {{cap: 0.5 of net capital, rate: 7 %/year}}
    products:
      order_loan: {{rate: 0.05 %/day, term: 30 days, advance: 0.9}}
      revolving_line: {{rate: 0.06 %/day, term: 6 months}}
    scoring: {{policy: points, cutoff: 0.6}}
    limit: {{policy: sales_multiple}}
    pricing: {{policy: flat}}
    collection: {{policy: ladder}}
"""


class Kind(StrEnum):
    """What ``lendsim new`` can start."""

    SCENARIO = "scenario"
    POLICY = "policy"


def check(
    target: Annotated[
        str, typer.Argument(metavar="SCENARIO|MODULE:CLASS", help="A scenario file, or a policy.", show_default=False)
    ],
    set_: Overrides = None,
    scale: Scale = None,
    as_json: AsJson = False,
) -> None:
    """Check a scenario file or a policy, without a run.

    Of a scenario everything that is wrong is said at once, of a policy every promise that it breaks.

    \b
    Example:  lendsim check scenarios/tiny.yaml
              lendsim check experiments.cautious_newcomer:CautiousNewcomer
    """
    with ending():
        if ":" in target and not Path(target).exists() and not target.endswith((".yaml", ".yml")):
            if set_ or scale is not None:
                raise refuse("--set and --scale are for scenarios")
            _check_policy(target, as_json)
        else:
            _check_scenario(Path(target), set_ or [], scale, as_json)


def schema() -> None:
    """Print the JSON Schema of scenario files.

    For editors: every key with its unit, bounds, default and source.

    \b
    Example:  lendsim schema > scenario.schema.json
    """
    from sim.engine.schema import json_schema

    with ending():
        print(json.dumps(json_schema(), ensure_ascii=False, allow_nan=False, indent=1))


def new(
    kind: Annotated[Kind, typer.Argument(help="What to start.", show_default=False)],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, like cautious_newcomer.", show_default=False)],
) -> None:
    """Start a scenario or a policy in this folder.

    NAME.yaml or NAME.py is written: complete, and ready to run. Nothing is overwritten.

    \b
    Example:  lendsim new policy cautious_newcomer
              lendsim new scenario my_market
    """
    from sim.lenders.authoring import new_policy_source

    with ending():
        try:
            text = new_policy_source(name)  # its rule for names serves both
        except ValueError as error:
            raise refuse(str(error).replace("a policy", f"a {kind}")) from None
        path = Path(f"{name}.py" if kind is Kind.POLICY else f"{name}.yaml")
        if kind is Kind.SCENARIO:
            text = _SCENARIO.format(title=name.replace("_", " ").capitalize())
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            raise refuse(f"{path} is already there; nothing was written") from None
        print(path)
        if kind is Kind.POLICY:
            class_name = "".join(part.capitalize() for part in name.split("_"))
            say(f"try it:  lendsim check {name}:{class_name}")
        else:
            say(f"try it:  lendsim run {path}")


def _check_scenario(path: Path, overrides: list[str], scale: float | None, as_json: bool) -> None:
    from sim.engine.scenario import load

    try:
        scenario = load(path, overrides=overrides, scale=scale)
    except ScenarioError as error:
        if as_json:
            rows = [vars(issue) for issue in error.issues]
            show.print_json({"summary": {"passed": False, "n_issues": len(rows)}, "rows": rows})
            raise typer.Exit(REFUSED) from None
        raise
    if as_json:
        show.print_json({"summary": {"passed": True, "n_issues": 0, "notes": list(scenario.notes)}, "rows": []})
        return
    print(f"{path}: {_described(scenario)}")
    for note in scenario.notes:
        print(f"note: {note}")


def _described(scenario: Scenario) -> str:
    calendar, lenders = scenario.calendar, scenario.lenders
    who = "no lender" if not lenders else f"lender{'s' if len(lenders) > 1 else ''} {', '.join(lenders)}"
    days = f"{calendar.n_days} day{'s' if calendar.n_days > 1 else ''} from {calendar.start}"
    window = ""
    if (calendar.reported_from, calendar.reported_to) != (calendar.start, calendar.last):
        window = f" (reported {calendar.reported_from} to {calendar.reported_to})"
    merchants = f"{scenario.n_merchants:,} merchant{'s' if scenario.n_merchants > 1 else ''}"
    return f"well; {merchants}, {days}{window}, {who}"


def _check_policy(target: str, as_json: bool) -> None:
    from sim.lenders.check import check_policy

    try:
        findings = check_policy(target)
    except PolicyError as error:
        if as_json:
            found = {"passed": False, "n_findings": 1}
            show.print_json({"summary": found, "rows": [{"check": "load", "problem": str(error), "mend": ""}]})
            raise typer.Exit(REFUSED) from None
        raise
    if as_json:
        summary = {"passed": not findings, "n_findings": len(findings)}
        show.print_json({"summary": summary, "rows": [finding._asdict() for finding in findings]})
    elif findings:
        for finding in findings:
            say(f"{target}: {finding}")
    else:
        print(f"{target}: well; it keeps every promise")
    if findings:
        raise typer.Exit(FAILED)
