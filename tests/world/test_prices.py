"""Prices of young shops."""

from __future__ import annotations

import numpy as np
import pytest

from sim.world.prices import entrant_cut, price_response, price_today

F = np.float32


@pytest.mark.parametrize(
    ("age", "margin", "cut"),
    [(0, 0.3, 0.08), (90, 0.3, 0.04), (180, 0.3, 0.0), (2000, 0.3, 0.0), (0, 0.1, 0.05), (90, 0.1, 0.04)],
)
def test_a_young_shop_is_cheaper_and_keeps_half_its_margin(age: float, margin: float, cut: float) -> None:
    assert entrant_cut(F(age), F(margin), F(0.08), F(180)) == pytest.approx(cut, abs=1e-7)


def test_a_lower_price_sells_more_orders_for_less_revenue() -> None:
    """B.4 V53: below an elasticity of one, volume rises and revenue falls; above it both rise."""
    for cut in (0.02, 0.08, 0.2):
        orders = float(price_response(F(cut), F(0.8)))
        assert orders == pytest.approx(1.0 + 0.8 * cut)
        assert orders > 1.0 > orders * (1.0 - cut)
        assert float(price_response(F(cut), F(2.0))) * (1.0 - cut) > 1.0


@pytest.mark.parametrize(("value", "cut", "price"), [(18_000, 0.0, 18_000), (18_001, 0.1, 16_200), (999, 0.5, 499)])
def test_prices_are_whole_fen(value: int, cut: float, price: int) -> None:
    assert price_today(F(value), F(cut)) == price
