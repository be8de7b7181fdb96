"""The figures published of real merchants, computed again from the raw data to the four digits printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.study.moments import ShopDays, of_days
from sim.study.moments.lags import Orders, orders, reweighted
from sim.study.moments.platform import cohort, platform_months
from sim.study.moments.sellers import quarters, survivals

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(
    not (DATA / "summaries_fit.json").exists(), reason=f"real data and their figures are not at {DATA}"
)
EPOCH = pd.Timestamp(0)
REVIEWS = {5: 57328, 4: 19142, 3: 8179, 2: 3151, 1: 11424}  # of the whole public data set, by score
N = {
    "koubei_shop_day": 255,
    "olist_seller_quarter": 307,
    "olist_order_sample": 165,
    "olist_platform_month": 27,
    "bls_1994_cohort": 51,
}
NOT_MET: dict[str, set[str]] = {name: set() for name in N}  # figures whose definition has not been found


def koubei() -> dict[str, Any]:
    table = pd.read_parquet(DATA / "koubei_shop_day.parquet").pivot(index="date", columns="shop_id", values="n")
    table = table.reindex(pd.date_range(table.index.min(), table.index.max())).fillna(0)
    shops = pd.read_csv(DATA / "koubei_shop_info.csv").set_index("shop_id").loc[table.columns]
    worth, trade = shops["per_pay"].to_numpy(np.float64), shops["cate_1"].to_numpy()
    return of_days(ShopDays(table.index[0].date(), table.to_numpy(np.float64), value=worth, category=trade))


def seller_quarters() -> dict[str, Any]:
    table = pd.read_parquet(DATA / "olist_seller_quarter.parquet")
    period = pd.PeriodIndex(table["order_quarter"], freq="Q")
    rows = pd.DataFrame(
        {
            "seller": table["seller_id"],
            "quarter": period.year * 4 + period.quarter - 1,
            "orders": table["total_orders"],
            "active_days": table["active_days_count"],
            "active_months": table["active_months_count"],
            "tenure": table["tenure_months"],
            "days": (period.end_time.normalize() - period.start_time).days + 1,
            "sales": table["monetary"],
            "review": table["median_review_score"],
            "late": table["total_orders_late_to_customer"],
            "late_to_carrier": table["total_orders_late_to_carrier"],
        }
    )
    ends = (period.end_time.normalize() - EPOCH).days.to_numpy().astype(np.float64)
    seller = rows["seller"].to_numpy()
    first = pd.Series(ends - 30.0 * rows["tenure"].to_numpy()).groupby(seller).min().to_numpy()
    last = pd.Series(ends - table["recency_days"].to_numpy()).groupby(seller).max().to_numpy()
    begun_with = rows.sort_values("quarter").groupby("seller")["orders"].first().to_numpy(np.float64)
    return quarters(rows, 4 * 2017, 4 * 2018 + 1) | survivals(first, last, begun_with, float(last.max()))


def order_sample() -> dict[str, Any]:
    table = pd.read_parquet(DATA / "olist_order_sample.parquet")

    def days(name: str) -> Any:
        return ((table[name] - EPOCH).dt.total_seconds() / 86_400.0).to_numpy()

    given = Orders(
        ordered=days("order_purchase_timestamp"),
        delivered=days("order_delivered_customer_date"),
        approved=days("order_aproved_at"),
        promised=days("order_estimated_delivery_date"),
        reviewed=days("review_answer_timestamp"),
        value=table["order_products_value"].to_numpy(np.float64),
        review=table["review_score"].to_numpy(np.float64),
        status=table["order_status"].to_numpy(str),
    )
    spans = {
        "weekdays": (date(2017, 6, 1), date(2018, 3, 11)),
        "without": (date(2017, 11, 20), date(2017, 12, 3)),
    }
    return orders(given, **spans) | reweighted(given, REVIEWS)


def platform_month() -> dict[str, Any]:
    table = pd.read_csv(DATA / "olist_platform_month.csv")
    table = table[(table["month_date"] >= "2017-01") & (table["month_date"] < "2018-09")]  # the ends are not whole
    revenue = table["revenue_items_only"].to_numpy()
    freight = table["revenue_including_freight"].to_numpy() - revenue
    names = table["month_date"].str[:7].tolist()
    return platform_months(names, revenue, freight, table["sold_items"].to_numpy(np.float64))


def establishments() -> dict[str, Any]:
    table = pd.read_csv(DATA / "bls_1994_cohort.csv")
    years = (table["march"] - 1994).tolist()
    size = (table["employment"] / table["establishments"]).tolist()
    return cohort(
        dict(zip(years, (table["survival_pct"] / 100.0).tolist(), strict=True)), dict(zip(years, size, strict=True))
    )


SETS = {
    "koubei_shop_day": cache(koubei),
    "olist_seller_quarter": cache(seller_quarters),
    "olist_order_sample": cache(order_sample),
    "olist_platform_month": cache(platform_month),
    "bls_1994_cohort": cache(establishments),
}


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every single figure, with the way to it."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, f"{name}/{key}" if name else str(key))
    else:
        yield name, value


def is_met(published: float, ours: Any) -> bool:
    """Counts are equal; other numbers are when printed to four digits."""
    if ours is None:
        return False
    return bool(ours == published) if isinstance(published, int) else float(f"{ours:.4g}") == published


@pytest.mark.parametrize("name", list(SETS))
def test_every_published_figure_comes_out(name: str) -> None:
    published = dict(leaves(json.loads((DATA / "summaries_fit.json").read_text())[name]))
    ours = dict(leaves(SETS[name]()))
    missed = {key: (value, ours.get(key)) for key, value in published.items() if not is_met(value, ours.get(key))}
    assert len(published) == N[name]
    assert set(missed) == NOT_MET[name], missed


@pytest.mark.parametrize("name", list(SETS))
def test_no_figure_has_another_name_than_the_published_ones(name: str) -> None:
    published = json.loads((DATA / "summaries_fit.json").read_text())[name]
    assert set(SETS[name]()) <= set(published)
