"""Who is served first when money is short."""

from __future__ import annotations

import numpy as np
import pytest

from sim.core.draws import uniform
from sim.lenders.policies.funding import filled, ranks, served, shared

IDS = np.array([44, 7, 301, 12, 95, 1_000_003, 18], np.int64)


def a_lottery(day: int, ids: np.ndarray = IDS) -> np.ndarray:
    return uniform(1, "policy.coin", day, ids, 0)


def test_the_lottery_is_drawn_anew_every_day_and_favours_nobody() -> None:
    first = [int(IDS[ranks("hashed", a_lottery(day))[0]]) for day in range(700)]
    wins = [first.count(one) for one in IDS]
    assert min(wins) > 60  # 100 expected, standard deviation 9.3
    assert max(wins) < 140


def test_who_is_served_does_not_depend_on_where_he_stands() -> None:
    order = IDS[ranks("hashed", a_lottery(5))]
    shuffled = IDS[[3, 0, 6, 1, 5, 2, 4]]
    assert np.array_equal(shuffled[ranks("hashed", a_lottery(5, shuffled))], order)


def test_the_best_score_comes_first_and_equals_draw_lots() -> None:
    score = np.array([0.5, 0.9, 0.9, 0.1, 0.9, 1.0, 0.5])
    coin = a_lottery(5)
    order = ranks("score", coin, score)
    assert np.all(np.diff(score[order]) <= 0)
    tied = order[1:4]
    assert set(tied) == {1, 2, 4}
    assert np.all(np.diff(coin[tied]) > 0)


def test_who_is_expected_to_earn_most_comes_first() -> None:
    score, rate = np.array([0.99, 0.80, 0.99, 0.99]), np.array([182_500, 400_000, 219_000, 182_500])
    order = ranks("profit", np.array([0.9, 0.1, 0.5, 0.2]), score, rate)
    # a yuan earns 0.99 x 0.1825 - 0.006 = 0.1747; 0.2; 0.2108; 0.1747 again, which the lottery puts before the first
    assert order.tolist() == [2, 1, 3, 0]


def test_who_asks_for_more_than_is_left_is_passed_over_where_profit_counts() -> None:
    asked, order = np.array([40, 30, 20, 10, 5]), np.array([1, 3, 0, 4, 2])  # 30, 10, 40, 5, 20
    assert filled(order, asked, 79).tolist() == [False, True, True, True, True]
    assert filled(order, asked, 50).tolist() == [False, True, False, True, True]
    assert not filled(order, asked, -5).any()


def test_a_like_part_for_all_is_whole_steps_and_never_too_much() -> None:
    asked = np.array([100_000, 50_000, 0, 30_000_000_000, 10_000])
    assert shared(asked, int(asked.sum()), 10_000).tolist() == asked.tolist()
    half = shared(asked, int(asked.sum()) // 2, 10_000)
    assert half.tolist() == [50_000, 20_000, 0, 15_000_000_000, 0]
    assert int(half.sum()) <= int(asked.sum()) // 2
    assert not shared(asked, 0, 10_000).any()
    assert not shared(asked, -5, 10_000).any()
    assert shared(np.array([2**40, 2**40]), 2**40, 1).tolist() == [2**39, 2**39]


def test_unknown_orders_and_missing_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="did you mean score"):
        ranks("scores", a_lottery(1))
    for order in ("score", "profit"):
        with pytest.raises(ValueError, match="needs the scores"):
            ranks(order, a_lottery(1))
    with pytest.raises(ValueError, match="needs the rates"):
        ranks("profit", a_lottery(1), np.ones(IDS.size))


def test_service_stops_where_the_money_ends() -> None:
    asked = np.array([40, 30, 20, 10, 5])
    order = np.array([1, 3, 0, 4, 2])  # 30, 10, 40, 5, 20
    assert served(order, asked, 80).tolist() == [True, True, False, True, False]
    assert served(order, asked, 79).tolist() == [False, True, False, True, False]
    assert served(order, asked, 105).all()
    assert not served(order, asked, 0).any()
    assert not served(order, asked, -5).any()
    assert served(np.empty(0, np.int64), np.empty(0, np.int64), 10).size == 0
