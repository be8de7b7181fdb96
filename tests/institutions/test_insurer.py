"""The credit insurer: claims on write-offs, and its share of recoveries until it has back what it paid."""

from __future__ import annotations

import mesa
from hypothesis import given
from hypothesis import strategies as st

from sim.institutions.insurer import Insurer


def test_a_loss_and_what_comes_back_of_it() -> None:
    """By hand: 80 % of 1,001 fen is 800.8, half up 801; of 500 recovered 400 are the insurer's."""
    insurer = Insurer(mesa.Model(rng=1))
    assert insurer.settle("ali", "annuity", 0.8, 1_001, 0) == (801, 0)
    assert insurer.settle("ali", "annuity", 0.8, 0, 500) == (0, 400)
    assert insurer.settle("ali", "annuity", 0.8, 0, 501) == (0, 401)
    assert insurer.settle("ali", "annuity", 0.8, 0, 10_000) == (0, 0)  # of losses before the cover: it has all back


def test_lenders_and_products_have_policies_of_their_own() -> None:
    insurer = Insurer(mesa.Model(rng=1))
    insurer.settle("ali", "annuity", 1.0, 100, 0)
    assert insurer.settle("rival", "annuity", 1.0, 0, 100) == (0, 0)
    assert insurer.settle("ali", "order_loan", 1.0, 0, 100) == (0, 0)


def test_a_new_cover_holds_for_what_is_lost_from_then_on() -> None:
    insurer = Insurer(mesa.Model(rng=1))
    assert insurer.settle("ali", "annuity", 1.0, 1_000, 0) == (1_000, 0)
    assert insurer.settle("ali", "annuity", 0.5, 1_000, 0) == (500, 0)


@given(cover=st.integers(0, 100), losses=st.lists(st.integers(0, 999), max_size=40))
def test_many_small_claims_are_one_large_claim(cover: int, losses: list[int]) -> None:
    insurer = Insurer(mesa.Model(rng=1))
    claims = [insurer.settle("ali", "annuity", cover / 100, fen, 0)[0] for fen in losses]
    assert min(claims, default=0) >= 0
    assert sum(claims) == (sum(losses) * cover * 2 + 100) // 200
