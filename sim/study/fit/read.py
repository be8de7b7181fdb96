"""A user's own orders, cleaned: what is kept, what is dropped and why, what is refused.

The columns are those of ``merchants.orders`` (merchant, date, orders; value or sales in yuan), or one row an order
(ordered, merchant; value, confirmed, returned), as in `sim.study.moments.inputs`. Rows that cannot be used are dropped,
counted and said with the line of the first, by the same rules as in `sim.engine.replay`. A file that is mostly
unusable, too short, or of too few merchants to say how they differ is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.errors import Issue, ScenarioError
from sim.study.fit.dates import FIRST, LAST, is_far, read_days
from sim.study.fit.rows import Rows, names_of, read_values
from sim.study.moments.describe import Floats
from sim.study.moments.inputs import read_table
from sim.study.moments.shop_days import ShopDays

FEWEST = 20  # merchants that are needed to say how merchants differ
SHORTEST, LONGEST = 56, 7_320  # days: eight weeks; what a calendar can hold
MOST = 2_000  # merchants that are looked at, chosen by lot where there are more


@dataclass(frozen=True)
class Observed:
    """Orders of real merchants, ready to be measured.

    Parameters
    ----------
    days : ShopDays
        Orders by day of the merchants looked at; ``value`` is yuan of one order where it is known.
    n_merchants : int
        Merchants with orders in the file.
    returned, confirmed : ndarray (shops, 2), optional
        Value that came back and value of all orders; days from order to confirmation and confirmed orders.
    rows_read : int
    dropped : mapping of str to int
        Rows that were not used, by reason.
    notes : tuple of str
        What people should know of the file.
    """

    days: ShopDays
    n_merchants: int
    returned: Floats | None
    confirmed: Floats | None
    rows_read: int
    dropped: Mapping[str, int]
    notes: tuple[str, ...]


def read(
    path: Path,
    columns: Mapping[str, str] | None = None,
    value: float | None = None,
    values: Path | None = None,
    merchants: int = MOST,
    seed: int = 1,
) -> Observed:
    """Read and clean a file of orders.

    Parameters
    ----------
    columns
        Names in the file, by the names of `sim.study.moments.inputs.NAMES`, for those that are called otherwise.
    value
        Yuan of one order, of every merchant.
    values
        A file with one row a merchant and the yuan of one order, in place of ``value``.
    merchants
        The most merchants to look at; chosen by lot, the same for the same seed.

    Raises
    ------
    ScenarioError
        If the file is refused; each reason with file, line and field.
    """
    named = dict(columns or {})
    of_values = {key: named.pop(key) for key in ("value",) if key in named} if values is not None else {}
    frame, names = read_table(path, named)
    if frame.empty:
        raise ScenarioError([Issue(str(path), 1, 1, "", "no rows")])
    rows = Rows(str(path), frame, names, path.suffix == ".parquet")
    table = _single_orders(rows) if "ordered" in names and "orders" not in names else _orders_by_day(rows)
    if values is not None:
        table["each"] = table["shop"].map(read_values(values, of_values | _merchant_of(named)))
    elif value is not None:
        table["each"] = value
    rows.refuse_if_spoilt()
    return _lay_out(rows, table, merchants, seed)


def _orders_by_day(rows: Rows) -> Any:
    """Rows of shop, day, orders, and where known the yuan of one order."""
    import pandas as pd

    rows.need("merchant", "date", "orders")
    frame, names = rows.frame, rows.names
    _, days, notes = read_days(rows.file, names["date"], frame[names["date"]])
    rows.notes += notes
    table = pd.DataFrame(
        {
            "shop": names_of(frame[names["merchant"]]),
            "day": days,
            "orders": pd.to_numeric(frame[names["orders"]], errors="coerce"),
        }
    )
    for key in ("value", "sales"):
        if key in names:
            table[key] = pd.to_numeric(frame[names[key]], errors="coerce")
    table = rows.keep(table, table["shop"].notna(), "no merchant")
    table = _keep_days(rows, table)
    table = rows.keep(table, np.isfinite(table["orders"].astype(float)), "no readable number of orders")
    table = rows.keep(table, table["orders"] >= 0, "negative number of orders")
    table = rows.keep(table, ~table.duplicated(["shop", "day"], keep="first"), "second row of a merchant and day")
    if (table["orders"] % 1 != 0).any():
        rows.notes.append("numbers of orders that are no whole numbers are rounded")
        table["orders"] = np.rint(table["orders"])
    if "sales" in table or "value" in table:
        worth = table["sales"] if "sales" in table else table["value"] * table["orders"]
        counts = np.isfinite(worth) & (worth > 0)
        sums = table[counts].assign(worth=worth[counts]).groupby("shop")[["worth", "orders"]].sum()
        table["each"] = table["shop"].map(sums["worth"] / sums["orders"])
    return table


def _single_orders(rows: Rows) -> Any:
    """The same from rows of one order each, with what came back and how long confirmation took."""
    import pandas as pd

    rows.need("merchant", "ordered")
    frame, names = rows.frame, rows.names
    times, days, notes = read_days(rows.file, names["ordered"], frame[names["ordered"]])
    rows.notes += notes
    table = pd.DataFrame({"shop": names_of(frame[names["merchant"]]), "day": days, "time": times, "orders": 1.0})
    if "value" in names:
        table["value"] = pd.to_numeric(frame[names["value"]], errors="coerce")
    if "returned" in names:
        table["returned"] = pd.to_numeric(frame[names["returned"]], errors="coerce")
    if "confirmed" in names:
        confirmed, _, notes = read_days(rows.file, names["confirmed"], frame[names["confirmed"]])
        rows.notes += notes
        table["lag"] = (confirmed - times).dt.total_seconds() / 86_400.0
    table = rows.keep(table, table["shop"].notna(), "no merchant")
    table = _keep_days(rows, table)
    if "value" in table:
        table = rows.keep(table, ~(table["value"] < 0), "negative value of an order")
    if "lag" in table:
        table = rows.keep(table, ~(table["lag"] < 0), "confirmed before it was ordered")
    worth = table["value"].fillna(0.0) if "value" in table else pd.Series(1.0, table.index)
    table["worth"] = worth
    if "returned" in table:
        table["back"] = worth * (table["returned"] > 0)
    if "lag" in table:
        table["has_lag"] = table["lag"].notna().astype(float)
    sums = {name: "sum" for name in ("orders", "worth", "back", "lag", "has_lag") if name in table}
    daily = table.groupby(["shop", "day"], as_index=False).agg(sums)
    if "value" in table:
        by_shop = daily.groupby("shop")[["worth", "orders"]].sum()
        daily["each"] = daily["shop"].map(by_shop["worth"] / by_shop["orders"])
    return daily


def _keep_days(rows: Rows, table: Any) -> Any:
    table = rows.keep(table, table["day"].notna(), "no readable date")
    table = rows.keep(table, table["day"].between(FIRST, LAST), f"date outside {FIRST} to {LAST}")
    return rows.keep(table, ~is_far(table["day"]), "date more than 60 days from nearly all others")


def _merchant_of(named: Mapping[str, str]) -> dict[str, str]:
    return {key: name for key, name in named.items() if key == "merchant"}


def _lay_out(rows: Rows, table: Any, merchants: int, seed: int) -> Observed:
    """Orders by day and merchant, of as many merchants as are looked at."""
    file = rows.file
    sold = table[table["orders"] > 0]
    shops = np.unique(sold["shop"].to_numpy())
    where = rows.names.get("orders", rows.names.get("ordered", ""))
    if sold.empty:
        raise ScenarioError([Issue(file, 1, 1, where, "no row has any order")])
    notes = [f"{rows.n_read:,} rows of {shops.size:,} merchants with orders", *rows.account(), *rows.notes]
    if shops.size < FEWEST:
        problem = f"{shops.size} merchant{'s' if shops.size > 1 else ''} with orders"
        allowed = f"at least {FEWEST} are needed to say how merchants differ"
        raise ScenarioError([Issue(file, 1, 1, rows.names["merchant"], problem, allowed)])
    first, last = sold["day"].min(), sold["day"].max()
    n_days = int((last - first).days) + 1
    if not SHORTEST <= n_days <= LONGEST:
        problem = f"{n_days:,} days from {first.date()} to {last.date()}"
        day = rows.names.get("date", rows.names.get("ordered", ""))
        raise ScenarioError([Issue(file, 1, 1, day, problem, f"{SHORTEST} to {LONGEST:,} days are needed")])
    silent = table["shop"].nunique() - shops.size
    if silent:
        notes.append(f"{silent:,} merchants never had an order and are left out")
    if "each" in table:
        lacking = sold.groupby("shop")["each"].first().isna()
        if lacking.mean() > 0.5:
            problem = f"{int(lacking.sum()):,} of {shops.size:,} merchants have no value of an order"
            raise ScenarioError([Issue(file, 1, 1, rows.names.get("value", "value"), problem)])
        if lacking.any():
            notes.append(f"{int(lacking.sum()):,} merchants without a value of an order are left out")
            shops = shops[~lacking.loc[shops].to_numpy()]
    n_there = int(shops.size)
    if n_there > merchants:
        luck = draws.uniform(seed, "fit.resample", draws.ONCE, np.arange(n_there), 1)
        shops = shops[np.sort(np.argsort(luck, kind="stable")[:merchants])]
        notes.append(f"{merchants:,} of {n_there:,} merchants are looked at, chosen by lot")
    inside = sold[sold["shop"].isin(shops)]
    at = (inside["day"] - first).dt.days.to_numpy(), np.searchsorted(shops, inside["shop"].to_numpy())

    def by_shop(name: str) -> Floats:
        sums = np.bincount(at[1], inside[name].to_numpy(np.float64), shops.size).astype(np.float64)
        return sums

    orders = np.zeros((n_days, shops.size))
    orders[at] = inside["orders"].to_numpy(np.float64)
    each = inside.groupby("shop")["each"].first().loc[shops].to_numpy(np.float64) if "each" in inside else None
    days = ShopDays(first.date(), orders, each)
    notes += _gaps(days)
    return Observed(
        days,
        n_there,
        np.stack([by_shop("back"), by_shop("worth")], 1) if "back" in inside else None,
        np.stack([by_shop("lag"), by_shop("has_lag")], 1) if "lag" in inside else None,
        rows.n_read,
        dict(rows.dropped),
        tuple(notes),
    )


def _gaps(days: ShopDays) -> list[str]:
    """Days missing from the whole record, as a note."""
    missing: npt.NDArray[np.int64] = np.flatnonzero(~days.is_recorded)
    if not missing.size:
        return []
    named = ", ".join(str(days.date_of(int(row))) for row in missing[:6])
    more = f" and {missing.size - 6:,} more" if missing.size > 6 else ""
    return [f"{missing.size:,} days on which nobody sold anything are taken as missing: {named}{more}"]
