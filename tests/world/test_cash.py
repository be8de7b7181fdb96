"""Rules of the wallet on worked cases. Money is fen; whatever moves is whole, and never more than there is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.world.cash import (
    kept_back,
    outside_draw,
    outside_repayment,
    owner_draw,
    spent_on_stock,
    stock_target,
    unit_cost,
)

F = np.float32
MONEY = st.floats(-1e9, 1e12)
SHARE = st.floats(0.0, 1.0)


def test_goods_cost_what_the_margin_leaves() -> None:
    assert unit_cost.py_func(F(20_000), F(0.25)) == 15_000


@pytest.mark.parametrize(
    ("ahead", "fit", "promotion", "target"),
    [(1.0, 1.0, 0.0, 60.0), (1.5, 1.0, 0.0, 90.0), (1.0, 1.0, 5.4, 73.5), (1.0, 2.0, 5.4, 87.0), (1.0, 0.0, 5.4, 60.0)],
)
def test_the_stock_target_covers_lead_time_cover_and_promotions(
    ahead: float, fit: float, promotion: float, target: float
) -> None:
    """2.5 orders a day over 8 + 16 days; a lift of 6.4 adds 5.4 days of sales."""
    found = stock_target.py_func(F(2.5), F(8), F(16), F(ahead), F(fit), F(promotion))
    assert found == pytest.approx(target, rel=1e-6)


def test_some_days_of_cost_and_debts_that_fall_due_are_kept_back() -> None:
    assert kept_back.py_func(5.0, 2_000.0, 70_000.0) == 80_000.0


@pytest.mark.parametrize(
    ("need", "wallet", "reserve", "spent"),
    [
        (500.7, 9_000.0, 1_000.0, 500), (9_000.0, 5_000.0, 1_000.0, 4_000), (9_000.0, 1_000.0, 1_000.0, 0),
        (9_000.0, 500.0, 1_000.0, 0), (0.0, 9_000.0, 0.0, 0), (0.9, 9_000.0, 0.0, 0),
    ],
)  # fmt: skip
def test_stock_is_bought_from_what_is_above_the_reserve(
    need: float, wallet: float, reserve: float, spent: float
) -> None:
    assert spent_on_stock.py_func(need, wallet, reserve) == spent


@pytest.mark.parametrize(
    ("shortage", "owed", "wants", "drawn"),
    [
        (10_000.0, 0.0, True, 500), (10_019.0, 0.0, True, 500), (10_000.0, 0.0, False, 0),
        (1e6, 0.0, True, 5_000), (1e6, 4_000.0, True, 1_000), (1e6, 5_000.0, True, 0), (1e6, 9_000.0, True, 0),
        (0.0, 0.0, True, 0), (-50.0, 0.0, True, 0),
    ],
)  # fmt: skip
def test_outside_money_covers_a_share_up_to_days_of_sales(
    shortage: float, owed: float, wants: bool, drawn: float
) -> None:
    """5 % of the shortage a day, at most 5 days of sales of 1,000 fen in all."""
    assert outside_draw.py_func(shortage, owed, 5.0, 1_000.0, 0.05, wants) == drawn


@pytest.mark.parametrize(
    ("owed", "wallet", "shortage", "paid"),
    [
        (9_000.0, 6_000.0, 0.0, 1_000), (500.0, 6_000.0, 0.0, 500), (9_000.0, 6_000.0, 1.0, 0),
        (9_000.0, 900.0, 0.0, 0), (0.0, 6_000.0, 0.0, 0), (9_000.0, 1_004.0, -3.0, 0),
    ],
)  # fmt: skip
def test_outside_money_is_paid_back_from_a_fifth_of_idle_money(
    owed: float, wallet: float, shortage: float, paid: float
) -> None:
    assert outside_repayment.py_func(owed, wallet, 1_000.0, shortage) == paid


@pytest.mark.parametrize(
    ("wallet", "worth", "patience", "drawn"),
    [
        (9_000.0, 60_000.0, 1.0, 400), (9_000.0, 54_000.0, 1.0, 200), (9_000.0, 50_000.0, 1.0, 0),
        (9_000.0, 40_000.0, 1.0, 0), (1_000.0, 60_000.0, 1.0, 0), (9_000.0, 54_000.0, 0.5, 400),
        (9_000.0, 54_000.0, 2.0, 0),
    ],
)  # fmt: skip
def test_owners_take_a_share_of_what_patience_does_not_leave(
    wallet: float, worth: float, patience: float, drawn: float
) -> None:
    """5 % a day of own capital above patience times the 50,000 needed, and of money above the reserve of 1,000."""
    assert owner_draw.py_func(wallet, 1_000.0, worth, 50_000.0, patience, 0.05) == drawn


@given(need=MONEY, wallet=MONEY, reserve=st.floats(0, 1e12), share=SHARE, debt=st.floats(0, 1e12))
def test_nobody_pays_what_is_not_there(need: float, wallet: float, reserve: float, share: float, debt: float) -> None:
    spare = max(wallet - reserve, 0.0)
    for paid, most in (
        (spent_on_stock.py_func(need, wallet, reserve), min(max(need, 0.0), spare)),
        (outside_repayment.py_func(debt, wallet, reserve, need), min(debt, spare)),
        (owner_draw.py_func(wallet, reserve, need, debt, 1.0, share), min(max(need - debt, 0.0), spare)),
        (outside_draw.py_func(need, debt, 5.0, reserve, share, True), max(min(need, 5.0 * reserve - debt), 0.0)),
    ):
        assert 0.0 <= paid <= most
        assert paid == math.floor(paid)
