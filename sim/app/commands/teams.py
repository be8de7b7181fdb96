"""``lendsim swap``, ``lendsim challenger`` and ``lendsim sample-size``: what strategy teams ask of a change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.app.commands.ending import Work, ending, refuse
from sim.app.commands.options import AsJson, Out, RunFolderArgument
from sim.app.commands.run import end_with_failures

if TYPE_CHECKING:
    from sim.results.run import Run
    from sim.study.trial_truth import Truth

BadAfter = Annotated[
    int, typer.Option("--bad-after", metavar="DAYS", min=1, max=3650, help="Days past due that make a borrower bad.")
]
Alpha = Annotated[float, typer.Option("--alpha", metavar="P", help="Chance of finding what is not there.")]
Power = Annotated[float, typer.Option("--power", metavar="P", help="Chance of finding what is there.")]


def swap(
    run_a: Annotated[Path, typer.Argument(metavar="RUN_A", help="A finished run of the old strategy.")],
    run_b: Annotated[Path, typer.Argument(metavar="RUN_B", help="The same world under the new one.")],
    lender_a: Annotated[
        str | None,
        typer.Option("--lender-a", metavar="ID", help="Whose decisions, if not the first's.", show_default=False),
    ] = None,
    lender_b: Annotated[
        str | None,
        typer.Option("--lender-b", metavar="ID", help="Whose decisions, if not the first's.", show_default=False),
    ] = None,
    bad_after: BadAfter = 90,
    bands: Annotated[int, typer.Option("--bands", metavar="N", min=1, help="Score bands of parcelling.")] = 5,
    factor: Annotated[
        float, typer.Option("--factor", metavar="X", help="Parcelling: times worse than the accepted of a band.")
    ] = 2.0,
    as_json: AsJson = False,
) -> None:
    """Show whom a new strategy takes in and leaves out.

    Merchants by the first decisions of two lenders in one world: counts, money, profit, true bad rates. Beside the true
    one of those taken in stands what a lender with the old run alone would infer.

    \b
    Example:  lendsim swap runs/strict runs/loose
              lendsim swap runs/strict runs/loose --bad-after 30 --factor 3 --json
    """
    with ending():
        from sim.app import show, show_teams
        from sim.results.store import open_run
        from sim.study.reject_inference import Inference
        from sim.study.swap import swap_set

        opened = open_run(run_a), open_run(run_b)
        names = (run_a.name, run_b.name) if run_a.name != run_b.name else ("A", "B")
        try:
            found = swap_set(
                *opened, lender_a, lender_b, names=names, bad_after=bad_after, inference=Inference(bands, factor)
            )
        except ValueError as error:
            raise refuse(str(error)) from None
        if as_json:
            show.print_json(found.as_dict() | {"about_run": {"runs": [str(run_a), str(run_b)]}})
        else:
            show_teams.print_swap(found)


def challenger(
    run: RunFolderArgument,
    champion: Annotated[
        str | None,
        typer.Option("--champion", metavar="ID", help="Lender, if not the split's first.", show_default=False),
    ] = None,
    challenger_: Annotated[
        str | None,
        typer.Option("--challenger", metavar="ID", help="Lender, if not the split's next.", show_default=False),
    ] = None,
    bad_after: BadAfter = 90,
    difference: Annotated[
        float | None,
        typer.Option("--difference", metavar="D", help="Bad rate's least change that matters.", show_default=False),
    ] = None,
    across: Annotated[
        int | None,
        typer.Option("--across", metavar="N", min=1, help="Worlds to compare with the truth in.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, help="Processes; one a core.", show_default=False)
    ] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Compare champion and challenger inside one market.

    The run has two lenders, each with an audience in the same split. With --across N the trial and either strategy
    alone in the whole market live through N worlds: the trial's estimates stand beside the truth. --out keeps them.

    \b
    Example:  lendsim challenger runs/trial
              lendsim challenger runs/trial --difference 0.005 --across 10
    """
    with ending() as work:
        from sim.app import show, show_teams
        from sim.results.store import open_run
        from sim.study.challenger import compare_arms

        opened = open_run(run)
        try:
            found = compare_arms(opened, champion, challenger_, bad_after=bad_after, difference=difference)
            named = found.a.lender, found.b.lender
            truth = None if across is None else _truth(opened, across, named, bad_after, workers, out, work)
        except ValueError as error:
            raise refuse(str(error)) from None
        if as_json:
            beside = {} if truth is None else {"across": truth.as_dict()}
            show.print_json(found.as_dict() | beside | {"about_run": {"run": str(run)}})
        else:
            show_teams.print_trial(found)
            if truth is not None:
                print()
                show_teams.print_truth(truth)
        if truth is not None:
            end_with_failures(truth.outcomes)


def _truth(
    run: Run, n: int, named: tuple[str, str], bad_after: int, workers: int | None, out: Path | None, work: Work
) -> Truth:
    """Run the trial and either strategy alone in ``n`` worlds, from the run's own on."""
    from sim.app import show
    from sim.core.draws import replication_seeds
    from sim.engine.scenario import load
    from sim.study.trial_truth import beside_truth

    assert run.path is not None
    scenario = load(run.path / "scenario.yaml")
    with show.run_progress("trial and truth") as shown:

        def tell(done: int, runs: int, failed: int) -> None:
            work.has_begun = True
            if shown is not None:
                shown(done, runs, failed)

        return beside_truth(
            scenario, replication_seeds(int(run.manifest["seed"]), n), *named,
            bad_after=bad_after, workers=workers, out=out, progress=tell,
        )  # fmt: skip


def sample_size(
    bad_rate: Annotated[float, typer.Option("--bad-rate", metavar="P", help="The champion's rate.")],
    difference: Annotated[
        float | None,
        typer.Option("--difference", metavar="D", help="Least change of it that matters.", show_default=False),
    ] = None,
    merchants: Annotated[
        int | None,
        typer.Option("--merchants", metavar="N", min=2, help="Or: what so many in all show.", show_default=False),
    ] = None,
    alpha: Alpha = 0.05,
    power: Power = 0.8,
    one_sided: Annotated[bool, typer.Option("--one-sided", help="Only one direction counts.")] = False,
    share: Annotated[float, typer.Option("--share", metavar="S", help="The challenger's share of merchants.")] = 0.5,
    seen: Annotated[
        float, typer.Option("--seen", metavar="S", help="Share of merchants with an outcome, as who borrows.")
    ] = 1.0,
    loans: Annotated[float, typer.Option("--loans", metavar="N", help="Outcomes counted of one merchant.")] = 1.0,
    alike: Annotated[float, typer.Option("--alike", metavar="R", help="Their correlation within a merchant.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Say how many merchants a trial needs, or what so many show.

    Two proportions: n = 2 (z_alpha + z_beta)^2 p (1 - p) / difference^2 merchants of each arm.

    \b
    Example:  lendsim sample-size --bad-rate 0.02 --difference 0.005
              lendsim sample-size --bad-rate 0.02 --merchants 6000 --share 0.2
    """
    with ending():
        from sim.app import show, show_teams
        from sim.study import sample_size as study

        if (difference is None) == (merchants is None):
            raise refuse("give --difference (how many merchants?) or --merchants (which difference?), one of them")
        try:
            design = study.Design(bad_rate, alpha, power, one_sided, share, seen, loans, alike)
            if difference is not None:
                found = study.sample_size(design, difference)
                summary = study.as_dict(found)
            else:
                n_challenger = round((merchants or 0) * share)
                arms = (merchants or 0) - n_challenger, n_challenger
                fall, rise = study.differences_shown(design, *arms)
                summary = {"bad_rate": bad_rate, "n_champion": arms[0], "n_challenger": arms[1]}
                summary |= {"fall": fall, "rise": rise}
        except ValueError as error:
            raise refuse(str(error)) from None
        if as_json:
            show.print_json({"summary": summary})
        elif difference is not None:
            show_teams.print_sample_size(found)
        else:
            show_teams.print_differences(*arms, bad_rate, fall, rise)
