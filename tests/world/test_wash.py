"""Fake orders: a habit of sales, as far as the money goes; whole fen."""

from __future__ import annotations

import numpy as np
import pytest

from sim.core.merchants import Merchants
from sim.world.decisions import Washing
from sim.world.wash import FEE, TIED_UP, faked_value, faking_cost, lie_low, next_wash_level, wash_steps

F = np.float32


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


@pytest.mark.parametrize(
    ("level", "is_short", "after"),
    [
        (100, False, 100),
        (100, True, 107),
        (197, True, 200),
        (200, True, 200),
        (150, False, 148),
        (101, False, 100),
        (0, True, 2),  # who was found out lies low, whatever it needs
        (0, False, 2),
        (99, True, 100),
    ],
)
def test_a_night_of_a_washer(level: int, is_short: bool, after: int) -> None:
    assert next_wash_level(F(level), is_short, F(200), F(7), F(2)) == after


def test_steps_of_a_washer() -> None:
    assert wash_steps(Washing(chase=2.0, chase_days="14 days", quiet_days="90 days")) == (200, 7, 1)
    assert wash_steps(Washing(chase=1.0, chase_days="1 day", quiet_days="1 day")) == (100, 1, 100)


def test_who_is_found_out_stops_and_its_neighbours_fake_less() -> None:
    m = Merchants(5, 0)
    m.category[:], m.region[:] = [1, 1, 1, 2, 1], [3, 3, 4, 3, 3]
    m.wash[:], m.wash_level[:] = [0.1, 0.1, 0.1, 0.1, 0.0], 150
    lie_low(m, np.array([0]), Washing(heard=0.4))
    assert m.wash_level.tolist() == [0, 60, 150, 150, 150]
    lie_low(m, np.zeros(0, np.int64), Washing())
    assert m.wash_level.tolist() == [0, 60, 150, 150, 150]
