"""``lendsim compare``: strategies in the same worlds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.app import show
from sim.app.commands.ending import ending, refuse
from sim.app.commands.options import AsJson, Cluster, Insecure, Out, Overrides, Scale, Seed, Workers, Yes
from sim.app.commands.run import end_with_failures, weigh


def compare(
    scenarios: Annotated[
        list[Path],
        typer.Argument(metavar="A B...", help="Scenario files; each is compared with the first.", show_default=False),
    ],
    vary: Annotated[
        list[str] | None,
        typer.Option("--vary", metavar="KEY=V1,V2", help="Variants of one scenario by one key.", show_default=False),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="Worlds for each scenario.")] = 20,
    seed: Seed = 1,
    scale: Scale = None,
    set_: Overrides = None,
    lender: Annotated[
        str | None,
        typer.Option("--lender", metavar="ID", help="Whose measures, if not the first lender's.", show_default=False),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar='"npl90 ± 0.1 pp"',
            help="Run further worlds until that interval is narrow enough (pp, %, yuan); --seeds are the first.",
            show_default=False,
        ),
    ] = None,
    best: Annotated[
        str | None,
        typer.Option(
            "--best",
            metavar='"MEASURE [± ZONE]"',
            help="Choose the best by this measure; with a zone, run the worlds that a correct selection takes.",
            show_default="yield_risk_adjusted, of three or more",
        ),
    ] = None,
    budget: Annotated[
        int, typer.Option("--budget", metavar="N", min=2, help="Most worlds that --until or --best may run.")
    ] = 200,
    workers: Workers = None,
    cluster: Cluster = None,
    insecure_cluster: Insecure = False,
    different_worlds: Annotated[
        bool, typer.Option("--different-worlds", help="Compare even where more than lenders differ.")
    ] = False,
    out: Out = None,
    as_json: AsJson = False,
    yes: Yes = False,
) -> None:
    """Compare strategies in the same worlds.

    Prints paired differences with 95 % intervals, and which of them hold when all are taken together. With --out every
    run is kept in DIR/NAME/seed-N and reused, and the picture and the page are written there.

    \b
    Example:  lendsim compare scenarios/base.yaml scenarios/no_credit.yaml --seeds 10
              lendsim compare scenarios/base.yaml --vary lenders.ali.scoring.cutoff=0.5,0.6,0.7
              lendsim compare A.yaml B.yaml --until "npl90 ± 0.1 pp" --budget 200 --out runs/ab
    """
    resumes = "the same command goes on with it" if out is not None else "with --out DIR finished runs are kept"
    with ending(resumes) as work:
        from sim.study.arms import name_arms, refuse_different_worlds
        from sim.study.compare import compare as compare_arms
        from sim.study.compare import most_worlds

        if vary and len(vary) > 1:
            raise refuse(f"--vary is given {len(vary)} times; one key at a time")
        try:
            arms = name_arms(scenarios, overrides=set_ or (), vary=vary[0] if vary else None, scale=scale)
        except ValueError as error:
            raise refuse(str(error)) from None
        if not different_worlds:
            refuse_different_worlds(arms)
        known = {name for scenario in arms.values() for name in scenario.lenders}
        if lender is not None and lender not in known:
            raise refuse(f"--lender {lender}: no scenario has it; allowed: {', '.join(sorted(known)) or 'none'}")
        try:
            n_worlds = most_worlds(seeds, until=until, best=best, budget=budget)
        except ValueError as error:
            raise refuse(str(error)) from None
        weigh(list(arms.values()), len(arms) * n_worlds, yes)
        with show.run_progress(" and ".join(arms) if len(arms) < 4 else f"{len(arms)} scenarios") as shown:

            def tell(done: int, runs: int, failed: int) -> None:
                work.has_begun = True
                if shown is not None:
                    shown(done, runs, failed)

            found = compare_arms(
                arms,
                seeds,
                base_seed=seed,
                lender=lender,
                different_worlds=different_worlds,
                until=until,
                best=best,
                budget=budget,
                workers=workers,
                cluster=cluster,
                insecure_cluster=insecure_cluster,
                out=out,
                progress=tell,
            )
        if len(found.failures) == len(found.outcomes):
            end_with_failures(found.outcomes)
        if as_json:
            show.print_json(found.as_dict())
        else:
            show.print_comparison(found)
            if out is not None:
                print(f"\nRuns:    {out}\nPicture: {out / 'comparison.svg'}\nPage:    {out / 'comparison.html'}")
        end_with_failures(found.outcomes)
