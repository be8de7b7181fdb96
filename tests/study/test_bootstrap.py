"""The bootstrap over worlds: as scipy has it, the same to the bit, silent where it knows too little."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scipy import stats as reference

from sim.study.bootstrap import LEAST_WORLDS, bca, resampled_sums
from sim.study.stats import pair


def skewed(n: int, seed: int) -> tuple[list[float], list[float]]:
    dice = random.Random(seed)
    a = [dice.gauss(100, 10) for _ in range(n)]
    return a, [x + dice.expovariate(1.0) for x in a]


@pytest.mark.parametrize("n", [8, 15, 40])
def test_it_agrees_with_scipy(n: int) -> None:
    a, b = skewed(n, n)
    differences = np.array(b) - np.array(a)
    got = bca(a, b)
    assert got is not None
    wanted = reference.bootstrap(
        (differences,), np.mean, n_resamples=99_999, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    # An end is a quantile of 9,999 resamples: its own error is about 0.03 standard errors of the mean, 0.12 is four.
    error = differences.std(ddof=1) / n**0.5
    assert got[0] == pytest.approx(wanted.low, abs=0.12 * error)
    assert got[1] == pytest.approx(wanted.high, abs=0.12 * error)


def test_it_leans_to_the_side_of_the_long_tail_as_t_does_not() -> None:
    a, b = skewed(30, 3)
    low, high = bca(a, b) or (0.0, 0.0)
    middle = pair(a, b).difference or 0.0
    assert high - middle > 1.05 * (middle - low)


def test_the_same_to_the_bit_in_whatever_order_the_worlds_come() -> None:
    a, b = skewed(20, 4)
    order = random.Random(1).sample(range(20), 20)
    assert bca(a, b) == bca([a[i] for i in order], [b[i] for i in order])
    # Pinned: a change of these two numbers is a change of every published interval.
    assert bca(list(range(10)), [x + (x % 3) for x in range(10)]) == (0.4, 1.4)


def test_few_worlds_have_no_interval() -> None:
    a, b = skewed(LEAST_WORLDS, 5)
    assert bca(a, b) is not None
    assert bca(a[1:], b[1:]) is None
    assert bca([*a[1:], None], b) is None  # a world without a value is none
    assert bca([], []) is None


def test_a_constant_difference_is_its_own_interval() -> None:
    a = [0.1 * i for i in range(12)]
    assert bca(a, a) == (0.0, 0.0)
    low, high = bca(a, [x + 0.3 for x in a]) or (0.0, 0.0)
    assert low == high == pytest.approx(0.3, rel=1e-14)


def test_one_world_unlike_the_others_is_within_reach() -> None:
    low, high = bca([0.0] * 10, [0.0] * 9 + [1.0]) or (1.0, 0.0)
    assert low == 0.0
    assert 0.1 < high <= 1.0


def test_large_books_keep_their_last_fen() -> None:
    huge = 2**50
    steps = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    low, high = bca([huge] * 10, [huge + step for step in steps]) or (0.0, 0.0)
    assert (low, high) == bca([0] * 10, steps)


def test_resamples_are_shared_by_all_measures_of_so_many_worlds() -> None:
    ones, twos = resampled_sums([1.0, 2.0, 4.0]), resampled_sums([2.0, 4.0, 8.0])
    assert np.array_equal(2 * ones, twos)
    assert ones.mean() == pytest.approx(7.0, abs=0.1)


def test_what_is_asked_must_make_sense() -> None:
    with pytest.raises(ValueError, match="a level of 95; it lies between 0 and 1"):
        bca([1.0], [1.0], level=95)
    with pytest.raises(ValueError, match="10 resamples; at least 99"):
        bca([1.0], [1.0], resamples=10)
    with pytest.raises(ValueError, match="2 of A against 1 of B"):
        bca([1.0, 2.0], [1.0])
