"""The wish for a loan: what the money earns against its price and its bother, on worked cases."""

from __future__ import annotations

import numpy as np
import pytest

from sim.world.demand import is_worth_asking, money_worth, sale_chance

F = np.float32


@pytest.mark.parametrize(
    ("gap", "target", "chance"), [(0.0, 50.0, 0.0), (10.0, 50.0, 0.2), (50.0, 50.0, 1.0), (80.0, 50.0, 1.0)]
)
def test_the_last_units_sell_least(gap: float, target: float, chance: float) -> None:
    assert sale_chance.py_func(F(gap), F(target)) == pytest.approx(chance)


def test_a_shop_without_a_target_has_no_use_for_money() -> None:
    assert sale_chance.py_func(F(0.0), F(0.0)) == 0.0


def test_a_yuan_earns_the_markup_over_the_cash_cycle() -> None:
    """25 % margin is a markup of a third; 8 + 16 / 2 + 9 days: 1.33 % a day at best."""
    full = money_worth.py_func(F(0.25), F(1.0), F(8), F(16), F(9))
    assert full == pytest.approx(1 / 3 / 25, rel=1e-6)
    assert money_worth.py_func(F(0.25), F(0.5), F(8), F(16), F(9)) == pytest.approx(full / 2, rel=1e-6)
    assert money_worth.py_func(F(0.25), F(1.0), F(33), F(16), F(9)) == pytest.approx(full / 2, rel=1e-6)
    assert money_worth.py_func(F(0.5), F(1.0), F(8), F(16), F(9)) == pytest.approx(3 * full, rel=1e-6)


@pytest.mark.parametrize(
    ("worth", "price", "sensitivity", "amount", "bother", "asks"),
    [
        (0.002, 0.0005, 1.0, 100_000.0, 1_400.0, True),  # gains 1,500 fen in ten days
        (0.002, 0.0005, 1.0, 100_000.0, 1_600.0, False),  # the bother is more
        (0.002, 0.0005, 1.0, 50_000.0, 1_400.0, False),  # too little to be worth it
        (0.002, 0.0005, 3.5, 100_000.0, 1_400.0, False),  # fears the price
        (0.0004, 0.0005, 1.0, 1e9, 0.0, False),  # dearer than it earns
        (0.002, 0.0005, 1.0, 0.0, 0.0, False),  # nothing is missing
    ],
)
def test_a_loan_must_beat_price_and_bother(
    worth: float, price: float, sensitivity: float, amount: float, bother: float, asks: bool
) -> None:
    assert is_worth_asking.py_func(worth, price, sensitivity, amount, 10.0, bother, False) == asks


def test_in_distress_the_price_does_not_matter() -> None:
    for price in (0.0005, 0.05, 50.0):
        assert is_worth_asking.py_func(0.0, price, 5.0, 30_000.0, 10.0, 1e9, True)


def test_a_higher_price_never_makes_a_merchant_ask() -> None:
    answers = [is_worth_asking.py_func(0.002, p, 1.5, 1e5, 10.0, 500.0, False) for p in np.linspace(0, 0.003, 50)]
    assert answers == sorted(answers, reverse=True)
    assert set(answers) == {True, False}
