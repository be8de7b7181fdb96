"""Promotions: the lift on its days, and the stock that is built up before them."""

from __future__ import annotations

import numpy as np
import pytest

from sim.world.decisions import Promotions
from sim.world.parameters import MerchantParameters
from sim.world.promotions import (
    BUY_FROM,
    BUY_UNTIL,
    LEAST_FACTOR,
    after_effect,
    eve,
    has_the_goods,
    largest_ahead,
    lift_by_day,
    lift_of_those_who_join,
    lift_to_stock_for,
    pays_to_join,
    promotion_factor,
    run_up,
    who_it_pays,
)

F = np.float32

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


def test_after_a_promotion_some_of_its_orders_are_missing() -> None:
    lift = lift_by_day(120, 2, [(D11, 1, 6.0, 0)])
    after = after_effect(lift, 0.3, 14)
    assert after[D11, 0] == 6.0
    assert (after[:D11] == 1.0).all()
    assert (after[:, 1] == 1.0).all()
    dip = 1.0 - after[D11 + 1 : D11 + 15, 0].astype(float)
    assert dip.sum() == pytest.approx(0.3 * 5.0, rel=1e-5)
    assert (np.diff(dip) < 0).all()
    assert (after[D11 + 15 :] == 1.0).all()
    assert np.array_equal(after_effect(lift, 0.0, 14), lift)


def test_no_orders_are_missing_on_the_next_promotion_and_never_more_than_all() -> None:
    lift = lift_by_day(120, 1, [(D11, 1, 60.0, None), (D11 + 3, 1, 2.0, None)])
    after = after_effect(lift, 1.0, 14)
    assert after[D11 + 3, 0] == 2.0
    assert after.min() == 0.0


def test_shops_look_ahead_as_far_as_they_buy_and_sign_up_on_the_eve() -> None:
    lift = lift_by_day(120, 2, [(D11, 3, 4.0, 0), (D11 + 1, 1, 6.0, 0)])
    most, begins = largest_ahead(lift), eve(lift)
    assert not most[:, 1].any()
    assert not begins[:, 1].any()
    assert (most[: D11 - BUY_FROM, 0] == 0.0).all()
    assert most[D11 - BUY_FROM, 0] == 3.0
    assert (most[D11 + 1 - BUY_FROM : D11 + 2, 0] == 5.0).all()
    assert most[D11 + 2, 0] == 3.0
    assert np.flatnonzero(begins[:, 0]).tolist() == [D11 - 1, D11]
    assert begins[D11 - 1 : D11 + 1, 0].tolist() == [3.0, 5.0]


@pytest.mark.parametrize(
    ("fit", "margin", "lift", "joins"),
    [
        (1.0, 0.30, 3.0, True),  # three times the orders at two thirds of the margin
        (0.2, 0.30, 3.0, True),  # 1.4 x 0.2 against 0.27
        (0.1, 0.30, 3.0, False),  # 1.2 x 0.2 is less than 0.27
        (1.0, 0.10, 9.0, False),  # the discount takes all there is
        (5.0, 0.30, 1.0, False),  # no promotion
    ],
)
def test_a_promotion_is_joined_if_it_pays(fit: float, margin: float, lift: float, joins: bool) -> None:
    assert bool(pays_to_join(F(fit), F(margin), F(lift - 1.0), F(0.1), F(0.1))) is joins
    many = who_it_pays(np.full(3, fit, F), np.full(3, margin, F), np.full(3, lift - 1.0, F), Promotions())
    assert (many == joins).all()


def test_a_dearer_discount_keeps_more_shops_away_and_a_larger_loss_drives_them_in() -> None:
    rng = np.random.default_rng(1)
    fit, margin = rng.lognormal(-0.3, 0.8, 5000).astype(F), np.clip(rng.normal(0.28, 0.07, 5000), 0.05, 0.9).astype(F)

    def share(**terms: float) -> float:
        return float(who_it_pays(fit, margin, np.full(5000, 1.0, F), Promotions(**terms)).mean())

    assert share(discount=0.05) > share() > share(discount=0.15)
    assert share(drawn_away=0.3) > share()


@pytest.mark.parametrize(("stock", "enough"), [(29.0, False), (30.0, True)])
def test_who_joins_must_have_the_goods(stock: float, enough: bool) -> None:
    """Ten orders a day, twice the season, a lift of three for a shop of mean fit: half of the sixty of the day."""
    assert bool(has_the_goods(F(stock), F(10), F(2), F(1), F(2), F(0.5))) is enough


def test_what_a_promotion_does_to_those_who_join_and_to_the_others() -> None:
    assert promotion_factor(True, F(2), F(4), F(0.1)) == 7.0
    assert promotion_factor(False, F(2), F(4), F(0.1)) == pytest.approx(0.9)
    assert promotion_factor(True, F(1), F(0.8), F(0.1)) == pytest.approx(0.8)
    assert promotion_factor(True, F(6), F(0.8), F(0.1)) == pytest.approx(LEAST_FACTOR)
    assert promotion_factor(False, F(6), F(0.8), F(0.1)) == 1.0
    assert promotion_factor(True, F(6), F(1.0), F(0.1)) == promotion_factor(False, F(6), F(1.0), F(0.1)) == 1.0


@pytest.mark.parametrize("lift", [1.3, 2.5, 6.4])
@pytest.mark.parametrize("terms", [{}, {"discount": 0.2, "drawn_away": 0.3}, {"discount": 0.0, "drawn_away": 0.0}])
def test_the_lift_of_all_shops_is_the_one_that_is_written(lift: float, terms: dict[str, float]) -> None:
    """Over many shops with fit and margin as at birth, those who join and the others together."""
    p = MerchantParameters.model_validate({"promotions": terms})
    own = lift_of_those_who_join(lift, p)
    rng = np.random.default_rng(3)
    fit = np.minimum(rng.lognormal(-0.32, 0.8, 400_000), 6.0).astype(F)
    margin = np.clip(rng.normal(0.28, 0.07, 400_000), 0.05, 0.9).astype(F)
    joins = who_it_pays(fit, margin, np.full(400_000, own - 1.0, F), p.promotions)
    factor = np.where(joins, 1.0 + fit * (own - 1.0), 1.0 - p.promotions.drawn_away)
    assert factor.mean() == pytest.approx(lift, rel=0.01)
    assert own >= 0.97 * lift  # fit is cut at six, so that even if all join they are a little below the mean


def test_where_nobody_can_gain_the_lift_stays_what_is_written() -> None:
    p = MerchantParameters.model_validate({"promotions": {"discount": 0.95}})
    assert lift_of_those_who_join(3.0, p) == 3.0
    assert lift_of_those_who_join(1.0, p) == 1.0
