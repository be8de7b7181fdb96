"""Fake orders: a habit of sales, as far as the money goes; whole fen."""

from __future__ import annotations

import numpy as np
import pytest

from sim.core.merchants import Merchants
from sim.world.decisions import Washing
from sim.world.wash import FEE, TIED_UP, dress_up, faked_value, faking_cost, lie_low, next_wash_level, wash_steps

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


def fakers(n: int = 6, level: int = 100) -> Merchants:
    m = Merchants(n, 2)
    m.merchant_id[:] = np.arange(1, n + 1)
    m.wash[:], m.wash_level[:] = 0.1, level
    m.lender["is_visible"][0] = True
    return m


def levels(days: int, m: Merchants, share: float = 1.0) -> list[int]:
    p = Washing(before_review=share, review_days="10 days", chase=2.0)
    dress_up(m, np.array([days, 1]), 3, p, 100_000.0)
    return m.wash_level.tolist()


@pytest.mark.parametrize(("days", "level"), [(30, 100), (10, 100), (9, 111), (5, 155), (1, 200)])
def test_the_nearer_the_review_the_more_is_faked_for_it(days: int, level: int) -> None:
    assert levels(days, fakers(1)) == [level]  # the other lender's review is tomorrow, and it is not seen there


def test_after_the_review_it_fakes_as_usual_unless_it_is_short() -> None:
    m = fakers(2, 180)
    m.shortage[1] = 100_000.0
    assert levels(30, m) == [100, 180]


def test_who_does_not_fake_or_lies_low_takes_no_part() -> None:
    m = fakers(3)
    m.wash[0], m.wash_level[1] = 0.0, 40
    assert levels(1, m) == [100, 40, 200]


def test_only_a_share_fakes_for_reviews_and_it_is_fixed() -> None:
    assert levels(1, fakers(), 0.0) == [100] * 6
    few, many = (np.array(levels(1, fakers(4000), share)) > 100 for share in (0.2, 0.5))
    assert abs(few.mean() - 0.2) < 0.03
    assert many[few].all()


def test_the_highest_chase_fits_the_column_that_keeps_the_level() -> None:
    with pytest.raises(ValueError, match=r"to 2\.5"):
        Washing(chase=2.6)
    assert wash_steps(Washing(chase=2.5))[0] <= np.iinfo(Merchants(1, 0).wash_level.dtype).max
