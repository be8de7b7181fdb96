"""``lendsim study`` and ``lendsim sweep``: many runs with one question, resumable."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.app import show, show_study
from sim.app.commands.ending import FAILED, ending, refuse, say
from sim.app.commands.options import AsJson, Cluster, Insecure, Out, Overrides, Scale, Seed, Workers, Yes
from sim.app.commands.run import end_with_failures

if TYPE_CHECKING:
    from sim.study.plan import Plan

_STUDIES = Path("runs") / "studies"



def study(
    what: Annotated[
        list[Path],
        typer.Argument(metavar="FILE | status [FOLDER]", help="The study file; or status.", show_default=False),
    ],
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", metavar="N", min=1, help="Worlds, in place of the file's.", show_default=False),
    ] = None,
    scale: Scale = None,
    workers: Workers = None,
    cluster: Cluster = None,
    insecure: Insecure = False,
    out: Out = None,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """Run a study file, or go on with it.

    Results go to a folder, runs/studies/NAME-HASH unless --out or the file names one. The same command goes on with
    a study that was stopped and shows one that is done. status tells how far the studies of a folder are.

    \b
    Example:  lendsim study experiments/price_sweep.yaml
              lendsim study status
    """
    if str(what[0]) == "status":
        if len(what) > 2:
            raise refuse("study status takes one folder")
        _status(what[1] if len(what) == 2 else _STUDIES, as_json)
        return
    if len(what) > 1:
        raise refuse(f"one study at a time; {len(what)} are given")
    overrides: dict[str, Any] = {} if seeds is None else {"seeds": seeds}
    if scale is not None:
        overrides["scale"] = scale
    with ending("the same command goes on with it") as work:
        from sim.study.plan import read_plan

        plan = read_plan(what[0], overrides, is_large_allowed=yes)
        work.has_begun = False
        run_and_show(plan, out, workers, cluster, insecure, as_json)


def sweep(
    scenario: Annotated[Path, typer.Argument(metavar="SCENARIO", help="The scenario file.", show_default=False)],
    vary: Annotated[
        list[str],
        typer.Option(
            "--vary", metavar="KEY=V1,V2,...", help="A key and its values; may be repeated.", show_default=False
        ),
    ],
    measure: Annotated[
        list[str] | None,
        typer.Option("--measure", metavar="NAME", help="A measure to tell of; may be repeated.", show_default=False),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="Worlds of each point.")] = 10,
    seed: Seed = 1,
    scale: Scale = None,
    set_: Overrides = None,
    lender: Annotated[
        str | None, typer.Option("--lender", metavar="ID", help="Whose measures.", show_default=False)
    ] = None,
    workers: Workers = None,
    cluster: Cluster = None,
    insecure: Insecure = False,
    out: Out = None,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """Run a scenario along the values of some keys.

    A study of kind sweep without a file.

    \b
    Example:  lendsim sweep scenarios/tiny.yaml --vary lenders.ali.scoring.cutoff=0.4,0.5,0.6,0.7 --measure ever90
    """
    with ending("the same command goes on with it"):
        from sim.study.short import sweep_plan

        plan = sweep_plan(
            scenario, vary, measures=measure or (), seeds=seeds, first_seed=seed, scale=scale, overrides=set_ or (),
            lender=lender, is_large_allowed=yes,
        )  # fmt: skip
        run_and_show(plan, out, workers, cluster, insecure, as_json)


def run_and_show(
    plan: Plan, out: Path | None, workers: int | None, cluster: str | None, insecure: bool, as_json: bool
) -> None:
    """Run a study in its folder and print its answer."""
    from sim.study.study import ANSWER, PAGE, run_study

    own = None if plan.file.out is None else plan.path.parent / plan.file.out
    folder = out or own or _STUDIES / f"{plan.name}-{plan.hash[:8]}"
    for note in dict.fromkeys(note for one in (plan.base, *plan.scenarios.values()) for note in one.notes):
        say(f"note: {note}")
    with show.run_progress(plan.name) as shown:
        done = run_study(plan, folder, workers=workers, cluster=cluster, insecure=insecure, progress=shown)
    if done.measured.outcomes and len(done.failures) == len(done.measured.outcomes):
        end_with_failures(done.failures)
    if as_json:
        show.print_json(done.as_dict())
    else:
        show_study.print_study(done)
        print(f"\nPage:   {folder / PAGE}\nAnswer: {folder / ANSWER}\nFolder: {folder}")
    end_with_failures(done.failures)


def _status(folder: Path, as_json: bool) -> None:
    with ending():
        from sim.study.status import statuses

        found = statuses(folder)
        if as_json:
            show.print_json({"rows": [one.row() for one in found]})
        elif found:
            show_study.print_statuses(found)
        else:
            print(f"There is no study in {folder}.")
        if any(one.is_damaged for one in found):
            raise typer.Exit(FAILED)
