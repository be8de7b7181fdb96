"""Who would answer for whom: Ghatak's payoff, and the groups that follow from it."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from sim.core import draws
from sim.core.merchants import FRAUDSTER, HONEST, OPPORTUNIST, Merchants
from sim.world.peers import chance_to_succeed, group_payoff


def test_the_payoff_on_paper() -> None:
    """0.9 x 1,000 - (500 x 0.9 + 200 x 0.9 x (1 - 0.8)) = 414."""
    assert group_payoff(0.9, 0.8, 1_000, 500, 200) == pytest.approx(414.0)


def pairs(people: tuple[int, ...]) -> list[list[tuple[int, int]]]:
    """Every way to make pairs of an even number of people."""
    if not people:
        return [[]]
    first, rest = people[0], people[1:]
    return [
        [(first, other), *others]
        for other in rest
        for others in pairs(tuple(one for one in rest if one != other))
    ]


@pytest.mark.parametrize("seed", range(20))
def test_pairs_in_the_order_of_safety_are_stable_and_worth_most(seed: int) -> None:
    """No two would rather leave their partners for each other, and no other pairs gain more together (facts C.12)."""
    p = np.sort(draws.uniform(seed, "policy.coin", draws.ONCE, np.arange(6)))

    def gains(i: int, j: int) -> float:
        return float(group_payoff(p[i], p[j], 1_000, 500, 200))

    ours = [(0, 1), (2, 3), (4, 5)]
    worth = {tuple(way): sum(gains(i, j) + gains(j, i) for i, j in way) for way in pairs(tuple(range(6)))}
    assert max(worth, key=worth.__getitem__) == tuple(ours)
    partner = {i: j for a, b in ours for i, j in ((a, b), (b, a))}
    for i, j in combinations(range(6), 2):
        assert not (gains(i, j) > gains(i, partner[i]) and gains(j, i) > gains(j, partner[j]))


def test_neighbours_know_the_character_and_the_till() -> None:
    m = Merchants(4, 0)
    m.integrity[:] = (HONEST, OPPORTUNIST, FRAUDSTER, HONEST)
    m.wallet[:], m.fixed_cost[:] = 100_000.0, 1_000.0
    m.wallet[3] = 0.0
    chance = chance_to_succeed(m, np.arange(4))
    assert chance[0] > chance[1] > chance[2] > 0
    assert chance[0] == pytest.approx(1.0 - 0.5 * np.exp(-100 / 30))
    assert chance[3] == pytest.approx(0.5)
