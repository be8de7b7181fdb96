"""Rests and hot products."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from sim.world.decisions import Spells
from sim.world.spells import (
    LONGEST,
    MOST_PRONE,
    new_spell,
    proneness,
    proneness_of,
    rest_chance,
    rest_of_tonight,
    rest_of_youth,
    share_at_rest,
    spell_factor,
    spell_length,
)

F = np.float32


@pytest.mark.parametrize(("orders", "chance"), [(0.0, 0.008), (3.0, 0.004), (99.0, 0.0008)])
def test_the_chance_to_rest_falls_with_orders(orders: float, chance: float) -> None:
    assert rest_chance(F(orders), F(0.008), F(0.5)) == pytest.approx(chance, rel=1e-5)


def test_one_uniform_gives_the_chance_and_the_length() -> None:
    """Over an even grid of uniforms: the shares that begin, and the mean lengths, are the parameters'."""
    n = 200_000
    grid = ((np.arange(n) + 0.5) / n).astype(F)
    found = np.array([new_spell(u, F(0.05), F(1), F(9), F(0.02), F(3)) for u in grid[grid > 0.9]], float)
    rests, hot = -found[found < 0], found[found > 0]
    assert rests.size / n == pytest.approx(0.05, rel=1e-3)
    assert hot.size / n == pytest.approx(0.02, rel=1e-3)
    # whole days of an exponential time: floor makes it geometric, of mean 1/(e^(1/mean) - 1)
    assert rests.mean() == pytest.approx(1.0 + 1.0 / (np.exp(1.0 / 9.0) - 1.0), rel=0.01)
    assert hot.mean() == pytest.approx(1.0 + 1.0 / (np.exp(1.0 / 3.0) - 1.0), rel=0.01)
    assert (found[: int(0.02 * n)] == 0).all()


def test_who_leaves_is_not_who_rests() -> None:
    """Leaving uses the lower end of the uniform's range, spells the upper one."""
    assert all(new_spell(F(u), F(0.008), F(1), F(13), F(0.0005), F(3)) == 0.0 for u in (1e-7, 0.01, 0.5, 0.99))
    assert new_spell(F(0.9999), F(0.008), F(1), F(13), F(0.0005), F(3)) < 0.0
    assert new_spell(F(0.9918), F(0.008), F(1), F(13), F(0.0005), F(3)) > 0.0


def test_nothing_begins_where_nothing_may() -> None:
    assert all(new_spell(F(1.0 - 2.0**-24 * k), F(0), F(1), F(13), F(0), F(3)) == 0.0 for k in range(1, 9))


def test_a_spell_has_a_longest() -> None:
    assert spell_length(F(1e-30), F(7), F(60)) == LONGEST
    assert spell_length(F(0.999999), F(7), F(4)) == 7.0


@pytest.mark.parametrize(("spell", "factor"), [(-3, 0.0), (-1, 0.0), (0, 1.0), (1, 4.0), (9, 4.0)])
def test_what_a_spell_does_to_demand(spell: int, factor: float) -> None:
    assert spell_factor(np.int8(spell), F(4), F(0)) == factor
    assert spell_factor(np.int8(spell), F(4), F(0.01)) == pytest.approx(factor if spell >= 0 else 0.01)


def test_shops_close_some_days_before_the_festival() -> None:
    """The Spring Festival of 2012 was on 23 January."""
    p = Spells()
    assert rest_of_tonight(p, date(2012, 1, 19)) == (0.5, 7, 4)
    assert rest_of_tonight(p, date(2012, 1, 18)) == rest_of_tonight(p, date(2012, 1, 20)) == (Spells().rest, 1, 13)
    assert rest_of_tonight(p, date(2040, 12, 30)) == (Spells().rest, 1, 13)  # beyond the tabled years


def test_how_prone_shops_are_differs_around_the_usual() -> None:
    z = np.linspace(-3.0, 3.0, 601).astype(F)
    found = np.array([proneness(one, F(0.8)) for one in z])
    assert np.log(found) == pytest.approx(0.8 * z - 0.32, abs=1e-4)
    assert proneness(F(6.0), F(2.0)) == MOST_PRONE
    weight = np.exp(-0.5 * z.astype(float) ** 2)
    assert (weight @ found) / weight.sum() == pytest.approx(1.0, rel=0.02)


def test_shops_are_born_as_prone_as_they_live() -> None:
    ids = np.arange(1, 5_001)
    assert proneness_of(Spells(), 3, ids) == (1.0, 1.0)
    rests, hots = proneness_of(Spells(rest_sigma=1.0, hot_sigma=0.5), 3, ids)
    assert np.log(rests).std() == pytest.approx(1.0, rel=0.05)
    assert np.log(hots).std() == pytest.approx(0.5, rel=0.05)
    assert abs(np.corrcoef(np.log(rests), np.log(hots))[0, 1]) < 0.05
    orders = np.full(2, 3.0)
    usual, prone = share_at_rest(Spells(), orders), share_at_rest(Spells(), orders, np.array([1.0, 2.0]))
    assert prone[0] == usual[0]
    assert prone[1] / (1.0 - prone[1]) == pytest.approx(2.0 * usual[1] / (1.0 - usual[1]), rel=0.02)


@pytest.mark.parametrize(("age", "chance"), [(0.0, 0.02), (5.0, 0.02 / np.e), (200.0, 0.0)])
def test_a_new_shop_may_rest_again_at_once(age: float, chance: float) -> None:
    assert rest_of_youth(F(age), F(0.02), F(5)) == pytest.approx(chance, rel=1e-4, abs=1e-9)


def test_the_closure_of_the_festival_has_its_days() -> None:
    assert rest_of_tonight(Spells(festival_days="25 days"), date(2012, 1, 19)) == (0.5, 7, 18)
