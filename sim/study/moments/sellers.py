"""Sellers by quarter: size, growth, silence, and how long they go on.

A quarter is whole if the data cover all its days. One row is a seller and a quarter with orders.

- Sizes: of the last three whole quarters; ``lifetime_*`` sums over all rows.
- Growth: log sales of a whole quarter less that of the whole quarter before, sellers with both; ``iqr_sd`` is the
  interquartile range over 1.349, and here and in ``qoq_log_growth_sd_20plus_orders`` the deviation divides by n - 1.
  ``qoq_growth_autocorr_lag1``: correlation of growths a quarter apart.
- Silent: no orders in the next quarter, of sellers with orders in a whole quarter that a whole one follows.
  ``returned_later_given_silent``: those silent who sell later, where two whole quarters follow.
- ``zero_sales_day_share_*``: days of the quarter without a sale, mean over whole quarters that follow a whole one, of
  sellers more than 3 months (of 30 days) after their first sale at its end; ``active_months_of_3_share`` of the same
  rows.
- Survival: Kaplan-Meier. A seller's life is from the first to the last sale, in months of 30.4375 days rounded to
  hundredths; it has ended if the last sale is at least 90, 120 or 180 days before the end of the data, else it is
  followed until as many days before the end. Sellers who began at least 120 days before the end. What is known only
  to the day or a tenth of a month can come out below 0: then it is 0. A share is given up to two months beyond the
  longest time followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.study.moments.describe import (
    Figures,
    Floats,
    by_bucket,
    correlation,
    describe,
    mean,
    rank_correlation,
    rates,
    ratio,
    size,
)

ORDERS = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 1e9)
GROWTH = (0.0, 2.0, 5.0, 10.0, 20.0, 50.0, 1e9)
ZERO = (0.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1e9)
TENURE = (-1, 1, 3, 6, 9, 12, 18, 30)
REVIEWS = (0.0, 2.5, 3.5, 4.5, 5.0)
LATE = (-0.01, 0.0, 0.1, 0.25, 10.0)
ENTRY = 120  # days before the end by which a seller has begun
MONTH = 30.4375  # days
AT = (0, 1, 2, 3, 6, 9, 12, 15, 18)


def survival(first: Floats, last: Floats, end: float, silence: int, at: Sequence[int] = AT) -> dict[str, float | None]:
    """Share of sellers still selling so many months after their first sale.

    Parameters
    ----------
    first, last : ndarray (sellers,)
        Day numbers of the first and the last sale.
    end : float
        Day number of the end of the data.
    silence : int
        Days without a sale at the end that make an end.
    """
    enters = end - first >= ENTRY
    first, last = first[enters], last[enters]
    is_over = end - last >= silence
    life = np.where(is_over, last - first, end - silence - first)
    months = np.round(np.maximum(life, 0.0) / MONTH, 2)
    times = np.unique(months)
    at_risk = months.size - np.searchsorted(np.sort(months), times)
    ended = np.bincount(np.searchsorted(times, months), is_over, times.size)
    left = np.concatenate([[1.0], np.cumprod(1.0 - ended / np.maximum(at_risk, 1))])
    reached = float((end - silence - first).max() / MONTH) + 2.0 if first.size else -1.0
    return {str(t): float(left[np.searchsorted(times, t, side="right")]) if t <= reached else None for t in at}


def survivals(first: Floats, last: Floats, first_orders: Floats, end: float) -> Figures:
    """Survival by months after three lengths of silence, and of sellers with 5 orders or more in the first quarter."""
    found: Figures = {
        f"survival_months_since_first_sale_silence{days}d": survival(first, last, end, days) for days in (90, 120, 180)
    }
    busy = first_orders >= 5
    n = int((busy & (end - first >= ENTRY)).sum())
    at = [t for t in AT if t != 2]
    found["survival_months_sellers_with_5plus_orders_in_first_quarter_silence120d"] = {
        "n": n, **survival(first[busy], last[busy], end, 120, at)
    }  # fmt: skip
    return found


def quarters(rows: Any, first_whole: int, last_whole: int) -> Figures:
    """Figures of sellers by quarter.

    Parameters
    ----------
    rows : DataFrame
        Columns ``seller``, ``quarter`` (year x 4 + quarter - 1), ``orders``, ``active_days``, ``active_months``,
        ``tenure`` (months of 30 days from the first sale to the end of the quarter), ``days`` (of the quarter); where
        known ``sales`` (yuan), ``review`` (median, 1 to 5), ``late`` and ``late_to_carrier`` (orders).
    first_whole, last_whole : int
        The first and the last whole quarter.
    """
    table = rows.sort_values(["seller", "quarter"]).reset_index(drop=True)
    has_sales = "sales" in table
    following = _value_next(table, "orders")
    is_silent = np.isnan(following)
    quarter, orders = table["quarter"].to_numpy(), table["orders"].to_numpy(np.float64)
    asked = (quarter >= first_whole) & (quarter < last_whole)
    lifetime = table.groupby("seller")["orders"].sum().to_numpy(np.float64)
    found: Figures = {
        "seller_quarters": len(table),
        "sellers": int(lifetime.size),
        "lifetime_orders_size": size(lifetime),
        "share_sellers_with_one_order_ever": float((lifetime == 1).mean()) if lifetime.size else None,
    }
    for number in range(max(last_whole - 2, first_whole), last_whole + 1):
        found[f"quarter_orders_size_{name_of(number)}"] = size(orders[quarter == number])
        if has_sales:
            found[f"quarter_sales_size_{name_of(number)}"] = size(table["sales"].to_numpy()[quarter == number])
    if has_sales:
        found["lifetime_sales_size"] = size(table.groupby("seller")["sales"].sum().to_numpy())
        found["average_order_value"] = size(table["sales"].to_numpy(np.float64) / orders)
        found |= _growth(table, asked & ~is_silent)
    found |= _silence(table, asked, is_silent, last_whole) | _activity(table, first_whole, last_whole)
    return found | _counts(table)


def name_of(quarter: int) -> str:
    """``2017Q4`` of a quarter's number."""
    return f"{quarter // 4}Q{quarter % 4 + 1}"


def _value_next(table: Any, column: str) -> Floats:
    """A column of the same seller a quarter later; NaN where there is no row."""
    quarter, seller = table["quarter"].to_numpy(), table["seller"].to_numpy()
    values = table[column].to_numpy(np.float64)
    found = np.full(values.size, np.nan)
    if values.size > 1:
        follows = (seller[1:] == seller[:-1]) & (quarter[1:] == quarter[:-1] + 1)
        found[:-1][follows] = values[1:][follows]
    return found


def _growth(table: Any, goes_on: npt.NDArray[np.bool_]) -> Figures:
    now, then = table["sales"].to_numpy(np.float64), _value_next(table, "sales")
    orders = table["orders"].to_numpy(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = np.where(goes_on, np.log(then / now), np.nan)
    growth[~np.isfinite(growth)] = np.nan
    later = _value_next(table.assign(growth=growth), "growth")
    buckets = {}
    for name, inside in by_bucket(orders, GROWTH):
        known = growth[inside & np.isfinite(growth)]
        low, high = np.quantile(known, [0.25, 0.75]) if known.size else (np.nan, np.nan)
        buckets[name] = {
            "n": int(known.size),
            "mean": mean(known),
            "sd": float(known.std(ddof=1)) if known.size > 1 else None,
            "iqr_sd": float((high - low) / 1.349) if known.size else None,
        }
    many = growth[(orders >= 20) & np.isfinite(growth)]
    logs = [np.where(np.isfinite(growth), np.log(np.maximum(x, 1e-300)), np.nan) for x in (now, then)]
    return {
        "qoq_log_sales_growth_continuing": describe(growth),
        "qoq_log_growth_sd_by_orders_bucket": buckets,
        "qoq_rank_autocorr_log_sales": rank_correlation(*logs),
        "qoq_pearson_log_sales": correlation(*logs),
        "qoq_growth_autocorr_lag1": correlation(growth, later),
        "qoq_log_growth_sd_20plus_orders": float(many.std(ddof=1)) if many.size > 1 else None,
    }


def _silence(table: Any, asked: npt.NDArray[np.bool_], is_silent: npt.NDArray[np.bool_], last_whole: int) -> Figures:
    known, silent = table[asked], is_silent[asked]
    orders, quarter = known["orders"].to_numpy(np.float64), known["quarter"].to_numpy()
    final = table.groupby("seller")["quarter"].transform("max").to_numpy()
    could = asked & is_silent & (table["quarter"].to_numpy() < last_whole - 1)
    found: Figures = {
        "silent_next_quarter_by_quarter": {name_of(q): mean(silent[quarter == q]) for q in np.unique(quarter)},
        "silent_next_quarter_by_orders": rates(silent, orders, ORDERS),
        "silent_next_quarter_by_tenure_months": rates(silent, known["tenure"], TENURE),
        "returned_later_given_silent": mean(final[could] > table["quarter"].to_numpy()[could]),
    }
    many = orders >= 5
    if "review" in known:
        review = known["review"].to_numpy(np.float64)
        found["silent_next_quarter_by_review"] = rates(silent, review, REVIEWS)
        found["silent_next_quarter_by_review_5plus_orders"] = rates(silent[many], review[many], (0.0, *REVIEWS[2:]))
    if "late" in known:
        late = known["late"].to_numpy(np.float64) / orders
        found["silent_next_quarter_by_late_share_5plus_orders"] = rates(silent[many], late[many], LATE)
        found["late_to_customer_share_of_orders"] = ratio(table["late"].sum(), table["orders"].sum())
    if "late_to_carrier" in known:
        found["late_to_carrier_share_of_orders"] = ratio(table["late_to_carrier"].sum(), table["orders"].sum())
    return found


def _activity(table: Any, first_whole: int, last_whole: int) -> Figures:
    known = table[(table["quarter"] > first_whole) & (table["quarter"] <= last_whole) & (table["tenure"] > 3.0)]
    zero = 1.0 - known["active_days"].to_numpy(np.float64) / known["days"].to_numpy(np.float64)
    months = known["active_months"].to_numpy()
    return {
        "zero_sales_day_share_established_sellers": mean(zero),
        "zero_sales_day_share_by_orders": {
            name: mean(zero[inside]) for name, inside in by_bucket(known["orders"], ZERO)
        },
        "active_months_of_3_share": {str(n): mean(months == n) for n in (1, 2, 3)},
    }


def _counts(table: Any) -> Figures:
    quarter = table["quarter"].to_numpy()
    first = table.groupby("seller")["quarter"].min().to_numpy()
    every = np.unique(quarter)
    return {
        "active_sellers_by_quarter": {name_of(q): int((quarter == q).sum()) for q in every},
        "new_sellers_by_quarter": {name_of(q): int((first == q).sum()) for q in every},
    }
