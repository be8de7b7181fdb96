"""Replay: demand from the real daily orders of real shops, in place of the stochastic process.

The file has one row a shop and day. A shop's day without a row, after its first order, had no orders. What cannot be
used is dropped, counted and said, by reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.clock import day_number
from sim.core.merchants import Merchants
from sim.errors import Issue, ScenarioError


@dataclass
class Replay:
    """Orders of real shops, laid out by day.

    Parameters
    ----------
    names : ndarray (n,)
        The file's shop ids, sorted; shop k becomes merchant id k + 1.
    first_day : ndarray (n,) of int32
        Day number of each shop's first order, or of the first simulated day if that is later.
    value_fen : ndarray (n,)
        Value of one order.
    dropped : mapping of str to int
        Rows that were not used, by reason.
    """

    names: npt.NDArray[Any]
    first_day: npt.NDArray[np.int32]
    value_fen: npt.NDArray[np.float64]
    dropped: Mapping[str, int]
    rows_read: int
    _starts: npt.NDArray[np.int64] = field(repr=False)
    _shops: npt.NDArray[np.int64] = field(repr=False)
    _orders: npt.NDArray[np.float32] = field(repr=False)
    _first: int = field(repr=False)

    @property
    def n(self) -> int:
        """Number of shops."""
        return int(self.names.size)

    @classmethod
    def read(cls, scenario: Any) -> Replay:
        """Read the orders that a scenario names, over its calendar.

        Raises
        ------
        ScenarioError
            If a file or column is missing or cannot be read, or nothing usable is left.
        """
        import pandas as pd

        source, calendar = scenario.merchants.orders, scenario.calendar
        frame = _read(source.file, [source.merchant, source.date, source.orders], "merchants.orders")
        frame.columns = pd.Index(["shop", "date", "orders"])
        read = len(frame)
        dropped: dict[str, int] = {}

        def keep(good: Any, reason: str) -> None:
            nonlocal frame
            lost = int((~good).sum())
            if lost:
                dropped[reason] = lost
                frame = frame[good]

        written = frame["date"]
        frame["date"] = pd.to_datetime(written, errors="coerce")
        is_text = written.dtype == object or pd.api.types.is_string_dtype(written)
        if is_text and frame["date"].isna().any():
            # the first row's way of writing a day need not be that of all rows
            frame["date"] = pd.to_datetime(written, errors="coerce", format="mixed")
        if getattr(frame["date"].dt, "tz", None) is not None:
            frame["date"] = frame["date"].dt.tz_localize(None)
        keep(frame["shop"].notna(), "no shop")
        keep(frame["date"].notna(), "no readable date")
        frame["orders"] = pd.to_numeric(frame["orders"], errors="coerce")
        keep(np.isfinite(frame["orders"]), "no readable number of orders")
        keep(frame["orders"] >= 0, "negative number of orders")
        frame["date"] = frame["date"].dt.normalize()
        keep(~frame.duplicated(["shop", "date"], keep="first"), "second row of a shop and day")
        first, last = pd.Timestamp(calendar.start), pd.Timestamp(calendar.last)
        opened = frame[frame["orders"] > 0].groupby("shop")["date"].min()
        keep((frame["date"] >= first) & (frame["date"] <= last), "outside the calendar")
        value = _values(source.value, frame)
        keep(frame["shop"].isin(value.index), "shop without a value of an order")
        keep(frame["shop"].isin(opened.index), "shop without any order")
        if frame.empty:
            raise ScenarioError(
                [Issue(str(source.file), 1, 1, "merchants.orders", f"no usable rows of {read:,}: {dropped}")]
            )
        names = np.unique(frame["shop"].to_numpy())
        days = (frame["date"] - first).dt.days.to_numpy().astype(np.int64)
        shops = np.searchsorted(names, frame["shop"].to_numpy())
        order = np.lexsort((shops, days))
        starts = np.searchsorted(days[order], np.arange(int((last - first).days) + 2))
        since = opened.loc[names].clip(lower=first)
        return cls(
            names=names,
            first_day=np.array([day_number(when.date()) for when in since], np.int32),
            value_fen=np.rint(value.loc[names].to_numpy(dtype=np.float64) * 100.0),
            dropped=dropped,
            rows_read=read,
            _starts=starts,
            _shops=shops[order],
            _orders=frame["orders"].to_numpy(dtype=np.float32)[order],
            _first=day_number(calendar.start),
        )

    def notes(self) -> list[str]:
        """What was read, and what was dropped and why."""
        said = [f"orders: {self.rows_read:,} rows read of {self.n:,} shops, {self._orders.size:,} used"]
        return said + [f"orders: {count:,} rows dropped: {reason}" for reason, count in self.dropped.items()]

    def orders_of(self, day: int) -> npt.NDArray[np.float32]:
        """Orders wanted of every shop on a day number, (n,) float32; rounded to whole orders."""
        wanted = np.zeros(self.n, np.float32)
        span = slice(*self._starts[day - self._first : day - self._first + 2])
        wanted[self._shops[span]] = np.rint(self._orders[span])
        return wanted

    def mean_orders(self) -> npt.NDArray[np.float64]:
        """Mean orders a day of each shop over its first four weeks of sales, (n,): what it stocks for at first."""
        start = self.first_day.astype(np.int64) - self._first
        days = np.repeat(np.arange(self._starts.size - 1), np.diff(self._starts))
        early = (days >= start[self._shops]) & (days < start[self._shops] + 28)
        sums = np.bincount(self._shops[early], self._orders[early].astype(np.float64), self.n)
        return np.maximum(sums / 28.0, 0.05)

    def fit_merchants(self, merchants: Merchants, first: int) -> None:
        """Give the merchants the size, value of an order and entry of the real shops; other traits stay drawn."""
        m = merchants
        scale = self.value_fen * self.mean_orders() / np.maximum(m.base_orders.astype(np.float64) * m.order_value, 1.0)
        m.fixed_cost[:] = np.floor(m.fixed_cost * scale)
        m.order_value[:] = np.maximum(self.value_fen, 1.0)
        m.base_orders[:] = self.mean_orders()
        m.entry_day[:] = self.first_day
        m.opened_day[:] = np.where(self.first_day == first, np.minimum(m.opened_day, first), self.first_day)
        m.growth[:] = 0.0


def _values(source: Any, frame: Any) -> Any:
    """Yuan of one order by shop, as a pandas Series."""
    import pandas as pd

    if source.amount is not None:
        shops = frame["shop"].unique()
        return pd.Series(source.amount / 100.0, index=shops)
    table = _read(source.file, [source.merchant, source.value], "merchants.orders.value")
    table.columns = pd.Index(["shop", "value"])
    table["value"] = pd.to_numeric(table["value"], errors="coerce")
    table = table[np.isfinite(table["value"]) & (table["value"] > 0)]
    return table.drop_duplicates("shop").set_index("shop")["value"]


def _read(file: str, columns: list[str], key: str) -> Any:
    """Columns of a CSV or parquet file; a missing file or column is refused with what there is."""
    import pandas as pd
    import pyarrow.parquet as pq

    path = Path(file)
    try:
        if path.suffix == ".parquet":
            there = pq.ParquetFile(path).schema_arrow.names
        elif path.suffix == ".csv":
            there = list(pd.read_csv(path, nrows=0).columns)
        else:
            raise ScenarioError([Issue(file, 1, 1, f"{key}.file", "neither .csv nor .parquet")])
        missing = [name for name in columns if name not in there]
        if missing:
            problem = f"no column {', '.join(map(repr, missing))}"
            raise ScenarioError([Issue(file, 1, 1, key, problem, f"the file has: {', '.join(there)}")])
        read = pd.read_parquet if path.suffix == ".parquet" else _read_csv
        return read(path, columns=columns)[columns].copy()
    except (OSError, ValueError) as error:
        raise ScenarioError([Issue(file, 1, 1, f"{key}.file", f"cannot be read: {error}")]) from error


def _read_csv(path: Path, columns: list[str]) -> Any:
    import pandas as pd

    return pd.read_csv(path, usecols=columns)
