"""From orders by day to sellers by quarter, and to the sales of all by month."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from sim.study.moments.describe import Figures
from sim.study.moments.platform import platform_months
from sim.study.moments.sellers import quarters, survivals
from sim.study.moments.shop_days import ShopDays

SHORT = 30.0  # days of a month of tenure


def _start(quarter: int) -> date:
    return date(quarter // 4, 3 * (quarter % 4) + 1, 1)


def by_quarter(days: ShopDays) -> Figures:
    """Figures of sellers by quarter; nothing where the days do not cover two quarters in a row."""
    import pandas as pd

    dates = [days.date_of(row) for row in range(days.n_days)]
    quarter = np.array([4 * day.year + (day.month - 1) // 3 for day in dates])
    month = np.array([day.month for day in dates])
    whole = [
        q
        for q in np.unique(quarter).tolist()
        if _start(q) >= dates[0] and _start(q + 1) - timedelta(days=1) <= dates[-1]
    ]
    if len(whole) < 2:
        return {}
    yuan, opened, parts = days.yuan, days.opened, []
    for q in np.unique(quarter).tolist():
        inside = quarter == q
        orders = days.orders[inside]
        sells = np.flatnonzero(orders.sum(0) > 0)
        end = days.row_of(_start(q + 1)) - 1
        active = [(days.orders[inside & (month == k)] > 0).any(0) for k in np.unique(month[inside])]
        part = {
            "seller": sells,
            "quarter": q,
            "orders": orders.sum(0)[sells],
            "active_days": (orders > 0).sum(0)[sells],
            "active_months": np.sum(active, axis=0)[sells],
            "tenure": np.round((end - opened[sells]) / SHORT, 1),
            "days": (_start(q + 1) - _start(q)).days,
        }
        parts.append(pd.DataFrame(part if yuan is None else part | {"sales": yuan[inside].sum(0)[sells]}))
    table = pd.concat(parts, ignore_index=True)
    last = days.n_days - 1 - np.argmax(days.orders[::-1] > 0, axis=0)
    in_first = table.sort_values("quarter").groupby("seller")["orders"].first().to_numpy(np.float64)
    ends = survivals(opened.astype(np.float64), last.astype(np.float64), in_first, float(days.n_days - 1))
    return quarters(table, whole[0], whole[-1]) | ends


def months_of_all(days: ShopDays) -> Figures:
    """Sales of all shops by whole month; nothing where there are fewer than four of them, or no value of an order."""
    yuan = days.yuan
    if yuan is None:
        return {}
    dates = [days.date_of(row) for row in range(days.n_days)]
    names = [f"{day:%Y-%m}" for day in dates]
    is_last = [(day + timedelta(days=1)).day == 1 for day in dates]
    sums = yuan.sum(1)
    whole: dict[str, float] = {}
    begins: int | None = None
    for row, day in enumerate(dates):
        begins = row if day.day == 1 else begins
        if is_last[row] and begins is not None:
            whole[names[row]] = float(sums[begins : row + 1].sum())
    revenue = np.array(list(whole.values()))
    if revenue.size < 4 or not (revenue > 0).all():
        return {}
    return platform_months(list(whole), revenue)
