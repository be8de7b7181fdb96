"""The command ``lendsim``. What is heavy is imported when a command runs: help answers at once."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import sim
from sim.app.commands import (
    authoring,
    bench,
    compare,
    explain,
    fit,
    moments,
    results,
    run,
    schedule,
    search,
    study,
    targets,
    teams,
)
from sim.app.commands.ending import INTERRUPTED, say

app = typer.Typer(
    name="lendsim",
    help="A laboratory for lending strategies: run a market of merchants and lenders, compare strategies.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"lendsim {sim.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options of the command itself."""


def version() -> None:
    """Print the version.

    \b
    Example:  lendsim version
    """
    _print_version(True)


app.command("run")(run.run)
app.command("compare")(compare.compare)
app.command("study")(study.study)
app.command("sweep")(study.sweep)
app.command("calibrate")(search.calibrate)
app.command("optimise")(search.optimise)
app.command("check")(authoring.check)
app.command("schema")(authoring.schema)
app.command("new")(authoring.new)
app.command("schedule")(schedule.schedule)
app.command("report")(results.report)
app.command("export")(results.export)
app.command("explain")(explain.explain)
app.command("moments")(moments.moments)
app.command("fit")(fit.fit)
app.command("targets")(targets.targets)
app.command("swap")(teams.swap)
app.command("challenger")(teams.challenger)
app.command("sample-size")(teams.sample_size)
app.command("bench")(bench.bench)
app.command("version")(version)


def main() -> None:
    """Run the command line.

    Exit status: 0 well, 1 a run or a check failed, 2 the input was refused, 130 interrupted.
    """
    try:
        app()
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
