"""Designs: written values, distinct points in a fixed order, and refusals that name the factor."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from sim.core.money import parse_money, parse_rate
from sim.study import designs
from sim.study.designs import Factor

PRICE = Factor("price", "lenders.ali.products.order_loan.rate", "lever", low=0.03, high=0.06, unit=" %/day")
CUTOFF = Factor("cutoff", "lenders.ali.scoring.cutoff", "lever", values=(0.5, 0.6, 0.7))
WEEKS = Factor("weeks", "world.weeks", "world", low=1, high=4, is_whole=True)
SIZE = Factor("size", "world.size", "world", low=0.01, high=100.0, is_log=True)


def test_values_take_equal_parts_of_the_unit_interval() -> None:
    grid = np.linspace(0, 1, 300, endpoint=False)
    taken = [CUTOFF.at(u) for u in grid]
    assert [taken.count(value) for value in CUTOFF.values] == [100, 100, 100]
    assert CUTOFF.at(1.0) == 0.7
    whole = [WEEKS.at(u) for u in np.linspace(0, 1, 400, endpoint=False)]
    assert [whole.count(n) for n in (1, 2, 3, 4)] == [100, 100, 100, 100]
    assert all(type(n) is int for n in whole)


def test_a_range_is_written_with_its_unit_and_reaches_both_ends() -> None:
    assert (PRICE.at(0.0), PRICE.at(0.5), PRICE.at(1.0)) == ("0.03 %/day", "0.045 %/day", "0.06 %/day")
    assert SIZE.at(0.5) == pytest.approx(1.0)  # the middle in logarithms
    narrow = Factor("narrow", "k", "world", low=1000.0, high=1000.5)
    assert len({narrow.at(u) for u in np.linspace(0, 1, 50)}) == 50


@pytest.mark.parametrize("unit", [" %/day", " %/month", " %/year", " %/day (360)"])
def test_every_rate_of_a_range_is_one_that_a_scenario_reads(unit: str) -> None:
    factor = Factor("rate", "k", "lever", low=0.0312, high=0.0617, unit=unit)
    for u in np.linspace(0, 1, 97):
        assert parse_rate(factor.at(u)).ppm_year > 0


@pytest.mark.parametrize("unit", [" yuan", " k yuan", " m yuan", " fen"])
def test_every_amount_of_a_range_is_one_that_a_scenario_reads(unit: str) -> None:
    factor = Factor("equity", "k", "lever", low=1, high=3, unit=unit)
    for u in np.linspace(0, 1, 97):
        assert parse_money(factor.at(u)) > 0


def test_the_number_of_a_written_value() -> None:
    assert PRICE.number("0.045 %/day") == 0.045
    rates = Factor("r", "k", "lever", values=("0.06 %/day", "0.04 %/day"))
    assert [rates.number(v) for v in rates.values] == [0.06, 0.04]
    mixed = Factor("m", "k", "lever", values=("1 m yuan", "900 k yuan"))
    assert [mixed.number(v) for v in mixed.values] == [0.0, 1.0]  # not of one unit: their places
    named = Factor("n", "k", "lever", values=("soft", "hard", True, 1))
    assert [named.number(v) for v in named.values] == [0.0, 1.0, 2.0, 3.0]
    dates = Factor("d", "k", "world", values=("2012-05-01", "2012-03-01"))
    assert dates.number("2012-03-01") == 1.0
    with pytest.raises(ValueError, match=r"n: kind is none of its values; allowed: soft"):
        named.number("kind")
    with pytest.raises(ValueError, match=r"price: 0.04 %/year is no number of its range; write it as 0.03 %/day"):
        PRICE.number("0.04 %/year")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "neither values nor a range"),
        ({"values": (1, 2), "low": 0, "high": 1}, "both values and a range"),
        ({"values": (1, 2, 1)}, "the value 1 stands twice"),
        ({"low": 2, "high": 1}, "2 is not below 1"),
        ({"low": 0, "high": 1, "is_log": True}, "0 has no logarithm"),
        ({"low": 0.2, "high": 0.8, "is_whole": True}, "no whole number"),
    ],
)
def test_a_factor_that_is_none_is_refused_by_name(more: dict, said: str) -> None:
    with pytest.raises(ValueError, match=f"^price: .*{said}.*; "):
        Factor("price", "k", "lever", **more)


def test_a_grid_crosses_all_values_in_order() -> None:
    other = Factor("collect", "k", "lever", values=("soft", "hard"))
    points = designs.grid([CUTOFF, other])
    assert len(points) == designs.count("grid", [CUTOFF, other]) == 6
    assert points[0] == {"cutoff": 0.5, "collect": "soft"}
    assert points[1] == {"cutoff": 0.5, "collect": "hard"}
    assert list(points[5]) == ["cutoff", "collect"]
    with pytest.raises(ValueError, match=r"^price: a grid needs values"):
        designs.grid([CUTOFF, PRICE])


def test_a_thousand_million_points_are_counted_and_never_made() -> None:
    many = [Factor(f"f{n}", "k", "lever", values=tuple(range(1000))) for n in range(3)]
    assert designs.count("grid", many) == 10**9
    with pytest.raises(
        ValueError, match=r"grid: 1,000,000,000 points; at most 1,000,000, f0 has the most values, 1000"
    ):
        designs.grid(many)
    with pytest.raises(ValueError, match=r"latin_hypercube: 1,000,000,000 points"):
        designs.latin_hypercube(many, 10**9, 1)


def test_a_latin_hypercube_fills_every_part_of_every_range_once() -> None:
    wide = [Factor(name, name, "world", low=0.0, high=1.0) for name in "abc"]
    points = designs.latin_hypercube(wide, 50, 3)
    assert len(points) == 50
    for name in "abc":
        for part, value in enumerate(sorted(point[name] for point in points)):
            # Values are written with four decimals.
            assert part / 50 - 1e-4 <= value <= (part + 1) / 50 + 1e-4


def test_a_sobol_design_is_even_in_every_half_and_quarter() -> None:
    wide = [Factor(name, name, "world", low=0.0, high=1.0) for name in "ab"]
    points = designs.sobol(wide, 64, 3)
    cells = np.array([[int(p["a"] * 4 - 1e-6), int(p["b"] * 4 - 1e-6)] for p in points])
    counts = np.array([(cells == [i, j]).all(axis=1).sum() for i in range(4) for j in range(4)])
    assert counts.tolist() == [4] * 16
    assert "64 or 128" in designs.advice("sobol", 100)
    assert designs.advice("sobol", 64) == designs.advice("latin_hypercube", 100) == ""
    assert "too few" in designs.advice("sobol_indices", 8)


@pytest.mark.parametrize("draw", [designs.latin_hypercube, designs.sobol])
def test_the_same_seed_gives_the_same_points_and_another_gives_others(draw) -> None:
    factors = [PRICE, SIZE]
    assert draw(factors, 16, 7) == draw(factors, 16, 7) != draw(factors, 16, 8)


@pytest.mark.parametrize("draw", [designs.latin_hypercube, designs.sobol])
def test_points_that_coincide_are_told_once(draw) -> None:
    points = draw([CUTOFF, Factor("on", "k", "lever", values=(True, False))], 64, 1)
    assert len(points) == len({repr(p) for p in points}) == 6


def test_rows_are_checked_one_by_one() -> None:
    factors = [CUTOFF, PRICE]
    good = {"price": "0.05 %/day", "cutoff": 0.6}
    assert designs.rows(factors, [good]) == ({"cutoff": 0.6, "price": "0.05 %/day"},)
    for bad, said in (
        ({**good, "pric": 1}, r"row 2: no factor pric; did you mean price\?"),
        ({"price": "0.05 %/day"}, "row 2: cutoff is missing"),
        ({**good, "cutoff": 0.65}, "row 2: cutoff: 0.65 is none of its values; allowed: 0.5, 0.6, 0.7"),
        ({**good, "price": "0.09 %/day"}, "row 2: price: 0.09 %/day is outside its range; allowed: 0.03 to 0.06 %/day"),
        (good, "row 2: the same point as row 1"),
    ):
        with pytest.raises(ValueError, match=said):
            designs.rows(factors, [good, bad])
    with pytest.raises(ValueError, match="rows: there is none"):
        designs.rows(factors, [])


def test_one_at_a_time_leaves_the_base_by_one_factor() -> None:
    words = Factor("collect", "k", "lever", values=("soft", "firm", "hard"))
    base = {"cutoff": 0.6, "collect": "firm"}
    points = designs.one_at_a_time([CUTOFF, PRICE, words], base)
    assert points[0] == base
    changes = [{k: v for k, v in p.items() if base.get(k) != v} for p in points[1:]]
    wanted = [{"cutoff": 0.5}, {"cutoff": 0.7}, {"price": "0.03 %/day"}, {"price": "0.06 %/day"}]
    assert changes == [*wanted, {"collect": "soft"}, {"collect": "hard"}]
    assert len(points) <= designs.count("one_at_a_time", [CUTOFF, PRICE, words])
    assert designs.one_at_a_time([CUTOFF], {"cutoff": 0.5}) == ({"cutoff": 0.5}, {"cutoff": 0.7})
    with pytest.raises(ValueError, match=r"base: no factor cutof; did you mean cutoff\?"):
        designs.one_at_a_time([CUTOFF], {"cutof": 1})


def test_a_morris_trajectory_changes_one_factor_at_each_step() -> None:
    factors = [CUTOFF, WEEKS, SIZE]
    sampling = designs.morris(factors, 5, 1)
    assert sampling.place.shape == (designs.count("morris", factors, 5),) == (20,)
    assert len(sampling.points) == len({repr(p) for p in sampling.points})
    for start in range(0, 20, 4):
        walk = [sampling.points[place] for place in sampling.place[start : start + 4]]
        changed = [[k for k in a if a[k] != b[k]] for a, b in pairwise(walk)]
        assert sorted(name for step in changed for name in step) == ["cutoff", "size", "weeks"]


def test_a_saltelli_block_crosses_two_samples() -> None:
    factors = [PRICE, SIZE]
    sampling = designs.saltelli(factors, 8, 1)
    assert len(sampling.place) == designs.count("sobol_indices", factors, 8) == 32
    first, with_price, with_size, other = (sampling.points[place] for place in sampling.place[:4])
    assert with_price == {"price": other["price"], "size": first["size"]}
    assert with_size == {"price": first["price"], "size": other["size"]}


def test_an_unknown_kind_has_its_nearest_named() -> None:
    with pytest.raises(ValueError, match=r"no kind sobel; allowed: list, .*did you mean sobol"):
        designs.count("sobel", [CUTOFF])
