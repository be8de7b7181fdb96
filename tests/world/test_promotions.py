"""Promotions: the lift on its days, and the stock that is built up before them."""

from __future__ import annotations

import numpy as np
import pytest

from sim.world.promotions import BUY_FROM, BUY_UNTIL, lift_by_day, lift_to_stock_for, run_up

D11 = 60  # day of the promotion


def test_a_promotion_lifts_its_days_and_no_others() -> None:
    lift = lift_by_day(100, 3, [(D11, 1, 6.4, None)])
    assert lift.shape == (100, 3)
    assert (lift[D11] == np.float32(6.4)).all()
    assert (np.delete(lift, D11, axis=0) == 1.0).all()


def test_a_promotion_of_one_category_leaves_the_others_alone() -> None:
    lift = lift_by_day(100, 3, [(D11, 3, 2.5, 1)])
    assert (lift[D11 : D11 + 3, 1] == 2.5).all()
    assert lift.sum() == 300 + 3 * 1.5


def test_where_two_meet_the_larger_holds() -> None:
    promotions = [(10, 5, 3.0, None), (12, 5, 2.0, None), (13, 1, 9.0, 0)]
    expected = [1, 1, 3, 3, 3, 9, 3, 2, 2, 1]
    for order in (promotions, promotions[::-1]):
        assert lift_by_day(30, 2, order)[8:18, 0].tolist() == expected


@pytest.mark.parametrize("first", [-10, -3, 28, 30, 99])
def test_days_outside_the_run_are_left_out(first: int) -> None:
    lift = lift_by_day(30, 1, [(first, 5, 4.0, None)])[:, 0]
    assert np.flatnonzero(lift > 1).tolist() == [day for day in range(first, first + 5) if 0 <= day < 30]


def test_a_promotion_may_also_repel() -> None:
    lift = lift_by_day(5, 1, [(2, 1, 0.5, None)])
    assert lift[:, 0].tolist() == [1, 1, 1, 1, 1]  # the larger holds: an ordinary day is at least one


def test_shops_stock_up_in_the_weeks_before() -> None:
    """The wish begins 35 days before, is whole 6 days before, holds to the day itself, and ends with it."""
    wish = lift_to_stock_for(lift_by_day(100, 2, [(D11, 1, 6.4, None)]))[:, 0]
    assert not wish[: D11 - BUY_FROM + 1].any()
    assert wish[D11 - BUY_FROM + 1] > 0
    assert np.allclose(wish[D11 - BUY_UNTIL : D11 + 1], 5.4)
    assert not wish[D11 + 1 :].any()
    rise = np.diff(wish[D11 - BUY_FROM : D11 - BUY_UNTIL + 1])
    assert np.allclose(rise, 5.4 / (BUY_FROM - BUY_UNTIL), rtol=1e-4)


def test_the_wish_covers_all_days_of_a_promotion_that_are_left() -> None:
    wish = lift_to_stock_for(lift_by_day(100, 1, [(50, 4, 3.0, None)]))[:, 0]
    assert np.allclose(wish[50:55], [8, 6, 4, 2, 0])
    assert wish[44] == pytest.approx(2 * (1 + 28 / 29 + 27 / 29 + 26 / 29))


def test_a_promotion_early_in_the_run_is_stocked_for_from_the_first_day() -> None:
    wish = lift_to_stock_for(lift_by_day(100, 1, [(3, 1, 2.0, None)]))[:, 0]
    assert np.allclose(wish[:5], [1, 1, 1, 1, 0])


def test_ordinary_days_ask_for_nothing() -> None:
    assert not lift_to_stock_for(np.ones((20, 3), np.float32)).any()
    assert not lift_to_stock_for(np.full((20, 3), 0.5, np.float32)).any()


def test_shops_advertise_more_from_some_days_before_a_promotion_to_its_end() -> None:
    wish = run_up(lift_by_day(100, 2, [(D11, 2, 4.0, 0), (D11 + 4, 1, 2.0, 0)]), 10)
    assert not wish[:, 1].any()
    assert not wish[: D11 - 10, 0].any()
    assert (wish[D11 - 10 : D11 + 2, 0] == 0.75).all()
    assert (wish[D11 + 2 : D11 + 5, 0] == 0.5).all()
    assert not wish[D11 + 5 :].any()
