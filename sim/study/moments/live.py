"""The shop-days of a run: its days lived again from its own scenario and seed, which gives the same to the bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.errors import StoreError
from sim.results.run import Run
from sim.study.moments.describe import Figures, Floats
from sim.study.moments.inputs import Given
from sim.study.moments.lags import OPEN_AT, open_orders, weighted_quantile
from sim.study.moments.shop_days import ShopDays

if TYPE_CHECKING:
    from sim.engine.market import Market

MERCHANTS = 2_000  # merchants looked at, evenly spread over the rows, where there are more
FAR = 1_000  # days at which the law of confirmation is cut off


@dataclass(frozen=True)
class Sold:
    """What some merchants of a market sold by day: orders and yuan (days, merchants), value of one order, trade.

    Orders are counted at the usual value of one: ten at nine tenths of the price are nine.
    """

    first: date
    orders: Floats
    yuan: Floats
    value: Floats
    category: npt.NDArray[Any]

    def of_sellers(self, is_recorded: npt.NDArray[np.bool_] | None = None) -> ShopDays:
        """The shops that sold anything; days that are not recorded, (days,), are taken out as missing."""
        orders = self.orders if is_recorded is None else self.orders * is_recorded[:, None]
        sells = (orders > 0).any(0)
        yuan = self.yuan if is_recorded is None else self.yuan * is_recorded[:, None]
        return ShopDays(self.first, orders[:, sells], self.value[sells], yuan[:, sells], self.category[sells])


def live_again(run: Run, merchants: int = MERCHANTS) -> Given:
    """Live the days of a run again and collect what some of its merchants sell each day.

    True sales are counted: faked ones are left out, those outside the platform are in. A shop's life begins with its
    first order in the run.

    Raises
    ------
    StoreError
        If the run is in memory only, or was made by another version of the program.
    """
    from sim.engine.market import Market
    from sim.engine.rules import stage_shares
    from sim.engine.scenario import load

    if run.path is None:
        raise StoreError("a run in memory cannot be lived again; save it, or run with a folder")
    scenario = load(run.path / "scenario.yaml")
    market = Market(scenario, rng=int(run.manifest["seed"]))
    try:
        m = market.merchants
        rows = np.unique(np.linspace(0, m.n - 1, min(merchants, m.n)).round().astype(np.int64))
        orders = sold_by_day(market, rows)
        sold, returns = m.sales_total[rows].copy(), m.return_rate[rows].astype(np.float64)
        ids, shares = m.merchant_id[rows].copy(), stage_shares(scenario.merchants)
    finally:
        market.dispose()
    _check(run, ids, sold)
    if not (orders.orders > 0).any():
        raise StoreError(f"{run.path}: no merchant of this run sells anything")
    days = orders.of_sellers()
    known: Figures = confirmation(shares) | {"returned_share": float((returns * sold).sum() / sold.sum())}
    notes = (
        f"{days.n_shops:,} merchants with orders, of {ids.size:,} looked at, of {m.n:,} in the run",
        "lags are the market's own law of confirmation, and returned_share the merchants' own share, by sales",
    )
    return Given(days, known=known, notes=notes)


def sold_by_day(market: Market, rows: npt.NDArray[np.int64]) -> Sold:
    """Live the days of a market that has not begun, and count what the merchants of ``rows`` sell on each.

    True sales are counted: faked ones are left out, those outside the platform are in.
    """
    m = market.merchants
    totals = [m.sales_total[rows].copy()]
    while market.running:
        market.step()
        totals.append(m.sales_total[rows].copy())
    value = m.order_value[rows].astype(np.float64)
    sold = np.diff(np.array(totals), axis=0)
    return Sold(
        market.calendar[0].date,
        np.rint(sold / _values(market, rows)),
        sold / 100.0,
        value / 100.0,
        np.array(list(market.plan_of_run.merchants.categories))[m.category[rows]],
    )


def _values(market: Market, rows: npt.NDArray[np.int64]) -> Floats:
    """Fen that an order of each merchant of ``rows`` brought on each day, at its usual price, (days, merchants)."""
    from sim.core import draws
    from sim.engine.day.shopfront import vary_values

    m, noise = market.merchants, np.float32(market.plan_of_run.merchants.trade.order_value_noise)
    usual = m.order_value[rows]
    if noise == 0.0 or market.replay is not None:
        return usual[None, :].astype(np.float64)
    ids, base, bits = m.merchant_id[rows], m.base_orders[rows], np.empty((2, rows.size), np.uint32)
    found = np.empty((len(market.calendar), rows.size))
    for day, row in zip(market.calendar, found, strict=True):
        price, key = usual.copy(), draws.day_key(market.seed_number, "sales.value", day.number)
        vary_values(key, noise, ids, base, price, bits[0], bits[1])
        row[:] = price
    return found


def _check(run: Run, ids: npt.NDArray[np.int32], sold: Floats) -> None:
    """Refuse a run that another version made: its merchants would have sold otherwise."""
    table = run.table("merchants", ["merchant_id", "sales_fen"])
    kept = dict(zip(table["merchant_id"].to_pylist(), table["sales_fen"].to_pylist(), strict=True))
    if any(kept.get(int(key)) != int(fen) for key, fen in zip(ids, sold, strict=True)):
        raise StoreError(f"{run.path}: lived again, its shops sell otherwise; another version of lendsim made this run")


def confirmation(shares: Sequence[float]) -> Figures:
    """Days from shipping to confirmation where an order passes stages, each left with its chance a day.

    A stage takes k days, k = 1, 2, ..., with the chance share (1 - share)^(k - 1); the stages' days add up.
    """
    lag, weight = np.arange(FAR, dtype=np.float64), np.ones(1)
    for share in shares:
        stage = np.where(lag > 0, share * (1.0 - share) ** np.maximum(lag - 1.0, 0.0), 0.0)
        weight = np.convolve(weight, stage)[:FAR]
    lag, weight = lag[len(shares) :], weight[len(shares) :] / weight.sum()
    mean = float((weight * lag).sum())
    described: Figures = {"n": None, "mean": mean, "sd": float(np.sqrt((weight * (lag - mean) ** 2).sum()))}
    described |= {f"p{q}": weighted_quantile(lag, weight, q / 100) for q in (5, 10, 25, 50, 75, 90, 95, 99)}
    return {
        "purchase_to_delivery_days": described,
        **open_orders(lag, weight),
        "survival_of_open_order_by_day": {str(day): float(weight[lag > day].sum()) for day in OPEN_AT},
    }
