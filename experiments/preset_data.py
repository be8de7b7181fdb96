"""Real merchants as the presets are fitted to and judged by: read, simulated over the same days, measured alike.

The data lie outside the project, and no row of them enters it: payments of offline shops (IJCAI-17 contest, Koubei;
research only), sellers and orders of a marketplace (Olist; CC BY-NC-SA 4.0).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.engine.market import Market
from sim.engine.scenario import load
from sim.study.moments import of_days
from sim.study.moments.lags import Orders, orders, reweighted
from sim.study.moments.live import sold_by_day
from sim.study.moments.sellers import quarters, survivals
from sim.study.moments.shop_days import ShopDays

ROOT = Path(__file__).resolve().parents[1]
DATA, BASE = ROOT.parent / "shared" / "data", ROOT / "scenarios" / "base.yaml"
SHOPS, TICKETS = DATA / "koubei_shop_day.parquet", DATA / "koubei_shop_info.csv"
SELLERS, ORDERS = DATA / "olist_seller_quarter.parquet", DATA / "olist_order_sample.parquet"
MARKET_DAYS = ("2016-12-20", date(2018, 8, 31))
"""First and last day of the simulated marketplace: no whole quarters at either end, as in the data. Before 2017 the
data have 62 sellers with few orders; they are those that are there on the first day."""

FIRST_WHOLE, LAST_WHOLE = 4 * 2017, 4 * 2018 + 1
REVIEWS = {5: 57_328, 4: 19_142, 3: 8_179, 2: 3_151, 1: 11_424}  # of the whole public data set, by score
WEEKDAYS = {
    "weekdays": (date(2017, 6, 1), date(2018, 3, 11)),
    "without": (date(2017, 11, 20), date(2017, 12, 3)),
}

COUNTS = {"n", "n_shops", "shops", "payments", "shop_days_since_first_sale", "seller_quarters", "sellers", "orders"}
"""How many there are, not how they are: no moments."""
SHARES = ("entry_month_of_first_payment", "new_sellers_by_quarter", "active_sellers_by_quarter")
"""Numbers by month or quarter, which are compared as shares of their sum."""


def flat(figures: Mapping[str, Any], before: str = "") -> dict[str, float]:
    """Every figure by its path, but counts; numbers by month as shares."""
    found: dict[str, float] = {}
    for name, value in figures.items():
        path = f"{before}{name}"
        if name in COUNTS or value is None:
            continue
        if name in SHARES:
            whole = float(sum(value.values()))
            found |= {f"{path}/{key}": n / whole for key, n in value.items()}
        elif isinstance(value, Mapping):
            found |= flat(value, f"{path}/")
        elif isinstance(value, list):
            found |= {f"{path}/{k + 1}": float(x) for k, x in enumerate(value) if x is not None}
        else:
            found[path] = float(value)
    return found


def shops() -> ShopDays:
    """The offline shops."""
    import pandas as pd

    table = pd.read_parquet(SHOPS).pivot(index="date", columns="shop_id", values="n")
    table = table.reindex(pd.date_range(table.index.min(), table.index.max())).fillna(0)
    info = pd.read_csv(TICKETS).set_index("shop_id").loc[table.columns]
    return ShopDays(table.index[0].date(), table.to_numpy(np.float64), value=info["per_pay"].to_numpy(np.float64))


def shop_moments(days: ShopDays) -> dict[str, float]:
    """All figures of shops by day."""
    return flat(of_days(days))


@dataclass(frozen=True)
class Sellers:
    """Sellers by quarter: their rows, and by seller the days of first and last sale and orders of the first quarter."""

    rows: Any
    first: npt.NDArray[np.float64]
    last: npt.NDArray[np.float64]
    begun_with: npt.NDArray[np.float64]

    def figures(self) -> dict[str, Any]:
        """All figures of sellers by quarter that simulated sellers have too."""
        ends = survivals(self.first, self.last, self.begun_with, float(self.last.max()))
        return quarters(self.rows, FIRST_WHOLE, LAST_WHOLE) | ends

    def of(self, who: npt.NDArray[np.int64]) -> Sellers:
        """The sellers at some places, who may be named more than once."""
        seller = self.rows["seller"].to_numpy()
        order = np.argsort(seller, kind="stable")
        starts = np.searchsorted(seller[order], np.arange(self.first.size + 1))
        picked = [order[starts[one] : starts[one + 1]] for one in who]
        table = self.rows.iloc[np.concatenate(picked)].copy()
        table["seller"] = np.repeat(np.arange(who.size), [one.size for one in picked])
        return Sellers(table.reset_index(drop=True), self.first[who], self.last[who], self.begun_with[who])


def sellers() -> Sellers:
    """The sellers of the marketplace."""
    import pandas as pd

    table = pd.read_parquet(SELLERS)
    period = pd.PeriodIndex(table["order_quarter"], freq="Q")
    code = np.unique(table["seller_id"], return_inverse=True)[1]
    rows = pd.DataFrame(
        {
            "seller": code,
            "quarter": period.year * 4 + period.quarter - 1,
            "orders": table["total_orders"],
            "active_days": table["active_days_count"],
            "active_months": table["active_months_count"],
            "tenure": table["tenure_months"],
            "days": (period.end_time.normalize() - period.start_time).days + 1,
            "sales": table["monetary"],
        }
    )
    ends = (period.end_time.normalize() - pd.Timestamp(0)).days.to_numpy().astype(np.float64)
    by_seller = pd.Series(ends - 30.0 * rows["tenure"].to_numpy()).groupby(code)
    last = pd.Series(ends - table["recency_days"].to_numpy()).groupby(code).max()
    begun = rows.sort_values("quarter").groupby("seller")["orders"].first()
    return Sellers(rows, by_seller.min().to_numpy(), last.to_numpy(), begun.to_numpy(np.float64))


def single_orders() -> Orders:
    """The sample of single orders of the marketplace: times, and reviews to weigh by."""
    import pandas as pd

    table = pd.read_parquet(ORDERS)

    def days(name: str) -> Any:
        return ((table[name] - pd.Timestamp(0)).dt.total_seconds() / 86_400.0).to_numpy()

    return Orders(
        ordered=days("order_purchase_timestamp"),
        delivered=days("order_delivered_customer_date"),
        review=table["review_score"].to_numpy(np.float64),
    )


def order_figures(given: Orders) -> dict[str, Any]:
    """Figures of single orders that simulated ones have too: lags, what is open, weekdays."""
    found = orders(given, **WEEKDAYS) | reweighted(given, REVIEWS)
    kept = (
        "purchase_to_delivery_days",
        "in_transit_receivable_age_days_steady_state",
        "survival_of_open_order_by_day",
        "weekday_index_mon_sun",
    )
    return {name: found[name] for name in kept}


def some_orders(given: Orders, who: npt.NDArray[np.int64]) -> Orders:
    """The orders at some places."""
    kept = {name: getattr(given, name) for name in ("ordered", "delivered", "review")}
    return Orders(**{name: value[who] for name, value in kept.items()})


def lived(plan: Mapping[str, Any], n: int, start: str, n_days: int, seed: int) -> ShopDays:
    """What simulated merchants sell without a lender, laid out as real shops are."""
    whole = {**plan, "calendar.start": start, "calendar.days": n_days, "merchants.number": n, "lenders": {}}
    whole |= {f"events.{name}": None for name in load(BASE).events}
    market = Market(load(BASE, whole), rng=seed)
    try:
        return sold_by_day(market, np.arange(market.merchants.n)).of_sellers()
    finally:
        market.dispose()


def samples(n: int, times: int) -> Iterator[npt.NDArray[np.int64]]:
    """Resamples of n of n, for the noise of the data."""
    from sim.study.fit.resample import resamples

    return resamples(n, times, 7)


def noise_of(rows: list[dict[str, float]]) -> dict[str, float]:
    """Standard deviation of each figure over resamples; NaN where fewer than nine in ten have it."""
    names = {name for row in rows for name in row}
    values = {name: np.array([row.get(name, np.nan) for row in rows]) for name in names}
    return {
        name: float(np.nanstd(one, ddof=1)) if np.isfinite(one).mean() >= 0.9 else float("nan")
        for name, one in values.items()
    }
