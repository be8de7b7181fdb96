"""The paired statistics, against numbers worked out by hand and against scipy."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from scipy import stats as reference

from sim.study.stats import pair, student, summarise


def test_a_small_table_worked_out_by_hand() -> None:
    # a = 10 12 14 16, b = 11 14 15 20: differences 1 2 1 4, mean 2, variance (1+0+1+4)/3 = 2, error sqrt(2/4).
    got = pair([10, 12, 14, 16], [11, 14, 15, 20])
    assert (got.n, got.n_dropped, got.mean_a, got.mean_b, got.difference) == (4, 0, 13.0, 15.0, 2.0)
    assert got.standard_error == pytest.approx(math.sqrt(0.5), rel=1e-15)
    assert got.low == pytest.approx(2 - 3.182446305284263 * math.sqrt(0.5), rel=1e-12)
    assert got.high == pytest.approx(2 + 3.182446305284263 * math.sqrt(0.5), rel=1e-12)
    # s_a^2 = 20/3, s_b^2 = (16+1+0+25)/3 = 14: 4 * (62/3) / 2 = 41.33, rounded up.
    assert got.n_unpaired == 42
    # covariance (12 + 1 + 0 + 15)/3 = 28/3 over sqrt(20/3 * 14).
    assert got.correlation == pytest.approx(28 / 3 / math.sqrt(20 / 3 * 14), rel=1e-15)


def test_interval_agrees_with_scipy() -> None:
    dice = random.Random(5)
    a = [dice.gauss(100, 10) for _ in range(17)]
    b = [x + dice.gauss(1, 2) for x in a]
    got = pair(a, b)
    interval = reference.ttest_rel(b, a).confidence_interval(0.95)
    assert got.low == pytest.approx(interval.low, rel=1e-12)
    assert got.high == pytest.approx(interval.high, rel=1e-12)
    assert got.correlation == pytest.approx(statistics.correlation(a, b), rel=1e-12)
    wanted = (
        17
        * (statistics.variance(a) + statistics.variance(b))
        / statistics.variance([y - x for x, y in zip(a, b, strict=True)])
    )
    assert got.n_unpaired == math.ceil(wanted)
    assert got.n_unpaired > 17  # positively correlated worlds: pairing saved runs


def test_the_order_of_the_worlds_changes_nothing() -> None:
    dice = random.Random(6)
    a = [dice.uniform(0, 1e15) for _ in range(12)]
    b = [dice.uniform(0, 1e15) for _ in range(12)]
    order = list(range(12))
    dice.shuffle(order)
    assert pair(a, b) == pair([a[i] for i in order], [b[i] for i in order])


def test_interval_covers_as_often_as_it_says() -> None:
    dice = random.Random(7)
    trials = 400
    covered = 0
    for _ in range(trials):
        a = [dice.gauss(0, 1) for _ in range(8)]
        b = [x + 0.5 + dice.gauss(0, 0.3) for x in a]
        got = pair(a, b)
        assert got.low is not None
        assert got.high is not None
        covered += got.low <= 0.5 <= got.high
    # 380 expected, standard deviation 4.4.
    assert 363 <= covered <= 396


def test_one_world_has_a_difference_but_no_interval() -> None:
    got = pair([3.0], [5.0])
    assert (got.difference, got.standard_error, got.low, got.high) == (2.0, None, None, None)
    assert (got.correlation, got.n_unpaired, got.is_clear) == (None, None, False)


def test_identical_sides() -> None:
    got = pair([0.1, 0.2, 0.3], [0.1, 0.2, 0.3])
    assert (got.difference, got.low, got.high, got.is_clear) == (0.0, 0.0, 0.0, False)
    # The worlds vary and the difference does not: no number of unpaired seeds would do.
    assert got.n_unpaired is None
    assert got.correlation == 1.0


def test_a_constant_difference_of_rounded_numbers_has_no_variance() -> None:
    a = [0.1, 0.7, 1.3]
    got = pair(a, [x + 0.2 for x in a])  # not constant to the last bit in floating point
    assert got.standard_error == 0.0
    assert got.low == got.high == got.difference
    assert got.n_unpaired is None
    assert got.is_clear


def test_a_small_true_variance_is_kept() -> None:
    got = pair([1.0, 1.0, 1.0], [1.0, 1.0, 1.0 + 1e-12])
    assert got.standard_error is not None
    assert got.standard_error > 0


def test_nothing_varies_anywhere() -> None:
    got = pair([2, 2, 2], [5, 5, 5])
    assert (got.difference, got.low, got.high, got.n_unpaired, got.correlation) == (3.0, 3.0, 3.0, 3, None)


def test_undefined_worlds_are_dropped_in_pairs_and_counted() -> None:
    got = pair([1.0, None, 3.0, float("nan"), 5.0], [2.0, 9.0, None, 1.0, 7.0])
    assert (got.n, got.n_dropped) == (2, 3)
    assert (got.mean_a, got.mean_b, got.difference) == (3.0, 4.5, 1.5)


def test_a_side_that_is_never_defined_leaves_the_other_mean() -> None:
    got = pair([1.0, 3.0], [None, None])
    assert (got.n, got.n_dropped, got.mean_a, got.mean_b, got.difference) == (0, 2, 2.0, None, None)
    assert (got.low, got.high, got.n_unpaired) == (None, None, None)


def test_fen_of_a_large_book_are_exact() -> None:
    huge = 2**53
    got = pair([huge, huge, huge], [huge + 1, huge + 1, huge + 1])
    assert got.difference == 1.0


def test_pairs_must_be_pairs() -> None:
    with pytest.raises(ValueError, match="2 of A against 1 of B"):
        pair([1, 2], [1])


def test_summary_of_one_side() -> None:
    got = summarise([1.0, 2.0, None, 6.0])
    assert (got.n, got.n_dropped, got.mean) == (3, 1, 3.0)
    assert got.high == pytest.approx(3 + 4.302652729749464 * math.sqrt(7 / 3), rel=1e-12)
    assert summarise([4]).low is None
    assert summarise([]).mean is None


def test_student_quantile() -> None:
    assert student(0.975, 19) == pytest.approx(2.093024054408263, rel=1e-12)


def test_numpy_scalars_are_welcome() -> None:
    import numpy as np

    got = pair(list(np.array([1.5, 2.5])), list(np.array([2, 4], dtype=np.int64)))
    assert got.difference == 1.0
