"""Leaving the market: who is likely to, and that nothing vanishes when a shop winds down, closes and comes back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from sim.core.kernels import kernel
from sim.core.merchants import CLOSED, CLOSING, OPEN, WAITING, Merchants
from sim.world.exits import (
    BACK_AFTER,
    SALES_A_DAY,
    close_shops,
    comes_back,
    exit_hazard,
    most_hazard,
    reopen_shops,
    sells_off,
    wind_down,
)
from sim.world.parameters import MerchantParameters

F = np.float32
TODAY = 4500
P = MerchantParameters()


@kernel
def _each_hazard(orders, age, hazard, exponent, youth, arrears, ruin, ruin_hazard, out):
    for j in range(orders.size):
        out[j] = exit_hazard(orders[j], age[j], hazard, exponent, youth, arrears[j], ruin, ruin_hazard)


def hazards(orders: Any, age: Any = 1e9, arrears: Any = 0.0, **changed: float) -> npt.NDArray[np.float64]:
    """Daily chances to leave, with the default parameters and a ruin at 1,000 fen."""
    given = {"hazard": P.exits.hazard, "exponent": P.exits.orders_exponent, "youth": P.exits.youth, **changed}
    columns = [np.array(column, F) for column in np.broadcast_arrays(orders, age, arrears)]
    columns = [np.atleast_1d(column) for column in columns]
    out = np.empty(columns[0].size)
    _each_hazard(
        columns[0], columns[1], F(given["hazard"]), F(given["exponent"]), F(given["youth"]), columns[2],
        F(1000.0), F(P.exits.ruin_hazard), out,
    )  # fmt: skip
    return out


def shops(n: int = 6, **columns: Any) -> Merchants:
    """Open shops with an order value of 200 yuan and a margin of 25 %: goods cost 150 yuan an order."""
    m = Merchants(n, 1)
    m.merchant_id[:] = np.arange(1, n + 1) * 11
    m.status[:] = OPEN
    m.order_value[:] = 20_000.0
    m.margin[:] = 0.25
    for name, values in columns.items():
        getattr(m, name)[:] = values
    return m


def sell_off(m: Merchants) -> tuple[int, npt.NDArray[Any]]:
    """One day of winding down, for those that do."""
    rows = [row for row in range(m.n) if sells_off.py_func(m.status[row], m.stock[row])]
    return wind_down(m, np.array(rows, np.intp), P)


ALL = np.arange(6)


# ------------------------------------------------------------------------------------------------- the hazard


def test_the_hazard_follows_its_formula() -> None:
    found = hazards([0.0, 0.5, 2.0], [0, 365, 2000])
    for value, orders, age in zip(found, (0.0, 0.5, 2.0), (0, 365, 2000), strict=True):
        thin = P.exits.hazard * (91 * orders + 1) ** -P.exits.orders_exponent
        assert value == pytest.approx(thin * (1 + P.exits.youth * 180 / (180 + age)), rel=1e-5)


def test_the_hazard_falls_with_orders_and_with_age() -> None:
    orders = np.concatenate([[0.0], np.geomspace(1e-3, 1e4, 200)])
    assert (np.diff(hazards(orders)) < 0).all()
    assert (np.diff(hazards(1.0, np.arange(0, 6000, 10))) < 0).all()
    assert hazards(1.0, 0)[0] == pytest.approx((1 + P.exits.youth) * hazards(1.0)[0], rel=1e-5)
    assert (hazards(orders, youth=0.0) == hazards(orders, 0, youth=0.0)).all()


@pytest.mark.parametrize(("orders", "silent"), [(1, 0.49), (4, 0.22), (8, 0.11), (15, 0.04), (35, 0.03)])
def test_chances_over_a_quarter_are_near_those_of_real_shops(orders: float, silent: float) -> None:
    """Shops silent in the next quarter by orders in this one; one power of orders meets all five within a factor 2."""
    left = 1.0 - (1.0 - hazards((orders - 1) / 91)[0]) ** 91
    assert silent / 2 < left < 2 * silent


def test_ruin_makes_leaving_likely() -> None:
    before, at, after = hazards(5.0, arrears=[0.0, 1000.0, 1001.0])
    assert before == at
    assert after - at == pytest.approx(P.exits.ruin_hazard, rel=1e-5)


def test_the_bound_on_the_hazard_holds_for_any_orders_and_age() -> None:
    orders, age = (grid.ravel() for grid in np.meshgrid(np.geomspace(1e-6, 1e4, 60), np.geomspace(0.1, 1e4, 60)))
    bound = most_hazard.py_func(F(P.exits.hazard), F(P.exits.youth))
    found = hazards(np.append(orders, 0.0), np.append(age, 0.0))
    assert 0.99 * bound < found.max() <= bound


def test_hazards_are_chances() -> None:
    extreme = hazards([0.0, 1e6], 0, [1e9, 0], hazard=0.5, youth=0.0)
    assert (extreme >= 0).all()
    assert (extreme <= 1).all()


# -------------------------------------------------------------------------------------------- closing, coming back


def test_leavers_begin_to_wind_down_today() -> None:
    m = shops()
    close_shops(m, np.array([1, 4]), P, 3, TODAY)
    assert m.status.tolist() == [OPEN, CLOSING, OPEN, OPEN, CLOSING, OPEN]
    assert m.closed_day.tolist() == [0, TODAY, 0, 0, TODAY, 0]
    assert not m.reopen_day[[0, 2, 3, 5]].any()


@pytest.mark.parametrize("away", [120, 300])
def test_a_share_comes_back_within_months(away: int) -> None:
    m, p = shops(20_000), P.model_copy(update={"exits": P.exits.model_copy(update={"away": away})})
    close_shops(m, np.arange(m.n), p, 3, TODAY)
    share = (m.reopen_day > 0).mean()
    assert share == pytest.approx(P.exits.returns, abs=5 * math.sqrt(P.exits.returns / m.n))
    wait = m.reopen_day[m.reopen_day > 0] - TODAY
    low, high = BACK_AFTER, away
    assert low <= wait.min()
    assert wait.max() < high
    even = np.bincount((wait - low) * 9 // (high - low), minlength=9)
    assert even.size == 9
    assert stats.chisquare(even).pvalue > 1e-6


def test_whether_one_comes_back_does_not_depend_on_who_leaves() -> None:
    crowd, few = shops(200), shops(200)
    some = np.arange(199, 0, -3)
    close_shops(crowd, np.arange(200), P, 3, TODAY)
    close_shops(few, some, P, 3, TODAY)
    assert np.array_equal(few.reopen_day[some], crowd.reopen_day[some])
    assert 0 < np.count_nonzero(few.reopen_day) < some.size


def test_a_shop_comes_back_on_its_day_with_what_it_has() -> None:
    m = shops(status=[OPEN, CLOSED, CLOSED, CLOSING, CLOSED, WAITING], wallet=77.0)
    m.reopen_day[:] = [0, TODAY, TODAY + 1, TODAY, 0, 0]
    rows = [row for row in range(m.n) if comes_back.py_func(m.status[row], m.reopen_day[row], TODAY)]
    assert rows == [1, 3]
    reopen_shops(m, np.array(rows))
    assert m.status.tolist() == [OPEN, OPEN, CLOSED, OPEN, CLOSED, WAITING]
    assert m.reopen_day.tolist() == [0, 0, TODAY + 1, 0, 0, 0]
    assert (m.wallet == 77.0).all()
    assert not any(comes_back.py_func(m.status[row], m.reopen_day[row], TODAY) for row in range(m.n))


# --------------------------------------------------------------------------------------------- winding down


def test_a_day_of_winding_down_sells_a_tenth_at_half_its_cost() -> None:
    m = shops(stock=100.0, wallet=5.0)
    m.on_order[0], m.on_order[1] = 30.0, 10.0
    close_shops(m, np.array([2]), P, 3, TODAY)
    money, closed = sell_off(m)
    sold = 140.0 * SALES_A_DAY
    assert money == math.floor(sold * 15_000 * P.cash.salvage)
    assert m.wallet.tolist() == [5.0, 5.0, 5.0 + money, 5.0, 5.0, 5.0]
    assert m.stock.tolist() == [100.0, 100.0, pytest.approx(140.0 - sold), 100.0, 100.0, 100.0]
    assert m.on_order[:, 2].sum() == 0.0
    assert m.on_order[:, 3].sum() == 40.0
    assert closed.size == 0


def test_the_books_get_what_the_wallets_got_and_shops_close_empty() -> None:
    """Until the last shop is closed: booked money equals money in wallets, to the fen, every day."""
    rng = np.random.Generator(np.random.Philox(4))
    m = shops(50, stock=rng.uniform(0, 3000, 50), order_value=np.rint(rng.uniform(500, 90_000, 50)))
    m.margin[:] = rng.uniform(0.05, 0.9, 50)
    m.on_order[:] = rng.uniform(0, 50, (2, 50))
    worth = (m.stock + m.on_order.sum(axis=0)) * m.order_value.astype(float) * (1.0 - m.margin) * P.cash.salvage
    close_shops(m, np.arange(50), P, 3, TODAY)
    days, received = 0, 0
    while (m.status != CLOSED).any():
        before = int(m.wallet.sum())
        stock = m.stock.copy()
        money, closed = sell_off(m)
        assert money == int(m.wallet.sum()) - before
        assert (m.stock <= stock).all()
        assert (m.stock >= 0).all()
        assert (m.status[closed] == CLOSED).all()
        received, days = received + money, days + 1
        assert days < 120
    assert not m.stock.any()
    assert not m.on_order.any()
    assert (m.wallet == np.floor(m.wallet)).all()
    assert np.allclose(m.wallet, worth, atol=days + 1, rtol=1e-4)  # a fraction of a fen a day is rounded away
    assert received == m.wallet.sum()
    assert sell_off(m) == (0, pytest.approx([]))


def test_a_shop_stays_while_orders_are_under_way() -> None:
    m = shops(status=[CLOSING] * 6)
    m.shipped[3, 1] = 1.0
    money, closed = sell_off(m)
    assert (money, closed.tolist()) == (0, [0, 2, 3, 4, 5])
    assert m.status[1] == CLOSING
    m.shipped[:] = 0.0
    assert sell_off(m)[1].tolist() == [1]


def test_what_is_owed_stays_owed() -> None:
    m = shops(status=[CLOSING] * 6, outside_debt=500.0, arrears=30.0, stock=0.5)
    sell_off(m)
    assert (m.status == CLOSED).all()
    assert (m.outside_debt == 500.0).all()
    assert (m.arrears == 30.0).all()


def test_shops_that_trade_or_wait_do_not_sell_off() -> None:
    m = shops(status=[OPEN, WAITING, OPEN, OPEN, WAITING, OPEN], stock=10.0)
    money, closed = sell_off(m)
    assert (money, closed.size) == (0, 0)
    assert (m.stock == 10.0).all()


def test_goods_that_come_back_to_a_closed_shop_are_sold() -> None:
    m = shops(status=CLOSED, stock=0.7)
    sell_off(m)
    assert not m.stock.any()
