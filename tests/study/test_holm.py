"""Holm's step-down: by hand, against the definition, and what it is for."""

from __future__ import annotations

import random

import pytest
from scipy import stats as reference

from sim.study.holm import holm, p_paired
from sim.study.stats import pair


def test_a_small_table_worked_out_by_hand() -> None:
    # Ascending 0.005, 0.01, 0.03, 0.04: times 4, 3, 2, 1 makes 0.02, 0.03, 0.06, 0.04; the last is held at 0.06.
    got = holm([0.01, 0.04, 0.03, 0.005])
    assert got == pytest.approx([0.03, 0.06, 0.06, 0.02], rel=1e-15)


def test_undefined_ones_are_not_counted() -> None:
    assert holm([None, 0.02, None, 0.5]) == [None, 0.04, None, 0.5]
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]  # never above 1, never below a smaller one's


def test_one_alone_is_left_as_it_is() -> None:
    assert holm([0.04]) == [0.04]


def test_it_rejects_what_the_stepwise_definition_rejects() -> None:
    dice = random.Random(3)
    for _ in range(200):
        values = [dice.random() ** 4 for _ in range(6)]
        rejected = set()
        for step, place in enumerate(sorted(range(6), key=values.__getitem__)):
            if values[place] > 0.05 / (6 - step):
                break
            rejected.add(place)
        assert {i for i, p in enumerate(holm(values)) if p is not None and p <= 0.05} == rejected


def test_p_is_that_of_paired_t() -> None:
    dice = random.Random(5)
    a = [dice.gauss(100, 10) for _ in range(17)]
    b = [x + dice.gauss(1, 2) for x in a]
    assert p_paired(pair(a, b)) == pytest.approx(reference.ttest_rel(b, a).pvalue, rel=1e-10)


def test_p_where_t_has_nothing_to_be_measured_by() -> None:
    assert p_paired(pair([1.0, 5.0, 2.0], [1.0, 5.0, 2.0])) == 1.0
    assert p_paired(pair([1, 5, 2], [3, 7, 4])) == 0.25  # two more in each of three worlds: the sign test
    assert p_paired(pair([1.0], [2.0])) is None
    assert p_paired(pair([None, None], [1.0, 2.0])) is None


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1\.2 is no p-value"):
        holm([0.1, 1.2])
    with pytest.raises(ValueError, match="nan is no p-value"):
        holm([float("nan")])
