"""What lenders can see: observable columns worked out from the merchant columns, only the declared ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.merchants import Merchants
from sim.world.outlook import Outlook

VISITS_AN_ORDER = 40.0  # visits to a shop for each order; assumption


class Observer:
    """Gives the columns of merchants as one lender may see them on one day."""

    def __init__(self, merchants: Merchants, outlook: Outlook) -> None:
        self._m = merchants
        self._outlook = outlook

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
        found: dict[str, npt.NDArray[Any]] = {}
        for name in needs:
            if name not in _LATER:
                found[name] = self._column(name, rows, lender, bureau, day_index, day)
        return found

    def _column(self, name: str, rows: Any, lender: int, bureau: str, day_index: int, day: int) -> Any:
        m, own = self._m, self._m.lender
        if name in _PLAIN:
            return getattr(m, name)[rows]
        if name in _AS_FLOAT:
            return getattr(m, name)[rows].astype(np.float64)
        if name in _OWN_RECORD:
            return own[name][lender, rows].astype(np.int64)
        sales = np.maximum(m.sales_mean_30d[rows].astype(np.float64), 1.0)
        if name == "tenure_days":
            return (day - m.opened_day[rows]).astype(np.float64)
        if name == "sales_deviation_30d":
            return np.sqrt(np.maximum(m.sales_variance_30d[rows].astype(np.float64), 0.0))
        if name == "order_value_fen":
            return m.order_value[rows].astype(np.float64)
        if name == "return_rate":
            return np.clip(m.returns_mean_30d[rows] / sales, 0.0, 1.0)
        if name == "reviews":
            return m.reputation[rows].astype(np.float64)
        if name == "traffic":
            return m.demand_mean[rows] * VISITS_AN_ORDER
        if name == "advertising_mean_30d":
            return m.advertising[rows] * sales
        if name == "escrow_fen":
            return m.shipped[:, rows].sum(axis=0).astype(np.int64)
        if name == "confirm_days":
            return np.minimum(m.shipped[:, rows].sum(axis=0) / sales, 365.0)
        if name == "buyer_concentration":
            # few buyers, and buyers who come back every day, look alike: this is how fake orders show
            faked = m.wash[rows] / (1.0 + m.wash[rows])
            return np.clip(faked + 1.0 / (1.0 + 30.0 * m.orders_mean_30d[rows].astype(np.float64)), 0.0, 1.0)
        if name in ("season_index", "season_index_90d"):
            return getattr(self._outlook, name)[day_index][m.category[rows]].astype(np.float64)
        if name == "days_since_first_loan":
            first = own["first_loan_day"][lender, rows].astype(np.int64)
            return np.where(first > 0, day - first, -1)
        if name == "bureau_worst_dpd":
            if bureau == "none":
                return np.zeros(sales.shape, np.int64)
            return own["worst_dpd"][:, rows].max(axis=0).astype(np.int64)
        raise KeyError(name)


_PLAIN = ("platform", "category", "region")
_AS_FLOAT = ("sales_mean_7d", "sales_mean_30d", "sales_mean_90d", "orders_mean_30d")
_OWN_RECORD = ("n_repaid", "n_open", "exposure_fen", "worst_dpd", "dpd", "limit_fen")
_LATER = ("score",)  # made by an earlier step of the same decision
