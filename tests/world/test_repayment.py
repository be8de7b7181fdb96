"""Willingness to repay on worked cases: sanctions move only the unwilling, and fraudsters plan not to pay."""

from __future__ import annotations

import numpy as np
import pytest

from sim.core import draws
from sim.core.merchants import FRAUDSTER, HONEST, OPPORTUNIST
from sim.world.repayment import (
    CAUSES,
    FRAUD,
    UNABLE,
    UNWILLING,
    days_forgotten,
    forgets,
    is_still_forgotten,
    is_willing,
    shop_worth,
)

HUGE = 10**12


def willing(
    integrity: int, due: float, *, struck: bool = False, shop: float = 0.0, limit: int = 0, sanction: float = 0.0
) -> bool:
    """A yuan of limit that would be lost is worth a fifth."""
    return bool(is_willing.py_func(integrity, struck, due, shop, limit, 0.2, sanction))


def test_a_shop_is_worth_its_gross_profit_on_the_platform() -> None:
    """120 days of 1,000 fen at 25 %, nine tenths of them on the platform."""
    assert shop_worth.py_func(1.0, 0.25, 1_000.0, 0.1, 120.0, True) == pytest.approx(27_000.0)
    assert shop_worth.py_func(2.0, 0.25, 1_000.0, 0.1, 120.0, True) == pytest.approx(54_000.0)
    assert shop_worth.py_func(1.0, 0.25, 1_000.0, 1.0, 120.0, True) == 0.0
    assert shop_worth.py_func(1.0, 0.25, 1_000.0, 0.1, 120.0, False) == 0.0


def test_the_honest_always_would_pay() -> None:
    assert willing(HONEST, HUGE)
    assert willing(HONEST, HUGE, struck=True)


def test_a_fraudster_pays_until_it_strikes() -> None:
    assert willing(FRAUDSTER, HUGE)
    assert not willing(FRAUDSTER, 1, struck=True, shop=HUGE, limit=HUGE, sanction=HUGE)


@pytest.mark.parametrize(
    ("due", "shop", "limit", "sanction", "pays"),
    [
        (30_000, 27_000.0, 0, 3_000.0, True), (30_001, 27_000.0, 0, 3_000.0, False),
        (30_001, 27_000.0, 10, 3_000.0, True), (50_000, 27_000.0, 100_000, 3_000.0, True),
        (1, 0.0, 0, 0.0, False), (0, 0.0, 0, 0.0, True),
    ],
)  # fmt: skip
def test_an_opportunist_weighs_the_debt(due: int, shop: float, limit: int, sanction: float, pays: bool) -> None:
    assert willing(OPPORTUNIST, due, shop=shop, limit=limit, sanction=sanction) == pays


def test_sanctions_move_only_the_unwilling() -> None:
    for integrity, struck in ((HONEST, False), (FRAUDSTER, False), (FRAUDSTER, True)):
        assert willing(integrity, 9_999, struck=struck) == willing(integrity, 9_999, struck=struck, sanction=HUGE)
    assert willing(OPPORTUNIST, 9_999, sanction=HUGE) != willing(OPPORTUNIST, 9_999)


def test_reminders_act_on_forgetting() -> None:
    """A chance of 8 % without a reminder, of 3.2 % with one that takes six tenths away."""
    u = draws.uniform(1, "repay.forget", 4383, np.arange(100_000))
    for has_reminder, chance in ((False, 0.08), (True, 0.032)):
        found = np.array([forgets.py_func(one, 0.08, 0.6, has_reminder) for one in u])
        assert found.mean() == pytest.approx(chance, abs=5 * np.sqrt(chance / u.size))
    assert not forgets.py_func(0.05, 0.08, 0.6, True)  # who forgets in spite of a reminder forgets without one too
    assert forgets.py_func(0.05, 0.08, 0.6, False)
    assert forgets.py_func(0.03, 0.08, 0.6, True)


def test_what_was_forgotten_comes_to_mind_after_some_days() -> None:
    """Days are geometric, with the mean that the keeping chance of four fifths a day gives: five."""
    u = draws.uniform(1, "repay.forget", 4383, np.arange(100_000), 1)
    days = np.array([days_forgotten.py_func(one, np.log(0.8)) for one in u])
    assert days.min() == 1
    assert days.mean() == pytest.approx(5.0, abs=5 * np.sqrt(20.0 / u.size))  # variance keep / (1 - keep)^2
    assert (days > 3).mean() == pytest.approx(0.8**3, abs=0.01)
    assert days_forgotten.py_func(0.5, 0.0) == 1


def test_every_reminder_takes_its_part_of_what_is_still_forgotten() -> None:
    u = draws.uniform(1, "repay.forget", 4383, np.arange(100_000), 2)
    for n_told in range(4):
        left = np.array([is_still_forgotten.py_func(3, 9, one, 0.6, n_told) for one in u])
        assert left.mean() == pytest.approx(0.4**n_told, abs=0.01)
    assert is_still_forgotten.py_func(8, 9, 0.5, 0.6, 0)
    assert not is_still_forgotten.py_func(9, 9, 0.5, 0.6, 0)  # of its own accord


def test_causes_are_positions_in_their_names() -> None:
    assert [CAUSES[code] for code in (0, UNABLE, UNWILLING, FRAUD)] == ["", "unable", "unwilling", "fraud"]
