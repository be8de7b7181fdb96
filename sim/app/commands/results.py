"""``lendsim report`` and ``export``: what can be made of a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.app.commands.ending import ending, refuse
from sim.app.commands.options import RunFolderArgument

if TYPE_CHECKING:
    from pyarrow import Table


def report(run: RunFolderArgument) -> None:
    """Write the HTML report of a finished run into its folder.

    \b
    Example:  lendsim report runs/tiny
    """
    with ending():
        from sim.results.report import write_report
        from sim.results.store import open_run

        print(write_report(open_run(run)))


def export(
    run: RunFolderArgument,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="DIR", help="One CSV file for each table.", show_default=False)
    ] = None,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", hidden=True)] = None,
) -> None:
    """Write the tables of a finished run as CSV files.

    \b
    Example:  lendsim export runs/tiny --csv tables
    """
    with ending():
        if xlsx is not None:
            raise refuse("--xlsx is not yet available; --csv DIR writes tables that Excel opens")
        if csv is None:
            raise refuse("say where to: --csv DIR")
        from sim.results.store import open_run

        opened = open_run(run)
        csv.mkdir(parents=True, exist_ok=True)
        for name in sorted(opened.sources):
            path = csv / f"{name}.csv"
            _write_csv(opened.table(name), path)
            print(path)


def _write_csv(table: Table, path: Path) -> None:
    """Write a table beside and rename it: no half file bears the name."""
    from pyarrow import csv

    beside = path.with_name(f".{path.name}.tmp")
    csv.write_csv(table, beside)
    beside.replace(path)
