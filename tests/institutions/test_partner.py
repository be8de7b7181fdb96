"""The partner bank: parts that add up to the fen, and a guarantee up to its limit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import mesa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.institutions.partner import PartnerBank


def partner(share: float = 0.3, **terms: Any) -> PartnerBank:
    given = {"share": share, "products": (), "losses": "by_share", "first_loss": 0.05} | terms
    return PartnerBank(mesa.Model(rng=1), "ali", SimpleNamespace(**given))


def test_a_third_of_three_times_one_fen() -> None:
    """By hand: 2/3 of 1, 2 and 3 fen are 0.67, 1.33 and 2, half up 1, 1 and 2; the days book what that grows by."""
    bank = partner(share=1 / 3)
    assert [bank.part_of("annuity", {"interest_paid": 1})["interest_paid"] for _ in range(3)] == [1, 0, 1]


@pytest.mark.parametrize(("products", "takes"), [((), True), (("order_loan",), True), (("annuity",), False)])
def test_it_takes_part_in_the_products_that_are_named(products: tuple[str, ...], takes: bool) -> None:
    bank = partner(products=products)
    assert bank.takes_part_in("order_loan") is takes
    assert bank.part_of("order_loan", {"paid_out": 1000})["paid_out"] == (700 if takes else 0)


DAYS = st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 5_000)), max_size=30)


@given(share=st.integers(1, 99), days=DAYS)
def test_parts_add_up_and_its_balance_is_never_less_than_nothing(share: int, days: list[tuple[int, int, int]]) -> None:
    bank, balance, held = partner(share / 100), 0, 0
    sums = dict.fromkeys(("paid_out", "principal_paid", "written_off"), 0)
    for out, paid, lost in [*days, (0, 10**9, 0)]:
        paid = min(paid, balance)
        lost = min(lost, balance - paid)
        flows = {"principal_paid": paid, "written_off": lost}
        part = bank.part_of("annuity", flows) | bank.part_of("annuity", {"paid_out": out})
        assert all(0 <= part[kind] <= whole for kind, whole in (flows | {"paid_out": out}).items())
        balance += out - paid - lost
        held += part["paid_out"] - part["principal_paid"] - part["written_off"]
        assert held == bank.balance("annuity") >= 0
        assert abs(held - balance * (100 - share) / 100) <= 1
        for kind, whole in (flows | {"paid_out": out}).items():
            sums[kind] += whole
    assert balance == held == 0
    shares = {kind: (whole * (100 - share) * 2 + 100) // 200 for kind, whole in sums.items()}
    assert bank._total("paid_out") == shares["paid_out"]


def test_the_guarantee_pays_late_and_lost_principal_up_to_its_limit() -> None:
    """By hand: the partner has 70 % of 100,000 fen; 5 % of what it paid out is 3,500 fen."""
    bank = partner(losses="first_loss")
    bank.part_of("annuity", {"paid_out": 100_000})
    assert bank.limit() == 3_500
    assert bank.call({"annuity": 0}) == 0
    assert bank.call({"annuity": 2_000}) == 1_400  # 70 % of a late 2,000
    assert bank.call({"annuity": 500}) == -1_050  # 1,500 of it were paid: the partner gives back 70 %
    bank.part_of("annuity", {"principal_paid": 1_500, "written_off": 500})
    assert bank.call({"annuity": 0}) == 0  # late before, lost now: it has been paid
    assert bank.guarantee_expected(1_000) == 1_000
    assert bank.guarantee_expected(9_000) == 3_500 - 350
    assert bank.call({"annuity": 10_000}) == 3_500 - 350
    bank.part_of("annuity", {"recovered": 100})
    assert bank.call({"annuity": 0}) == 280 - 3_500  # 350 lost less 70 recovered stay paid


def test_by_share_there_is_no_guarantee() -> None:
    bank = partner()
    bank.part_of("annuity", {"paid_out": 100_000})
    assert (bank.limit(), bank.call({"annuity": 50_000}), bank.guarantee_expected(50_000)) == (0, 0, 0)
