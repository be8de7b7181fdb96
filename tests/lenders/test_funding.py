"""Who is served first when money is short."""

from __future__ import annotations

import numpy as np
import pytest

from sim.core.draws import uniform
from sim.lenders.policies.funding import ranks, served

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


def test_unknown_orders_and_missing_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="did you mean score"):
        ranks("scores", a_lottery(1))
    with pytest.raises(ValueError, match="needs the scores"):
        ranks("score", a_lottery(1))


def test_service_stops_where_the_money_ends() -> None:
    asked = np.array([40, 30, 20, 10, 5])
    order = np.array([1, 3, 0, 4, 2])  # 30, 10, 40, 5, 20
    assert served(order, asked, 80).tolist() == [True, True, False, True, False]
    assert served(order, asked, 79).tolist() == [False, True, False, True, False]
    assert served(order, asked, 105).all()
    assert not served(order, asked, 0).any()
    assert not served(order, asked, -5).any()
    assert served(np.empty(0, np.int64), np.empty(0, np.int64), 10).size == 0
