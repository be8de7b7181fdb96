"""Orders of shops by day, laid out for counting.

A shop's life begins with its first day with orders; a later day without a row is a day of zero orders. A day on which
no shop at all has orders, while at least 20 have begun, is taken as missing from the record (``is_recorded`` is
False). Missing days are left out of averages by day. In sums by week they count as zero, and in a spell without sales
as one more day without: the figures of real shops were made in this way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.study.moments.describe import Floats

WAITS = 7  # days after a shop's first sale that its weekly figures leave out
FEW = 20  # shops that make a day without any order a missing day


@dataclass(frozen=True)
class ShopDays:
    """Orders by day and shop.

    Parameters
    ----------
    first : date
        Day of row 0.
    orders : ndarray (days, shops)
        Orders of a day.
    value : ndarray (shops,), optional
        Yuan of one order.
    sales : ndarray (days, shops), optional
        Yuan sold on a day; orders times value where not given.
    category : ndarray (shops,), optional
        Trade of a shop.
    """

    first: date
    orders: Floats
    value: Floats | None = None
    sales: Floats | None = None
    category: npt.NDArray[Any] | None = None

    def __post_init__(self) -> None:
        if self.orders.ndim != 2 or not (self.orders > 0).any(0).all():
            raise ValueError("orders: needs a (days, shops) table in which every shop has at least one order")

    @property
    def n_days(self) -> int:
        """Number of days, missing ones included."""
        return int(self.orders.shape[0])

    @property
    def n_shops(self) -> int:
        """Number of shops."""
        return int(self.orders.shape[1])

    @property
    def opened(self) -> npt.NDArray[np.int64]:
        """Row of each shop's first day with orders, (shops,)."""
        rows: npt.NDArray[np.int64] = np.argmax(self.orders > 0, axis=0)
        return rows

    @property
    def is_recorded(self) -> npt.NDArray[np.bool_]:
        """Which days are not missing, (days,)."""
        begun = np.searchsorted(np.sort(self.opened), np.arange(self.n_days), side="right")
        return (self.orders > 0).any(1) | (begun < FEW)

    @property
    def age(self) -> npt.NDArray[np.int64]:
        """Days since a shop's first sale, (days, shops); negative before."""
        return np.arange(self.n_days)[:, None] - self.opened[None, :]

    @property
    def is_lived(self) -> npt.NDArray[np.bool_]:
        """Recorded days since a shop's first sale, (days, shops)."""
        return (self.age >= 0) & self.is_recorded[:, None]

    @property
    def lived(self) -> Floats:
        """Orders, NaN on days not lived, (days, shops)."""
        return np.where(self.is_lived, self.orders, np.nan)

    @property
    def weekday(self) -> npt.NDArray[np.int64]:
        """Day of the week of each row, 0 is Monday, (days,)."""
        return (self.first.weekday() + np.arange(self.n_days)) % 7

    @property
    def yuan(self) -> Floats | None:
        """Yuan sold, (days, shops); None where no value of an order is known."""
        if self.sales is not None:
            return self.sales
        return None if self.value is None else self.orders * self.value

    def date_of(self, row: int) -> date:
        """The date of a row."""
        return self.first + timedelta(days=row)

    def row_of(self, day: date) -> int:
        """The row of a date; outside 0 to ``n_days - 1`` where it is not in the table."""
        return (day - self.first).days

    def mean_orders(self) -> Floats:
        """Orders a lived day, (shops,): the size of a shop."""
        counted: Floats = self.orders.sum(0) / self.is_lived.sum(0)
        return counted

    def weeks(self, wait: int = WAITS) -> Floats:
        """Orders of whole weeks, Monday to Sunday, that begin at least ``wait`` days after the first sale.

        Returns (weeks, shops), NaN for a week that does not count.
        """
        start = (7 - self.first.weekday()) % 7
        n = max((self.n_days - start) // 7, 0)
        sums = self.orders[start : start + 7 * n].reshape(n, 7, self.n_shops).sum(1)
        ages = start + 7 * np.arange(n)[:, None] - self.opened[None, :]
        return np.where(ages >= wait, sums, np.nan)

    def months(self) -> tuple[list[str], Floats]:
        """Names of the calendar months, and mean orders a recorded day in each, (months, shops).

        A shop's month counts (is not NaN) if it begins no earlier than the shop. The last may be incomplete.
        """
        days = [self.date_of(row) for row in range(self.n_days)]
        names = sorted({f"{day:%Y-%m}" for day in days})
        place = np.array([names.index(f"{day:%Y-%m}") for day in days])
        known = self.is_recorded
        means = np.full((len(names), self.n_shops), np.nan)
        for k, name in enumerate(names):
            inside = (place == k) & known
            begins = self.row_of(date(int(name[:4]), int(name[5:]), 1))
            if inside.any():
                means[k] = np.where(self.opened <= begins, self.orders[inside].mean(0), np.nan)
        return names, means
