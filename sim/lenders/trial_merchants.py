"""Merchants to try a policy on, made by formula: the check of a policy is the same every day, and nothing is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.merchants import DECIDED, OBSERVABLE

N_ORDINARY = 240
# Least, ordinary low, ordinary high and greatest value that a column is tried with; a column not named: 0, 0, 1, 1.
RANGES: Mapping[str, tuple[float, float, float, float]] = {
    "tenure_days": (0, 30, 2_500, 6_000),
    "platform": (0, 0, 3, 2),
    "category": (0, 0, 10, 20),
    "region": (0, 0, 10, 40),
    "sales_mean_7d": (0, 1e3, 5e6, 1e12),
    "sales_mean_30d": (0, 1e3, 5e6, 1e12),
    "sales_mean_90d": (0, 1e3, 5e6, 1e12),
    "sales_deviation_30d": (0, 1e3, 4e6, 1e12),
    "orders_mean_30d": (0, 0.05, 30, 1e6),
    "order_value_fen": (0, 500, 1e5, 1e9),
    "return_rate": (0, 0.01, 0.2, 1),
    "reviews": (0, 0.6, 1.3, 5),
    "traffic": (0, 1, 5e3, 1e8),
    "advertising_mean_30d": (0, 10, 1e5, 1e10),
    "advertising_mean_90d": (0, 10, 1e5, 1e10),
    "off_platform_share": (0, 0, 0.5, 1),
    "traced_share": (0, 0.1, 1, 1),
    "category_pace": (0, 0.6, 1.4, 5),
    "escrow_fen": (0, 1e3, 1e7, 1e13),
    "confirm_days": (0, 1, 15, 90),
    "buyer_concentration": (0, 0.05, 0.8, 1),
    "is_flagged": (0, 0, 2, 1),
    "is_cut": (0, 0, 2, 1),
    "parcels": (0, 0.6, 1.0, 1),
    "loan_days": (0, 0, 200, 2_000),
    "balance_fen": (0, 0, 1e7, 2e9),
    "due_fen": (0, 0, 1e7, 2e9),
    "days_past_due": (-400, -60, 90, 400),
    "season_index": (0.2, 0.6, 1.6, 6),
    "season_index_90d": (0.2, 0.7, 1.4, 3),
    "n_repaid": (0, 0, 30, 5_000),
    "n_open": (0, 0, 4, 100),
    "exposure_fen": (0, 0, 1e7, 1e10),
    "worst_dpd": (0, -60, 60, 5_000),
    "dpd": (0, -90, 30, 5_000),
    "days_since_first_loan": (-1, -200, 700, 6_000),
    "limit_fen": (0, 0, 1e7, 1e10),
    "bureau_worst_dpd": (0, -60, 60, 5_000),
    "psychometric": (0, 0.1, 0.9, 1),
    "tax_sales": (0, 1e3, 5e6, 1e12),
    "declared_sales": (0, 1e3, 5e6, 1e12),
    "site_visit": (0, 0.5, 1.0, 1),
}
COLUMNS = {**OBSERVABLE, **DECIDED}
IDS_STEP = 7_919  # ids of merchants are no row numbers


@dataclass(frozen=True)
class Batch:
    """Merchants to try a policy on: columns (n,) by name, and ids."""

    columns: Mapping[str, npt.NDArray[Any]]
    ids: npt.NDArray[np.int64]

    def rows(self, chosen: npt.NDArray[np.int64]) -> Batch:
        return Batch({name: column[chosen] for name, column in self.columns.items()}, self.ids[chosen])


def ordinary(number: int) -> Batch:
    """Make merchants that are all different and nothing out of the ordinary, by steps of irrational length."""
    rows = np.arange(1, N_ORDINARY + 1) + number * N_ORDINARY
    columns = {}
    for position, (name, column) in enumerate(COLUMNS.items()):
        least, low, high, _ = RANGES.get(name, (0, 0, 1, 1))
        place = rows * np.sqrt(position + 2.0 + 0.1) % 1.0
        columns[name] = np.maximum(low + place * (high - low), least).astype(column.dtype)
    return Batch(columns, rows * IDS_STEP)


def extreme() -> Batch:
    """Make a merchant with everything at its least, one at its most, and one with each column alone at either end."""
    n = 2 + 2 * len(COLUMNS)
    columns = {}
    for position, (name, column) in enumerate(COLUMNS.items()):
        least, low, high, most = RANGES.get(name, (0, 0, 1, 1))
        values = np.full(n, max((low + high) / 2, least))
        values[[0, 2 + 2 * position]] = least
        values[[1, 3 + 2 * position]] = most
        columns[name] = values.astype(column.dtype)
    return Batch(columns, np.arange(1, n + 1) * IDS_STEP)
