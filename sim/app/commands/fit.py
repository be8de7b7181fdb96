"""``lendsim fit``: merchants from a user's own orders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.app.commands.ending import ending, refuse
from sim.app.commands.options import AsJson, Seed, columns_named


def fit(
    orders: Annotated[Path, typer.Argument(metavar="ORDERS", help="A .csv or .parquet file.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", metavar="SCENARIO", help="The scenario to write.", show_default=False)],
    column: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="NAME=COLUMN", help="What the file calls a column.", show_default=False),
    ] = None,
    value: Annotated[
        str | None,
        typer.Option(
            "--value", metavar="YUAN|FILE", help="Yuan of one order, or a file with it by merchant.", show_default=False
        ),
    ] = None,
    merchants: Annotated[
        int, typer.Option("--merchants", metavar="N", min=20, max=20_000, help="Merchants to look at, by lot.")
    ] = 2_000,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Fit the merchants of a scenario to your own orders.

    Writes a scenario that extends base, each value with how it was set and its standard error, and beside it a page
    with real and simulated curves, the moments by which to judge the fit, and what orders do not tell. Takes a minute
    or a few.

    The file has one row a merchant and day (merchant, date, orders; value or sales in yuan), or one row an order
    (merchant, ordered; value, confirmed, returned). Rows that cannot be used are counted and said.

    \b
    Example:  lendsim fit orders.csv --out scenarios/mine.yaml --value 25
              lendsim fit orders.parquet --out mine.yaml --column merchant=shop --value shops.csv
    """
    with ending():
        from sim.app import show, show_fit
        from sim.core.money import parse_money
        from sim.study.fit import fit_orders

        if not orders.exists():
            raise refuse(f"{orders}: no such file")
        columns = columns_named(column or ())
        amount, table = None, None
        if value is not None and Path(value).suffix in (".csv", ".parquet"):
            table = Path(value)
            if not table.exists():
                raise refuse(f"--value {value}: no such file")
        elif value is not None:
            try:
                amount = parse_money(value if value.rstrip().endswith("yuan") else f"{value} yuan") / 100.0
            except ValueError as error:
                raise refuse(f"--value {value}: {error}") from None
            if amount <= 0:
                raise refuse(f"--value {value}: an order is worth more than nothing")
        with show.run_progress("fit", not as_json, "step") as shown:
            tell = None if shown is None else lambda done, steps: shown(done, steps, 0)
            written = fit_orders(orders, out, columns, amount, table, merchants, seed, tell)
        if as_json:
            show.print_json(show_fit.as_dict(written))
        else:
            show_fit.print_fit(written)
