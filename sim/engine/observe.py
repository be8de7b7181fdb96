"""What lenders can see: observable columns worked out from the merchant columns, only the declared ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.kernels import kernel
from sim.core.merchants import DECIDED, OBSERVABLE, Merchants
from sim.world.elsewhere import AWAY, share_elsewhere
from sim.world.outlook import Outlook
from sim.world.wash import HABIT

VISITS_AN_ORDER = 40.0  # visits to a shop for each order; assumption
FETCHED = np.float32(0.1)  # at most this share of honest orders has no parcel; assumption


class Observer:
    """Gives the columns of merchants as one lender may see them on one day."""

    def __init__(self, merchants: Merchants, outlook: Outlook, seed: int = 0, shifted: float = 0.0) -> None:
        self._m = merchants
        self._outlook = outlook
        self._seed = seed
        self._shifted = np.float32(shifted)  # share of sales that owners move elsewhere who turn away
        self._paces: tuple[int, npt.NDArray[np.float32]] = (-1, np.zeros(0, np.float32))  # of the trades, on one day

    def columns(
        self, needs: Sequence[str], rows: Any, lender: int, bureau: str, day_index: int, day: int
    ) -> dict[str, npt.NDArray[Any]]:
        """Columns named in ``needs`` for the merchants of ``rows`` (an index array or a slice), each (n,).

        Parameters
        ----------
        lender : int
            Index of the lender that looks.
        bureau : {"none", "negative", "full"}
            What it learns of the record with others.
        day_index, day : int
            Day of the run, and day number.
        """
        seen = _Seen(self._m, self._outlook, self._seed, rows, lender, bureau, day_index, day, self._shifted)
        found = {name: seen.column(name) for name in needs if name not in _LATER and name != "category_pace"}
        if "category_pace" in needs:
            found["category_pace"] = self._pace_of_trades(day_index).take(seen.category_index)
        return found

    def _pace_of_trades(self, day_index: int) -> npt.NDArray[np.float32]:
        """Sales of all shops of each category over 30 days by those over 90, each over its calendar index."""
        if self._paces[0] != day_index:
            lately, before = self._outlook.season_index[day_index], self._outlook.season_index_90d[day_index]
            m, (lately_sold, sold) = self._m, np.zeros((2, lately.size))
            sum_sales(m.category, m.sales_mean_30d, m.sales_mean_90d, lately_sold, sold)
            pace = (lately_sold / lately) / np.maximum(sold / before, 1.0)
            self._paces = (day_index, np.asarray(pace, np.float32))
        return self._paces[1]


@kernel
def sum_sales(category: Any, mean_30d: Any, mean_90d: Any, lately: Any, before: Any) -> None:
    """Add the sales of all shops, (n,), to ``lately`` and ``before`` by category, fen a day."""
    for j in range(category.size):
        lately[category[j]] += mean_30d[j]
        before[category[j]] += mean_90d[j]


class _Seen:
    """The columns of one look at some merchants; what several columns are made of is gathered once."""

    def __init__(
        self, m: Merchants, outlook: Outlook, seed: int, rows: Any, lender: int, bureau: str, day_index: int, day: int,
        shifted: np.float32,
    ) -> None:  # fmt: skip
        self._m, self._outlook, self._rows, self._lender = m, outlook, rows, lender
        self._bureau, self._day_index, self._day = bureau, day_index, day
        self._seed, self._shifted = seed, shifted

    def column(self, name: str) -> npt.NDArray[Any]:
        """One observable column, (n,)."""
        m = self._m
        if name in _STORED:
            return self._sales if name == "sales_mean_30d" else self._of(getattr(m, _STORED[name]))
        if name in _OWN_RECORD:
            return self._own(name).astype(np.int64)
        if name == "orders_mean_30d":
            return self._orders
        if name == "tenure_days":
            return self._day - self._of(m.opened_day).astype(np.float32)
        if name in ("season_index", "season_index_90d"):
            index: npt.NDArray[Any] = getattr(self._outlook, name)[self._day_index]
            return index.take(self.category_index)
        if name == "sales_deviation_30d":
            deviation: npt.NDArray[np.float32] = np.sqrt(np.maximum(self._of(m.sales_variance_30d), _NOTHING))
            return deviation
        if name == "traffic":
            return self._of(m.demand_mean) * np.float32(VISITS_AN_ORDER)
        if name == "escrow_fen":
            return self._escrow.astype(np.int64)
        if name == "buyer_concentration":
            # few buyers, and buyers who come back every day, look alike: this is how fake orders show
            wash, few = self._faked, np.float32(30) * self._orders
            few += _ONE
            repeated: npt.NDArray[Any] = wash / (_ONE + wash)
            repeated += np.divide(_ONE, few, out=few)
            return np.asarray(np.minimum(repeated, _ONE, out=repeated))
        if name == "is_cut":
            return (self._own("cut_until") >= self._day).astype(np.int64)
        if name == "parcels":
            # honest orders lack one too: goods that are fetched, or are no goods
            ids = self._of(m.merchant_id)
            fetched = FETCHED * draws.uniform(self._seed, "signal.parcels", draws.ONCE, ids).astype(np.float32)
            return (_ONE - fetched) / (_ONE + self._faked)
        if name == "off_platform_share":
            guess = draws.uniform(self._seed, "signal.off_platform", draws.ONCE, self._of(m.merchant_id))
            away = self._of(m.retreat).astype(np.float32) / np.float32(AWAY)
            now: npt.NDArray[np.float32] = share_elsewhere(self._of(m.off_platform), self._shifted, away)
            now = share_elsewhere(now, self._outlook.rival[self._day_index], _ONE)
            share = now * (_HALF + guess.astype(np.float32))
            return np.asarray(np.minimum(share, _ONE))
        if name == "days_since_first_loan":
            first = self._own("first_loan_day").astype(np.int64)
            return np.where(first > 0, self._day - first, -1)
        if name == "bureau_worst_dpd":
            return self._worst_anywhere().astype(np.int64)
        sales = self._sold
        if name == "return_rate":
            rate: npt.NDArray[Any] = self._of(m.returns_mean_30d) / sales
            np.minimum(rate, _ONE, out=rate)
            return rate
        if name == "confirm_days":
            days = self._escrow.astype(np.float32)
            days /= sales
            return np.minimum(days, _YEAR, out=days)
        raise KeyError(name)

    def _of(self, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The rows of a column: a view of it for a slice, else gathered."""
        return column[self._rows] if isinstance(self._rows, slice) else column.take(self._rows)

    def _own(self, name: str) -> npt.NDArray[Any]:
        return self._of(self._m.lender[name][self._lender])

    @cached_property
    def _sales(self) -> npt.NDArray[np.float32]:
        return self._of(self._m.sales_mean_30d)

    @cached_property
    def _faked(self) -> npt.NDArray[np.float32]:
        """Fake orders over usual sales, as they are faked now."""
        level = self._of(self._m.wash_level).astype(np.float32) / np.float32(HABIT)
        faked: npt.NDArray[np.float32] = self._of(self._m.wash) * level
        return faked

    @cached_property
    def _sold(self) -> npt.NDArray[np.float32]:
        """Sales to divide by, fen a day."""
        return np.maximum(self._sales, _ONE)

    @cached_property
    def _orders(self) -> npt.NDArray[np.float32]:
        """Recorded orders a day, counted at the usual value of an order."""
        orders: npt.NDArray[np.float32] = np.divide(self._sales, self._of(self._m.order_value))
        return orders

    @cached_property
    def _category(self) -> npt.NDArray[np.int8]:
        return self._of(self._m.category)

    @cached_property
    def category_index(self) -> npt.NDArray[np.intp]:
        return self._category.astype(np.intp)

    @cached_property
    def _escrow(self) -> npt.NDArray[np.float64]:
        """Fen of shipped and unconfirmed orders that are not pledged, (n,)."""
        first, second, *others = self._m.shipped
        total: npt.NDArray[np.float64] = self._of(first) + self._of(second)
        for stage in others:
            total += self._of(stage)
        return total

    def _worst_anywhere(self) -> npt.NDArray[np.int16]:
        """Worst days past due with any lender, as far as the bureau tells, (n,)."""
        blocks = self._m.lender["worst_dpd"]
        if self._bureau == "none":
            return np.zeros(self._category.shape, np.int16)
        worst = self._of(blocks[0])
        for block in blocks[1:]:
            worst = np.maximum(worst, self._of(block))
        return worst


_NOTHING, _HALF, _ONE, _YEAR = np.float32(0), np.float32(0.5), np.float32(1), np.float32(365)
# Seen as they are kept: a policy looks at the merchants' own columns, without a copy, where it looks at whole tiles.
_STORED = {name: name for name in ("platform", "category", "region")} | {
    "sales_mean_7d": "sales_mean_7d",
    "sales_mean_30d": "sales_mean_30d",
    "sales_mean_90d": "sales_mean_90d",
    "advertising_mean_30d": "advertising_mean_30d",
    "advertising_mean_90d": "advertising_mean_90d",
    "reviews": "reputation",
    "order_value_fen": "order_value",
}
_OWN_RECORD = ("n_repaid", "n_open", "exposure_fen", "worst_dpd", "dpd", "limit_fen", "is_flagged")
_LATER = tuple(name for name in DECIDED if name not in OBSERVABLE)  # made by an earlier step of the same decision
