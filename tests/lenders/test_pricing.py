"""Prices: list, by tier, by expected loss; and approval, which asks for none of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sample_views import LINE, ORDER_LOAN, YUAN, a_context, ask

from sim.lenders.policy import Product

BANK_LOAN = Product("fixed_loan", 180_000, 360, 360)
OPEN = {"lowest": "0 %/year", "highest": "900 %/year"}


def price(policy: str, given: dict[str, Any] | None = None, *products: Product, **columns: Any) -> list[int]:
    shown = {"score": 0.95, "limit_fen": 100_000 * YUAN} | columns
    return [int(one) for one in ask("pricing", policy, a_context(*products), given=given, **shown).values[0]]


def test_flat_is_the_list_price() -> None:
    assert price("flat") == [182_500, 219_000]
    assert price("flat", None, BANK_LOAN) == [180_000]


@pytest.mark.parametrize(
    ("score", "factor"), [(0.0, 1.2), (0.79, 1.2), (0.8, 1.1), (0.9, 1.0), (0.97, 0.9), (1.0, 0.9)]
)
def test_tiers_are_a_factor_on_the_list_price(score: float, factor: float) -> None:
    for found, listed in zip(price("tiers", score=score), (182_500, 219_000), strict=True):
        assert found % 3_650 == 0  # whole thousandths of a per cent a day
        assert abs(found - listed * factor) <= 3_650 / 2


def test_a_score_below_the_tiers_pays_the_dearest_of_them() -> None:
    assert price("tiers", {"score_from": [0.5, 0.9], "factor": [2.0, 1.0]}, score=0.1) == [365_000, 438_000]


def test_the_break_even_rate_is_that_of_the_facts() -> None:
    """Facts C.9, written out for one loan: p of a year, lives a third of 30 days, costs 2 yuan on 7,650."""
    life, horizon = 0.33 * 30, 365
    p = 0.05 * life / horizon
    rate_day = (p * 0.6 / life + 0.07 / 365 + 2 / (7_650 * life)) / (1 - p)
    expected = rate_day * 365 * 1e6 + 60_000
    assert price("risk_based", OPEN, ORDER_LOAN)[0] == pytest.approx(expected, abs=3_650 / 2)


def test_a_loan_at_break_even_earns_nothing() -> None:
    """Money in, money out: at the price without a margin the expected profit of one loan is zero (facts C.9)."""
    given = OPEN | {"margin": "0 %/year", "life_share": 1}
    (ppm,) = price("risk_based", given, LINE, score=0.8)
    p, days, loan = 0.2 * 180 / 365, 180, 7_650.0
    daily = ppm / 1e6 / 365
    profit = (1 - p) * loan * daily * days - p * 0.6 * loan - loan * 0.07 / 365 * days - 2
    assert abs(profit) < loan * days * 0.00001  # the price is told in thousandths of a per cent a day


def test_risk_small_tickets_and_short_terms_cost_more() -> None:
    assert price("risk_based", OPEN, score=0.5) > price("risk_based", OPEN, score=0.99)
    assert price("risk_based", OPEN, limit_fen=500 * YUAN) > price("risk_based", OPEN, limit_fen=5_000 * YUAN)
    short, long = price("risk_based", OPEN, limit_fen=500 * YUAN)
    assert short > long  # 2 yuan over ten days or over sixty


def test_the_price_stays_within_its_bounds() -> None:
    assert price("risk_based", score=0.0, limit_fen=0) == [219_000, 219_000]
    assert price("risk_based", {"margin": "0 %/year", "lowest": "15 %/year"}, score=1.0) == [150_000, 150_000]
    assert price("risk_based", {"highest": "20 %/year"}, score=0.0) == [200_000, 200_000]  # never rounded above


def test_a_day_of_a_360_year_costs_a_360th() -> None:
    assert price("tiers", {"score_from": [0.0], "factor": [1.0]}, BANK_LOAN) == [180_000]
    assert price("risk_based", OPEN, BANK_LOAN)[0] % 3_600 == 0


def test_prices_never_leave_what_a_rate_can_be() -> None:
    dear = Product("order_loan", 90_000_000, 365, 30)
    assert price("tiers", {"score_from": [0.0], "factor": [10.0]}, dear) == [100_000_000]


def test_automatic_approves_everybody() -> None:
    answer = ask("approval", "automatic", n=4, score=[0.0, 0.5, 0.9, 1.0])
    assert answer.values.dtype == np.bool_
    assert answer.values.all()
