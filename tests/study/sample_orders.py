"""Made-up orders of shops: tables as a user's file has them, drawn from the project's own streams."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from sim.core import draws
from sim.study.moments.shop_days import ShopDays

MONDAY = date(2012, 1, 2)


def counts(mean: Any, seed: int = 1) -> Any:
    """Whole numbers around a mean, (days, shops): the mean and its root times a normal, rounded, not below 0."""
    n_days, n_shops = mean.shape
    z = np.stack([draws.normal(seed, "sales.orders", 5_000 + row, np.arange(n_shops)) for row in range(n_days)])
    return np.maximum(np.rint(mean + np.sqrt(mean) * z), 0.0)


def shop_days(orders: Any, first: date = MONDAY, value: Any = None) -> ShopDays:
    """Days and shops, of the shops that have an order."""
    table = np.asarray(orders, np.float64)
    sells = (table > 0).any(0)
    return ShopDays(first, table[:, sells], None if value is None else np.asarray(value, np.float64)[sells])


def rows_of(orders: Any, first: date = MONDAY) -> pd.DataFrame:
    """One row a merchant and day with orders."""
    day, shop = np.nonzero(orders)
    dates = np.array([(first + timedelta(days=int(row))).isoformat() for row in range(orders.shape[0])])
    return pd.DataFrame({"merchant": shop + 100, "date": dates[day], "orders": orders[day, shop].astype(int)})


def steady(n_shops: int = 30, n_days: int = 70, pace: float = 4.0) -> Any:
    """Orders of shops whose pace does not change, from ``pace`` up."""
    return counts(np.tile(pace * np.linspace(1.0, 3.0, n_shops), (n_days, 1)))
