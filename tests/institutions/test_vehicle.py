"""The waterfall of securities on paper, and the part of a day's flows that a pool has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import mesa
import pytest

from sim.institutions.vehicle import Payments, Pool, Vehicle, price, waterfall


def pool(principal: int, senior: int = 900, **more: Any) -> Pool:
    """A pool of 1,000 fen, 100 of them junior."""
    given = dict(
        number=1, holder="securities 1 of ali", ends=100, nominal=1_000, junior=100, senior=senior, ppm_year=60_000,
        days_in_year=365, stop_at=950, products=(), loans={"order_loan": principal},
    )  # fmt: skip
    return Pool(**(given | more))


# What it holds, its money, interest owed, what the lender has for sale with interest accrued on it; the payments.
REVOLVING = {
    "a quiet day": (800, 200, 10, 5_000, 0, Payments(10, 190, 0, 0)),
    "interest comes first": (990, 6, 10, 5_000, 0, Payments(6, 0, 0, 0)),
    "what is beyond the nominal is the junior piece's": (900, 150, 10, 5_000, 0, Payments(10, 100, 0, 40)),
    "a loss is made good before the junior piece is paid": (700, 240, 10, 5_000, 0, Payments(10, 230, 0, 0)),
    "the lender has little to sell": (600, 500, 10, 50, 0, Payments(10, 50, 0, 90)),
    "interest accrued is paid for": (890, 121, 10, 1_000, 10, Payments(10, 109, 0, 0)),
    "nothing for sale": (600, 300, 0, 0, 0, Payments(0, 0, 0, 0)),
}


@pytest.mark.parametrize("case", REVOLVING)
def test_the_waterfall_while_a_pool_revolves(case: str) -> None:
    principal, money, owed, for_sale, accrued, expected = REVOLVING[case]
    paid = waterfall(pool(principal), money, owed, for_sale, accrued)
    assert paid == expected
    cost = price(paid.bought, for_sale, accrued)
    assert paid.interest + cost + paid.senior + paid.junior <= money


AMORTISING = {
    "interest, then the senior piece": (500, 300, 10, 900, Payments(10, 0, 290, 0)),
    "no more than it is owed": (500, 950, 10, 900, Payments(10, 0, 900, 0)),
    "too little for interest": (500, 4, 10, 900, Payments(4, 0, 0, 0)),
}


@pytest.mark.parametrize("case", AMORTISING)
def test_the_waterfall_afterwards(case: str) -> None:
    """The junior piece is paid out of what is left when the pool ends, and not before."""
    principal, money, owed, senior, expected = AMORTISING[case]
    assert waterfall(pool(principal, senior, is_revolving=False), money, owed, 5_000, 0) == expected


def test_a_pools_part_of_a_day() -> None:
    """By hand: it holds 300 of 1,000 fen; of 101 paid and 33 lost 40.2 leave it, 9.9 of them lost, rounded down."""
    one = pool(300)
    flows = {"principal_paid": 101, "written_off": 33, "interest_paid": 9, "refunded": 5, "earned": -7}
    part = one.part_of("order_loan", flows, 1_000)
    assert part == {"principal_paid": 31, "written_off": 9, "interest_paid": 2, "refunded": 0, "earned": -3}
    assert one.loans == {"order_loan": 260}
    assert one.part_of("annuity", flows, 1_000) == dict.fromkeys(flows, 0)


@pytest.mark.parametrize(("paid", "lost"), [(1_000, 0), (0, 1_000), (667, 333), (1, 999)])
def test_nothing_is_left_when_all_is_paid_or_lost(paid: int, lost: int) -> None:
    one = pool(301)
    part = one.part_of("order_loan", {"principal_paid": paid, "written_off": lost}, 1_000)
    assert one.principal == 0
    assert part["principal_paid"] + part["written_off"] == 301
    assert 0 <= part["principal_paid"] <= paid
    assert 0 <= part["written_off"] <= lost


def test_a_new_pool_has_the_terms_of_its_day() -> None:
    rate = SimpleNamespace(ppm_year=60_000, days_in_year=365)
    terms = SimpleNamespace(size=1_001, junior=0.1, revolving=30, rate=rate, stop=0.25, products=("annuity",))
    vehicle = Vehicle(mesa.Model(rng=1), "ali")
    one = vehicle.new_pool(terms, today=500)
    assert (one.senior, one.junior, one.ends, one.stop_at) == (901, 100, 530, 901 + 75)
    assert vehicle.new_pool(terms, today=501).holder == "securities 2 of ali"
    assert vehicle.senior == 1_802
    again = Vehicle(mesa.Model(rng=1), "ali")
    again.restore(vehicle.state())
    assert again.pools == vehicle.pools
