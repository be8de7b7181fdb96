"""``lendsim targets``: a run against published figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.app.commands.ending import FAILED, ending
from sim.app.commands.options import AsJson, RunFolderArgument


def targets(
    run: RunFolderArgument,
    file: Annotated[Path, typer.Argument(metavar="TARGETS", help="File of targets.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Judge a run, or several seeds of it, by published figures.

    Prints each target, its band, the mean over the seeds at full scale with its 95 % interval, and whether it passes.
    Ends with status 1 if a hard target fails, or too many soft ones.

    \b
    Example:  lendsim targets runs/ali experiments/ali_finance_2012h1/targets.yaml
    """
    with ending():
        from sim.app import show, show_figures
        from sim.study import targets as study

        wanted = study.read_targets(file)
        verdict = study.judge(study.find_runs(run), wanted)
        if as_json:
            show.print_json(
                {
                    "rows": study.as_rows(verdict),
                    "hard": list(verdict.hard),
                    "soft": list(verdict.soft),
                    "passed": verdict.passed,
                    "about_run": {"run": str(run), "targets": str(file), "seeds": verdict.n_seeds},
                }
            )
        else:
            show_figures.print_targets(verdict)
        if not verdict.passed:
            raise typer.Exit(FAILED)
