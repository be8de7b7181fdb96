"""``lendsim moments``: the same figures for simulated and for real merchants."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.app.commands.ending import ending, refuse
from sim.app.commands.options import AsJson, columns_named


def moments(
    source: Annotated[
        Path,
        typer.Argument(metavar="RUN|ORDERS", help="A run's folder, or a .csv or .parquet file.", show_default=False),
    ],
    column: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="NAME=COLUMN", help="What the file calls a column.", show_default=False),
    ] = None,
    value: Annotated[
        float | None,
        typer.Option(
            "--value", metavar="YUAN", min=0.01, help="Yuan of one order, if no column has it.", show_default=False
        ),
    ] = None,
    merchants: Annotated[
        int, typer.Option("--merchants", metavar="N", min=1, max=20_000, help="Merchants of a run to look at.")
    ] = 2_000,
    as_json: AsJson = False,
) -> None:
    """Print figures of merchants: sizes, growth, rhythm, lags.

    Of a run the days are lived again, so that it takes about as long as the run did.

    A file has one row a merchant and day (merchant, date, orders; value or sales in yuan), or one row an order
    (ordered; merchant, confirmed, returned and others). docs/moments.md says what each figure is.

    \b
    Example:  lendsim moments runs/tiny
              lendsim moments orders.csv --column merchant=shop --value 25
    """
    with ending():
        from sim.app import show, show_figures
        from sim.study.moments import moments as compute

        if not source.exists():
            raise refuse(f"{source}: no such run or file")
        columns = columns_named(column or ())
        found = compute(source, columns, value, merchants)
        if as_json:
            about = {"source": str(source), "notes": list(found.notes), "not_in_this_input": dict(found.reasons)}
            show.print_json({"summary": found.figures, "about_run": about})
        else:
            show_figures.print_moments(str(source), found)
