"""What the figures are computed from: a run lived again, or a file of orders.

A file has one row a merchant and day (``merchant, date, orders``, and where known ``value``, the yuan of one order,
or ``sales``, the yuan of the day), or one row an order (``ordered``, and where known ``merchant``, ``confirmed``,
``approved``, ``promised``, ``reviewed``, ``review``, ``value``, ``returned``, ``status``). Some other names of these
columns are known too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import Issue, ScenarioError
from sim.study.moments.describe import Figures
from sim.study.moments.lags import Orders
from sim.study.moments.shop_days import ShopDays

NAMES: Mapping[str, tuple[str, ...]] = {
    "merchant": ("merchant", "merchant_id", "shop", "shop_id", "seller", "seller_id"),
    "date": ("date", "day", "when"),
    "orders": ("orders", "n", "n_orders", "payments", "count"),
    "value": ("value", "order_value", "value_yuan", "order_products_value"),
    "sales": ("sales", "sales_yuan"),
    "ordered": ("ordered", "ordered_at", "order_purchase_timestamp"),
    "confirmed": ("confirmed", "confirmed_at", "delivered", "order_delivered_customer_date"),
    "approved": ("approved", "approved_at", "order_aproved_at", "order_approved_at"),
    "promised": ("promised", "promised_by", "order_estimated_delivery_date"),
    "reviewed": ("reviewed", "reviewed_at", "review_answer_timestamp"),
    "review": ("review", "review_score"),
    "returned": ("returned", "is_returned"),
    "status": ("status", "order_status"),
}
"""Names of the columns of a file of orders; the first that the file has is used."""
LONGEST = 20_000  # days from the first to the last
CELLS = 300_000_000  # days times merchants


@dataclass(frozen=True)
class Given:
    """An input: what there is of orders by day and of single orders, what is already known, and notes for people."""

    days: ShopDays | None = None
    orders: Orders | None = None
    known: Figures = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_orders(path: Path, columns: Mapping[str, str] | None = None, value: float | None = None) -> Given:
    """Read a CSV or parquet file of orders.

    Parameters
    ----------
    columns : mapping of str to str
        Names in the file, by the names of ``NAMES``, for those that are called otherwise.
    value : float
        Yuan of one order, of every merchant.

    Raises
    ------
    ScenarioError
        If the file cannot be read, lacks a column, or has a row that cannot be used.
    """
    file = str(path)
    frame, names = read_table(path, dict(columns or {}))
    if frame.empty:
        raise ScenarioError([Issue(file, 1, 1, "", "no rows")])
    cells = _Cells(file, frame, names)
    if "orders" in names or "ordered" not in names:
        missing = [name for name in ("merchant", "date", "orders") if name not in names]
        if missing:
            raise ScenarioError(
                [Issue(file, 1, 1, name, "no such column", f"the file has: {', '.join(map(str, frame))}",
                       f"name it with --column {name}=COLUMN") for name in missing]
            )  # fmt: skip
        return _by_day(cells, value)
    return _one_by_one(cells, value)


def read_table(path: Path, columns: dict[str, str]) -> tuple[Any, dict[str, str]]:
    """The rows of a file, and the file's name of each column that is known.

    Raises
    ------
    ScenarioError
        If the file cannot be read, or a column named in ``columns`` is not there.
    """
    import pandas as pd

    file = str(path)
    try:
        if path.suffix not in (".csv", ".parquet"):
            raise ScenarioError([Issue(file, 1, 1, "", "neither the folder of a run nor a .csv or .parquet file")])
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise ScenarioError([Issue(file, 1, 1, "", f"cannot be read: {error}")]) from error
    there = ", ".join(map(str, frame.columns))
    issues = [
        Issue(file, 1, 1, key, f"no column {name!r}", f"the file has: {there}")
        for key, name in columns.items()
        if name not in frame.columns
    ]
    if issues:
        raise ScenarioError(issues)
    found = {key: next((name for name in known if name in frame.columns), "") for key, known in NAMES.items()}
    return frame, {key: name for key, name in (found | columns).items() if name}


class _Cells:
    """Columns of a file, checked: what cannot be used is refused with its line."""

    def __init__(self, file: str, frame: Any, names: Mapping[str, str]) -> None:
        self.file, self.frame, self.names = file, frame, names
        self.issues: list[Issue] = []

    def refuse(self, key: str, is_bad: Any, problem: str) -> None:
        """Note the first row of those that are bad, and how many there are."""
        bad = np.flatnonzero(np.asarray(is_bad))
        if bad.size:
            written = self.frame[self.names[key]].iloc[int(bad[0])]
            more = f"; {bad.size:,} such rows" if bad.size > 1 else ""
            self.issues.append(Issue(self.file, int(bad[0]) + 2, 1, self.names[key], f"{problem}: {written}{more}"))

    def settle(self) -> None:
        """Raise what has been noted."""
        if self.issues:
            raise ScenarioError(sorted(self.issues, key=lambda issue: issue.line))

    def numbers(self, key: str, *, least: float = 0.0, may_lack: bool = False) -> npt.NDArray[np.float64]:
        """A column of numbers not below ``least``."""
        import pandas as pd

        written = self.frame[self.names[key]]
        values: npt.NDArray[np.float64] = pd.to_numeric(written, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        self.refuse(key, ~np.isfinite(values) & (written.notna() if may_lack else True), "no readable number")
        self.refuse(key, values < least, f"a number below {least:g}")
        return values

    def times(self, key: str, *, may_lack: bool) -> npt.NDArray[np.float64]:
        """A column of times, as days since 1970-01-01."""
        import pandas as pd

        written = self.frame[self.names[key]]
        if pd.api.types.is_numeric_dtype(written) and written.notna().any():
            self.refuse(key, written.notna(), "a number, where a date is wanted")
            self.settle()
        read = pd.to_datetime(written, errors="coerce", format="mixed")
        if getattr(read.dt, "tz", None) is not None:
            read = read.dt.tz_localize(None)
        self.refuse(key, read.isna() & (written.notna() if may_lack else True), "no readable date")
        days: npt.NDArray[np.float64] = np.where(
            read.isna(), np.nan, read.to_numpy("datetime64[us]").astype(np.int64) / 86_400e6
        )
        return days

    def codes(self) -> tuple[npt.NDArray[np.int64], int]:
        """Merchants by number from 0, and how many there are."""
        import pandas as pd

        written = self.frame[self.names["merchant"]]
        self.refuse("merchant", written.isna(), "no merchant")
        codes, names = pd.factorize(written, sort=True)
        return codes.astype(np.int64), len(names)


def _by_day(cells: _Cells, value: float | None) -> Given:
    import pandas as pd

    shop, n = cells.codes()
    days, counts = cells.times("date", may_lack=False), cells.numbers("orders")
    worth = cells.numbers("value", may_lack=True) if "value" in cells.names else None
    sales = cells.numbers("sales") if "sales" in cells.names else None
    cells.settle()
    rows = np.floor(days).astype(np.int64)
    cells.refuse("date", pd.DataFrame({"shop": shop, "day": rows}).duplicated(), "second row of a merchant and day")
    cells.settle()
    first, total = _span(cells, rows[counts > 0], "date", n)
    inside = (rows >= first) & (rows < first + total)
    table = np.zeros((total, n))
    table[rows[inside] - first, shop[inside]] = counts[inside]
    sold = None
    if sales is not None:
        sold = np.zeros((total, n))
        sold[rows[inside] - first, shop[inside]] = sales[inside]
    each = None
    if value is not None:
        each = np.full(n, value)
    elif worth is not None:
        each = pd.Series(worth).groupby(shop).mean().to_numpy(np.float64)
        if np.isnan(each).any():
            raise ScenarioError(
                [Issue(cells.file, 1, 1, cells.names["value"], "a merchant without a value of an order")]
            )
    return Given(_days(first, table, each, sold))


def _days(first: int, table: Any, value: Any, sales: Any) -> ShopDays:
    """Orders by day, less merchants who never had one."""
    sold = (table > 0).any(0)
    begin = date(1970, 1, 1) + timedelta(days=first)
    return ShopDays(
        begin, table[:, sold], None if value is None else value[sold], None if sales is None else sales[:, sold]
    )


def _span(cells: _Cells, rows: npt.NDArray[np.int64], key: str, n: int) -> tuple[int, int]:
    """Day number of the first day with orders, and days to the last."""
    if rows.size == 0:
        raise ScenarioError([Issue(cells.file, 1, 1, cells.names.get("orders", ""), "no row has any order")])
    first, total = int(rows.min()), int(rows.max() - rows.min()) + 1
    if total > LONGEST or total * n > CELLS:
        problem = f"{total:,} days of {n:,} merchants are too many; is a date wrong?"
        raise ScenarioError([Issue(cells.file, 1, 1, cells.names[key], problem)])
    return first, total


def _one_by_one(cells: _Cells, value: float | None) -> Given:
    names = cells.names
    ordered = cells.times("ordered", may_lack=False)
    times = {
        key: cells.times(key, may_lack=True)
        for key in ("confirmed", "approved", "promised", "reviewed")
        if key in names
    }
    worth = cells.numbers("value") if "value" in names else None
    review = cells.numbers("review", least=1.0, may_lack=True) if "review" in names else None
    returned = cells.numbers("returned") > 0 if "returned" in names else None
    shop, n = cells.codes() if "merchant" in names else (None, 0)
    cells.settle()
    if "confirmed" in times:
        cells.refuse("confirmed", times["confirmed"] < ordered, "confirmed before it was ordered")
        cells.settle()
    if value is not None:
        worth = np.full(ordered.size, value)
    status = cells.frame[names["status"]].astype(str).to_numpy(np.str_) if "status" in names else None
    single = Orders(
        ordered, times.get("confirmed"), times.get("approved"), times.get("promised"), times.get("reviewed"),
        worth, review, returned, status,
    )  # fmt: skip
    if shop is None:
        return Given(orders=single)
    rows = np.floor(ordered).astype(np.int64)
    first, total = _span(cells, rows, "ordered", n)
    at = (rows - first) * n + shop
    table = np.bincount(at, minlength=total * n).astype(np.float64).reshape(total, n)
    sold = None if worth is None else np.bincount(at, worth, total * n).reshape(total, n)
    return Given(_days(first, table, None, sold), single)
