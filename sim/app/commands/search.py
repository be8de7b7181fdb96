"""``lendsim calibrate`` and ``lendsim optimise``: parameters that meet targets, policies that serve objectives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from sim.app import show
from sim.app.commands.ending import ending, refuse
from sim.app.commands.options import AsJson, Cluster, Insecure, Out, Overrides, Scale, ScenarioFile, Seed, Workers

Vary = Annotated[
    list[str],
    typer.Option(
        "--vary", metavar="KEY=LOW..HIGH", help="A range, or KEY=V1,V2,... for values; may be repeated.",
        show_default=False,
    ),
]  # fmt: skip
Trials = Annotated[int, typer.Option("--trials", metavar="N", min=1, max=100_000, help="Points that are tried.")]
Seeds = Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="Worlds that every point lives through.")]
Lender = Annotated[
    str | None,
    typer.Option("--lender", metavar="ID", help="Whose measures, if not the first lender's.", show_default=False),
]


def calibrate(
    scenario: ScenarioFile,
    targets: Annotated[Path, typer.Argument(metavar="TARGETS", help="File of targets.", show_default=False)],
    vary: Vary,
    trials: Trials = 100,
    seeds: Seeds = 5,
    held_out: Annotated[
        int, typer.Option("--held-out", metavar="N", min=2, help="Worlds that the search does not see.")
    ] = 10,
    profile: Annotated[
        bool, typer.Option("--profile/--no-profile", help="Say which parameters the targets tell.")
    ] = True,
    lender: Lender = None,
    seed: Seed = 1,
    scale: Scale = None,
    set_: Overrides = None,
    workers: Workers = None,
    cluster: Cluster = None,
    insecure_cluster: Insecure = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Look for parameters that meet a file of targets.

    Prints each target with its distance (0 inside its band, 1 half a band outside) in the fitting and in held-out
    worlds, which parameters the targets tell, and whether the fit holds in worlds that it has not seen. With --out the
    calibrated scenario and the pictures are written there, and a search that was stopped goes on.

    \b
    Example:  lendsim calibrate scenarios/tiny.yaml targets.yaml --vary merchants.borrowing.habit_mean=0.1..0.45
    """
    from sim.study.calibrate import GRID

    said = {"kind": "calibrate", "targets": str(targets.absolute()), "trials": trials, "fresh": held_out}
    common = (vary, seeds, seed, scale, set_, lender)
    _search(
        scenario, said, common, (workers, cluster, insecure_cluster), out, as_json, {"grid": GRID if profile else 0}
    )


def optimise(
    scenario: ScenarioFile,
    vary: Vary,
    objective: Annotated[
        list[str], typer.Option("--objective", metavar="TEXT", help="max MEASURE or min MEASURE.", show_default=False)
    ],
    constraint: Annotated[
        list[str] | None,
        typer.Option("--constraint", metavar="TEXT", help="As in 'ever90 <= 1 %'.", show_default=False),
    ] = None,
    trials: Trials = 100,
    seeds: Seeds = 10,
    fresh: Annotated[
        int, typer.Option("--fresh", metavar="N", min=2, help="New worlds that judge what is found.")
    ] = 10,
    sampler: Annotated[str, typer.Option("--sampler", metavar="NAME", help="tpe, or nsga2 for many trials.")] = "tpe",
    lender: Lender = None,
    seed: Seed = 1,
    scale: Scale = None,
    set_: Overrides = None,
    workers: Workers = None,
    cluster: Cluster = None,
    insecure_cluster: Insecure = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Look for the levers that serve objectives best.

    All points live through the same worlds; what the search proposes is judged again in fresh ones. Prints the Pareto
    set (for one objective, the best), each gain over the scenario as it stands with its 95 % interval, and how much of
    what the search promised was luck. Measures are those of `lendsim run`, and figures such as days_over_leverage and
    loans_over_ceiling.

    \b
    Example:  lendsim optimise scenarios/tiny.yaml --vary lenders.ali.scoring.cutoff=0.5..0.9 \\
                --objective "max disbursed" --objective "min npl90" --constraint "days_over_leverage <= 0"
    """
    if sampler not in ("tpe", "nsga2"):
        raise refuse(f"--sampler {sampler}: there is no such sampler; tpe or nsga2")
    said = {"kind": "optimise", "objectives": objective, "constraints": constraint or [], "trials": trials}
    common = (vary, seeds, seed, scale, set_, lender)
    _search(
        scenario,
        {**said, "fresh": fresh},
        common,
        (workers, cluster, insecure_cluster),
        out,
        as_json,
        {"sampler": sampler},
    )


def _search(
    scenario: Path,
    said: Mapping[str, Any],
    common: tuple[Any, ...],
    where: tuple[int | None, str | None, bool],
    out: Path | None,
    as_json: bool,
    options: Mapping[str, Any],
) -> None:
    """Make a plan of what was said, search, and show what was found."""
    with ending("the same command goes on with it" if out is not None else "with --out DIR finished runs are kept"):
        from sim.study import short
        from sim.study.lab import Lab
        from sim.study.search_plans import search, task_of

        vary, seeds, first_seed, scale, overrides, lender = common
        whole = {
            **said,
            **short.factors_of(vary),
            **short.common((), seeds, first_seed, scale, overrides or (), lender),
        }
        plan = short.plan_of(scenario, whole, str(said["kind"]))
        task, mark = task_of(plan)
        workers, cluster, insecure = where
        with (
            show.run_progress(scenario.stem, not as_json) as told,
            Lab(out, workers=workers, cluster=cluster, insecure=insecure, progress=told, task=task, mark=mark) as lab,
        ):
            found = search(plan, lab, **options)
        path = None if out is None else found.save(out)
        if as_json:
            show.print_json(found.as_dict())
            return
        sheet, console = found.sheet(), show.console()
        table = show.new_table(*sheet.heads, numbers=sheet.numbers)
        for column in table.columns:
            column.no_wrap = False
        for line in sheet.lines:
            table.add_row(*line)
        console.print(table)
        for sentence in found.sentences():
            console.print(sentence)
        if path is not None:
            print(f"\nFolder: {path.parent}")
