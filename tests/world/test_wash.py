"""Fake orders: a habit of sales, as far as the money goes; whole fen."""

from __future__ import annotations

import pytest

from sim.world.wash import FEE, TIED_UP, faked_value, faking_cost


@pytest.mark.parametrize(
    ("wash", "sales", "wallet", "live", "faked"),
    [
        (0.04, 100_000.0, 1e7, 1.0, 4_000), (0.04, 100_019.0, 1e7, 1.0, 4_000), (0.0, 100_000.0, 1e7, 1.0, 0),
        (0.5, 100_000.0, 1_000.0, 1.0, 1_000 * TIED_UP), (0.5, 100_000.0, 0.0, 1.0, 0),
        (0.5, 100_000.0, -500.0, 1.0, 0), (0.04, 100_000.0, 1e7, 0.0, 0),
    ],
)  # fmt: skip
def test_faked_orders_follow_habit_and_money(
    wash: float, sales: float, wallet: float, live: float, faked: float
) -> None:
    assert faked_value.py_func(wash, sales, wallet, live) == faked


def test_faking_costs_a_fee_that_the_wallet_can_pay() -> None:
    assert faking_cost.py_func(10_000) == 10_000 * FEE
    assert faking_cost.py_func(49) == 0
    for wallet in (0.0, 1.0, 99.0, 1e6):
        fake = faked_value.py_func(1.0, 1e9, wallet, 1.0)
        assert fake + faking_cost.py_func(fake) <= wallet
